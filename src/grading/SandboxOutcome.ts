/**
 * What became of each call in the sandbox, read from how the sandbox process ended. Pure: the process belongs to
 * `Sandbox.ts`, the lines are written by `SandboxProgram.ts`.
 *
 * Who is to blame for a missing result decides everything here:
 * - before the line `Ready` the answer has not been touched: every end is ours (`GradingError`);
 * - after it, a limit that we enforced, an exit and a crash from within (out of memory, a bug in V8) are the answer's
 *   doing: the call in progress failed and the later ones were not run;
 * - a signal from outside (SIGKILL by the system, SIGTERM by a service manager) is never the answer's doing;
 * - a timeout counts only if the process had the processor for at least a quarter of the time; otherwise the machine
 *   stood still (suspended, overloaded, throttled) and the answer is not to blame.
 *
 * Law: the result has exactly one outcome per call, in their order. Results that were written count, however the
 * process ended afterwards.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { constants } from "node:os"
import { GradingError, type GradingFailure } from "./GradingError.ts"
import type { ProgramEnd } from "./NodeChildProcess.ts"

export const SandboxOutcome = Schema.TaggedUnion({
  /** The function returned this JSON value. */
  Returned: { value: Schema.Unknown },
  /** The function returned what JSON cannot say; `detail` names it ("undefined", "a promise"). */
  NotJson: { detail: Schema.String },
  Threw: { detail: Schema.String },
  TimedOut: { detail: Schema.String },
  /** The call was never made. */
  NotRun: { detail: Schema.String }
})
export type SandboxOutcome = typeof SandboxOutcome.Type

const Starvation = { cpuMillis: Schema.Finite, wallMillis: Schema.Finite }

const Line = Schema.TaggedUnion({
  Ready: {},
  Unusable: { detail: Schema.String },
  LoadTimedOut: Starvation,
  Returned: { value: Schema.Unknown },
  NotJson: { detail: Schema.String },
  Threw: { detail: Schema.String },
  TimedOut: Starvation
})
type Line = typeof Line.Type

const decodeLine = Schema.decodeUnknownResult(Schema.fromJsonString(Line))

/** Signals that a process receives because of what happens inside it. */
const crashSignals = new Set(["SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP", "SIGXCPU"])
const leastProcessorShare = 0.25

type Failed = Result.Result<never, GradingError>
const failed = (reason: GradingFailure): Failed => Result.fail(new GradingError({ reason }))

/** The signal that ended the program; what runs programs for us tells it by an exit code. */
const signalOf = ({ exitCode, signal }: ProgramEnd): string | undefined =>
  signal ?? Object.entries(constants.signals).find(([, number]) => number + 128 === exitCode)?.[0]

const isOutside = (end: ProgramEnd): boolean => {
  const signal = signalOf(end)
  return end.stopped === "no" && signal !== undefined && !crashSignals.has(signal)
}

const notReady = (end: ProgramEnd): Failed => {
  if (isOutside(end)) return failed({ _tag: "SandboxKilled", signal: signalOf(end) ?? "" })
  const how = end.stopped === "wall-limit"
    ? "it was not ready within the limit of the whole run"
    : `it ended with ${signalOf(end) ?? `exit code ${end.exitCode}`}`
  return failed({ _tag: "SandboxNotStarted", detail: `${how} ${end.errorOutput.trim().slice(0, 500)}`.trim() })
}

/** Why the process left no result for the call in progress, given that the answer is to blame. */
const unfinished = (end: ProgramEnd): SandboxOutcome => {
  if (end.stopped === "wall-limit") return { _tag: "TimedOut", detail: "the limit of the whole run was reached" }
  if (end.stopped === "output-limit") return { _tag: "Threw", detail: "too much output" }
  if (/out of memory|allocation fail/i.test(end.errorOutput)) return { _tag: "Threw", detail: "it ran out of memory" }
  return { _tag: "Threw", detail: `it ended the process (${signalOf(end) ?? `exit code ${end.exitCode}`})` }
}

const tampered: SandboxOutcome = { _tag: "Threw", detail: "it wrote into the grader's protocol" }

/**
 * The outcomes of `callCount` calls. `callMillis`, the limit of one call, is only for the wording. Not `trusted` are the
 * lines of a program that an answer could have written into: then they cannot blame the machine.
 *
 * Fails with a `GradingError` when the grader, not the answer, is to blame.
 */
export const fromProgramEnd = (
  end: ProgramEnd,
  callCount: number,
  callMillis: number,
  { trusted }: { readonly trusted: boolean } = { trusted: true }
): Result.Result<ReadonlyArray<SandboxOutcome>, GradingError> => {
  const all = (outcome: SandboxOutcome) => Result.succeed(Array.from({ length: callCount }, () => outcome))
  // What follows the last line break was cut off in the middle.
  const lines = end.output.split("\n").slice(0, -1).map((line) => decodeLine(line))
  const first = lines[0]
  if (first === undefined || Result.isFailure(first) || first.success._tag !== "Ready") return notReady(end)

  const outcomes: Array<SandboxOutcome> = []
  const missing = (outcome: SandboxOutcome) => {
    if (outcomes.length < callCount) outcomes.push(outcome)
    while (outcomes.length < callCount) outcomes.push({ _tag: "NotRun", detail: "an earlier call ended the run" })
    return Result.succeed(outcomes)
  }
  for (const decoded of lines.slice(1, callCount + 1)) {
    if (Result.isFailure(decoded)) return missing(tampered)
    const line: Line = decoded.success
    switch (line._tag) {
      case "Ready":
        return missing(tampered)
      case "Unusable":
        return all({ _tag: "NotRun", detail: line.detail })
      case "LoadTimedOut":
      case "TimedOut": {
        const { cpuMillis, wallMillis } = line
        if (trusted && cpuMillis < wallMillis * leastProcessorShare) {
          return failed({ _tag: "SandboxStarved", cpuMillis, wallMillis })
        }
        if (line._tag === "LoadTimedOut") {
          return all({ _tag: "NotRun", detail: `the answer did not finish loading within ${callMillis} ms` })
        }
        outcomes.push({ _tag: "TimedOut", detail: `no result within ${callMillis} ms` })
        break
      }
      default:
        outcomes.push(line)
    }
  }
  if (outcomes.length === callCount) return Result.succeed(outcomes)
  if (isOutside(end)) return failed({ _tag: "SandboxKilled", signal: signalOf(end) ?? "" })
  return missing(unfinished(end))
}
