/** Who waits for a shut gate lets go where nothing is to be begun any more: nobody waits for an engine to end a campaign. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CampaignEngines } from "../../src/campaign/CampaignEngines.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import type { RunnerState } from "../../src/campaign/RunnerState.ts"
import { Command } from "../../src/campaign/StoredCommand.ts"
import { Canary, CanaryOutcome } from "../../src/liveness/Canary.ts"
import { EngineGate } from "../../src/liveness/EngineGate.ts"
import {
  agentAt,
  beganOf,
  campaignOf,
  engineNamed,
  play,
  runStored,
  scoredAfter,
  told,
  unwatched
} from "./virtualCampaigns.ts"

/** A gate whose canary passes until so many seconds have gone by, and never again. */
const gateUntil = (seconds: number) => {
  let asked = 0
  const canary = Canary.layerTest(() =>
    Effect.map(Effect.clockWith((clock) => clock.currentTimeMillis), (now) => {
      asked++
      return now < seconds * 1000
        ? CanaryOutcome.cases.Passed.make({ tokens: 3, stepMillis: 10, binding: "proven" })
        : CanaryOutcome.cases.Failed.make({ why: "the canary has not passed: its model is not served" })
    })
  )
  return { layer: EngineGate.layer().pipe(Layer.provide(canary)), asked: () => asked }
}

const definition = campaignOf({
  repetitions: 6,
  concurrency: 2,
  engines: [engineNamed("one")],
  agents: [agentAt("first", "one")]
})

describe("a campaign whose gate is shut", () => {
  it.effect("can be paused at once, with nothing begun and nothing charged", () =>
    Effect.gen(function*() {
      const gate = gateUntil(0)
      const played = yield* play({
        definition,
        agent: () => scoredAfter(5),
        services: Layer.mergeAll(gate.layer, unwatched.breaker, unwatched.engines),
        beside: Effect.delay(
          RunnerDesk.use((desk) => Effect.orDie(Effect.asVoid(desk.request(Command.cases.Pause.make({}))))),
          "30 seconds"
        )
      })
      assert.strictEqual(played.end._tag, "Paused")
      assert.isAtMost(told(played, "CampaignEnded")[0]!.atMillis, 31_000)
      assert.isEmpty(played.attempts)
      assert.isTrue(played.battles.every(({ outcome }) => outcome._tag === "Pending"))
      assert.isAbove(gate.asked(), 0)
    }))

  it.effect("tells at its desk that nothing is in flight while all of it waits", () =>
    Effect.gen(function*() {
      const reports: Array<RunnerState> = []
      const store = yield* CampaignStore
      const desk = yield* RunnerDesk
      yield* store.create(definition, null)
      const pause = desk.request(Command.cases.Pause.make({}))
      yield* runStored({
        definition,
        agent: () => scoredAfter(5),
        services: Layer.mergeAll(gateUntil(0).layer, unwatched.breaker, unwatched.engines),
        beside: Effect.delay(Effect.orDie(Effect.asVoid(pause)), "10 seconds")
      }).pipe(Effect.provideService(RunnerDesk, {
        ...desk,
        report: (state) => Effect.andThen(Effect.sync(() => reports.push(state)), desk.report(state))
      }))
      assert.isAbove(reports.length, 5)
      assert.deepStrictEqual([...new Set(reports.flatMap(({ lanes }) => lanes.map(({ inFlight }) => inFlight)))], [0])
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(CampaignStore.layerMemory)), Effect.orDie))

  it.effect("ends as halted when the model that its canary asks for is gone for good", () =>
    Effect.gen(function*() {
      const played = yield* play({
        definition,
        agent: () => scoredAfter(5),
        services: Layer.mergeAll(
          gateUntil(0).layer,
          unwatched.breaker,
          CampaignEngines.layerTest({
            look: () =>
              Effect.map(Effect.clockWith((clock) => clock.currentTimeMillis), (now) => ({
                models: [{ id: now < 50_000 ? "m" : "other", root: null }],
                startedAtMillis: null
              })),
            serve: () => Effect.void,
            queueTimes: () => Effect.succeed(undefined)
          })
        )
      })
      assert.deepStrictEqual(played.end, {
        _tag: "Halted",
        why: ["engine one serves another model than at first: other instead of m"]
      })
      assert.isEmpty(beganOf(played, "first"))
      assert.isAtMost(told(played, "CampaignEnded")[0]!.atMillis, 61_000)
    }))
})
