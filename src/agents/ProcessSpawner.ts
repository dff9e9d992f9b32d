/**
 * Starts command lines: what the supervisor of an agent needs of the operating system, and nothing more, so that the
 * supervisor can be tried without processes.
 *
 * Laws of every layer: the process lives no longer than the scope, whose closing returns when the process and all that it
 * has started are gone; `exit` answers once and for all, and all that the process has said is in `lastLines` by then.
 *
 * `layer` is that of ShellProcess.ts.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as ShellProcess from "./ShellProcess.ts"

export interface ShellCommand {
  /** For /bin/sh. */
  readonly line: string
  /** Absolute. */
  readonly workingDirectory: string
  /** Beside our own environment, and before it; see ShellProcess.ts for what is kept from it. */
  readonly environment: Readonly<Record<string, string>>
  /** Where all output is appended to; created, with its directories. */
  readonly logFile: string
  /** The most bytes that the file may have. Default: 20 MB. */
  readonly logBytes?: number | undefined
  /** Between the wish to end and the end. Default: 5 s. */
  readonly grace?: Duration.Input | undefined
}

export interface ProcessEnd {
  readonly exitCode: number | null
  readonly signal: string | null
}

export interface RunningProcess {
  readonly pid: number
  /** Waits for the end of the process itself; what it has started may live on until the scope closes. */
  readonly exit: Effect.Effect<ProcessEnd>
  /** The last lines of its output, of both kinds, the oldest first. */
  readonly lastLines: Effect.Effect<ReadonlyArray<string>>
}

export class ProcessSpawner extends Context.Service<ProcessSpawner, {
  readonly spawn: (
    command: ShellCommand
  ) => Effect.Effect<RunningProcess, ShellProcess.ProcessNotStarted, Scope.Scope>
  /** A variable of our own environment. */
  readonly variable: (name: string) => string | undefined
}>()("a2a-campaign/ProcessSpawner") {
  /** Real processes. */
  static readonly layer: Layer.Layer<ProcessSpawner> = Layer.succeed(ProcessSpawner, {
    spawn: ShellProcess.spawn,
    variable: (name) => process.env[name]
  })

  /** Processes that a test invents, in an empty environment unless given. */
  static readonly layerTest = (
    spawn: ProcessSpawner["Service"]["spawn"],
    environment: Readonly<Record<string, string>> = {}
  ): Layer.Layer<ProcessSpawner> => Layer.succeed(ProcessSpawner, { spawn, variable: (name) => environment[name] })
}
