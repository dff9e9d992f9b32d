/**
 * Adapter over `node:child_process`: runs one program to its end with a text on standard input, and never leaves it
 * running: interruption and both limits end in SIGKILL, and the effect returns only when the process is gone.
 *
 * Why not `effect/process`: its spawner tells the signal that ended a process only inside an error message, and the
 * signal is what separates an answer that ran out of memory (SIGABRT: the agent's fault) from a grader that was killed
 * from outside (nobody's score). It also needs a process group and its clean-up, which this program cannot have.
 *
 * On POSIX the program is started through `/bin/sh`, only to set resource limits (`ulimit`) before `exec`: no core
 * files, a bound on data memory (array buffers do not count as JavaScript heap), and a bound on processor time, which
 * ends the program even if this process is killed and can no longer do it. Without `/bin/sh` those three are missing.
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import * as path from "node:path"

export interface Program {
  readonly executable: string
  readonly arguments: ReadonlyArray<string>
  readonly input: string
  readonly wallLimit: Duration.Duration
  /** Data memory of the process, in MiB; see the gotcha at `shellScript`. */
  readonly memoryMegabytes: number
  /** Processor time after which the operating system ends the process, in seconds. */
  readonly cpuSeconds: number
  readonly outputBytes: number
  readonly errorOutputBytes: number
}

/** How a process ended. Output beyond its limit is dropped; `stopped` says whether we ended it, and why. */
export interface ProgramEnd {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly output: string
  readonly errorOutput: string
  readonly stopped: "no" | "wall-limit" | "output-limit"
}

/** The operating system would not start the program. */
export class ProgramNotStarted extends Schema.TaggedError<ProgramNotStarted>()("ProgramNotStarted", {
  detail: Schema.String
}) {}

/**
 * Gotcha: the memory bound counts what V8 merely reserves for machine code (128 to 512 MiB), so a bound below about
 * 1 GiB keeps Node from starting. A limit the system refuses is skipped: the others still hold.
 */
const shellScript = (program: Program): string =>
  [
    "ulimit -c 0",
    `ulimit -d ${program.memoryMegabytes * 1024}`,
    `ulimit -t ${program.cpuSeconds}`,
    // the shell adds variables of its own to an empty environment
    "unset PWD OLDPWD SHLVL _"
  ].map((line) => `${line} 2>/dev/null;`).join(" ") + ` exec "$0" "$@"`

const shell = "/bin/sh"
const hasShell = process.platform !== "win32" && existsSync(shell)

const start = (program: Program): ChildProcess =>
  spawn(
    hasShell ? shell : program.executable,
    hasShell
      ? ["-c", shellScript(program), program.executable, ...program.arguments]
      : [...program.arguments],
    { cwd: path.parse(program.executable).root, env: {}, stdio: "pipe", windowsHide: true }
  )

const notStarted = (cause: unknown) =>
  new ProgramNotStarted({ detail: cause instanceof Error ? cause.message : String(cause) })

/** Keeps the first `limit` bytes of what it is given. */
const collector = (limit: number) => {
  const chunks: Array<Buffer> = []
  let length = 0
  return {
    /** Returns false if something had to be dropped. */
    add: (chunk: Buffer): boolean => {
      const kept = chunk.subarray(0, limit - length)
      chunks.push(kept)
      length += kept.length
      return kept.length === chunk.length
    },
    text: () => Buffer.concat(chunks).toString("utf8")
  }
}

/** Ends the process, if it still runs, and waits until it is gone and its output is read. */
const killed = (child: ChildProcess, ended: Deferred.Deferred<ProgramEnd, ProgramNotStarted>) =>
  Effect.suspend(() => {
    if (child.pid === undefined) return Effect.void
    child.kill("SIGKILL")
    return Effect.exit(Deferred.await(ended))
  })

/**
 * Runs the program until it ends or a limit ends it; the environment is empty and the working directory is the root.
 *
 * Fails with `ProgramNotStarted`; every end of a started program is a success, however it came about.
 */
export const runToEnd = Effect.fnUntraced(function*(program: Program) {
  const ended = Deferred.makeUnsafe<ProgramEnd, ProgramNotStarted>()
  const output = collector(program.outputBytes)
  const errorOutput = collector(program.errorOutputBytes)
  let stopped: ProgramEnd["stopped"] = "no"

  const watch = (child: ChildProcess): ChildProcess => {
    child.on("error", (error) => {
      if (child.pid === undefined) Deferred.doneUnsafe(ended, Effect.fail(notStarted(error)))
    })
    child.on("close", (exitCode, signal) => {
      Deferred.doneUnsafe(
        ended,
        Effect.succeed({ exitCode, signal, output: output.text(), errorOutput: errorOutput.text(), stopped })
      )
    })
    child.stdout?.on("data", (chunk: Buffer) => {
      if (output.add(chunk) || stopped !== "no") return
      stopped = "output-limit"
      child.kill("SIGKILL")
    })
    child.stderr?.on("data", (chunk: Buffer) => void errorOutput.add(chunk))
    // A process that ends without reading its input breaks the pipe; how it ended says more.
    child.stdin?.on("error", () => {})
    child.stdin?.end(program.input)
    return child
  }

  const child = yield* Effect.acquireRelease(
    Effect.try({ try: () => watch(start(program)), catch: notStarted }),
    (child) => killed(child, ended)
  )
  const atWallLimit = Effect.suspend(() => {
    if (stopped === "no") stopped = "wall-limit"
    return Effect.andThen(killed(child, ended), Deferred.await(ended))
  })
  return yield* Deferred.await(ended).pipe(
    Effect.timeoutOrElse({ duration: program.wallLimit, orElse: () => atWallLimit })
  )
}, Effect.scoped)
