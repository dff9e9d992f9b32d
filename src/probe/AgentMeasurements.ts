/**
 * What a probe has measured of an agent: facts without judgement, so that a report can be judged again, by others too.
 *
 * All times are milliseconds, on one monotonic clock, from the moment the request was sent unless said otherwise. `null`
 * is what was not seen or not tried; nothing is concluded from it.
 */
import * as Schema from "effect/Schema"

const Time = Schema.Finite
const MaybeTime = Schema.NullOr(Time)
const Count = Schema.Int

export const AgentInterface = Schema.Struct({
  url: Schema.String,
  binding: Schema.String,
  version: Schema.String
})
export type AgentInterface = typeof AgentInterface.Type

export const CardMeasurement = Schema.Struct({
  /** The path at which the card was found. */
  path: Schema.NullOr(Schema.String),
  /** Whether the path of A2A before 0.3 answers with a card too. */
  oldPath: Schema.Boolean,
  millis: MaybeTime,
  /** Why there is none that can be used. */
  fault: Schema.NullOr(Schema.String),
  name: Schema.String,
  interfaces: Schema.Array(AgentInterface),
  /** The one that is used, as our client chooses. */
  used: Schema.NullOr(AgentInterface),
  /** capabilities.streaming */
  streaming: Schema.Boolean,
  /** Whether it declares the token extension. */
  extension: Schema.Boolean
})
export type CardMeasurement = typeof CardMeasurement.Type

/** What a task said of itself while it was worked on, and whether the agent answered at all. */
export const SideMeasurement = Schema.Struct({
  /** Cards asked for while the agent generated. */
  cards: Count,
  /** Those of them that were answered before the generation had ended. */
  cardsAnswered: Count,
  cardMaxMillis: MaybeTime,
  /** GetTask likewise. */
  polls: Count,
  pollsAnswered: Count,
  pollMaxMillis: MaybeTime,
  /** How often a poll showed something else than the one before, its end not counted. */
  changes: Count,
  /** The characters of the answer that a poll showed before the end. */
  textLength: Count,
  /** Why GetTask was refused. */
  refusal: Schema.NullOr(Schema.String)
})
export type SideMeasurement = typeof SideMeasurement.Type

/** What was seen behind the agent meanwhile: by the engine's counters, or by the tap. */
export const UpstreamMeasurement = Schema.Struct({
  tokens: Count,
  firstMillis: MaybeTime,
  lastMillis: MaybeTime,
  promptTokens: Schema.NullOr(Schema.Finite),
  /** Requests that came to their end meanwhile. */
  finished: Schema.NullOr(Schema.Finite),
  /** Whether somebody else's requests ran there before ours. */
  shared: Schema.Boolean
})
export type UpstreamMeasurement = typeof UpstreamMeasurement.Type

const Voices = Schema.Struct({
  append: Count,
  replace: Count,
  piece: Count,
  artifact: Count,
  status: Count,
  "status-whole": Count,
  snapshot: Count,
  end: Count
})

export const HeaderMeasurement = Schema.Struct({
  contentType: Schema.NullOr(Schema.String),
  contentEncoding: Schema.NullOr(Schema.String),
  contentLength: Schema.NullOr(Schema.String),
  via: Schema.NullOr(Schema.String),
  server: Schema.NullOr(Schema.String),
  accelBuffering: Schema.NullOr(Schema.String),
  cacheControl: Schema.NullOr(Schema.String)
})
export type HeaderMeasurement = typeof HeaderMeasurement.Type

export const StreamMeasurement = Schema.Struct({
  /**
   * `ended`: the task came to a state it stays in, or the answer was one message. `closed`: the stream ended before. `asks`:
   * it wants input. `silent`: nothing new for as long as patience goes. `cut`: we had seen enough. `refused`: an A2A error.
   * `failed`: anything else.
   */
  outcome: Schema.Literals(["ended", "closed", "asks", "silent", "cut", "refused", "failed"]),
  detail: Schema.String,
  state: Schema.String,
  headers: Schema.NullOr(HeaderMeasurement),
  headersMillis: MaybeTime,
  firstByteMillis: MaybeTime,
  firstFrameMillis: MaybeTime,
  firstTextMillis: MaybeTime,
  lastTextMillis: MaybeTime,
  endMillis: Time,
  /** The longest time for which this process stood still itself meanwhile. */
  pausedMillis: Time,
  /** Whether the first frame was a task, or the one message. */
  firstFrame: Schema.NullOr(Schema.Literals(["task", "message", "status", "artifact", "unknown"])),
  bytes: Count,
  frames: Count,
  /** Frames that told something new of the answer. */
  textFrames: Count,
  /** Arrivals with such frames: those that came within 2 ms of each other are one. */
  arrivals: Count,
  textLength: Count,
  /** Gaps between arrivals. */
  gapP50Millis: MaybeTime,
  gapP95Millis: MaybeTime,
  gapMaxMillis: MaybeTime,
  /** The share of the text that came in the last 50 ms, or the last quarter of what was shorter. */
  lateShare: Schema.NullOr(Schema.Finite),
  voices: Voices,
  artifacts: Count,
  saidTwice: Schema.Boolean,
  /** Open statuses that said nothing new. */
  repeats: Count,
  comments: Count,
  commentMillis: MaybeTime,
  /** Comments and repeated statuses after the last news. */
  lifeAfterText: Count,
  heartbeats: Count,
  /** The tokens that the extension told; null without it. */
  tokens: Schema.NullOr(Count),
  taskId: Schema.String,
  contextId: Schema.String,
  side: SideMeasurement,
  upstream: Schema.NullOr(UpstreamMeasurement)
})
export type StreamMeasurement = typeof StreamMeasurement.Type

