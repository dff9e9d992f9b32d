/**
 * One request in one world: what the client sees of it, and what `/metrics` show meanwhile.
 *
 * Made from the stretches of a class by chance from a seed. The engine serves `others` beside us, or us alone, when its
 * token counters move only with our own tokens. Times are whole milliseconds since the request was sent.
 *
 * A paused client sees what came in meanwhile when it wakes, after its overdue timers (Node runs those first).
 */
import type { EngineSample } from "../../src/liveness/EngineSample.ts"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { engineAt, type EngineEffect } from "../../src/testing/EngineModel.ts"
import { frame, sample } from "../../src/testing/inputs.ts"
import { between, type Random } from "../../src/testing/Random.ts"
import { type Stretch, tokenTimes } from "../../src/testing/World.ts"
import type { Arrival } from "./Detector.ts"

/** What an engine may do with our request. */
export type Kind =
  /** Tokens come to us. */
  | "tokens"
  /** The engine decodes for us, and nothing is sent: hidden reasoning, a tool call that is buffered. */
  | "hidden"
  /** Others run; we wait for room, for the first time or because we were put back. */
  | "waiting"
  /** It works on our prompt, or recomputes it, in chunks. */
  | "prefill"
  /** It works on the long prompt of another; we were put back, and nobody decodes. */
  | "behind prefill"
  /** The request is tokenised in front of it. */
  | "preparing"
  /** It stands still, and its gauges with it. */
  | "frozen"
  /** It stands still, and its gauges read 0. */
  | "frozen empty"
  /** Others get first tokens, nobody a second one. */
  | "no decode"
  /** Others get all they want; our request is in no queue. */
  | "lost"
  /** Our request waits for a transfer or an adapter. */
  | "deferred"
  | "asleep"
  /** The server is gone; the connection stays half open. */
  | "refused"
  /** Another process listens there. */
  | "restarted"

export type Stretches = ReadonlyArray<Stretch<Kind>>

export interface Plan {
  readonly stretches: ReadonlyArray<(random: Random) => Stretch<Kind>>
  /** Whether the engine serves us alone; by chance unless given. */
  readonly alone?: boolean
  /** A comment so often. */
  readonly keepAliveMillis?: number
  /** A role chunk right behind the headers, from a server that does not wait for the engine with it. */
  readonly roleFirst?: boolean
  /** The others at the engine are not ours, so nobody knows how many there should be. */
  readonly strangers?: boolean
  /** The metrics are those of another replica, which is idle. */
  readonly foreignMetrics?: boolean
  /** The client stands still once for so long, in seconds. */
  readonly clientPause?: readonly [from: number, to: number]
}

interface Seen {
  readonly at: number
  /** `finish`: the finish reason, and the end of the stream. */
  readonly what: Arrival | "finish"
  readonly inputs: ReadonlyArray<Input.LivenessInput>
}

export interface World {
  readonly seen: ReadonlyArray<Seen>
  /** When there is nothing more to see. */
  readonly until: number
  /** When the first tick and the first scrape come. */
  readonly tickAt: number
  readonly scrapeAt: number
  readonly metricsAt: (at: number) => EngineSample | "refused"
  /** Streams of ours beside this one that the engine holds. */
  readonly otherStreams: number
  readonly pause: { readonly from: number; readonly to: number } | undefined
  /** A scrape under way when the client pauses runs out of time, and otherwise is late. */
  readonly scrapeFailsInPause: boolean
}

const HIDDEN_PER_SECOND = 30

/** What the engine does beside giving us our tokens. */
const effectsFor = (random: Random, others: number): Record<Kind, EngineEffect> => {
  const alone = others === 0
  /** Requests of others that come and go. */
  const arrivals = alone ? 0 : 0.05 + random() * 0.5
  const others30 = others * 30
  const works = { steps: alone ? 0 : 30, decodes: others30, firsts: arrivals, finishes: arrivals }
  const running = 1 + others
  const chunkSeconds = 0.2 + random() * 3.8
  const queued = others + between(random, 0, 3)
  return {
    tokens: { ...works, gauges: { running, waiting: 0 } },
    hidden: {
      ...works,
      steps: 30,
      decodes: others30 + HIDDEN_PER_SECOND,
      gauges: { running, waiting: 0 }
    },
    // Who waits is not alone.
    waiting: {
      steps: 30,
      decodes: Math.max(30, others30),
      firsts: Math.max(0.05, arrivals),
      finishes: Math.max(0.05, arrivals),
      gauges: { running: Math.max(1, others), waiting: 1 + queued }
    },
    prefill: { ...works, steps: Math.max(works.steps, 1 / chunkSeconds), gauges: { running, waiting: 0 } },
    "behind prefill": { steps: 1 / chunkSeconds, decodes: 0, firsts: 0, gauges: { running: 1, waiting: running } },
    preparing: { steps: 0, decodes: 0, firsts: 0, gauges: { running: 0, waiting: 0 } },
    frozen: { steps: 0, decodes: 0, firsts: 0 },
    "frozen empty": { steps: 0, decodes: 0, firsts: 0, gauges: { running: 0, waiting: 0 } },
    "no decode": {
      steps: 1 / chunkSeconds,
      decodes: 0,
      firsts: 0.1 + random(),
      gauges: { running: running + 2, waiting: between(random, 0, 1) }
    },
    lost: { ...works, gauges: { running: others, waiting: 0 } },
    deferred: { ...works, gauges: { running: others, waiting: 1, deferred: 1 } },
    asleep: { steps: 0, decodes: 0, firsts: 0, asleep: true },
    refused: { steps: 0, decodes: 0, firsts: 0, gauges: { running: 0, waiting: 0 }, refused: true },
    restarted: { ...works, gauges: { running: others, waiting: 0 }, restarted: true }
  }
}

