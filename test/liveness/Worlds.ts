/**
 * Small synthetic worlds for the reducer: what an engine does in stretches, what we see of our request meanwhile, and the
 * inputs that make of it. Deterministic; times are whole milliseconds.
 *
 * The words they are written in are shared with the liveness bench, whose worlds are larger and closer to vLLM. `play`
 * feeds inputs to the reducer the way the operator does, with a second look.
 */
import { type Effect, engineAt } from "../../bench/liveness/EngineModel.ts"
import { frame, headers, opened, sample, scrape, tick } from "../../bench/liveness/inputs.ts"
import { type Stretch as StretchOf, tokenTimes } from "../../bench/liveness/stretches.ts"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { initial, step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { now, type RunState } from "../../src/liveness/RunState.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"

export { randomOf } from "../../bench/liveness/random.ts"
export { frame, headers, opened, sample, scrape, tick }

export const TICK = 1000
export const SCRAPE = 5000

export const kinds = [
  /** Tokens come to us. */
  "tokens",
  /** The engine decodes for us, and nothing is sent. */
  "hidden",
  /** Not begun: others run, we wait. Begun: we were put back. */
  "waiting",
  /** The engine works on our prompt, or recomputes it: steps without outputs. */
  "prefill",
  /** The request is tokenised; the engine does nothing at all. */
  "preparing",
  /** The engine stands still. */
  "frozen",
  /** The engine stands still, and its gauges read 0. */
  "frozen-empty",
  /** Others get first tokens, nobody a second one. */
  "no-decode",
  /** Others get all they want; our request is in no queue. */
  "lost",
  "deferred",
  "asleep",
  "refused",
  "unhealthy",
  "restarted"
] as const
export type Kind = typeof kinds[number]

export type Stretch = StretchOf<Kind>

export type Metrics = "ours" | "none" | "idle replica" | "down" | "cached" | "alternating"

export interface World {
  readonly stretches: ReadonlyArray<Stretch>
  /** How the last stretch ends; `open` ends never. */
  readonly end: "finish" | "open" | Input.Ended["how"]
  readonly metrics?: Metrics
  readonly opened?: Partial<Input.Opened>
  /** Something of no worth, so often. */
  readonly noiseEveryMillis?: number
  /** Time of the first scrape. */
  readonly scrapeAt?: number
  readonly scrapeEveryMillis?: number
  readonly tokensPerFrame?: number
  /** Where the last stretch is taken to end, if `open`. */
  readonly horizonMillis?: number
}

/** What each kind of stretch does to the engine: 20 steps a second, or none. */
const effects: Record<Kind, Effect> = {
  tokens: { steps: 20, decodes: 30, firsts: 0, gauges: { running: 1, waiting: 0 } },
  hidden: { steps: 20, decodes: 30, firsts: 0, gauges: { running: 1, waiting: 0 } },
  waiting: { steps: 20, decodes: 30, firsts: 0.2, gauges: { running: 2, waiting: 1 } },
  prefill: { steps: 20, decodes: 0, firsts: 0, gauges: { running: 1, waiting: 0 } },
  preparing: { steps: 0, decodes: 0, firsts: 0, gauges: { running: 0, waiting: 0 } },
  frozen: { steps: 0, decodes: 0, firsts: 0, gauges: { running: 1, waiting: 0 } },
  "frozen-empty": { steps: 0, decodes: 0, firsts: 0, gauges: { running: 0, waiting: 0 } },
  "no-decode": { steps: 20, decodes: 0, firsts: 0.2, gauges: { running: 2, waiting: 0 } },
  lost: { steps: 20, decodes: 30, firsts: 0.2, gauges: { running: 0, waiting: 0 } },
  deferred: { steps: 20, decodes: 30, firsts: 0, gauges: { running: 0, waiting: 1, deferred: 1 } },
  asleep: { steps: 0, decodes: 0, firsts: 0, gauges: { running: 1, waiting: 0 }, asleep: true },
  refused: { steps: 0, decodes: 0, firsts: 0, gauges: { running: 0, waiting: 0 }, refused: true },
  unhealthy: { steps: 0, decodes: 0, firsts: 0, gauges: { running: 1, waiting: 0 } },
  restarted: { steps: 0, decodes: 0, firsts: 0, gauges: { running: 0, waiting: 0 }, restarted: true }
}

/** The inputs of a world, in the order of their times; at one instant frames come first and ticks last. */
export const inputsOf = (world: World): ReadonlyArray<Input.LivenessInput> => {
  const { end, metrics = "ours", stretches } = world
  const total = stretches.reduce((sum, { millis }) => sum + millis, 0)
  const horizon = end === "open" ? world.horizonMillis ?? total : total
  const inputs: Array<Input.LivenessInput> = []
  let from = 0
  let begun = Infinity
  for (const stretch of stretches) {
    const { kind, millis } = stretch
    const until = Math.min(horizon, from + millis)
    if (kind === "tokens") {
      for (const time of tokenTimes({ ...stretch, millis: until - from })) {
        inputs.push(frame(from + time, { tokens: world.tokensPerFrame ?? 1 }))
        begun = Math.min(begun, from + time)
      }
    }
    if (kind === "unhealthy") {
      for (let at = from; at < until; at += SCRAPE) inputs.push({ _tag: "Health", at, status: 503 })
    }
    from += millis
  }
  if (end === "finish") {
    inputs.push(frame(horizon, { finishReason: "stop" }), { _tag: "Ended", at: horizon, how: "done" })
  } else if (end !== "open") {
    inputs.push({ _tag: "Ended", at: horizon, how: end })
  }
  if (world.noiseEveryMillis !== undefined) {
    for (let at = 0, turn = 0; at < horizon; at += world.noiseEveryMillis, turn++) {
      inputs.push(noise(at, turn))
    }
  }
  if (metrics !== "none") {
    const every = world.scrapeEveryMillis ?? SCRAPE
    for (let at = world.scrapeAt ?? 0, turn = 0; at < horizon; at += every, turn++) {
      inputs.push(scrape(at, outcomeOf(stretches, metrics, at, turn), { openStreams: begun <= at ? 1 : 0 }))
    }
  }
  for (let at = TICK; at <= horizon + 10 * TICK; at += TICK) inputs.push(tick(at))
  const rank = (input: Input.LivenessInput) => input._tag === "Tick" ? 2 : input._tag === "Scrape" ? 1 : 0
  return [
    opened(world.opened),
    headers,
    ...inputs.toSorted((one, other) => one.at - other.at || rank(one) - rank(other))
  ]
}

const noise = (at: number, turn: number): Input.LivenessInput => {
  const nothing = { tokens: 0, text: false, channel: null } as const
  switch (turn % 4) {
    case 0:
      return { _tag: "TransportOnly", at }
    case 1:
      return frame(at, nothing)
    case 2:
      return frame(at, { ...nothing, usage: 0 })
    default:
      return { _tag: "Headers", at }
  }
}

const outcomeOf = (
  stretches: ReadonlyArray<Stretch>,
  metrics: Metrics,
  at: number,
  turn: number
): Input.Scrape["outcome"] => {
  switch (metrics) {
    case "ours":
      return engineAt(effects, stretches, at)
    case "idle replica":
      return sample({ heartbeat: "idle", running: 0, waiting: 0, generationTokens: 77, startedAtSeconds: 5 })
    case "cached":
      return engineAt(effects, stretches, at - at % 60_000)
    case "alternating":
      return turn % 2 === 0
        ? engineAt(effects, stretches, at)
        : sample({ heartbeat: "other", running: 0, waiting: 0, generationTokens: 3, startedAtSeconds: 2000 })
    default:
      return "failed"
  }
}

export interface Played {
  readonly state: RunState
  readonly verdict: Verdict
  /** When the final verdict fell, in monotonic milliseconds; `undefined` without one. */
  readonly endedAt: number | undefined
  /** Every reason for which it was called slow. */
  readonly reasons: ReadonlySet<string>
}

/** Feeds inputs to the reducer; a tick that condemns is followed by another look at the same instant. */
export const play = (
  inputs: ReadonlyArray<Input.LivenessInput>,
  limits: LivenessLimits = defaults,
  from: RunState = initial(limits)
): Played => {
  let state = from
  let endedAt: number | undefined
  const reasons = new Set<string>()
  for (const input of inputs) {
    state = step(state, input)
    if (input._tag === "Tick" && state.condemned && state.outcome === undefined) state = step(state, tick(input.at))
    if (state.slow !== undefined) reasons.add(state.slow.reason)
    if (state.outcome !== undefined) {
      endedAt = input.at
      break
    }
  }
  return { state, verdict: verdictOf(state), endedAt, reasons }
}

/** A final verdict without what evidence and time only add to it. */
export const gist = ({ endedAt, state, verdict }: Played) => ({
  tag: verdict._tag,
  kind: "kind" in verdict ? verdict.kind : undefined,
  tokens: "tokens" in verdict ? verdict.tokens : undefined,
  endedAt,
  nowMillis: now(state)
})
