/**
 * Why a run was given up for dead: the kinds of the verdict `Stalled`, each with its own way of trying again.
 *
 * All but the last two are proved by evidence of an engine that is known to serve this very stream. `silent` and
 * `agent-silent` are inferred from silence alone and can be wrong; their limits are therefore long.
 */
import * as Schema from "effect/Schema"

/** What hangs, and how that is known. */
export const StallKind = Schema.Literals([
  /** Nothing the engine counts has moved for the frozen limit although it holds requests. */
  "engine-hung",
  /** The engine makes steps and first tokens, but no second token of anybody. */
  "decode-hung",
  /** The engine says it holds no request at all, and nothing moves. */
  "engine-idle",
  /** The server refuses connections, or its health has been 503 for longer than a blip. */
  "engine-dead",
  /** The server is another process than the one that accepted this request. */
  "engine-restarted",
  /** The engine works, and holds fewer requests than we have open there. */
  "orphaned",
  /** The request waits for a transfer or an adapter that does not come. */
  "deferred-stuck",
  /** No evidence, and longer without a token than the limit. */
  "silent",
  /** An agent that sends heartbeats has stopped to, or one that does not has been silent for too long. */
  "agent-silent"
])
export type StallKind = typeof StallKind.Type

/** Whether a kind rests on evidence or only on silence. */
export const Confidence = Schema.Literals(["proved", "inferred"])
export type Confidence = typeof Confidence.Type