/** The request as the stretches of its plan have it; without a finish it goes on for `until`. */
export const worldOf = (plan: Plan, random: Random, ends: "finish" | { readonly until: number }): World => {
  const stretches = plan.stretches.map((draw) => draw(random))
  const total = stretches.reduce((sum, { millis }) => sum + millis, 0)
  const until = ends === "finish" ? total : ends.until
  const others = plan.alone ?? random() < 0.5 ? 0 : between(random, 1, 8)
  const effects = effectsFor(random, others)
  const tokens = tokensOf(stretches)
  const pause = pauseOf(plan, random, total)
  const wake = (at: number) => pause !== undefined && at >= pause.from && at < pause.to ? pause.to + 1 : at

  const seen: Array<Seen> = []
  const headersAt = between(random, 2, 50)
  seen.push({ at: wake(headersAt), what: "headers", inputs: [{ _tag: "Headers", at: wake(headersAt) }] })
  const signal = (what: "role" | "comment", at: number) =>
    seen.push({ at: wake(at), what, inputs: [{ _tag: "TransportOnly", at: wake(at) }] })
  if (plan.roleFirst === true) signal("role", headersAt)
  const { keepAliveMillis } = plan
  if (keepAliveMillis !== undefined) {
    for (let at = headersAt + keepAliveMillis; at < until; at += keepAliveMillis) signal("comment", at)
  }
  for (const time of tokens) {
    const at = wake(Math.max(time, headersAt))
    seen.push({ at, what: "token", inputs: [frame(at)] })
  }
  if (ends === "finish") {
    const at = wake(until)
    seen.push({
      at,
      what: "finish",
      inputs: [frame(at, { finishReason: "stop" }), { _tag: "Ended", at, how: "done" }]
    })
  }
  const idle = sample({ heartbeat: "idle", running: 0, waiting: 0, generationTokens: 77, startedAtSeconds: 5 })
  const counter = outputsOf(stretches, tokens)
  return {
    seen: keepAliveMillis === undefined ? seen : seen.toSorted((one, other) => one.at - other.at),
    until: wake(until),
    tickAt: between(random, 1, 1000),
    scrapeAt: between(random, 1, 5000),
    metricsAt: (at) => plan.foreignMetrics === true ? idle : engineAt(effects, stretches, at, counter(at)),
    otherStreams: plan.strangers === true ? 0 : others,
    pause,
    scrapeFailsInPause: random() < 0.5
  }
}

const pauseOf = ({ clientPause }: Plan, random: Random, total: number): World["pause"] => {
  if (clientPause === undefined) return undefined
  const from = between(random, 0, total - 1)
  return { from, to: from + between(random, clientPause[0] * 1000, clientPause[1] * 1000) }
}

const tokensOf = (stretches: Stretches): ReadonlyArray<number> => {
  const times: Array<number> = []
  let from = 0
  for (const stretch of stretches) {
    if (stretch.kind === "tokens") { for (const time of tokenTimes(stretch)) times.push(from + time) }
    from += stretch.millis
  }
  return times
}

/** What the engine has given us by a time: what we saw, and what was hidden from us. */
const outputsOf = (stretches: Stretches, tokens: ReadonlyArray<number>) => {
  const hidden: Array<{ readonly from: number; readonly to: number }> = []
  let from = 0
  for (const { kind, millis } of stretches) {
    if (kind === "hidden") hidden.push({ from, to: from + millis })
    from += millis
  }
  let shown = 0
  let asked = 0
  return (at: number) => {
    if (at < asked) shown = 0
    asked = at
    while (shown < tokens.length && tokens[shown]! <= at) shown++
    const begun = shown > 0 || hidden.some(({ from }) => from <= at)
    return { decodes: Math.max(0, shown - 1), firsts: begun ? 1 : 0 }
  }
}
