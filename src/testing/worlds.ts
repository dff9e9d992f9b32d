/**
 * Worlds by chance, for laws that hold in all of them: stretches of every kind, with every sort of metrics and end.
 *
 * Times are drawn in the measure of the limits under test: some below a look or two, some around the limits for a hung
 * engine, some beyond every silence that is waited for. With the defaults these are 0.5 to 20 s, to 300 s and to 990 s.
 * Runs are looked at a few thousand times at most, so limits of a thousand looks and more are not reached; laws say what
 * they leave out.
 *
 * Law: among a few hundred worlds of the defaults every verdict, every kind of stall and every reason comes up.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { describeWorld, readable } from "./describeWorld.ts"
import { rhythmOf, type Subject, subjectOf } from "./Reducer.ts"
import { kinds, lengthOf, type Metrics, type World, type WorldEnd } from "./World.ts"

/** Whole numbers, both bounds included. */
export const wholeBetween = (minimum: number, maximum: number) =>
  Schema.Int.check(Schema.isBetween({ minimum: Math.round(minimum), maximum: Math.round(maximum) }))

/** No stretch of a world is longer than so many looks at it. */
const MOST_TICKS = 5000

/** A world has at most so many tokens in a stretch: fast tokens for long are many and tell nothing new. */
const MOST_TOKENS = 100

/** Every way in which an answer can end that a law may draw; half of the time it does not. */
export const allEnds: ReadonlyArray<WorldEnd> = [
  "finish",
  "open",
  "open",
  "open",
  "done",
  "eof",
  "reset",
  "error",
  "malformed"
]

/** Every sort of metrics; half of the time they are those of our engine. */
export const allMetrics: ReadonlyArray<Metrics> = [
  "ours",
  "ours",
  "ours",
  "none",
  "idle replica",
  "down",
  "cached",
  "alternating"
]

/** The times around which the worlds of a subject are drawn, in milliseconds. */
export const scaleOf = (subject: Subject) => {
  const { tickMillis } = rhythmOf(subject)
  const { deferredMillis, frozenCeilingMillis, preemptedMillis, silentCeilingMillis } = subject.limits
  const cut = (millis: number) => Math.min(millis, MOST_TICKS * tickMillis)
  const middle = Math.max(21 * tickMillis, cut(frozenCeilingMillis))
  const long = Math.max(middle + 1, cut(1.1 * Math.max(silentCeilingMillis, preemptedMillis, deferredMillis)))
  return { shortest: tickMillis / 2, short: 20 * tickMillis, middle, long }
}

const stretchesFor = (subject: Subject) => {
  const { tickMillis } = subject.limits
  const { long, middle, short, shortest } = scaleOf(subject)
  return Schema.Array(Schema.Struct({
    kind: Schema.Literals(kinds),
    millis: Schema.Union([wholeBetween(shortest, short), wholeBetween(short, middle), wholeBetween(middle, long)]),
    gapMillis: Schema.Union([
      wholeBetween(tickMillis / 50, tickMillis / 5),
      wholeBetween(tickMillis / 5, 20 * tickMillis)
    ])
  })).check(Schema.isMinLength(1), Schema.isMaxLength(3))
}

const elementOf = <A>(all: ReadonlyArray<A>): Arbitrary.Arbitrary<A> =>
  Arbitrary.map(Arbitrary.schema(wholeBetween(0, all.length - 1)), (index) => all[index]!)

/** Worlds for a subject, with some sorts of metrics and some ends only, if wanted. */
export const worldsFor = (
  subject: Subject = subjectOf(),
  { ends = allEnds, metrics = allMetrics }: {
    readonly metrics?: ReadonlyArray<Metrics>
    readonly ends?: ReadonlyArray<WorldEnd>
  } = {}
): Arbitrary.Arbitrary<World> => {
  const { tickMillis } = subject.limits
  const { middle } = scaleOf(subject)
  return Arbitrary.map(
    Arbitrary.all({
      stretches: Arbitrary.schema(stretchesFor(subject)),
      end: elementOf(ends),
      metrics: elementOf(metrics),
      inherits: Arbitrary.schema(Schema.Boolean),
      begins: Arbitrary.schema(Schema.Boolean),
      goesOn: Arbitrary.schema(Schema.Boolean),
      alone: Arbitrary.schema(Schema.Boolean),
      learned: Arbitrary.schema(Schema.NullOr(wholeBetween(tickMillis, 1.7 * middle))),
      scrapeAt: Arbitrary.schema(wholeBetween(0, subject.scrapeMillis - 1))
    }),
    (made): World => {
      const stretches = [
        ...made.begins ? [{ kind: "tokens" as const, millis: 10 * tickMillis, gapMillis: tickMillis / 20 }] : [],
        ...made.stretches.map((stretch) =>
          stretch.kind === "tokens"
            ? { ...stretch, millis: Math.min(stretch.millis, stretch.gapMillis * MOST_TOKENS) }
            : { kind: stretch.kind, millis: stretch.millis }
        )
      ]
      return readable({
        stretches,
        end: made.end,
        metrics: made.metrics,
        opened: {
          binding: made.inherits ? "proven" : "unproven",
          learned: { gapMillis: made.learned, firstTokenMillis: made.learned }
        },
        scrapeAt: made.scrapeAt,
        ...made.alone ? { alone: true } : {},
        ...made.goesOn ? { horizonMillis: lengthOf(stretches) + 500 * tickMillis } : {}
      }, describeWorld)
    }
  )
}
