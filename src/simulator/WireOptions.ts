/**
 * Settings of the wire: what does not change which tokens are made, only how and when their bytes leave.
 *
 * Each is off by default, so that the default wire is that of a plain vLLM without extra flags. Where vLLM or
 * llm-d-inference-sim has a flag for the same thing, its name is kept.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Seconds = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

export const wireFields = {
  /**
   * When the 200 and its headers leave a streamed answer: before the request is queued (vLLM), or with the first byte of
   * the body (llm-d-inference-sim, and proxies that buffer).
   */
  headers: Schema.Literals(["at-once", "with-first-token"]).pipe(
    Schema.withDecodingDefault(Effect.succeed("at-once" as const))
  ),
  /** vLLM's --sse-keep-alive-interval: seconds of idleness after which a comment is sent; 0 = never. */
  sseKeepAliveInterval: Seconds.pipe(Schema.withDecodingDefault(Effect.succeed(0)))
}
