/**
 * The hash by which Nix knows a folder: SHA-256 over its "Nix archive", a form of the folder in which nothing is left to
 * chance. Names stand in the order of their bytes; of a file's mode only whether it is executable counts, of a link only
 * where it leads; times and owners do not exist.
 *
 * The format is figure 5.2 of Eelco Dolstra, "The Purely Functional Software Deployment Model" (2006): every token is its
 * length in eight bytes, little end first, and its bytes, filled up with zeros to a multiple of eight.
 */
import { createHash, type Hash } from "node:crypto"
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import { join } from "node:path"

/** The hash of a file, link or folder as `nix hash path` prints it: `sha256-` and base 64. Throws where it cannot be read. */
export const archiveHash = (path: string): string => {
  const hash = createHash("sha256")
  write(hash, "nix-archive-1")
  writeNode(hash, path)
  return `sha256-${hash.digest("base64")}`
}

const write = (hash: Hash, token: string | Buffer): void => {
  const bytes = Buffer.from(token)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(bytes.length))
  hash.update(length).update(bytes).update(Buffer.alloc((8 - bytes.length % 8) % 8))
}

const writeNode = (hash: Hash, path: string): void => {
  const tokens = (...all: ReadonlyArray<string | Buffer>) => {
    for (const token of all) write(hash, token)
  }
  const status = lstatSync(path)
  tokens("(", "type")
  if (status.isSymbolicLink()) {
    tokens("symlink", "target", readlinkSync(path))
  } else if (status.isDirectory()) {
    tokens("directory")
    const names = readdirSync(path).toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
    for (const name of names) {
      tokens("entry", "(", "name", name, "node")
      writeNode(hash, join(path, name))
      tokens(")")
    }
  } else {
    tokens("regular", ...((status.mode & 0o100) === 0 ? [] : ["executable", ""]), "contents", readFileSync(path))
  }
  tokens(")")
}
