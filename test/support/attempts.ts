/** Attempts for tests of the store. */
import type { AttemptRecord } from "../../src/campaign/AttemptRecord.ts"
import { type Battle, Outcome } from "../../src/campaign/Battle.ts"
import { fromTests } from "../../src/grading/Grade.ts"
import { Failed } from "../../src/liveness/Failed.ts"

export const grade = fromTests([{ outcome: "passed" }, { outcome: "threw", detail: "Error: x" }])
const pending = Outcome.cases.Pending.make({})
export const truncated = new Failed({ hop: "engine", tokens: 2, reason: { _tag: "Truncated" } })

/** An attempt that scores its battle, but for `overrides`. */
export const attemptOf = (battle: Battle, number: number, overrides: Partial<AttemptRecord> = {}): AttemptRecord => ({
  battle,
  number,
  mode: "stream",
  verdict: "completed",
  error: null,
  charged: true,
  epoch: null,
  grading: null,
  startedAt: 1_795_000_000_000,
  durationMillis: 1234.5,
  tokens: 17,
  tokenBasis: "usage",
  promptTokens: 5,
  finishReason: "stop",
  timeToFirstTokenMillis: 400.25,
  tokensPerSecond: 50.5,
  content: "answer",
  reasoning: "",
  timings: Uint8Array.from([1, 2, 200]),
  outcome: Outcome.cases.Scored.make({ grade, attempt: number }),
  ...overrides
})

/** One that failed, and leaves its battle pending. */
export const failedOf = (battle: Battle, number: number, overrides: Partial<AttemptRecord> = {}): AttemptRecord =>
  attemptOf(battle, number, { verdict: "failed", error: truncated, outcome: pending, ...overrides })

/** One that leaves its battle without a score. */
export const lastOf = (battle: Battle, number: number, overrides: Partial<AttemptRecord> = {}): AttemptRecord =>
  failedOf(battle, number, {
    outcome: Outcome.cases.Unscored.make({ reason: truncated.message, attempt: number }),
    ...overrides
  })
