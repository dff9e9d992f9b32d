/**
 * An attempt that has ended, as a view of a campaign remembers the last of them: what became of its battle, and when.
 *
 * An attempt that brought no outcome is remembered for its error; one that was only interrupted is no verdict.
 */
import type { AttemptRecord } from "../campaign/AttemptRecord.ts"
import type { Outcome } from "../campaign/Battle.ts"

/** What became of a battle: all of its score, some of it, none of it, no score at all, or not known yet. */
export type Result = "passed" | "partial" | "failed" | "unscored" | "pending"

/** An attempt that has ended its battle, or was given up. */
export interface Ended {
  readonly record: AttemptRecord
  readonly result: Result
  readonly atMillis: number
}

/** Attempts that ended, and that stalled, which are remembered. */
export const ENDED_KEPT = 12
export const STALLS_KEPT = 4

/** What an outcome makes of its battle. */
export const resultOf = (outcome: Outcome): Result => {
  switch (outcome._tag) {
    case "Pending":
      return "pending"
    case "Unscored":
      return "unscored"
    case "Scored":
      return outcome.grade.passed ? "passed" : outcome.grade.score > 0 ? "partial" : "failed"
  }
}

/** An attempt that was only interrupted is no verdict. */
export const isWorthTelling = ({ record, result }: Ended): boolean => result !== "pending" || record.error !== null
