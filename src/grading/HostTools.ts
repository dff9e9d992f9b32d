/**
 * What of this machine grading can use: programs on the `PATH`, the system's directories, its Python. Everything is only
 * looked at here; whether it works is found out by whoever uses it.
 *
 * Gotcha: `python3` may be a stand-in (pyenv, asdf) that needs the user's environment, so it is asked once where the real
 * one is, outside of every sandbox; after that only the real one is run.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { accessSync, constants, existsSync, lstatSync, readlinkSync, statSync } from "node:fs"
import * as path from "node:path"
import type { Host } from "./Confinement.ts"
import { GradingError } from "./GradingError.ts"
import { runToEnd } from "./NodeChildProcess.ts"

const isExecutable = (file: string): boolean => {
  const found = Option.liftThrowable(() => {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  })()
  return Option.getOrElse(found, () => false)
}

/**
 * The file that a command names: itself if it is a path (taken from `directory`), else the first of that name on the
 * `PATH` of this process. None if there is no such program.
 */
export const findExecutable = (command: string, directory: string): Option.Option<string> => {
  const candidates = command.includes("/")
    ? [path.resolve(directory, command)]
    : (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "")
      .map((folder) => path.resolve(directory, folder, command))
  return Option.fromUndefinedOr(candidates.find(isExecutable))
}

const systemDirectories = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"]

/** What this machine has to build walls of. */
export const readHost = (): Host => ({
  bubblewrap: Option.getOrUndefined(findExecutable("bwrap", "/")),
  isRoot: process.geteuid?.() === 0,
  system: systemDirectories.filter((directory) => existsSync(directory)).map((directory) => ({
    path: directory,
    link: lstatSync(directory).isSymbolicLink() ? readlinkSync(directory) : undefined
  })),
  mountPoints: ["/mnt", "/srv", "/media", "/tmp"].filter((directory) => existsSync(directory))
})

const Python = Schema.Struct({
  /** Absolute, and no symbolic link. */
  executable: Schema.NonEmptyString,
  version: Schema.Tuple([Schema.Int, Schema.Int]),
  /** The directories of its standard library. */
  library: Schema.Array(Schema.NonEmptyString),
  /** Directories of its shared libraries. */
  shared: Schema.Array(Schema.NonEmptyString)
})
export type Python = typeof Python.Type

const decodePython = Schema.decodeUnknownEffect(Schema.fromJsonString(Python))

const question = `
import json, os, sys, sysconfig
paths = sysconfig.get_paths()
real = os.path.realpath
print(json.dumps({
  "executable": real(getattr(sys, "_base_executable", None) or sys.executable),
  "version": list(sys.version_info[:2]),
  "library": sorted(set(real(paths[name]) for name in ("stdlib", "platstdlib"))),
  "shared": [real(sysconfig.get_config_var("LIBDIR"))]
    if sysconfig.get_config_var("Py_ENABLE_SHARED") and sysconfig.get_config_var("LIBDIR") else []
}))`

const missing = (detail: string) => new GradingError({ reason: { _tag: "ToolMissing", detail } })

/** The environment of this process. */
export const ownEnvironment = (): Record<string, string> =>
  Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => value === undefined ? [] : [[name, value]]))

/** The Python that `command` starts; fails with `ToolMissing` if there is none that can be used. */
export const findPython = Effect.fn("HostTools.findPython")(function*(command: string) {
  const found = yield* Effect.fromOption(findExecutable(command, "/")).pipe(
    Effect.mapError(() => missing(`${command} was not found on this machine`))
  )
  const end = yield* runToEnd({
    executable: found,
    arguments: ["-c", question],
    input: "",
    environment: ownEnvironment(),
    wallLimit: Duration.seconds(30),
    outputBytes: 100_000,
    errorOutputBytes: 1_000
  }).pipe(Effect.mapError(({ detail }) => missing(`${command} cannot be started: ${detail}`)))
  const python = yield* decodePython(end.output).pipe(
    Effect.mapError(() => missing(`${command} does not answer as Python does: ${end.errorOutput.trim().slice(0, 300)}`))
  )
  const [major, minor] = python.version
  if (major === 3 && minor >= 8) return python
  return yield* missing(`${command} is Python ${major}.${minor}; grading needs 3.8 or later`)
})
