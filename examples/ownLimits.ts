/**
 * Tests limits of your own against an engine of your own: no answer of it is given up, and a hang is found in time.
 *
 *     node --conditions=a2a-campaign-source examples/ownLimits.ts
 *
 * The engine of this example guesses ahead, four tokens at once, and now and then it pauses for up to 40 s. It serves
 * nobody else, so its counters stand still while it pauses.
 */
import * as Liveness from "a2a-campaign/Liveness"
import * as Testing from "a2a-campaign/testing"
import * as Arbitrary from "effect/Arbitrary"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

const answers = Testing.schedulesOf({
  shape: Testing.shapes.mixed(Testing.shapes.speculative(60), {
    share: 0.01,
    leastMillis: 10_000,
    mostMillis: 40_000
  }),
  first: { leastMillis: 500, mostMillis: 90_000 },
  tokensPerArrival: 4
})

const laws = [
  Testing.neverGivenUp({
    name: "an answer of our engine",
    worlds: Arbitrary.map(answers, (schedule) => Testing.worldOf(schedule, { alone: true }))
  }),
  Testing.foundWithin({
    name: "a hang in the middle of it",
    millis: 75_000,
    kinds: ["engine-hung"],
    worlds: Arbitrary.map(
      answers,
      (schedule) => Testing.worldOf(schedule, { alone: true, then: [{ kind: "frozen", millis: 400_000 }] })
    )
  })
]

const report = (name: string, limits: typeof Liveness.defaults) =>
  Testing.checkAll({ limits }, { laws, seed: 1 }).pipe(
    Effect.matchEffect({
      onSuccess: () => Console.log(`${name}: all hold\n`),
      onFailure: (error) => Console.log(`${name}: ${error.message}\n`)
    })
  )

// The defaults wait three times the longest gap of a run, two minutes after a pause of 40 s: safe, but late.
await Effect.runPromise(report("the defaults", Liveness.defaults))

// So somebody is in a hurry.
const hasty = { ...Liveness.defaults, frozenFloorMillis: 30_000, frozenCeilingMillis: 60_000, frozenGapFactor: 0 }
await Effect.runPromise(report("30 s for a hung engine", hasty))

// And somebody else asks first how long this engine may stand still.
const fitting = { ...Liveness.defaults, frozenFloorMillis: 60_000, frozenCeilingMillis: 60_000, frozenStepFactor: 0 }
await Effect.runPromise(report("60 s for a hung engine", fitting))