/** A message that was sent without a stream and without waiting. */
export const PolledMeasurement = Schema.Struct({
  outcome: Schema.Literals(["ended", "silent", "cut", "refused", "failed"]),
  detail: Schema.String,
  /** How long the send took. */
  sendMillis: MaybeTime,
  /** Whether it was answered while the task was open. */
  atOnce: Schema.Boolean,
  /** Whether the answer was a message and no task. */
  isMessage: Schema.Boolean,
  state: Schema.String,
  endMillis: Time,
  textLength: Count,
  taskId: Schema.String,
  side: SideMeasurement,
  upstream: Schema.NullOr(UpstreamMeasurement)
})
export type PolledMeasurement = typeof PolledMeasurement.Type

export const CancelMeasurement = Schema.Struct({
  /** `ended`: the task was over before it could be cancelled. */
  outcome: Schema.Literals(["answered", "refused", "unanswered", "ended"]),
  detail: Schema.String,
  millis: MaybeTime,
  /** The state in the answer, and what GetTask said some time later. */
  state: Schema.String,
  stateAfter: Schema.String,
  /** Whether the answer grew after it. */
  grewAfter: Schema.Boolean,
  /** Whether the engine had stopped; null where nobody saw it. */
  stopped: Schema.NullOr(Schema.Boolean),
  tokensAfter: Schema.NullOr(Count)
})
export type CancelMeasurement = typeof CancelMeasurement.Type

export const ResubscriptionMeasurement = Schema.Struct({
  /** `over`: the task had ended before. `unclear`: nothing to compare with. */
  outcome: Schema.Literals([
    "whole",
    "lost",
    "doubled",
    "no-snapshot",
    "refused",
    "over",
    "silent",
    "failed",
    "unclear"
  ]),
  detail: Schema.String,
  before: Count,
  snapshot: Count,
  after: Count,
  whole: Schema.NullOr(Count)
})
export type ResubscriptionMeasurement = typeof ResubscriptionMeasurement.Type

export const ConversationMeasurement = Schema.Struct({
  /** Whether the second answer has the word of the first message; null without an answer. */
  said: Schema.NullOr(Schema.Boolean),
  /** Tokens of the prompts that the engine was asked with; null where nobody saw them. */
  promptTokens: Schema.NullOr(Schema.Tuple([Schema.Finite, Schema.Finite])),
  sameContext: Schema.Boolean,
  detail: Schema.String
})
export type ConversationMeasurement = typeof ConversationMeasurement.Type

export const UpstreamKind = Schema.Literals(["none", "engine", "tap"])
export type UpstreamKind = typeof UpstreamKind.Type

export const AgentMeasurements = Schema.Struct({
  url: Schema.String,
  /** What was watched behind the agent. */
  upstream: UpstreamKind,
  patienceMillis: Time,
  /** The longest time for which this process stood still itself. */
  pausedMillis: Time,
  card: CardMeasurement,
  /** How long a card takes while nothing else is asked. */
  idleCardMillis: MaybeTime,
  stream: Schema.NullOr(StreamMeasurement),
  /** The same without compression, where there was some and the text came late. */
  uncompressed: Schema.NullOr(StreamMeasurement),
  polled: Schema.NullOr(PolledMeasurement),
  cancel: Schema.NullOr(CancelMeasurement),
  resubscription: Schema.NullOr(ResubscriptionMeasurement),
  conversation: Schema.NullOr(ConversationMeasurement)
})
export type AgentMeasurements = typeof AgentMeasurements.Type
