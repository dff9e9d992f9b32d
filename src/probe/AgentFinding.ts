/**
 * What a probe has to say of an agent: one thing that is wrong or worth knowing, how bad it is, and what to change.
 *
 * A `blocker` makes its battles worthless or impossible, a `loss` takes something from them that a campaign could have had,
 * and a `note` is only good to know. Codes are for programs and never change their meaning.
 */
import * as Schema from "effect/Schema"

export const AgentFindingCode = Schema.Literals([
  "no-card",
  "unusable-card",
  "card-address",
  "old-card-path",
  "no-streaming",
  "streams-unsaid",
  "stream-refused",
  "stream-failed",
  "ends-early",
  "answer-failed",
  "asks-back",
  "empty-answer",
  "silent",
  "stops-relaying",
  "too-fast",
  "paused-here",
  "one-message",
  "engine-at-once",
  "blocking-client",
  "buffered-by-compression",
  "buffered-by-proxy",
  "buffered-behind-task",
  "buffered-by-agent",
  "buffered-somewhere",
  "comes-in-bursts",
  "pieces-without-append",
  "artifact-per-piece",
  "text-in-status",
  "replaces-whole",
  "repeats-status",
  "says-twice",
  "no-heartbeat",
  "send-failed",
  "ignores-return-immediately",
  "polls-show-nothing",
  "nothing-to-cancel",
  "cancel-refused",
  "cancel-unanswered",
  "cancel-ignored",
  "cancel-unproven",
  "no-resubscription",
  "resubscription-without-snapshot",
  "resubscription-loses",
  "resubscription-doubles",
  "forgets-context",
  "context-unknown",
  "upstream-unseen"
])
export type AgentFindingCode = typeof AgentFindingCode.Type

export const Severity = Schema.Literals(["blocker", "loss", "note"])
export type Severity = typeof Severity.Type

export const AgentFinding = Schema.Struct({
  code: AgentFindingCode,
  severity: Severity,
  /** What was seen, as a sentence. */
  what: Schema.String,
  /** What to change, as a sentence; empty where there is nothing to do. */
  remedy: Schema.String
})
export type AgentFinding = typeof AgentFinding.Type

const finding = (severity: Severity) => (code: AgentFindingCode, what: string, remedy = ""): AgentFinding => ({
  code,
  severity,
  what,
  remedy
})

export const blocker = finding("blocker")
export const loss = finding("loss")
export const note = finding("note")

/** A time for people: `340 ms`, `1.20 s`, `36 s`. */
export const timeText = (millis: number): string =>
  millis < 1000
    ? `${Math.round(millis)} ms`
    : millis < 10_000
    ? `${(millis / 1000).toFixed(2)} s`
    : `${Math.round(millis / 1000)} s`

/** `1 token`, `2 tokens`. */
export const countText = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`
