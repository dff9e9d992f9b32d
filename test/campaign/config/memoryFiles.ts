/** Files of settings in memory, read as the command reads them. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as PlatformError from "effect/PlatformError"
import { type ConfigRequest, readConfig } from "../../../src/campaign/config/readConfig.ts"

const FOLDER = "/campaigns/night"

const missing = (path: string) =>
  Effect.fail(
    PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "read", pathOrDescriptor: path })
  )

const layerOf = (files: Readonly<Record<string, string>>) =>
  Layer.mergeAll(
    Path.layer,
    FileSystem.layerNoop({
      readFileString: (path) => {
        const text = files[path.replace(`${FOLDER}/`, "")]
        return text === undefined ? missing(path) : Effect.succeed(text)
      },
      readDirectory: (path) => {
        const names = Object.keys(files).map((name) => `${FOLDER}/${name}`).filter((name) =>
          name.startsWith(`${path}/`)
        ).map((name) => name.slice(path.length + 1))
        return names.length === 0 ? missing(path) : Effect.succeed(names)
      }
    })
  )

export interface MemoryRequest extends Partial<Omit<ConfigRequest, "lookup">> {
  readonly environment?: Readonly<Record<string, string>>
  /** Beside the file. */
  readonly others?: Readonly<Record<string, string>>
}

/** What a file of this text comes to; it stands in `/campaigns/night`. */
export const read = (text: string, { environment = {}, others = {}, ...request }: MemoryRequest = {}) => {
  const file = request.file ?? "campaign.toml"
  return readConfig({
    file,
    currentDirectory: FOLDER,
    lookup: (name) => environment[name],
    ...request
  }).pipe(Effect.provide(layerOf({ [file]: text, ...others })))
}

/** The lines that refuse it. */
export const refusals = (text: string, request?: MemoryRequest) =>
  Effect.map(Effect.flip(read(text, request)), ({ message }) => message.split("\n"))
