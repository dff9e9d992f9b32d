/**
 * An engine comes back with another model, or as another process, in the middle of a campaign: the epoch is marked, and
 * its lane stops or goes on as its policy says. Other lanes do not notice.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CampaignEngines } from "../../src/campaign/CampaignEngines.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import type { ModelChangePolicy } from "../../src/campaign/EngineDefinition.ts"
import type { EngineLook } from "../../src/campaign/EngineEpochStep.ts"
import {
  agentAt,
  beganOf,
  campaignOf,
  engineNamed,
  failsWith,
  play,
  runStored,
  scoredAfter,
  told,
  unwatched
} from "./virtualCampaigns.ts"

const serving = (model: string, startedAtMillis = 1000): EngineLook => ({
  models: [{ id: model, root: null }],
  startedAtMillis
})

/** The engines as they are at any moment; what is asked of them is written down. */
const enginesOf = (now: { [engine: string]: EngineLook | undefined }) => {
  const served: Array<string> = []
  return {
    served,
    layer: CampaignEngines.layerTest({
      look: (engine) => Effect.sync(() => now[engine]),
      serve: (engine, model) => Effect.sync(() => void served.push(`${engine} ${model}`)),
      queueTimes: () => Effect.succeed(undefined)
    })
  }
}

/** Two lanes of one battle at a time, ten battles of 30 s each. */
const definitionWith = (onModelChange: ModelChangePolicy) =>
  campaignOf({
    repetitions: 10,
    engines: [engineNamed("one", { onModelChange }), engineNamed("two")],
    agents: [agentAt("first", "one"), agentAt("second", "two")]
  })

const servicesOf = (engines: Layer.Layer<CampaignEngines>) => Layer.mergeAll(unwatched.gate, unwatched.breaker, engines)

/** The first engine serves another model from a time on, and its own again later. */
const changes = (now: { [engine: string]: EngineLook | undefined }, seconds: number, back?: number) =>
  Effect.gen(function*() {
    yield* Effect.sleep(seconds * 1000)
    now["one"] = serving("other", 2000_000)
    if (back === undefined) return
    yield* Effect.sleep((back - seconds) * 1000)
    now["one"] = serving("m", 3000_000)
  })

