/**
 * Where a request stands, as its token stream shows it.
 *
 *     connecting ─accepted─► awaiting ─delta─► thinking | decoding | tool-call ─finish─► finishing
 *
 * `queued` and `prefill` are names inside `awaiting` that only engine evidence can tell apart; `agent-work` exists
 * at an A2A hop only. A phase is a label: it decides nothing by itself.
 */
import * as Schema from "effect/Schema"
import type { TokenEvent } from "../token/TokenEvent.ts"

/** Where a request stands; a label, which decides nothing. */
export const Phase = Schema.Literals([
  "connecting",
  "awaiting",
  "queued",
  "prefill",
  "thinking",
  "decoding",
  "tool-call",
  "agent-work",
  "finishing"
])
export type Phase = typeof Phase.Type

/** The phase after one more event. */
export const step = (phase: Phase, event: TokenEvent): Phase => {
  switch (event._tag) {
    case "Signal":
      return phase === "connecting" ? "awaiting" : phase
    case "Usage":
      return phase
    case "Delta":
      // A token without text says that the engine decodes, not what: it keeps the phase it is in.
      if (event.text === "" && (phase === "thinking" || phase === "tool-call")) return phase
      return event.channel === "reasoning" ? "thinking" : "decoding"
    case "ToolCallDelta":
      return "tool-call"
    case "Finish":
      return "finishing"
  }
}
