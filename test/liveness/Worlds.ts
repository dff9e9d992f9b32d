/**
 * Small synthetic worlds for the reducer: what an engine does in stretches, what we see of our request meanwhile, and the
 * inputs that make of it. Deterministic; times are whole milliseconds.
 *
 * A world is written as stretches of one kind each. The engine's counters are integrals over them, so that a scrape can
 * be taken at any moment. `play` feeds inputs to the reducer the way the operator does, with a second look.
 */
import type { EngineSample } from "../../src/liveness/EngineSample.ts"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { initial, step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { now, type RunState } from "../../src/liveness/RunState.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"

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

export interface Stretch {
  readonly kind: Kind
  readonly millis: number
  /** Between two tokens; a function for worlds with chance in them. */
  readonly gapMillis?: number | (() => number)
}

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

export const opened = (more: Partial<Input.Opened> = {}): Input.Opened => ({
  _tag: "Opened",
  at: 0,
  run: { hop: "engine", attempt: 1, endpoint: "http://engine/v1", model: "m" },
  ...more
})

/** The server takes the request, as vLLM does at once. */
export const headers = { _tag: "Headers", at: 0 } as const

export const frame = (at: number, more: Partial<Input.Frame> = {}): Input.Frame => ({
  _tag: "Frame",
  at,
  tokens: 1,
  text: true,
  usage: null,
  channel: "content",
  finishReason: null,
  ...more
})

export const sample = (more: Partial<EngineSample> = {}): EngineSample => ({
  engine: "0",
  heartbeat: "0",
  running: 1,
  waiting: 0,
  deferred: 0,
  kvCacheUsage: 0.1,
  generationTokens: 0,
  promptTokens: 0,
  decodeOutputs: 0,
  firstTokens: 0,
  finished: 0,
  preemptions: 0,
  decodeP99Millis: null,
  asleep: false,
  startedAtSeconds: 1000,
  ...more
})

export const scrape = (
  at: number,
  outcome: EngineSample | "refused" | "failed",
  more: Partial<Input.Scrape> = {}
): Input.Scrape => ({
  _tag: "Scrape",
  at,
  askedAt: at,
  outcome,
  openStreams: 0,
  modelServed: true,
  ...more
})

export const tick = (at: number): Input.Tick => ({ _tag: "Tick", at })

/** What each kind of stretch does to the engine: steps, decode outputs and first tokens per second, and the gauges. */
const effects: Record<
  Kind,
  { steps: number; decodes: number; firsts: number; running: number; waiting: number; deferred?: number }
> = {
  tokens: { steps: 1, decodes: 30, firsts: 0, running: 1, waiting: 0 },
  hidden: { steps: 1, decodes: 30, firsts: 0, running: 1, waiting: 0 },
  waiting: { steps: 1, decodes: 30, firsts: 0.2, running: 2, waiting: 1 },
  prefill: { steps: 1, decodes: 0, firsts: 0, running: 1, waiting: 0 },
  preparing: { steps: 0, decodes: 0, firsts: 0, running: 0, waiting: 0 },
  frozen: { steps: 0, decodes: 0, firsts: 0, running: 1, waiting: 0 },
  "frozen-empty": { steps: 0, decodes: 0, firsts: 0, running: 0, waiting: 0 },
  "no-decode": { steps: 1, decodes: 0, firsts: 0.2, running: 2, waiting: 0 },
  lost: { steps: 1, decodes: 30, firsts: 0.2, running: 0, waiting: 0 },
  deferred: { steps: 1, decodes: 30, firsts: 0, running: 0, waiting: 1, deferred: 1 },
  asleep: { steps: 0, decodes: 0, firsts: 0, running: 1, waiting: 0 },
  refused: { steps: 0, decodes: 0, firsts: 0, running: 0, waiting: 0 },
  unhealthy: { steps: 0, decodes: 0, firsts: 0, running: 1, waiting: 0 },
  restarted: { steps: 0, decodes: 0, firsts: 0, running: 0, waiting: 0 }
}

/** The engine at a moment: integrals over the stretches up to it. */
const engineAt = (stretches: ReadonlyArray<Stretch>, at: number): EngineSample | "refused" => {
  let from = 0
  let steps = 0
  let decodes = 1e6
  let firsts = 1e4
  let restarts = 0
  let kind: Kind = stretches[0]?.kind ?? "tokens"
  for (const stretch of stretches) {
    if (from > at) break
    kind = stretch.kind
    const seconds = Math.min(stretch.millis, at - from) / 1000
    const effect = effects[kind]
    if (kind === "restarted") {
      restarts++
      steps = 0
      decodes = 0
      firsts = 0
    }
    steps += seconds * effect.steps * 20
    decodes += seconds * effect.decodes
    firsts += seconds * effect.firsts
    from += stretch.millis
  }
  if (kind === "refused") return "refused"
  const { deferred, running, waiting } = effects[kind]
  const counts = [steps, decodes, firsts].map(Math.floor)
  return sample({
    heartbeat: `${restarts}/${counts.join("/")}`,
    running,
    waiting,
    deferred: deferred ?? 0,
    generationTokens: counts[1]! + counts[2]!,
    promptTokens: counts[2]! * 100,
    decodeOutputs: counts[1]!,
    firstTokens: counts[2]!,
    finished: restarts > 0 ? 0 : 5000,
    asleep: kind === "asleep",
    startedAtSeconds: 1000 + restarts
  })
}

/** The inputs of a world, in the order of their times; at one instant frames come first and ticks last. */
export const inputsOf = (world: World): ReadonlyArray<Input.LivenessInput> => {
  const { end, metrics = "ours", stretches } = world
  const total = stretches.reduce((sum, { millis }) => sum + millis, 0)
  const horizon = end === "open" ? world.horizonMillis ?? total : total
  const inputs: Array<Input.LivenessInput> = []
  let from = 0
  let begun = Infinity
  for (const { gapMillis = 33, kind, millis } of stretches) {
    const until = Math.min(horizon, from + millis)
    if (kind === "tokens") {
      const gap = typeof gapMillis === "number" ? () => gapMillis : gapMillis
      for (let at = from; at < until; at += Math.max(1, Math.round(gap()))) {
        inputs.push(frame(at, { tokens: world.tokensPerFrame ?? 1 }))
        begun = Math.min(begun, at)
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
      return engineAt(stretches, at)
    case "idle replica":
      return sample({ heartbeat: "idle", running: 0, waiting: 0, generationTokens: 77, startedAtSeconds: 5 })
    case "cached":
      return engineAt(stretches, at - at % 60_000)
    case "alternating":
      return turn % 2 === 0
        ? engineAt(stretches, at)
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

/** A generator of numbers between 0 and 1 (mulberry32). */
export const randomOf = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
