/**
 * One try at a battle, as it is stored: what happened, how fast, and why it ended.
 */
import * as Schema from "effect/Schema"
import { DeliveryMode } from "../a2a/DeliveryMode.ts"
import { RunError } from "../liveness/RunError.ts"
import { TokenBasis, Verdict } from "./AttemptVerdict.ts"
import { Battle, Outcome } from "./Battle.ts"

export const AttemptRecord = Schema.Struct({
  battle: Battle,
  /** From 1, within the battle: what `CampaignStore.begin` gave. */
  number: Schema.Int,
  /** Whether it uses up one of the attempts that the failure policy gives its battle. */
  charged: Schema.Boolean,
  /** Of its engine, where it is known: an `EngineEpoch`. */
  epoch: Schema.NullOr(Schema.Int),
  /** How the agent was followed, in the end. */
  mode: DeliveryMode,
  verdict: Verdict,
  error: Schema.NullOr(RunError),
  /** When it began, in milliseconds since 1970. */
  startedAt: Schema.Finite,
  durationMillis: Schema.Finite,
  tokens: Schema.Int,
  tokenBasis: TokenBasis,
  promptTokens: Schema.NullOr(Schema.Int),
  finishReason: Schema.NullOr(Schema.String),
  timeToFirstTokenMillis: Schema.NullOr(Schema.Finite),
  tokensPerSecond: Schema.NullOr(Schema.Finite),
  content: Schema.String,
  reasoning: Schema.String,
  /** How its answer was graded: the kind of sandbox; `null` where none was needed. */
  grading: Schema.NullOr(Schema.String),
  /** See `TokenTimings.ts`. */
  timings: Schema.Uint8Array,
  /** What the attempt makes of its battle: pending where another attempt follows. */
  outcome: Outcome
})
export type AttemptRecord = typeof AttemptRecord.Type
