/**
 * The licences of other packages whose code is inside a bundle, as one text: they ask that it goes wherever the code goes.
 *
 * Law: a package whose licence has no text fails the build. The Apache License is the same text for all, ours too; other
 * licences name their owners.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

interface Package {
  readonly name: string
  readonly version: string
  readonly license?: string
}

/** The folders of the packages that modules lie in; our own is not below `node_modules`. */
const packagesOf = (modules: Iterable<string>): ReadonlyArray<string> => {
  const folders = new Set<string>()
  for (const module of modules) {
    const found = /^.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+/.exec(module.replace(/\?.*$/, ""))
    if (found !== null) folders.add(found[0])
  }
  return [...folders]
}

const APACHE = join(import.meta.dirname, "../LICENSE")

const textOf = (folder: string, license: string | undefined): string | undefined => {
  const name = readdirSync(folder).toSorted().find((file) => /^(licen[cs]e|copying)([.-].*)?$/i.test(file))
  const file = name === undefined ? license === "Apache-2.0" ? APACHE : undefined : join(folder, name)
  return file === undefined ? undefined : readFileSync(file, "utf8").trim()
}

/** For all packages that `modules` (absolute paths) come from, in the order of their names. */
export const licenses = (modules: Iterable<string>): string => {
  const parts = packagesOf(modules).map((folder) => {
    const { license, name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Package
    const text = textOf(folder, license)
    if (text === undefined) throw new Error(`${name} ${version} (${license}) has no licence file to pass on`)
    return { title: `${name} ${version} (${license})`, text }
  })
  return [
    "The files beside this one contain code of these packages.",
    ...parts.toSorted((a, b) => a.title < b.title ? -1 : 1).map(({ text, title }) =>
      `${"=".repeat(80)}\n${title}\n\n${text}`
    )
  ].join("\n\n") + "\n"
}
