/** Measurements of an agent that is well, and of what may be wrong with one, for tests of what follows from them. */
import type {
  AgentMeasurements,
  CardMeasurement,
  PolledMeasurement,
  SideMeasurement,
  StreamMeasurement,
  UpstreamMeasurement
} from "../../src/probe/AgentMeasurements.ts"

export const card: CardMeasurement = {
  path: ".well-known/agent-card.json",
  oldPath: false,
  millis: 2,
  fault: null,
  name: "agent",
  interfaces: [],
  used: { url: "http://127.0.0.1:9009/", binding: "JSONRPC", version: "1.0" },
  streaming: true,
  extension: false
}

/** Its task grows. */
export const progress: SideMeasurement = {
  cards: 10,
  cardsAnswered: 10,
  cardMaxMillis: 3,
  polls: 10,
  pollsAnswered: 10,
  pollMaxMillis: 3,
  changes: 8,
  textLength: 300,
  refusal: null
}
/** Its task shows nothing. */
export const quietPolls: SideMeasurement = { ...progress, changes: 0, textLength: 0 }
/** Nothing is answered. */
export const blocked: SideMeasurement = {
  ...quietPolls,
  cards: 1,
  cardsAnswered: 0,
  cardMaxMillis: 4000,
  polls: 0,
  pollsAnswered: 0,
  pollMaxMillis: null
}
/** Nothing could be asked for. */
const unasked: SideMeasurement = { ...quietPolls, polls: 0, pollsAnswered: 0, pollMaxMillis: null }

/** A hundred tokens in four seconds, as the engine counts them. */
export const upstream = (more: Partial<UpstreamMeasurement> = {}): UpstreamMeasurement => ({
  tokens: 100,
  firstMillis: 100,
  lastMillis: 3990,
  promptTokens: 20,
  finished: 1,
  shared: false,
  ...more
})

/** A hundred pieces in four seconds. */
export const spread: StreamMeasurement = {
  outcome: "ended",
  detail: "",
  state: "completed",
  headers: {
    contentType: "text/event-stream",
    contentEncoding: null,
    contentLength: null,
    via: null,
    server: null,
    accelBuffering: null,
    cacheControl: null
  },
  headersMillis: 10,
  firstByteMillis: 10,
  firstFrameMillis: 10,
  firstTextMillis: 100,
  lastTextMillis: 4000,
  endMillis: 4010,
  pausedMillis: 5,
  firstFrame: "task",
  bytes: 20_000,
  frames: 103,
  textFrames: 100,
  arrivals: 98,
  textLength: 500,
  gapP50Millis: 40,
  gapP95Millis: 60,
  gapMaxMillis: 80,
  lateShare: 0.02,
  voices: {
    append: 100,
    replace: 0,
    piece: 0,
    artifact: 0,
    status: 0,
    "status-whole": 0,
    snapshot: 0,
    end: 0
  },
  artifacts: 1,
  saidTwice: false,
  repeats: 0,
  comments: 0,
  commentMillis: null,
  lifeAfterText: 0,
  heartbeats: 0,
  tokens: null,
  taskId: "t",
  contextId: "c",
  side: progress,
  upstream: null
}

/** What makes it late; as a member, a stream that is refused. */
export const late = {
  lateShare: 1,
  arrivals: 1,
  side: unasked,
  stream: { ...spread, outcome: "refused", textFrames: 0, lateShare: null, lastTextMillis: null } as StreamMeasurement
}

export const polled: PolledMeasurement = {
  outcome: "cut",
  detail: "",
  sendMillis: 3,
  atOnce: true,
  isMessage: false,
  state: "working",
  endMillis: 4000,
  textLength: 0,
  taskId: "t",
  side: progress,
  upstream: null
}

export const asked = {
  cancel: {
    outcome: "answered",
    detail: "",
    millis: 3,
    state: "canceled",
    stateAfter: "canceled",
    grewAfter: false,
    stopped: true,
    tokensAfter: 0
  },
  resubscription: { outcome: "whole", detail: "", before: 100, snapshot: 120, after: 500, whole: 500 },
  conversation: { said: true, promptTokens: null, sameContext: true, detail: "" },
  /** The card was as far as it went. */
  nothing: { stream: null, polled: null, cancel: null, resubscription: null, conversation: null },
  /** Nothing was learned from a task. */
  unpolled: { polled: { ...polled, outcome: "ended", side: unasked, textLength: 500 } as PolledMeasurement },
  /** A send that is answered at the end. */
  waits: {
    polled: {
      ...polled,
      outcome: "ended",
      atOnce: false,
      sendMillis: 4000,
      textLength: 500,
      side: unasked
    } as PolledMeasurement,
    cancel: null
  }
} as const

export const measured = (more: Partial<AgentMeasurements>): AgentMeasurements => ({
  url: "http://127.0.0.1:9009/",
  upstream: "none",
  patienceMillis: 60_000,
  pausedMillis: 5,
  card,
  idleCardMillis: 2,
  stream: spread,
  uncompressed: null,
  polled,
  cancel: asked.cancel,
  resubscription: asked.resubscription,
  conversation: asked.conversation,
  ...more
})
