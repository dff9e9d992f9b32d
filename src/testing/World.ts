/**
 * A small synthetic world: what an engine does in stretches of time, what is seen of one request meanwhile, and the
 * inputs of the liveness reducer that make of it. Deterministic and plain data; times are whole milliseconds.
 *
 *     { stretches: [{ kind: "prefill", millis: 2000 }, { kind: "tokens", millis: 10_000, gapMillis: 50 },
 *       { kind: "frozen", millis: 300_000 }], end: "open" }
 *
 * is two seconds of prefill, ten of tokens, and an engine that then hangs. The metrics are those a vLLM would show, as
 * counters that move with its steps and gauges that freeze with them (EngineModel.ts), unless `metrics` says that what is
 * scraped is something else.
 *
 * Laws: the same world gives the same inputs; they stand in the order of their times, at one instant what came in first
 * and ticks last, and begin with `Opened` and `Headers`.
 */
import type * as Input from "../liveness/LivenessInput.ts"
import { engineAt, type EngineEffect, type Outputs } from "./EngineModel.ts"
import { frame, headers, opened, sample, scrape, tick } from "./inputs.ts"

/** What an engine may do with a request. */
export const kinds = [
  /** Tokens come to us. */
  "tokens",
  /** The engine decodes for us, and nothing is sent. */
  "hidden",
  /** Not begun: others run, we wait. Begun: we were put back (preempted). */
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
  /** The request waits for a transfer or an adapter. */
  "deferred",
  /** The engine was put to sleep; it keeps its requests. */
  "asleep",
  /** Nobody listens at the address; the connection of the stream stays half open. */
  "refused",
  /** The engine stands still, and its server says 503 of its own health. */
  "unhealthy",
  /** Another process answers, which counts from 0. */
  "restarted"
] as const
/** One of `kinds`. */
export type Kind = typeof kinds[number]

/** A time of one kind. */
export interface Stretch<K extends string = Kind> {
  /** What the engine does with the request. */
  readonly kind: K
  /** How long it lasts. */
  readonly millis: number
  /**
   * Of tokens: between two arrivals, 33 unless given. A list is taken from its beginning and begun anew where it is too
   * short; a function is asked for each gap.
   */
  readonly gapMillis?: number | ReadonlyArray<number> | (() => number)
}

/**
 * Whose metrics are scraped: `ours`, those of the engine that serves us; `idle replica`, of another one; `cached`, up to
 * a minute old; `alternating`, of two servers behind one address; `down`, none can be read; `none`, nobody scrapes.
 */
export type Metrics = "ours" | "none" | "idle replica" | "down" | "cached" | "alternating"

/** How the answer ends: `open` is never, `finish` with a finish reason, the others without one. */
export type WorldEnd = "finish" | "open" | Input.Ended["how"]

/** One request, and all that happens to it. */
export interface World {
  /** What happens, one after the other; the first begins when the request is sent. */
  readonly stretches: ReadonlyArray<Stretch>
  /** How the last stretch ends. */
  readonly end: WorldEnd
  /** `ours` unless given. */
  readonly metrics?: Metrics
  /** What is known when the request is sent; the binding is `unproven` unless given. */
  readonly opened?: Partial<Input.Opened>
  /** Something that is no token comes so often: a comment, a header, an empty frame, a count of 0. */
  readonly noiseEveryMillis?: number
  /** Time of the first scrape, 0 unless given. */
  readonly scrapeAt?: number
  /** Overrides the rhythm of who watches. */
  readonly scrapeEveryMillis?: number
  /**
   * The engine serves nobody else: while tokens come, its counters move with them only, so a long gap is a standstill.
   * Unless given it also serves others, all the time.
   */
  readonly alone?: boolean
  /** Tokens that arrive together, 1 unless given. */
  readonly tokensPerFrame?: number
  /** Where the last stretch is taken to end, if `open`. */
  readonly horizonMillis?: number
}

/** How often a run is looked at and its engine is scraped, in milliseconds. */
export interface Rhythm {
  /** Between two looks at a run. */
  readonly tickMillis: number
  /** Between two scrapes of the engine's metrics. */
  readonly scrapeMillis: number
}

