/**
 * Settings of the wire: what changes how and when the bytes leave, not so much which tokens are made.
 *
 * Each is off by default, so that the default wire is that of a plain vLLM without extra flags. Where vLLM or
 * llm-d-inference-sim has a flag for the same thing, its name is kept.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { engineDead } from "./EngineErrors.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Seconds = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/** The version of vLLM whose behaviour is imitated. */
export const imitatedVersion = "0.33.0"

/** Part of SimulatorOptions. */
export const wireFields = {
  /**
   * When the 200 and its headers leave a streamed answer: before the request is queued (vLLM), or with the first byte of
   * the body (llm-d-inference-sim, and proxies that buffer).
   */
  headers: Schema.Literals(["at-once", "with-first-token"]).pipe(
    Schema.withDecodingDefault(Effect.succeed("at-once" as const))
  ),
  /** vLLM's --sse-keep-alive-interval: seconds of idleness after which a comment is sent; 0 = never. */
  sseKeepAliveInterval: Seconds.pipe(Schema.withDecodingDefault(Effect.succeed(0))),
  /** If not 0, an answer that has no reasoning of its own begins with about so many tokens of it. */
  reasoningTokens: Count.pipe(Schema.withDecodingDefault(Effect.succeed(0))),
  /** The key of reasoning in deltas and messages: vLLM's newest, or the one of older versions and other servers. */
  reasoningField: Schema.Literals(["reasoning", "reasoning_content"]).pipe(
    Schema.withDecodingDefault(Effect.succeed("reasoning" as const))
  ),
  /** Whether a tool call is told piece by piece, or as a whole at its end after a long silence. */
  toolCallParser: Schema.Literals(["streaming", "buffering"]).pipe(
    Schema.withDecodingDefault(Effect.succeed("streaming" as const))
  ),
  /** The text of every n-th token is held back and comes with the next one: its chunk is empty. 0 = of none. */
  holdBackEvery: Count.pipe(Schema.withDecodingDefault(Effect.succeed(0))),
  /** Speculative decoding: each step makes 1 to k + 1 tokens, which leave in one chunk; 0 = off. */
  speculativeTokens: Count.pipe(Schema.withDecodingDefault(Effect.succeed(0))),
  /** Whether the chunk that says "stop" carries the last text, or comes after it, empty. */
  finishCarriesText: Schema.Boolean.pipe(Schema.withDecodingDefault(Effect.succeed(true))),
  /** vLLM's --max-model-len: tokens of prompt and answer together; what the KV cache holds if that is less. */
  maxModelLength: Schema.optional(Schema.Int.check(Schema.isGreaterThan(0))),
  /** Every answer that has more than `afterTokens` tokens fails there: in a stream with an error event, else with `code`. */
  midStreamError: Schema.optional(Schema.Struct({
    afterTokens: Schema.Int.check(Schema.isGreaterThan(0)),
    /** vLLM answers 400 to some errors of its own, so both are ours to imitate. */
    code: Schema.Literals([400, 500]).pipe(Schema.withDecodingDefault(Effect.succeed(500 as const))),
    message: Schema.String.pipe(Schema.withDecodingDefault(Effect.succeed(engineDead.error.message)))
  }))
}

/** The settings that decide how outputs become chunks. */
export type ChunkOptions = Pick<
  Schema.Struct.Type<typeof wireFields>,
  "reasoningField" | "toolCallParser" | "holdBackEvery" | "finishCarriesText"
>