describe("an engine that comes back with another model", () => {
  it.effect("stops its lane where it shall, charges nobody, and lets the other lane end its campaign", () =>
    Effect.gen(function*() {
      const now: { [engine: string]: EngineLook | undefined } = { one: serving("m"), two: serving("m") }
      const played = yield* play({
        definition: definitionWith("stop"),
        agent: () => scoredAfter(30),
        services: servicesOf(enginesOf(now).layer),
        beside: changes(now, 100)
      })
      assert.deepStrictEqual(played.end, {
        _tag: "Halted",
        why: ["engine one serves another model than at first: other instead of m"]
      })
      // It is looked at once a minute; what was in flight is finished.
      assert.lengthOf(beganOf(played, "first"), 4)
      assert.lengthOf(beganOf(played, "second"), 10)
      assert.isTrue(played.attempts.every(({ verdict }) => verdict === "completed"))
      const outcomes = (agent: string) =>
        played.battles.flatMap(({ battle, outcome }) => battle.agent === agent ? [outcome._tag] : [])
      assert.deepStrictEqual(outcomes("first"), [...Array(4).fill("Scored"), ...Array(6).fill("Pending")])
      assert.deepStrictEqual(outcomes("second"), Array(10).fill("Scored"))
      assert.deepStrictEqual(
        told(played, "EpochBegan").map(({ engine, isFirst, models }) => ({ engine, isFirst, models })),
        [
          { engine: "one", isFirst: true, models: "m" },
          { engine: "two", isFirst: true, models: "m" },
          { engine: "one", isFirst: false, models: "other" }
        ]
      )
      assert.deepStrictEqual(told(played, "LaneHalted").map(({ atMillis, lane }) => [atMillis, lane]), [
        [120_000, "engine one"]
      ])
    }))

  it.effect("goes on when the model is back", () =>
    Effect.gen(function*() {
      const now: { [engine: string]: EngineLook | undefined } = { one: serving("m"), two: serving("m") }
      const played = yield* play({
        definition: definitionWith("stop"),
        agent: () => scoredAfter(30),
        services: servicesOf(enginesOf(now).layer),
        beside: changes(now, 100, 200)
      })
      assert.deepStrictEqual(played.end, { _tag: "Ended" })
      assert.isTrue(played.battles.every(({ outcome }) => outcome._tag === "Scored"))
      const began = beganOf(played, "first")
      assert.lengthOf(began, 10)
      assert.isEmpty(began.filter((at) => at > 120_000 && at < 240_000))
      assert.isAtMost(began[4]!, 240_000)
      assert.deepStrictEqual(told(played, "LaneHalted").map(({ atMillis, why }) => [atMillis, why === null]), [
        [120_000, false],
        [240_000, true]
      ])
      // Three epochs of it, told apart in the store: none of its attempts belongs to the one in between.
      const epochs = new Set(played.attempts.flatMap(({ battle, epoch }) => battle.agent === "first" ? [epoch] : []))
      assert.strictEqual(epochs.size, 2)
      assert.isFalse(epochs.has(null))
    }))

  it.effect("goes on at once where it may, and says in every attempt which model it was", () =>
    Effect.gen(function*() {
      const now: { [engine: string]: EngineLook | undefined } = { one: serving("m"), two: serving("m") }
      const engines = enginesOf(now)
      const played = yield* play({
        definition: definitionWith("continue"),
        agent: () => scoredAfter(30),
        services: servicesOf(engines.layer),
        beside: changes(now, 100)
      })
      assert.deepStrictEqual(played.end, { _tag: "Ended" })
      assert.isEmpty(told(played, "LaneHalted"))
      assert.deepStrictEqual(engines.served, ["one m", "two m", "one other"])
      const epochs = played.attempts.flatMap(({ battle, epoch }) => battle.agent === "first" ? [epoch] : [])
      assert.lengthOf(epochs, 10)
      // Those that began before the look of 120 s were of the first one.
      const before = beganOf(played, "first").filter((at) => at < 120_000).length
      assert.strictEqual(before, 4)
      assert.deepStrictEqual(epochs, [...Array(before).fill(epochs[0]), ...Array(10 - before).fill(epochs[9])])
      assert.notStrictEqual(epochs[0], epochs[9])
    }))

  it.effect("is looked at when it refuses what it had taken, and the battle is not charged for it", () =>
    Effect.gen(function*() {
      const now: { [engine: string]: EngineLook | undefined } = { one: serving("m"), two: serving("m") }
      const played = yield* play({
        definition: definitionWith("stop"),
        agent: (name, asked) =>
          name === "first" && asked === 2
            ? failsWith("engine", { _tag: "Rejected", status: 404, detail: "no such model" })
            : scoredAfter(30),
        services: servicesOf(enginesOf(now).layer),
        beside: changes(now, 10)
      })
      assert.strictEqual(played.end._tag, "Halted")
      const [refused] = played.attempts.filter(({ verdict }) => verdict === "failed")
      assert.deepInclude(refused, { charged: false })
      // At once, and not with the look of every minute.
      assert.isBelow(told(played, "LaneHalted")[0]!.atMillis, 40_000)
      assert.lengthOf(played.battles.filter(({ outcome }) => outcome._tag === "Unscored"), 0)
    }))

  it.effect("is resumed where the model is back, with nothing counted twice", () =>
    Effect.gen(function*() {
      const store = yield* CampaignStore
      yield* store.create(definitionWith("stop"), null)
      const now: { [engine: string]: EngineLook | undefined } = { one: serving("m"), two: serving("m") }
      const options = { definition: definitionWith("stop"), agent: () => scoredAfter(30) }
      const halted = yield* runStored({
        ...options,
        services: servicesOf(enginesOf(now).layer),
        beside: changes(now, 100)
      })
      assert.strictEqual(halted.end._tag, "Halted")
      now["one"] = serving("m", 3000_000)
      const resumed = yield* runStored({ ...options, services: servicesOf(enginesOf(now).layer) })
      assert.deepStrictEqual(resumed.end, { _tag: "Ended" })
      assert.lengthOf(beganOf(resumed, "first"), 6)
      assert.lengthOf(resumed.attempts, 20)
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(CampaignStore.layerMemory)), Effect.orDie))

  it.effect("marks an epoch and goes on where it is only another process", () =>
    Effect.gen(function*() {
      const now: { [engine: string]: EngineLook | undefined } = { one: serving("m"), two: serving("m") }
      const played = yield* play({
        definition: definitionWith("stop"),
        agent: () => scoredAfter(30),
        services: servicesOf(enginesOf(now).layer),
        beside: Effect.delay(
          Effect.sync(() => {
            now["one"] = serving("m", 2000_000)
          }),
          "100 seconds"
        )
      })
      assert.deepStrictEqual(played.end, { _tag: "Ended" })
      assert.deepStrictEqual(told(played, "EpochBegan").map(({ engine, why }) => [engine, why]).slice(2), [
        ["one", "its server has been restarted"]
      ])
      const epochs = new Set(played.attempts.flatMap(({ battle, epoch }) => battle.agent === "first" ? [epoch] : []))
      assert.strictEqual(epochs.size, 2)
    }))
})
