/**
 * Laws of your own engine: answers that must never be given up, and hangs that must be found in time.
 *
 * They are laws like the others: ask them with `check` or `checkAll({ limits }, { laws: [...] })`, or hand their cases to
 * your test runner. Worlds come from schedules of your engine (GapSchedule.ts), or are written down (World.ts).
 *
 * Gotcha: without evidence, or with `metrics: "none"`, a long silence and a hang are the same; only the silent limits then
 * tell them apart.
 */
import type * as Arbitrary from "effect/Arbitrary"
import { FailKind } from "../liveness/FailKind.ts"
import { StallKind } from "../liveness/StallKind.ts"
import { describeWorld, inWords } from "./describeWorld.ts"
import { type Law, law } from "./Law.ts"
import { foundIn } from "./laws/faultLaws.ts"
import { playWorld } from "./play.ts"
import { lengthOf, type World } from "./World.ts"

/** These worlds are never given up, whatever else becomes of them: no stall, and no failure. */
export const neverGivenUp = (
  { name, worlds }: { readonly name: string; readonly worlds: Arbitrary.Arbitrary<World> }
): Law =>
  law({
    name,
    property: null,
    statement: `never given up: ${name}`,
    inputs: () => worlds,
    describe: describeWorld,
    check: (world, subject) => {
      const { endedAt, verdict } = playWorld(world, subject)
      switch (verdict._tag) {
        case "Stalled":
          return `it is given up ${inWords(endedAt ?? 0)} after the request, as ${verdict.kind}: no token for ${
            inWords(verdict.silentMillis)
          }, and the ${verdict.limit.name} limit is ${inWords(verdict.limit.millis)} (${verdict.limit.origin})`
        case "Failed":
          return `it fails ${inWords(endedAt ?? 0)} after the request, as ${verdict.kind}`
        default:
          return undefined
      }
    }
  })

/**
 * What happens in the last stretch of these worlds is found within so many milliseconds of its beginning, and not before.
 * `kinds` are those it may be called; any unless given.
 */
export const foundWithin = ({ kinds, millis, name, worlds }: {
  readonly name: string
  readonly millis: number
  readonly kinds?: ReadonlyArray<StallKind | FailKind>
  readonly worlds: Arbitrary.Arbitrary<World>
}): Law =>
  law({
    name,
    property: null,
    statement: `found within ${inWords(millis)}: ${name}`,
    inputs: () => worlds,
    describe: describeWorld,
    check: (world, subject) =>
      foundIn(
        world,
        lengthOf(world.stretches.slice(0, -1)),
        { kinds: kinds ?? allKinds, boundMillis: () => millis },
        subject
      )
  })

const allKinds: ReadonlyArray<StallKind | FailKind> = [...StallKind.literals, ...FailKind.literals]
