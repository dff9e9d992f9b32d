/**
 * When the tokens of one answer come: how long the first one takes, and the gaps after it. Plain data; drawn from the
 * shape of an engine (GapShape.ts), or written down as measured.
 *
 * A schedule says nothing of the engine's metrics; `worldOf` puts it into a world, where the engine decodes for us all
 * the time, or moves with our tokens only (`alone`).
 *
 * Gotcha: the list ends with the last arrival. How long the engine is silent after it is for the world to say.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { describeWorld, gapsInWords, inWords, readable } from "./describeWorld.ts"
import * as GapShape from "./GapShape.ts"
import { between, randomOf } from "./Random.ts"
import type { Stretch, World } from "./World.ts"
import { wholeBetween } from "./worlds.ts"

/** When the tokens of one answer come. */
export interface GapSchedule {
  /** From the request to the first token, in milliseconds. */
  readonly firstMillis: number
  /** From each arrival to the next one, in milliseconds. */
  readonly gapsMillis: ReadonlyArray<number>
  /** Tokens that arrive together. */
  readonly tokensPerArrival: number
}

/** What answers of one kind look like. */
export interface AnswerKind {
  /** The gaps between arrivals. */
  readonly shape: GapShape.GapShape
  /** The wait for the first token, in milliseconds; 0.3 to 2 s unless given. */
  readonly first?: { readonly leastMillis: number; readonly mostMillis: number }
  /** How many times something arrives; 20 to 400 unless given. */
  readonly arrivals?: { readonly least: number; readonly most: number }
  /** Tokens that arrive together; 1 unless given. */
  readonly tokensPerArrival?: number
}

/** A schedule as text. */
export const describeSchedule = ({ firstMillis, gapsMillis, tokensPerArrival }: GapSchedule): string =>
  `first token after ${inWords(firstMillis)}, then gaps of ${gapsInWords(gapsMillis)}` +
  (tokensPerArrival === 1 ? "" : `; ${tokensPerArrival} tokens at once`)

/** Schedules of one kind, by chance. Smaller ones have fewer arrivals, the first ones of the same. */
export const schedulesOf = (
  { arrivals = { least: 20, most: 400 }, first = { leastMillis: 300, mostMillis: 2000 }, shape, tokensPerArrival = 1 }:
    AnswerKind
): Arbitrary.Arbitrary<GapSchedule> =>
  Arbitrary.map(
    Arbitrary.schema(Schema.Struct({
      arrivals: wholeBetween(arrivals.least, arrivals.most),
      seed: wholeBetween(0, 0x7fffffff)
    })),
    (drawn) => {
      const random = randomOf(drawn.seed)
      return readable({
        firstMillis: between(random, first.leastMillis, first.mostMillis),
        gapsMillis: Array.from({ length: drawn.arrivals - 1 }, () => Math.max(1, Math.round(shape(random)))),
        tokensPerArrival
      }, describeSchedule)
    }
  )

/** How a schedule is put into a world. */
export interface Surroundings extends Partial<Omit<World, "stretches" | "tokensPerFrame">> {
  /** What happens after the last arrival; nothing, and the answer finishes, unless given. */
  readonly then?: ReadonlyArray<Stretch>
}

/**
 * The world in which a schedule is kept, by an engine whose metrics are known to be ours: the engine prefills until the
 * first token comes. It ends with a finish reason, or never if anything is to happen after the last token.
 */
export const worldOf = (
  { firstMillis, gapsMillis, tokensPerArrival }: GapSchedule,
  { then = [], ...more }: Surroundings = {}
): World =>
  readable({
    stretches: [
      { kind: "prefill", millis: firstMillis },
      // A millisecond for the last arrival itself.
      { kind: "tokens", millis: gapsMillis.reduce((sum, gap) => sum + gap, 1), gapMillis: gapsMillis },
      ...then
    ],
    end: then.length === 0 ? "finish" : "open",
    opened: { binding: "proven" },
    tokensPerFrame: tokensPerArrival,
    ...more
  }, describeWorld)

/** Kinds of answers that engines are known to give: see liveness.md, where each was taken for a hang by somebody. */
export const usualAnswers = {
  /** 30 tokens per second. */
  steady: { shape: GapShape.steady() },
  /** Batches, with 0.5 to 12 s between two. */
  bursty: { shape: GapShape.bursty() },
  /** 0.2 tokens per second with a tail; no step longer than the 60 s after which an engine counts as hung. */
  slow: { shape: GapShape.heavyTailed(5000, 0.65, 55_000), arrivals: { least: 20, most: 120 } },
  /** 30 tokens per second, and one gap of a hundred between 5 and 30 s. */
  paused: {
    shape: GapShape.mixed(GapShape.steady(), { share: 0.01, leastMillis: 5000, mostMillis: 30_000 })
  },
  /** An engine that guesses ahead (MTP): four tokens at once, 16 times a second. */
  speculative: { shape: GapShape.speculative(), tokensPerArrival: 4 }
} as const satisfies Record<string, AnswerKind>