/** A look each second and a scrape every five, as by default. */
export const usualRhythm: Rhythm = { tickMillis: 1000, scrapeMillis: 5000 }

/** What each kind of stretch does to the engine: 20 steps a second, or none. */
const effects: Record<Kind, EngineEffect> = {
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

/** How long the stretches last together, in milliseconds. */
export const lengthOf = (stretches: ReadonlyArray<Stretch>): number =>
  stretches.reduce((sum, { millis }) => sum + millis, 0)

/** When a world ends, in milliseconds since the request was sent; an open one where it is no longer looked at. */
export const horizonOf = ({ end, horizonMillis, stretches }: World): number =>
  end === "open" ? horizonMillis ?? lengthOf(stretches) : lengthOf(stretches)

/** When the tokens of a stretch come, from its beginning in whole milliseconds. */
export const tokenTimes = ({ gapMillis = 33, millis }: Stretch<string>): ReadonlyArray<number> => {
  const times: Array<number> = []
  for (let at = 0, turn = 0; at < millis; turn++) {
    times.push(at)
    const gap = typeof gapMillis === "function"
      ? gapMillis()
      : typeof gapMillis === "number"
      ? gapMillis
      : gapMillis[turn % gapMillis.length] ?? millis
    at += Math.max(1, Math.round(gap))
  }
  return times
}

/** The inputs of a world, in the order of their times; at one instant frames come first and ticks last. */
export const inputsOf = (world: World, rhythm: Rhythm = usualRhythm): ReadonlyArray<Input.LivenessInput> => {
  const { end, metrics = "ours", stretches } = world
  const horizon = horizonOf(world)
  const inputs: Array<Input.LivenessInput> = []
  let from = 0
  const arrivals: Array<number> = []
  for (const stretch of stretches) {
    const { kind, millis } = stretch
    const until = Math.min(horizon, from + millis)
    if (kind === "tokens") {
      for (const time of tokenTimes({ ...stretch, millis: until - from })) {
        inputs.push(frame(from + time, { tokens: world.tokensPerFrame ?? 1 }))
        arrivals.push(from + time)
      }
    }
    if (kind === "unhealthy") {
      for (let at = from; at < until; at += rhythm.scrapeMillis) inputs.push({ _tag: "Health", at, status: 503 })
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
    const every = world.scrapeEveryMillis ?? rhythm.scrapeMillis
    const [begun = Infinity] = arrivals
    let arrived = 0
    for (let at = world.scrapeAt ?? 0, turn = 0; at < horizon; at += every, turn++) {
      const shownAt = metrics === "cached" ? at - at % CACHED_MILLIS : at
      while (arrived < arrivals.length && arrivals[arrived]! <= shownAt) arrived++
      inputs.push(scrape(at, outcomeOf(world, shownAt, turn, arrived), { openStreams: begun <= at ? 1 : 0 }))
    }
  }
  const { tickMillis } = rhythm
  for (let at = tickMillis; at <= horizon + 10 * tickMillis; at += tickMillis) inputs.push(tick(at))
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

const CACHED_MILLIS = 60_000

const alone: typeof effects = { ...effects, tokens: { ...effects.tokens, steps: 0, decodes: 0 } }

/** What is scraped that shows the engine as it was at `at`, when so many frames had arrived. */
const outcomeOf = (
  { alone: isAlone = false, metrics, stretches, tokensPerFrame = 1 }: World,
  at: number,
  turn: number,
  arrived: number
): Input.Scrape["outcome"] => {
  const ours = () => engineAt(isAlone ? alone : effects, stretches, at, ownOutputs(arrived * tokensPerFrame))
  switch (metrics) {
    case undefined:
    case "ours":
    case "cached":
      return ours()
    case "idle replica":
      return sample({ heartbeat: "idle", running: 0, waiting: 0, generationTokens: 77, startedAtSeconds: 5 })
    case "alternating":
      return turn % 2 === 0
        ? ours()
        : sample({ heartbeat: "other", running: 0, waiting: 0, generationTokens: 3, startedAtSeconds: 2000 })
    default:
      return "failed"
  }
}

const ownOutputs = (tokens: number): Outputs => ({ firsts: Math.min(1, tokens), decodes: Math.max(0, tokens - 1) })
