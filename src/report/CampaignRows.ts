/**
 * What the sections of a report are made of: every battle with its attempts, without texts, evidence and token times,
 * which are folded as they are read. Some hundred bytes an attempt, so that a campaign of any size fits.
 *
 * The rows are those of the store, unchanged but for `lastArrivalMillis`, which is read from the token times.
 */
import type { Battle } from "../campaign/Battle.ts"
import type { AttemptFacts, BattleFacts } from "../campaign/CampaignFacts.ts"
import type { Arrival } from "../campaign/TokenTimings.ts"

export interface AttemptRow extends Omit<AttemptFacts, "error" | "timings" | "grading" | "finishReason"> {
  /** `null` where no token came. */
  readonly lastArrivalMillis: number | null
}

export interface BattleRow {
  readonly battle: Battle
  readonly state: "scored" | "unscored" | "pending"
  /** From 0 to 1; `null` where it has none. */
  readonly score: number | null
  readonly passed: boolean
  /** Why it has no score; `null` where it has one or is pending. */
  readonly reason: string | null
  /** The attempt that it rests on; `null` where it is pending, or nobody's attempt settled it. */
  readonly countedAttempt: number | null
  /** Those that have ended, from the first. */
  readonly attempts: ReadonlyArray<AttemptRow>
  readonly inFlight: ReadonlyArray<InFlightRow>
}

/** An attempt that has not ended, as far as it was told. */
export interface InFlightRow {
  readonly startedAt: number
  /** Time of which something was told; 0 where nothing was. */
  readonly durationMillis: number
  readonly timeToFirstTokenMillis: number | null
}

/** The row of a battle; `arrivalsOf` gives the token times of its attempts. */
export const rowOf = (
  { attempts, battle, inFlight, outcome }: BattleFacts,
  arrivalsOf: (attempt: Pick<AttemptFacts, "timings">) => ReadonlyArray<Arrival>
): BattleRow => {
  const common = {
    battle,
    attempts: attempts.map((attempt): AttemptRow => {
      const {
        error: _error,
        finishReason: _finish,
        grading: _grading,
        timings: _timings,
        ...row
      } = attempt
      return { ...row, lastArrivalMillis: arrivalsOf(attempt).at(-1)?.atMillis ?? null }
    }),
    inFlight: inFlight.map((attempt): InFlightRow => ({
      startedAt: attempt.startedAt,
      durationMillis: Math.max(0, (attempt.told?.at ?? attempt.startedAt) - attempt.startedAt),
      timeToFirstTokenMillis: arrivalsOf(attempt)[0]?.atMillis ?? null
    }))
  }
  switch (outcome._tag) {
    case "Scored":
      return {
        ...common,
        state: "scored",
        score: outcome.grade.score,
        passed: outcome.grade.passed,
        reason: null,
        countedAttempt: outcome.attempt
      }
    case "Unscored":
      return {
        ...common,
        state: "unscored",
        score: null,
        passed: false,
        reason: outcome.reason,
        countedAttempt: outcome.attempt === 0 ? null : outcome.attempt
      }
    case "Pending":
      return { ...common, state: "pending", score: null, passed: false, reason: null, countedAttempt: null }
  }
}

/** It completed in time to count: what latencies are of. */
export const isCompleted = ({ superseded, verdict }: Pick<AttemptFacts, "superseded" | "verdict">): boolean =>
  verdict === "completed" && !superseded

/** It ended in time, by itself or because somebody found it hung, slow or failed; not by an interruption. */
export const isDecided = ({ superseded, verdict }: Pick<AttemptFacts, "superseded" | "verdict">): boolean =>
  !superseded && verdict !== "cancelled" && verdict !== "abandoned"

/** It went wrong by itself. */
export const wentWrong = ({ superseded, verdict }: Pick<AttemptFacts, "superseded" | "verdict">): boolean =>
  !superseded && (verdict === "stalled" || verdict === "slow" || verdict === "failed")

/** Its token times are those of tokens: not of polls, of pieces of text, or of an answer that came as a whole. */
export const hasTokenTimes = ({ mode, tokenBasis }: Pick<AttemptFacts, "mode" | "tokenBasis">): boolean =>
  (mode === "stream" || mode === "tap") && tokenBasis !== "pieces"

export const MILLIS_PER_HOUR = 3_600_000

/** All attempts, in the order of their battles. */
export const attemptsOf = (rows: ReadonlyArray<BattleRow>): ReadonlyArray<AttemptRow> =>
  rows.flatMap(({ attempts }) => attempts)
