/**
 * Commands that a user gives, as processes of their own, and how long they take.
 */
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { performance } from "node:perf_hooks"
import { fileURLToPath } from "node:url"
import { BenchError } from "../support/BenchError.ts"

const campaign = fileURLToPath(new URL("../../bin/campaign", import.meta.url))
const readStatus = fileURLToPath(new URL("./readStatus.ts", import.meta.url))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** From its start to its end. */
  readonly millis: number
  /** From its start to the first moment in which stderr had what was looked for; null where it never came. */
  readonly saidAfterMillis: number | null
}

const runScript = (args: ReadonlyArray<string>, said = /$^/): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const began = performance.now()
    let stderr = ""
    let saidAfterMillis: number | null = null
    const child = execFile(process.execPath, args, { maxBuffer: 1e8 }, (error, stdout) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1
      resume(Effect.succeed({ code, stdout, stderr, millis: performance.now() - began, saidAfterMillis }))
    })
    child.stderr!.on("data", (piece) => {
      stderr += piece
      if (said.test(stderr)) saidAfterMillis ??= performance.now() - began
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const failed = (name: string, { code, stderr }: Ended) =>
  new BenchError({ message: `${name} ended with ${code}: ${stderr.trim()}`, exitCode: 1 })

export interface StatusTimes {
  /** `campaign status`, from the start of its process to its end. */
  readonly commandMillis: number
  /** Of a process that has loaded everything: only the reading. */
  readonly readMillis: number
}

/** Asks for the status of a store, and reads it without the command. */
export const timeStatus = Effect.fnUntraced(function*(database: string) {
  const command = yield* runScript([campaign, "status", "--db", database])
  if (command.code !== 0) return yield* failed("campaign status", command)
  const read = yield* runScript([readStatus, database])
  if (read.code !== 0) return yield* failed("reading the status", read)
  return {
    commandMillis: command.millis,
    readMillis: Number(read.stdout.trimEnd().split("\n").at(-1))
  } satisfies StatusTimes as StatusTimes
})

export interface ResumeTimes {
  /** Until it has found that there is nothing to do. */
  readonly nothingToDoMillis: number
  /** Until it has ended. */
  readonly processMillis: number
}

/** Resumes a campaign that has ended. */
export const timeResume = Effect.fnUntraced(function*(database: string) {
  const ended = yield* runScript([campaign, "resume", "--db", database, "--ui", "plain", "--json"], / ended\n/)
  if (ended.code !== 0 || ended.saidAfterMillis === null) return yield* failed("campaign resume", ended)
  return { nothingToDoMillis: ended.saidAfterMillis, processMillis: ended.millis } satisfies ResumeTimes as ResumeTimes
})

/** A command that does nothing: what starting one takes. */
export const timeStart = Effect.map(runScript([campaign, "--version"]), ({ millis }) => millis)
