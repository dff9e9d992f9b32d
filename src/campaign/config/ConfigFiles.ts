/**
 * The files that a file of settings names, which are looked for beside it.
 *
 * Laws: whatever names a file, the name is relative to the folder of the file that it stands in. Nothing fails here:
 * what cannot be read is one line, for the place where it was named.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import type { ConfigDocument } from "./ConfigDocument.ts"
import type { ConfigError } from "./ConfigError.ts"
import * as Json5Document from "./Json5Document.ts"
import * as TomlDocument from "./TomlDocument.ts"

/** A file or a folder as users know it, and where it is. */
export interface NamedPath {
  /** As it is shown: as the user named it, or beside a file that the user named. */
  readonly shown: string
  /** Absolute. */
  readonly absolute: string
}

export interface ConfigFiles {
  readonly named: (currentDirectory: string, name: string) => NamedPath
  readonly folderOf: (file: NamedPath) => NamedPath
  /** What a name means in a folder. */
  readonly inside: (folder: NamedPath, name: string) => NamedPath
  /** The name of a file without its folder and its kind. */
  readonly stemOf: (file: NamedPath) => string
  readonly text: (file: NamedPath) => Effect.Effect<Result.Result<string, string>>
  /** The names of what is in a folder, in the order of the alphabet. */
  readonly namesIn: (folder: NamedPath) => Effect.Effect<Result.Result<ReadonlyArray<string>, string>>
}

export const configFiles = Effect.gen(function*() {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const told = <A, E extends { readonly message: string }>(effect: Effect.Effect<A, E>) =>
    Effect.result(Effect.mapError(effect, ({ message }) => message.replaceAll(/\s+/g, " ")))
  const inside = (folder: NamedPath, name: string): NamedPath => ({
    shown: path.isAbsolute(name) ? name : path.join(folder.shown, name),
    absolute: path.resolve(folder.absolute, name)
  })
  const files: ConfigFiles = {
    named: (currentDirectory, name) => ({ shown: name, absolute: path.resolve(currentDirectory, name) }),
    folderOf: ({ absolute, shown }) => ({ shown: path.dirname(shown), absolute: path.dirname(absolute) }),
    inside,
    stemOf: ({ absolute }) => path.basename(absolute, path.extname(absolute)),
    text: ({ absolute }) => told(fileSystem.readFileString(absolute)),
    namesIn: ({ absolute }) =>
      Effect.map(told(fileSystem.readDirectory(absolute)), Result.map((names) => names.toSorted()))
  }
  return files
})

/** Reads a text as the language that its file's name says: TOML, JSON, else JSON5. */
export const parseFile = ({ shown }: NamedPath, text: string): Result.Result<ConfigDocument, ConfigError> =>
  shown.endsWith(".toml")
    ? TomlDocument.parse(shown, text)
    : Json5Document.parse(shown, text, shown.endsWith(".json") ? "json" : "json5")
