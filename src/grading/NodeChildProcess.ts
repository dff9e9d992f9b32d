/**
 * Adapter over `node:child_process`: runs one program to its end with a text on standard input, and never leaves it
 * running: interruption and all limits end in SIGKILL for its whole process group, and the effect returns only when the
 * process is gone. What it started and left behind in its group is ended with it.
 *
 * Why not `effect/process`: its spawner tells the signal that ended a process only inside an error message, and the
 * signal is what separates an answer that ran out of memory (SIGABRT: the agent's fault) from a grader that was killed
 * from outside (nobody's score).
 *
 * Where a resource limit is asked for, the program is started on POSIX through `/bin/sh`, only to set it (`ulimit`) before
 * `exec`: no core files, bounds on memory, on files, and on processor time, which ends the program even if this process
 * is killed and can no longer do it. Without `/bin/sh` those are missing.
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import * as path from "node:path"

export interface Program {
  readonly executable: string
  readonly arguments: ReadonlyArray<string>
  readonly input: string
  /** Empty unless given. */
  readonly environment?: Readonly<Record<string, string>>
  /** The root unless given. */
  readonly workingDirectory?: string
  readonly wallLimit: Duration.Duration
  /** Data memory of each process, in MiB, not bounded unless given; see the gotcha at `resourceLimits`. */
  readonly memoryMegabytes?: number
  /** Address space of each process, in MiB. */
  readonly addressMegabytes?: number
  /** Processor time after which the operating system ends a process, in seconds. */
  readonly cpuSeconds?: number
  /** The largest file that may be written, in bytes (pipes are no files); a multiple of 512. */
  readonly fileBytes?: number
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
 * Gotcha: the bound on data memory counts what V8 merely reserves for machine code (128 to 512 MiB), so one below about
 * 1 GiB keeps Node from starting. A limit the system refuses is skipped: the others still hold.
 */
const resourceLimits = (program: Program): ReadonlyArray<string> => {
  const { addressMegabytes, cpuSeconds, fileBytes, memoryMegabytes } = program
  return [
    memoryMegabytes === undefined ? "" : `ulimit -d ${memoryMegabytes * 1024}`,
    addressMegabytes === undefined ? "" : `ulimit -v ${addressMegabytes * 1024}`,
    // the soft limit first: its signal says what happened, that of the hard one does not
    cpuSeconds === undefined ? "" : `ulimit -S -t ${cpuSeconds}`,
    cpuSeconds === undefined ? "" : `ulimit -H -t ${cpuSeconds + 1}`,
    fileBytes === undefined ? "" : `ulimit -f ${fileBytes / 512}`
  ].filter((line) => line !== "")
}

const shellScript = (limits: ReadonlyArray<string>): string =>
  [
    "ulimit -c 0",
    ...limits,
    // the shell adds variables of its own to an empty environment
    "unset PWD OLDPWD SHLVL _"
  ].map((line) => `${line} 2>/dev/null;`).join(" ") + ` exec "$0" "$@"`

const shell = "/bin/sh"
const isPosix = process.platform !== "win32"
const hasShell = isPosix && existsSync(shell)

const start = (program: Program): ChildProcess => {
  const limits = resourceLimits(program)
  const throughShell = hasShell && limits.length > 0
  return spawn(
    throughShell ? shell : program.executable,
    throughShell
      ? ["-c", shellScript(limits), program.executable, ...program.arguments]
      : [...program.arguments],
    {
      cwd: program.workingDirectory ?? path.parse(program.executable).root,
      env: program.environment ?? {},
      stdio: "pipe",
      windowsHide: true,
      // a process group of its own, so that all of it can be ended
      detached: isPosix
    }
  )
}

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

const killAll = (child: ChildProcess): void => {
  const { pid } = child
  if (pid === undefined) return
  // A group in which nobody is left cannot be signalled, and that is as well.
  if (isPosix) Result.try(() => process.kill(-pid, "SIGKILL"))
  child.kill("SIGKILL")
}

/**
 * Runs the program until it ends or a limit ends it.
 *
 * Fails with `ProgramNotStarted`; every end of a started program is a success, however it came about.
 */
export const runToEnd = Effect.fnUntraced(function*(program: Program) {
  const ended = Deferred.makeUnsafe<void, ProgramNotStarted>()
  const drained = Deferred.makeUnsafe<void>()
  const output = collector(program.outputBytes)
  const errorOutput = collector(program.errorOutputBytes)
  let stopped: ProgramEnd["stopped"] = "no"

  const watch = (child: ChildProcess): ChildProcess => {
    child.on("error", (error) => {
      if (child.pid === undefined) Deferred.doneUnsafe(ended, Effect.fail(notStarted(error)))
    })
    child.on("exit", () => {
      killAll(child)
      Deferred.doneUnsafe(ended, Effect.void)
    })
    child.on("close", () => Deferred.doneUnsafe(drained, Effect.void))
    child.stdout?.on("data", (chunk: Buffer) => {
      if (output.add(chunk) || stopped !== "no") return
      stopped = "output-limit"
      killAll(child)
    })
    child.stderr?.on("data", (chunk: Buffer) => void errorOutput.add(chunk))
    // A process that ends without reading its input breaks the pipe; how it ended says more.
    child.stdin?.on("error", () => {})
    child.stdin?.end(program.input)
    return child
  }

  /** Ends the process, if it still runs, and waits until it is gone. */
  const killed = (child: ChildProcess) =>
    Effect.suspend(() => {
      if (child.pid === undefined) return Effect.void
      killAll(child)
      return Effect.exit(Deferred.await(ended))
    })
  const child = yield* Effect.acquireRelease(
    Effect.try({ try: () => watch(start(program)), catch: notStarted }),
    (child) =>
      Effect.andThen(
        killed(child),
        // Whoever left the group may hold the pipes open for ever.
        Effect.sync(() => child.stdio.forEach((stream) => stream?.destroy()))
      )
  )
  yield* Deferred.await(ended).pipe(
    Effect.timeoutOrElse({
      duration: program.wallLimit,
      orElse: () =>
        Effect.suspend(() => {
          if (stopped === "no") stopped = "wall-limit"
          return Effect.andThen(killed(child), Deferred.await(ended))
        })
    })
  )
  yield* Effect.timeoutOption(Deferred.await(drained), "2 seconds")
  const { exitCode, signalCode } = child
  const end: ProgramEnd = {
    exitCode,
    signal: signalCode,
    output: output.text(),
    errorOutput: errorOutput.text(),
    stopped
  }
  return end
}, Effect.scoped)
