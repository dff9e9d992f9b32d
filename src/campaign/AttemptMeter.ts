/**
 * What an attempt's stream has shown so far: a pure reducer over chunks of task events and their time of arrival.
 *
 * All times are milliseconds since the attempt began. TTFT is the arrival of the first token event that is progress;
 * the rate is (tokens − those of the first arrival) over the time from the first arrival to the last, which is the
 * inverse of TPOT as vLLM's benchmark defines it.
 */
import { type Followed, isTokenEvent, type TaskEvent } from "../a2a/TaskEvent.ts"
import * as Phase from "../liveness/Phase.ts"
import { tokensOf } from "../token/TokenEvent.ts"
import * as Transcript from "../token/Transcript.ts"
import type { Arrival } from "./TokenTimings.ts"

export interface AttemptMeter {
  readonly phase: Phase.Phase
  readonly transcript: Transcript.Transcript
  /** Appended to in place: one array for the life of an attempt. */
  readonly arrivals: Array<Arrival>
}

export const begin = (): AttemptMeter => ({
  phase: "connecting",
  transcript: Transcript.empty,
  arrivals: []
})

/** The meter after one more chunk. */
export const step = (meter: AttemptMeter, events: ReadonlyArray<TaskEvent>, atMillis: number): AttemptMeter => {
  let { phase, transcript } = meter
  for (const event of events) {
    if (isTokenEvent(event)) {
      phase = Phase.step(phase, event)
      transcript = Transcript.step(transcript, event)
    } else if (event._tag === "Heartbeat") {
      phase = event.phase
    } else if (event._tag === "Replaced") {
      transcript = { ...transcript, content: event.text }
    }
  }
  const tokens = tokensIn(events)
  if (tokens > 0) meter.arrivals.push({ atMillis, tokens })
  return { phase, transcript, arrivals: meter.arrivals }
}

/**
 * What is stored of it, of an agent that was followed so. Pieces of text have no rate in tokens, and an answer that comes as
 * a whole has no first token.
 */
export const measured = (meter: AttemptMeter, followed: Pick<Followed, "exact" | "mode"> | undefined) => {
  const { content, finishReason, promptTokens, reasoning, tokenBasis, tokens } = meter.transcript
  const areTold = followed?.exact !== false || tokenBasis === "usage"
  return {
    content,
    reasoning,
    tokens,
    tokenBasis: areTold ? tokenBasis : "pieces" as const,
    promptTokens: promptTokens ?? null,
    finishReason: finishReason ?? null,
    timeToFirstTokenMillis: followed?.mode === "blocking" ? null : timeToFirstToken(meter),
    tokensPerSecond: areTold ? tokensPerSecond(meter) : null
  }
}

/** The number of tokens that arrived together. */
export const tokensIn = (events: ReadonlyArray<TaskEvent>): number =>
  events.reduce((tokens, event) => isTokenEvent(event) ? tokens + tokensOf(event) : tokens, 0)

/** Time to the first token, in milliseconds, or null if none came. */
export const timeToFirstToken = ({ arrivals }: Pick<AttemptMeter, "arrivals">): number | null =>
  arrivals[0]?.atMillis ?? null

/** Tokens per second after the first arrival, or null with fewer than two arrivals. */
export const tokensPerSecond = (meter: Pick<AttemptMeter, "arrivals">): number | null => {
  const first = meter.arrivals[0]
  const last = meter.arrivals.at(-1)
  if (first === undefined || last === undefined || last.atMillis <= first.atMillis) return null
  let tokens = 0
  for (const arrival of meter.arrivals) tokens += arrival.tokens
  return (tokens - first.tokens) / (last.atMillis - first.atMillis) * 1000
}
