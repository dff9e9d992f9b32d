/**
 * One try at a battle, as it is stored: what happened, how fast, and why it ended.
 */
import * as Schema from "effect/Schema"
import { DeliveryMode } from "../a2a/DeliveryMode.ts"
import { RunError } from "../liveness/RunError.ts"
import { TokenBasis, Verdict } from "./AttemptVerdict.ts"
import { Battle, Outcome } from "./Battle.ts"

/** One attempt that has ended. */
export const AttemptRecord = Schema.Struct({
  /** The battle that it was one try at. */
  battle: Battle,
  /** From 1, within the battle: what `CampaignStore.begin` gave. */
  number: Schema.Int,
  /** Whether it uses up one of the attempts that the failure policy gives its battle. */
  charged: Schema.Boolean,
  /** Of its engine, where it is known: an `EngineEpoch`. */
  epoch: Schema.NullOr(Schema.Int),
  /** How the agent was followed, in the end. */
  mode: DeliveryMode,
  /** How it ended. */
  verdict: Verdict,
  /** Why it did not complete; `null` where it did, or was interrupted. */
  error: Schema.NullOr(RunError),
  /** When it began, in milliseconds since 1970. */
  startedAt: Schema.Finite,
  /** From its beginning to its end, in milliseconds. */
  durationMillis: Schema.Finite,
  /** Tokens received. */
  tokens: Schema.Int,
  /** What that number rests on. */
  tokenBasis: TokenBasis,
  /** Of the prompt, where the engine tells. */
  promptTokens: Schema.NullOr(Schema.Int),
  /** What the engine said at the end of the answer, where it did. */
  finishReason: Schema.NullOr(Schema.String),
  /** In milliseconds; `null` where no token came. */
  timeToFirstTokenMillis: Schema.NullOr(Schema.Finite),
  /** After the first token; `null` where there is nothing to divide. */
  tokensPerSecond: Schema.NullOr(Schema.Finite),
  /** The text of the answer. */
  content: Schema.String,
  /** The text of its thoughts. */
  reasoning: Schema.String,
  /** How its answer was graded: the kind of sandbox; `null` where none was needed. */
  grading: Schema.NullOr(Schema.String),
  /** See `TokenTimings.ts`. */
  timings: Schema.Uint8Array,
  /** What the attempt makes of its battle: pending where another attempt follows. */
  outcome: Outcome
})
export type AttemptRecord = typeof AttemptRecord.Type
