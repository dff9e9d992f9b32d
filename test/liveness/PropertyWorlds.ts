/**
 * Worlds by chance, for the properties of the model: stretches of all kinds, with every sort of metrics and end.
 * TotalityProperties.test.ts counts that every verdict and every kind really comes up among them.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { frame, kinds, SCRAPE, TICK, tick, type World } from "./Worlds.ts"

export const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Stretches = Schema.Array(Schema.Struct({
  kind: Schema.Literals(kinds),
  millis: Schema.Union([between(500, 20_000), between(20_000, 300_000), between(300_000, 1_000_000)]),
  gapMillis: Schema.Union([between(20, 200), between(200, 20_000)])
})).check(Schema.isMinLength(1), Schema.isMaxLength(3))

const ends = ["finish", "open", "open", "open", "done", "eof", "reset", "error", "malformed"] as const
export const allMetrics = ["ours", "ours", "ours", "none", "idle replica", "down", "cached", "alternating"] as const

export const worldsWith = (
  metrics: ReadonlyArray<typeof allMetrics[number]>,
  end: ReadonlyArray<typeof ends[number]> = ends
): Arbitrary.Arbitrary<World> =>
  Arbitrary.map(
    Arbitrary.all({
      stretches: Arbitrary.schema(Stretches),
      end: Arbitrary.schema(between(0, end.length - 1)),
      metrics: Arbitrary.schema(between(0, metrics.length - 1)),
      inherits: Arbitrary.schema(Schema.Boolean),
      begins: Arbitrary.schema(Schema.Boolean),
      goesOn: Arbitrary.schema(Schema.Boolean),
      learned: Arbitrary.schema(Schema.NullOr(between(1000, 500_000))),
      scrapeAt: Arbitrary.schema(between(0, SCRAPE - 1))
    }),
    (made): World => ({
      stretches: [
        ...made.begins ? [{ kind: "tokens" as const, millis: 10_000, gapMillis: 50 }] : [],
        // Fast tokens for long are many and tell nothing new.
        ...made.stretches.map((stretch) =>
          stretch.kind === "tokens"
            ? { ...stretch, millis: Math.min(stretch.millis, stretch.gapMillis * 100) }
            : stretch
        )
      ],
      end: end[made.end]!,
      metrics: metrics[made.metrics]!,
      opened: {
        binding: made.inherits ? "proven" : "unproven",
        learned: { gapMillis: made.learned, firstTokenMillis: made.learned }
      },
      scrapeAt: made.scrapeAt,
      ...made.goesOn ? { horizonMillis: made.stretches.reduce((sum, { millis }) => sum + millis, 500_000) } : {}
    })
  )

export const worlds = worldsWith(allMetrics)

export const without = (
  inputs: ReadonlyArray<Input.LivenessInput>,
  ...tags: ReadonlyArray<Input.LivenessInput["_tag"]>
): ReadonlyArray<Input.LivenessInput> => inputs.filter(({ _tag }) => !tags.includes(_tag))

/** Gaps as frames, and ticks to the end and a while longer. */
export const framesOf = (
  gaps: ReadonlyArray<number>
): { readonly inputs: ReadonlyArray<Input.LivenessInput>; last: number } => {
  let last = 0
  const frames = gaps.map((gap) => frame(last += gap))
  return { inputs: frames, last }
}

export const merged = (
  ...parts: ReadonlyArray<ReadonlyArray<Input.LivenessInput>>
): ReadonlyArray<Input.LivenessInput> => parts.flat().toSorted((one, other) => one.at - other.at)

export const ticksTo = (horizon: number): ReadonlyArray<Input.LivenessInput> =>
  Array.from({ length: Math.ceil(horizon / TICK) }, (_, index) => tick((index + 1) * TICK))
