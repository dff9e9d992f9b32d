/**
 * Asks an agent a few messages and measures what it does: its card, a stream, polling, a cancellation, a broken stream and
 * a conversation, in this order. What follows from it is judged elsewhere (analyseAgent.ts).
 *
 * Laws: it ends in bounded time whatever the agent does, and leaves no task of its own at work that can be cancelled. An
 * agent that falls silent is not asked any more: every further answer would cost the whole patience again.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { readCard } from "./AgentCardReading.ts"
import type { AgentMeasurements, CardMeasurement, StreamMeasurement } from "./AgentMeasurements.ts"
import type { AgentProbeSettings } from "./AgentProbeSettings.ts"
import { AgentWire } from "./AgentWire.ts"
import { isBursty, isLate, isPaused, isWatchable } from "./judgeStream.ts"
import { measureCancel } from "./measureCancel.ts"
import { measureConversation } from "./measureConversation.ts"
import { measurePolled } from "./measurePolled.ts"
import { measureResubscription } from "./measureResubscription.ts"
import { measureStream, type StreamOptions } from "./measureStream.ts"
import { pauseMeter } from "./PauseMeter.ts"
import { quantileOf } from "./Quantiles.ts"
import { UpstreamWatch } from "./UpstreamWatch.ts"

const CARD_PATH = ".well-known/agent-card.json"
const OLD_CARD_PATH = ".well-known/agent.json"
/** Cards that are asked for while nothing else is. */
const IDLE_CARDS = 3

/** Says what is being tried, for people. */
export type Tell = (what: string) => Effect.Effect<void>

/** Probes one agent. */
export const probeAgent = Effect.fn("probeAgent")(
  function*(settings: AgentProbeSettings, tell: Tell): Effect.fn.Return<AgentMeasurements, never, Needed> {
    const paused = yield* pauseMeter
    const measured = yield* probeAll(settings, tell)
    return { ...measured, pausedMillis: paused() }
  },
  Effect.scoped
)

type Needed = AgentWire | UpstreamWatch | Scope.Scope

const probeAll = Effect.fnUntraced(function*(
  settings: AgentProbeSettings,
  tell: Tell
): Effect.fn.Return<AgentMeasurements, never, AgentWire | UpstreamWatch> {
  const wire = yield* AgentWire
  const { kind, quiet } = yield* UpstreamWatch
  const { patienceMillis, prompt, url } = settings

  yield* tell("reading its card")
  const { card, cardUrl, reachable } = yield* measureCard(url)
  const nothing: AgentMeasurements = {
    url,
    upstream: kind,
    patienceMillis,
    pausedMillis: 0,
    card,
    idleCardMillis: null,
    stream: null,
    uncompressed: null,
    polled: null,
    cancel: null,
    resubscription: null,
    conversation: null
  }
  const at = card.used
  if (!reachable || at === null || card.fault !== null) return nothing

  const idle: Array<number> = []
  for (let index = 0; index < IDLE_CARDS; index++) idle.push((yield* wire.card(cardUrl)).millis)
  const asked = { settings, at, cardUrl, text: prompt }
  const streamed = (more: Partial<StreamOptions> = {}) =>
    Effect.map(measureStream({ ...asked, ...more }), ({ measured }) => measured)

  yield* tell(
    card.streaming ? "reading the stream of an answer" : "asking for a stream, though its card says that there is none"
  )
  // Where there should be no stream, one that has begun is enough.
  const stream = yield* streamed(card.streaming ? {} : { until: (record) => record.textFrames() > 1 }).pipe(
    // What came while we stood still ourselves is measured once more.
    Effect.repeat({
      while: (measured) => card.streaming && measured.outcome === "ended" && isPaused(measured),
      times: 2
    })
  )
  const known = { ...nothing, idleCardMillis: quantileOf(idle, 0.5), stream }
  if (stream.outcome === "silent" || (card.streaming && stream.outcome === "failed")) return known

  const streams = card.streaming && isWatchable(stream)
  const isCompressed = !["identity", null].includes(stream.headers?.contentEncoding ?? null)
  let uncompressed: StreamMeasurement | null = null
  if (card.streaming && (isLate(stream) || isBursty(stream)) && isCompressed) {
    yield* tell("reading it again without compression")
    uncompressed = yield* streamed({ plain: true })
  }

  yield* tell("sending without waiting, and asking for the task")
  const polled = yield* measurePolled({ ...asked, toTheEnd: !streams })
  const polls = polled.outcome !== "silent" && polled.outcome !== "failed"

  const answerMillis = streams ? stream.endMillis : polled.endMillis
  // What was cancelled and is not heard of any more goes on no longer than a whole answer.
  const rest = Math.min(1.5 * answerMillis, patienceMillis)
  let cancel: AgentMeasurements["cancel"] = null
  if (streams || (polls && polled.atOnce)) {
    yield* tell("cancelling an answer in its middle")
    yield* quiet(rest)
    cancel = yield* measureCancel({ settings, at, cardUrl, answerMillis, byStream: streams })
  }
  let resubscription: AgentMeasurements["resubscription"] = null
  // Where each piece replaces the one before, no two views of the answer are the same.
  if (streams && stream.voices.piece < stream.textFrames / 2) {
    yield* tell("taking up a broken stream")
    resubscription = yield* measureResubscription({ settings, at, cardUrl, answerMillis })
  }
  let conversation: AgentMeasurements["conversation"] = null
  if (streams || polls) {
    yield* tell("talking with it in one context")
    yield* quiet(rest)
    conversation = yield* measureConversation({ settings, at, cardUrl, byStream: card.streaming })
  }
  return { ...known, uncompressed, polled, cancel, resubscription, conversation }
})

const measureCard = Effect.fnUntraced(function*(url: string) {
  const wire = yield* AgentWire
  const found = yield* wire.card(`${url}${CARD_PATH}`)
  const old = yield* wire.card(`${url}${OLD_CARD_PATH}`)
  const answer = found._tag === "Answered" ? found : old._tag === "Answered" ? old : found
  const path = found._tag === "Answered" ? CARD_PATH : old._tag === "Answered" ? OLD_CARD_PATH : null
  const empty = { name: "", interfaces: [], used: null, streaming: false, extension: false }
  const card: CardMeasurement = {
    path,
    oldPath: old._tag === "Answered",
    millis: answer.millis,
    ...(answer._tag === "Answered" ? readCard(answer.json) : { ...empty, fault: answer.detail })
  }
  return { card, cardUrl: `${url}${path ?? CARD_PATH}`, reachable: answer._tag === "Answered" }
})
