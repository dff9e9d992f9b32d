/**
 * How many battles may run at once at one engine, as a campaign asks for it.
 *
 * Fixed is a number. Adaptive finds one, as TCP does: it grows by one with every round that went well and halves where the
 * engine refuses (429, 503) or lets requests wait ever longer (ConcurrencyStep.ts).
 */
import * as Schema from "effect/Schema"

const Count = Schema.Int.check(Schema.isGreaterThan(0))

export const Concurrency = Schema.TaggedUnion({
  Fixed: { battles: Count },
  /** Begins at `first` and is never more than `most`. */
  Adaptive: { first: Count, most: Count }
}).check(Schema.makeFilter((concurrency) =>
  concurrency._tag === "Adaptive" && concurrency.first > concurrency.most
    ? "an adaptive concurrency cannot begin above its most"
    : undefined
))
export type Concurrency = typeof Concurrency.Type

/** The same number always. */
export const fixed = (battles: number): Concurrency => ({ _tag: "Fixed", battles })

/** The most battles that ever run at once. */
export const mostOf = (concurrency: Concurrency): number =>
  concurrency._tag === "Fixed" ? concurrency.battles : concurrency.most
