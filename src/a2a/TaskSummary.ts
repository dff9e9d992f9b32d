/**
 * What is told of a task when it ends, besides its state: why the answer ended, the engine's own count, the times, and
 * what whoever watched it found.
 *
 * It stands under `summary` in the token extension's metadata of the last status update.
 */
import type { Ended } from "./TaskEvent.ts"
import type { TaskLog, TaskTimings } from "./TaskLog.ts"

export interface TaskSummary {
  /** As the engine names it; null where it named none. */
  readonly finishReason: string | null
  /** The engine's own count; null where it gave none. */
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number } | null
  /** Tokens of all deltas. */
  readonly tokens: number
  readonly timings: TaskTimings
  readonly verdict: "completed" | "canceled" | "rejected" | "failed" | "stalled" | "slow"
}

/** The summary of a task that ended so. */
export const summaryOf = (log: TaskLog, { error, state }: Ended): TaskSummary => {
  const { total, transcript } = log.snapshot
  const { finishReason, promptTokens, tokenBasis, tokens } = transcript
  return {
    finishReason: finishReason ?? null,
    usage: tokenBasis === "usage" ? { promptTokens: promptTokens ?? 0, completionTokens: tokens } : null,
    tokens: total,
    timings: log.timings,
    verdict: error?._tag === "Stalled" ? "stalled" : error?._tag === "Slow" ? "slow" : state
  }
}
