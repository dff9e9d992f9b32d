/**
 * How attempts end, and what their numbers of tokens rest on: apart from what else is known of them, because whoever only
 * counts them need not load the whole language of verdicts and evidence.
 */
import * as Schema from "effect/Schema"

/** How an attempt ended; `abandoned` says that the process that ran it was gone before it ended. */
export const Verdict = Schema.Literals(["completed", "stalled", "slow", "failed", "cancelled", "abandoned"])
export type Verdict = typeof Verdict.Type

/**
 * What a number of tokens rests on: the engine's usage report, the sum of the deltas as they came, or, where an agent tells
 * no tokens, pieces of text of its own choosing, which are none.
 */
export const TokenBasis = Schema.Literals(["deltas", "usage", "pieces"])
