/**
 * Healthy runs that somebody's timeout has killed: the classes of the liveness model's simulation (section 4), by name.
 *
 * Each is an arbitrary of worlds in seconds as they were measured or reported, not in the measure of any limits: with
 * working evidence the default limits give none of them up, and other limits can be asked whether they do. Pauses of the
 * engine itself are shorter than a minute here, as the default for a hung engine takes them to be.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { describeWorld, readable } from "./describeWorld.ts"
import * as GapShape from "./GapShape.ts"
import { randomOf } from "./Random.ts"
import type { Kind, Stretch, World } from "./World.ts"
import { wholeBetween } from "./worlds.ts"

/** One kind for so many seconds. */
export const lasting = (
  kind: Kind,
  fromSeconds: number,
  toSeconds: number = fromSeconds
): Arbitrary.Arbitrary<Stretch> =>
  Arbitrary.map(
    Arbitrary.schema(wholeBetween(1000 * fromSeconds, 1000 * toSeconds)),
    (millis): Stretch => ({ kind, millis })
  )

/** Tokens for so many seconds, with gaps of a shape. */
export const tokensFor = (
  shape: GapShape.GapShape,
  fromSeconds: number,
  toSeconds: number = fromSeconds
): Arbitrary.Arbitrary<Stretch> =>
  Arbitrary.map(
    Arbitrary.schema(Schema.Struct({
      millis: wholeBetween(1000 * fromSeconds, 1000 * toSeconds),
      seed: wholeBetween(0, 0x7fffffff)
    })),
    ({ millis, seed }): Stretch => {
      const random = randomOf(seed)
      const gapMillis: Array<number> = []
      for (let sum = 0; sum < millis;) {
        const gap = Math.max(1, Math.round(shape(random)))
        gapMillis.push(gap)
        sum += gap
      }
      return { kind: "tokens", millis, gapMillis }
    }
  )

/** Worlds of these stretches, one after the other, that finish; with metrics that are ours and bound unless said so. */
export const inARow = (
  stretches: ReadonlyArray<Arbitrary.Arbitrary<Stretch>>,
  more: Partial<World> = {}
): Arbitrary.Arbitrary<World> =>
  Arbitrary.map(
    Arbitrary.all({ stretches: Arbitrary.all(stretches), scrapeAt: Arbitrary.schema(wholeBetween(0, 4999)) }),
    (made): World => readable({ ...made, end: "finish", opened: { binding: "proven" }, ...more }, describeWorld)
  )

const prefill = lasting("prefill", 0.3, 2)
const tokens = tokensFor(GapShape.steady(), 20, 60)

/** The stretches of each class. */
export const healthyStretches = {
  "steady 30 tok/s": [prefill, tokens],
  "bursty, 0.5 to 12 s pauses": [prefill, tokensFor(GapShape.bursty(), 60, 300)],
  "long prefill 60 to 400 s": [lasting("prefill", 60, 400), tokens],
  "queue 90 s to 12 min": [lasting("waiting", 90, 720), prefill, tokens],
  "hidden reasoning 60 to 330 s": [prefill, tokens, lasting("hidden", 60, 330), tokens],
  "hidden reasoning before the first token": [prefill, lasting("hidden", 60, 330), tokens],
  "preempted 30 to 200 s, recomputed, twice": [
    prefill,
    tokens,
    lasting("waiting", 30, 200),
    lasting("prefill", 1, 100),
    tokens,
    lasting("waiting", 30, 200),
    tokens
  ],
  "recomputed for 60 to 300 s, preempted for less than a scrape": [
    prefill,
    tokens,
    lasting("waiting", 0.5, 2),
    lasting("prefill", 60, 300),
    tokens
  ],
  "slow, 0.2 tok/s": [prefill, tokensFor(GapShape.heavyTailed(5000, 0.65, 55_000), 300, 1200)],
  "engine pause 15 to 50 s": [prefill, tokens, lasting("frozen", 15, 50), tokens],
  "preparing 30 to 150 s": [lasting("preparing", 30, 150), prefill, tokens],
  "asleep 5 min": [prefill, tokens, lasting("asleep", 300), tokens],
  "deferred 1 to 9 min": [lasting("deferred", 60, 540), prefill, tokens]
} as const satisfies Record<string, ReadonlyArray<Arbitrary.Arbitrary<Stretch>>>

/** What a class of healthy runs is called. */
export type HealthyName = keyof typeof healthyStretches

/** Worlds of one class; with other metrics, noise or whatever else a world has, if given. */
export const healthyRuns = (name: HealthyName, more: Partial<World> = {}): Arbitrary.Arbitrary<World> =>
  inARow(healthyStretches[name], more)
