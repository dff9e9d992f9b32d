// What a dashboard is told of a file: what stands in it, what becomes of it, and how patient it is when it cannot be read.
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as TestConsole from "effect/testing/TestConsole"
import { renameSync } from "node:fs"
import { basename, join } from "node:path"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import * as StoreLock from "../../src/campaign/StoreLock.ts"
import { followCampaign } from "../../src/cli/followCampaign.ts"
import { WebDashboard } from "../../src/web/WebDashboard.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"
import { countedAlone, pageNow } from "../telemetry/scrapedPage.ts"
import { began, definitionOf, recordOf } from "../terminal/campaigns.ts"

const definition = definitionOf(["one", "two"], { repetitions: 1 })
const [one, two] = began(definition).battles.map(({ battle }) => battle)

/** What a dashboard would be told. */
const listener = () => {
  const told: Array<CampaignEvent> = []
  const layer = Layer.succeed(WebDashboard, {
    url: null,
    link: null,
    begin: (shown) => Effect.asVoid(shown),
    tell: (event) => Effect.sync(() => void told.push(event))
  })
  return { told, layer, tags: () => told.splice(0).map(({ _tag }) => _tag) }
}

describe("followCampaign", () => {
  it.effect("tells what is stored, and again when somebody has changed it while nobody runs it", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "c.db")
      const change = <A, E>(use: Effect.Effect<A, E, CampaignStore>) =>
        use.pipe(Effect.provide(Layer.fresh(CampaignStore.layer({ filename, create: true }))))
      yield* change(Effect.gen(function*() {
        const store = yield* CampaignStore
        yield* store.create(definition, null)
        yield* store.begin(one!, { startedAt: 0, epoch: null })
        yield* store.record(recordOf(one!))
        yield* store.setState("paused")
      }))
      const { layer, tags, told } = listener()
      const fiber = yield* Effect.forkChild(Effect.provide(followCampaign(filename), layer), { startImmediately: true })
      yield* TestClock.adjust(3_000)
      const end = told.at(-1)
      assert.isTrue(end?._tag === "CampaignEnded" && end.end._tag === "Paused")
      assert.deepStrictEqual(tags(), ["CampaignBegan", "CampaignEnded"])
      yield* change(
        CampaignStore.use((store) => store.giveUp({ verdicts: [], tasks: [], agents: [] }, "enough", [two!]))
      )
      yield* TestClock.adjust(2_000)
      const [again] = told
      assert.isTrue(again?._tag === "CampaignBegan" && again.battles[1]?.outcome._tag === "Unscored")
      assert.deepStrictEqual(tags(), ["CampaignBegan", "CampaignEnded"])
      yield* Fiber.interrupt(fiber)
    }))

  it.effect("counts what it is told, of a campaign that somebody runs and of one that nobody does", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "c.db")
      const states = Effect.map(
        pageNow,
        (page) =>
          ["pending", "in-flight", "scored"].map((state) => page.value("campaign_battles", { campaign_state: state }))
      )
      const store = Context.get(
        yield* Layer.build(CampaignStore.layer({ filename, create: true })),
        CampaignStore
      )
      yield* store.create(definition, null)
      const { layer } = listener()
      yield* Effect.forkScoped(Effect.provide(followCampaign(filename), layer), { startImmediately: true })
      yield* TestClock.adjust(500)
      assert.deepStrictEqual(yield* states, [2, 0, 0])
      yield* Layer.build(StoreLock.layer(filename))
      yield* store.setState("running")
      yield* store.begin(one!, { startedAt: 0, epoch: null })
      yield* TestClock.adjust(10_000)
      assert.deepStrictEqual(yield* states, [1, 1, 0])
      yield* store.record(recordOf(one!))
      yield* TestClock.adjust(10_000)
      assert.deepStrictEqual(yield* states, [1, 0, 1])
      assert.strictEqual((yield* pageNow).value("campaign_attempts_total", { campaign_verdict: "completed" }), 1)
    }).pipe(Effect.scoped, Effect.provide(countedAlone)))

  it.effect("misses no change of its first moment, and shows another file that was put in its place", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const [changed, replaced, other] = ["changed", "replaced", "other"].map((id) => join(directory, `${id}.db`))
      const change = <A, E>(name: string, use: Effect.Effect<A, E, CampaignStore>) =>
        use.pipe(Effect.provide(Layer.fresh(CampaignStore.layer({ filename: name, create: true }))))
      for (const name of [changed!, replaced!, other!]) {
        yield* change(name, CampaignStore.use((store) => store.create({ ...definition, id: basename(name) }, null)))
      }
      const { layer, told } = listener()
      const shown = () => {
        const ids = told.splice(0).flatMap((event) => event._tag === "CampaignBegan" ? [event.definition.id] : [])
        return ids.toSorted()
      }
      yield* Effect.forEach(
        [changed!, replaced!],
        (name) => Effect.forkScoped(Effect.provide(followCampaign(name), layer), { startImmediately: true })
      )
      yield* TestClock.adjust(500)
      assert.deepStrictEqual(shown(), ["changed.db", "replaced.db"])
      yield* change(
        changed!,
        CampaignStore.use((store) => store.giveUp({ verdicts: [], tasks: [], agents: [] }, "enough", [two!]))
      )
      renameSync(other!, replaced!)
      yield* TestClock.adjust(3_000)
      assert.deepStrictEqual(shown(), ["changed.db", "other.db"])
    }))

  it.effect("tries a file again that cannot be read, and says so, before it gives up", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const [filename, moved] = [join(directory, "c.db"), join(directory, "moved.db")]
      const create = CampaignStore.use((store) => store.create(definition, null))
      yield* create.pipe(Effect.provide(Layer.fresh(CampaignStore.layer({ filename: moved, create: true }))))
      const { layer, tags } = listener()
      const fiber = yield* Effect.forkChild(Effect.exit(Effect.provide(followCampaign(filename), layer)), {
        startImmediately: true
      })
      yield* TestClock.adjust(3_000)
      assert.match(String((yield* TestConsole.errorLines)[0]), /no file .*tries again/)
      renameSync(moved, filename)
      yield* TestClock.adjust(3_000)
      assert.deepStrictEqual(tags(), ["CampaignBegan", "CampaignEnded"])
      assert.isUndefined(fiber.pollUnsafe())
      yield* Fiber.interrupt(fiber)

      const never = yield* Effect.forkChild(
        Effect.exit(Effect.provide(followCampaign(join(directory, "none.db")), listener().layer)),
        { startImmediately: true }
      )
      yield* TestClock.adjust(7_000)
      assert.isUndefined(never.pollUnsafe())
      yield* TestClock.adjust(2_000)
      assert.isDefined(never.pollUnsafe())
    }))
})
