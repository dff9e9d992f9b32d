/**
 * What is done after each kind of error: the retry table of the liveness model (section 3.4), as data.
 *
 * One row for each group of kinds that are tried again in the same way; every error has exactly one (`rowOf`). The rows
 * hold numbers and words only, so that they can be printed; RetryPolicy.ts makes decisions of them. An error inside a
 * stream has two rows, by its code: vLLM maps inner ValueErrors to 400, so a 4xx there is tried once more and no oftener.
 *
 * Gotcha: a gated row has a delay as well. The gate (EngineGate.ts) does the real waiting; the delay is for campaigns
 * that have none.
 */
import { kindOf } from "./Failed.ts"
import { type FailKind } from "./FailKind.ts"
import type { RunError } from "./RunError.ts"
import type { StallKind } from "./StallKind.ts"

/** A kind of error that has its own way of trying again. */
export type RetryKind =
  | StallKind
  | Exclude<FailKind, "mid-stream-error">
  | "mid-stream-error 4xx"
  | "mid-stream-error 5xx"
  | "budget"

export interface RetryRow {
  readonly kinds: ReadonlyArray<RetryKind>
  /** Most retries after errors of this row; 0 for never, `null` where only the attempts or the total wait bound them. */
  readonly retries: number | null
  /** The delay before the first retry; `factor` times as long before each further one, up to `mostMillis`. */
  readonly firstMillis: number
  readonly factor: number
  readonly mostMillis: number
  /** The share of a delay that chance may put on top of it. */
  readonly jitter: number
  /**
   * Whether the next attempt waits for the gate of the endpoint: a proved stall of the row shuts it, and so does any
   * failure; a number says how many in a row it takes.
   */
  readonly gate: "no" | "yes" | number
  /** Whether an error of this row uses up an attempt. Where it does not, the time waited is bounded instead. */
  readonly usesAttempt: boolean
  /** Whether the answer must be sampled anew: the same seed would give the same one. */
  readonly freshSeed: boolean
  /**
   * After so many errors of this row, or two with the same silence, our limit is suspected and doubled; `null` for never.
   */
  readonly doublesLimitAt: number | null
  readonly note: string
}

/** Chance on top of every delay, so that those who failed together do not come back together. */
const JITTER = 0.2

const row = (
  kinds: ReadonlyArray<RetryKind>,
  [firstMillis, factor, mostMillis]: readonly [firstMillis: number, factor: number, mostMillis: number],
  note: string,
  more: Partial<RetryRow> = {}
): RetryRow => ({
  kinds,
  retries: null,
  firstMillis,
  factor,
  mostMillis,
  jitter: JITTER,
  gate: "no",
  usesAttempt: true,
  freshSeed: false,
  doublesLimitAt: null,
  note,
  ...more
})

const never = (kinds: ReadonlyArray<RetryKind>, note: string): RetryRow =>
  row(kinds, [0, 1, 0], note, { retries: 0, jitter: 0 })

export const retryTable = [
  row(
    ["engine-hung", "decode-hung", "engine-idle"],
    [2000, 2, 60_000],
    "an engine that stands still frees nothing that is aborted, and what is sent to it piles up",
    { gate: "yes", usesAttempt: false }
  ),
  row(["engine-dead", "engine-restarted"], [2000, 2, 60_000], "the server is loading the model", {
    gate: "yes",
    usesAttempt: false
  }),
  row(["orphaned"], [1000, 1, 1000], "the engine is well and has lost this request"),
  row(["deferred-stuck"], [5000, 1, 5000], "its transfer or adapter did not come"),
  row(
    ["silent"],
    [2000, 2, 60_000],
    "inferred: two stalls after the same silence say more of our limit than of the engine",
    { retries: 3, doublesLimitAt: 3 }
  ),
  row(["agent-silent"], [2000, 2, 60_000], "each attempt is a new task of the agent"),
  row(
    ["connect-error"],
    [1000, 2, 30_000],
    "nobody there, for now; nothing was attempted, and a server that loads its model takes minutes",
    { gate: 5, usesAttempt: false }
  ),
  row(["connect-timeout"], [1000, 2, 30_000], "a connection, and no answer to the request", { gate: 5 }),
  row(
    ["connection-lost", "truncated", "done-without-finish"],
    [1000, 2, 30_000],
    "the partial text is kept with the attempt",
    { retries: 5 }
  ),
  row(["server-error", "finish-error"], [2000, 2, 60_000], "the server says it is to blame"),
  row(
    ["mid-stream-error 5xx"],
    [2000, 2, 60_000],
    "vLLM ends all streams so when its engine dies; a canary tells that from the error of one request",
    { gate: "yes" }
  ),
  row(["mid-stream-error 4xx"], [2000, 1, 2000], "vLLM calls some errors of its own a bad request", { retries: 1 }),
  row(
    ["unavailable", "rate-limited"],
    [2000, 2, 120_000],
    "never before the time the server asked for, which comes first; nothing was attempted",
    { usesAttempt: false }
  ),
  row(["aborted-by-server"], [5000, 1, 5000], "the engine was paused, put to sleep or updated", { gate: "yes" }),
  row(["malformed"], [1000, 1, 1000], "a second time it is a defect of the server or of ours", { retries: 1 }),
  never(["rejected"], "the same request gives the same answer"),
  row(["runaway"], [0, 1, 0], "tokens flow but are worthless", { retries: 1, jitter: 0, freshSeed: true }),
  never(["unsupported"], "the agent cannot do it"),
  never(["agent-failed"], "the agent has answered: it cannot do it"),
  never(["budget"], "it was alive; its user gave it no more time")
] as const satisfies ReadonlyArray<RetryRow>

const rows = new Map<RetryKind, RetryRow>(retryTable.flatMap((row) => row.kinds.map((kind) => [kind, row])))

/** The kind of an error in the table. A code that is neither 4xx nor known counts as the server's fault. */
export const retryKindOf = (error: RunError): RetryKind => {
  if (error._tag === "Slow") return "budget"
  if (error._tag === "Stalled") return error.kind
  const kind = kindOf(error)
  if (kind !== "mid-stream-error") return kind
  const code = error.reason._tag === "MidStreamError" ? error.reason.code : null
  return code !== null && code >= 400 && code < 500 ? "mid-stream-error 4xx" : "mid-stream-error 5xx"
}

/** The row of a kind. */
export const rowOfKind = (kind: RetryKind): RetryRow => rows.get(kind)!

/** The row of an error. */
export const rowOf = (error: RunError): RetryRow => rowOfKind(retryKindOf(error))
