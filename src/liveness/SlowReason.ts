/**
 * Why a run is called slow: what evidence says it waits for. Slow is never final.
 *
 * Only `silent-unverified` has no evidence behind it; a run that stays in it will be given up at its silent limit.
 */
import * as Schema from "effect/Schema"

/** What a slow run waits for. */
export const SlowReason = Schema.Literals([
  /** The engine has requests waiting, and this one has no token yet. */
  "queued",
  /** The engine works, and this request has no token yet. */
  "prefill",
  /** The request was, or may have been, put back among the waiting after its last token. */
  "preempted",
  /** The engine decodes, and nothing of it reaches us: hidden reasoning, a parser that holds back a tool call. */
  "silent-decoding",
  /** The engine was put to sleep or paused by its operator. */
  "engine-asleep",
  /** The agent says that it does something else than generating. */
  "agent-work",
  /** Nobody can tell. */
  "silent-unverified",
  /** Tokens come, but fewer per second than the user asked to be told about. */
  "below-rate"
])
export type SlowReason = typeof SlowReason.Type
