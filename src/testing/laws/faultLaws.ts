/**
 * Every fault of the catalogue (faults.ts), after any healthy beginning, is found within its bound and called by its name.
 *
 * The metrics are ours and bound from the beginning, as after a canary. A bound is calculated from the limits that the
 * verdict itself says were in force; whether those are right is for the reference to say (referenceLaws.ts).
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type { FailKind } from "../../liveness/FailKind.ts"
import type { StallKind } from "../../liveness/StallKind.ts"
import { describeWorld, inWords } from "../describeWorld.ts"
import { type Fault, faults } from "../faults.ts"
import { schedulesOf, usualAnswers, worldOf } from "../GapSchedule.ts"
import { type Law, law, type Violation } from "../Law.ts"
import { play } from "../play.ts"
import { rhythmOf, type Subject } from "../Reducer.ts"
import { inputsOf, lengthOf, type Stretch, type World } from "../World.ts"
import { wholeBetween } from "../worlds.ts"

/** A request that has had tokens: at any pace, and perhaps in a long silence while the engine decodes. */
const begun = Arbitrary.map(
  Arbitrary.all({
    schedule: Arbitrary.flatMap(
      Arbitrary.schema(Schema.Literals(["steady", "bursty", "slow"])),
      (name) => schedulesOf({ ...usualAnswers[name], arrivals: { least: 2, most: 60 } })
    ),
    hiddenMillis: Arbitrary.schema(Schema.Union([Schema.Literal(0), wholeBetween(1, 300_000)]))
  }),
  ({ hiddenMillis, schedule }): ReadonlyArray<Stretch> => [
    ...worldOf(schedule).stretches,
    ...hiddenMillis === 0 ? [] : [{ kind: "hidden" as const, millis: hiddenMillis }]
  ]
)

/** One that has had none. */
const waiting = Arbitrary.map(
  Arbitrary.schema(Schema.Struct({
    kind: Schema.Literals(["waiting", "prefill"]),
    millis: Schema.Union([wholeBetween(0, 2000), wholeBetween(2000, 300_000)])
  })),
  (stretch): ReadonlyArray<Stretch> => [stretch]
)

const beginningsOf = (
  { afterTokens = false, beforeTokens = false }: Fault
): Arbitrary.Arbitrary<ReadonlyArray<Stretch>> =>
  beforeTokens
    ? Arbitrary.map(waiting, () => [])
    : afterTokens
    ? begun
    : Arbitrary.flatMap(Arbitrary.schema(Schema.Boolean), (hasBegun) => hasBegun ? begun : waiting)

/** Whether a fault is found, in a world in which it begins at `faultAt`. */
export const foundIn = (
  world: World,
  faultAt: number,
  { boundMillis, kinds }: Pick<Fault, "boundMillis" | "kinds">,
  subject: Subject
): Violation => {
  const { endedAt, verdict } = play(inputsOf(world, rhythmOf(subject)), subject)
  if (endedAt === undefined || (verdict._tag !== "Stalled" && verdict._tag !== "Failed")) {
    return `it is not found: ${verdict._tag}${verdict._tag === "Slow" ? ` (${verdict.reason})` : ""} at the end`
  }
  const delay = endedAt - faultAt
  if (delay < 0) return `it is given up (${verdict.kind}) ${inWords(-delay)} before anything is wrong`
  const inForce = (name: string) => verdict.circumstances.limits.find((limit) => limit.name === name)?.millis ?? 0
  const most = boundMillis(subject, { suspect: inForce("suspect"), frozen: inForce("frozen") })
  return !kinds.some((kind) => kind === verdict.kind) && !isImpatient(verdict.kind, most, subject)
    ? `it is called ${verdict.kind}, not ${kinds.join(" or ")}`
    : delay > most
    ? `it is found after ${inWords(delay)}, and should be after ${inWords(most)}`
    : undefined
}

/** Whether limits are so short that a run is given up for another reason before a fault can be proved. */
const isImpatient = (kind: StallKind | FailKind, provedMillis: number, { limits }: Subject): boolean =>
  (kind === "silent" && Math.min(limits.silentFloorMillis, limits.firstTokenFloorMillis) < provedMillis) ||
  (kind === "decode-hung" && limits.preemptedMillis < provedMillis)

const faultLaw = (name: string, fault: Fault): Law =>
  law({
    name: `fault: ${name}`,
    property: null,
    statement: `found within its bound: ${fault.what}`,
    inputs: (subject) =>
      Arbitrary.all({
        beginning: beginningsOf(fault),
        scrapeAt: Arbitrary.schema(wholeBetween(0, subject.scrapeMillis - 1))
      }),
    describe: ({ beginning, scrapeAt }) =>
      describeWorld({ stretches: beginning, end: "open", opened: { binding: "proven" }, scrapeAt }),
    check: ({ beginning, scrapeAt }, subject) => {
      const { firstTokenFloorMillis, silentFloorMillis, tickMillis } = subject.limits
      const faultAt = lengthOf(beginning)
      const seen = scrapeAt < faultAt
      // Before the first scrape there is no evidence that could speak for the request.
      const isUnseen = Math.min(firstTokenFloorMillis, silentFloorMillis) <= scrapeAt + 2 * tickMillis
      if (isUnseen || (fault.seenBefore === true && !seen)) return undefined
      const boundMillis: Fault["boundMillis"] = (subject, limits) =>
        fault.boundMillis(subject, limits) + (seen ? 0 : subject.scrapeMillis)
      const world: World = {
        stretches: [...beginning, ...fault.stretches(subject)],
        end: fault.end ?? "open",
        opened: { binding: "proven" },
        scrapeAt
      }
      return foundIn(world, faultAt, { kinds: fault.kinds, boundMillis }, subject)
    }
  })

/** One law for each fault. */
export const faultLaws: ReadonlyArray<Law> = Object.entries<Fault>(faults).map(([name, fault]) => faultLaw(name, fault))
