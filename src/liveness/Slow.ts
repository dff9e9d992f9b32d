/**
 * A run that was ended by a budget of its user while it was alive. Without a budget a slow run is never ended.
 *
 * It is no failure of the engine: the run may have been a minute from its answer, and the record says what it waited
 * for. It crosses the A2A wire and enters the store by its schema, unchanged.
 */
import * as Schema from "effect/Schema"
import { TokenCount } from "../token/TokenEvent.ts"
import { CancelProof } from "./CancelProof.ts"
import { Hop, nameOfHop } from "./Hop.ts"
import { inSeconds } from "./inSeconds.ts"
import { LimitInForce } from "./LimitInForce.ts"
import { Phase } from "./Phase.ts"
import { SlowReason } from "./SlowReason.ts"
import { Circumstances, type Verdict } from "./Verdict.ts"

/**
 * A budget of the user ended the run while it was alive: the error of a token stream. Without a budget it never comes.
 */
export class Slow extends Schema.TaggedError<Slow>()("Slow", {
  /** Whose budget was used up. */
  hop: Hop,
  /** What it waited for; `null` where tokens came as fast as ever. */
  reason: Schema.NullOr(SlowReason),
  /** What the run was doing. */
  phase: Phase,
  /** Tokens received, which are kept. */
  tokens: TokenCount,
  /** Time without a token when the budget was used up, in milliseconds. */
  silentMillis: Schema.Finite,
  /** The budget. */
  limit: LimitInForce,
  /** What was known at that moment. */
  circumstances: Circumstances,
  /** Whether the engine is known to have dropped the request. */
  cancel: CancelProof
}) {
  /** The error that ends a stream of this hop whose budget of so many milliseconds is used up. */
  static readonly fromVerdict = (
    hop: Hop,
    budgetMillis: number,
    { circumstances, phase, silentMillis, slow, tokens }: Extract<Verdict, { readonly _tag: "Cancelled" }>,
    cancel: CancelProof
  ): Slow =>
    new Slow({
      hop,
      reason: slow,
      phase,
      tokens,
      silentMillis,
      limit: { name: "budget", millis: budgetMillis, origin: "default", learning: null },
      circumstances,
      cancel
    })

  override get message(): string {
    const state = this.reason === null ? "alive" : `slow (${this.reason})`
    return `${nameOfHop[this.hop]} was given ${inSeconds(this.limit.millis)} and is not done: ${state}, phase ` +
      `${this.phase}, after ${this.tokens} tokens`
  }
}
