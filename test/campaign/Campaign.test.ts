/** A campaign as a service: what it tells, how it is stopped and gone on with, and what it refuses. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { join } from "node:path"
import { Campaign, type CampaignEvent, type CampaignInput, type CampaignParts } from "../../src/campaign/Campaign.ts"
import * as CampaignStatus from "../../src/campaign/CampaignStatus.ts"
import { CampaignStore, StoreError, StoreErrorReason, type StoreOperation } from "../../src/campaign/CampaignStore.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import { everything } from "../../src/campaign/Selection.ts"
import { Command } from "../../src/campaign/StoredCommand.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { answer, campaignWith, inventedEngine } from "../support/inventedEngine.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

/** A campaign, and the store that it is kept in, both new. */
const services = (input: Partial<CampaignInput> = {}, parts: CampaignParts = inventedEngine) =>
  Layer.fresh(Campaign.layer(campaignWith(input), parts).pipe(Layer.provideMerge(CampaignStore.layerMemory)))

const loaded = Effect.flatMap(CampaignStore.use((store) => store.load), Effect.fromOption)

/** What is refused, in one line. */
const refusal = (input: Partial<CampaignInput>, parts: CampaignParts = inventedEngine) =>
  Effect.flip(Effect.scoped(Layer.build(services(input, parts))))

/** An engine that generates for ever. */
const endless: CampaignParts = {
  engine: (_, { maxTokens }) =>
    Engine.layerTest(maxTokens === 3 ? answer : Stream.concat(Stream.take(answer, 1), Stream.never))
}

const diskFull = new StoreError({
  reason: StoreErrorReason.cases.Query.make({ operation: "save the attempt", detail: "disk full" })
})

const keyless = { engine: [{ name: "gpu", url: "http://127.0.0.1:9/v1", "key-variable": "A2A_NOBODY_SETS_THIS" }] }

describe("a campaign as a service", () => {
  it.live("tells whoever follows it everything, from its beginning to its end", () =>
    Effect.gen(function*() {
      const campaign = yield* Campaign
      const follow = campaign.events.pipe(Stream.runCollect, Effect.forkScoped({ startImmediately: true }))
      const fiber = yield* follow
      const heard: Array<CampaignEvent> = []
      const { end, summary } = yield* campaign.play({ onEvent: (event) => Effect.sync(() => void heard.push(event)) })
      const events = yield* Fiber.join(fiber)
      assert.deepStrictEqual(events, heard)
      assert.deepStrictEqual([events[0]?._tag, events.at(-1)?._tag], ["CampaignBegan", "CampaignEnded"])
      assert.deepStrictEqual([end._tag, summary.battles.scored, summary.score], ["Ended", 2, 1])
      // Played again it has nothing to do, and its events are its own.
      const again = yield* follow
      assert.strictEqual((yield* campaign.play()).end._tag, "Ended")
      assert.deepStrictEqual((yield* Fiber.join(again)).filter(({ _tag }) => _tag === "AttemptBegan"), [])
    }).pipe(Effect.scoped, Effect.provide(services({ repeat: 2 }))))

  it.live("is paused, goes on, is given up and opened again, as its program says", () =>
    Effect.gen(function*() {
      const campaign = yield* Campaign
      assert.strictEqual(yield* campaign.pause(), "it is not running")
      const said: Array<string> = []
      const isFirst = (event: CampaignEvent) => event._tag === "AttemptEnded" && said.length === 0
      const paused = yield* campaign.play({
        onEvent: (event) =>
          isFirst(event) ? Effect.orDie(Effect.map(campaign.pause(), (text) => void said.push(text))) : Effect.void
      })
      assert.deepStrictEqual(paused.end, { _tag: "Paused", why: "it was paused by its program" })
      assert.deepStrictEqual(said, ["pausing: 1 battle in flight will be finished first"])
      assert.deepInclude(yield* campaign.status, {
        state: "paused",
        isPlaying: false,
        stopping: null,
        inFlight: 0,
        attempts: 1,
        battles: { planned: 3, scored: 1, unscored: 0, pending: 2 }
      })
      assert.strictEqual(yield* campaign.cancel(), "2 battles will have no score")
      assert.strictEqual(yield* campaign.cancel(), "no battle matches")
      assert.strictEqual((yield* campaign.status).state, "cancelled")
      assert.strictEqual(yield* campaign.retry(everything), "2 battles will be played again")
      const { end, summary } = yield* campaign.play()
      assert.deepStrictEqual([end._tag, summary.battles.scored], ["Ended", 3])
      assert.strictEqual((yield* campaign.status).state, "ended")
    }).pipe(Effect.provide(services({ repeat: 3 }))))

  it.live("is cancelled at once while it runs, and tells how it stands meanwhile", () =>
    Effect.gen(function*() {
      const campaign = yield* Campaign
      const begun = yield* Deferred.make<void>()
      const playing = yield* Effect.forkScoped(campaign.play({
        onEvent: ({ _tag }) => _tag === "TokensArrived" ? Deferred.succeed(begun, undefined) : Effect.void
      }))
      yield* Deferred.await(begun)
      assert.deepInclude(yield* campaign.status, { state: "running", isPlaying: true, inFlight: 1, attempts: 0 })
      assert.strictEqual(yield* campaign.cancel(), "cancelled: 2 battles will have no score")
      assert.strictEqual((yield* Fiber.join(playing)).end._tag, "Cancelled")
      const { attempts, battles } = yield* loaded
      assert.deepStrictEqual(attempts.map(({ superseded, verdict }) => [verdict, superseded]), [["cancelled", true]])
      assert.isTrue(battles.every(({ outcome }) => outcome._tag === "Unscored"))
    }).pipe(
      Effect.scoped,
      Effect.provide(services({ repeat: 2 }, endless))
    ))

  it.live("does what it is asked while it begins, too", () =>
    Effect.gen(function*() {
      const campaign = yield* Campaign
      const said: Array<string> = []
      const asking = (ask: Effect.Effect<string, StoreError>, when: CampaignEvent["_tag"]) =>
        campaign.play({
          onEvent: ({ _tag }) =>
            _tag === when ? Effect.orDie(Effect.map(ask, (text) => void said.push(text))) : Effect.void
        })
      assert.strictEqual((yield* asking(campaign.pause(), "CampaignBegan")).end._tag, "Paused")
      const playing = yield* Effect.forkScoped(campaign.play(), { startImmediately: true })
      said.push(yield* campaign.pause({ now: true }))
      assert.strictEqual((yield* Fiber.join(playing)).end._tag, "Paused")
      assert.strictEqual((yield* asking(campaign.cancel(), "CampaignBegan")).end._tag, "Cancelled")
      assert.deepStrictEqual(said, ["paused", "paused", "cancelled: 2 battles will have no score"])
      // What is said of it at its end is not taken back by that.
      yield* asking(campaign.retry(everything), "CampaignEnded")
      assert.deepInclude(yield* campaign.status, { state: "paused", attempts: 0 })
      yield* asking(campaign.retry(everything), "CampaignBegan")
      assert.deepInclude(yield* campaign.status, { state: "ended", attempts: 2 })
    }).pipe(Effect.scoped, Effect.provide(services({ repeat: 2 }))))

  it.live("leaves nothing open where its store broke down, once it is played again", () =>
    Effect.gen(function*() {
      const written: Array<StoreOperation> = []
      let isFull = true
      const journal = CampaignStore.layerJournal({
        read: Effect.succeed([]),
        append: (operation) => {
          if (isFull && operation._tag === "Record") return Effect.fail(diskFull)
          return Effect.sync(() => void written.push(operation))
        }
      })
      const campaign = yield* Campaign.pipe(Effect.provide(
        yield* Layer.build(Campaign.layer(campaignWith(), inventedEngine).pipe(Layer.provide(journal)))
      ))
      assert.strictEqual(yield* Effect.flip(campaign.play()), diskFull)
      isFull = false
      const { end, summary: { attempts } } = yield* campaign.play()
      assert.deepInclude({ end: end._tag, ...attempts }, { end: "Ended", total: 2, abandoned: 1, completed: 1 })
      assert.strictEqual(written.filter(({ _tag }) => _tag === "Abandon").length, 1)
    }).pipe(Effect.scoped))

  it.live("ends the stream of its events with its scope, even if nobody has played it", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { events } = Context.get(yield* Layer.buildWithScope(services(), scope), Campaign)
      const following = yield* Effect.forkScoped(Stream.runCollect(events), { startImmediately: true })
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* Fiber.join(following), [])
    }).pipe(Effect.scoped))

  it.live("leaves what it was interrupted in pending, and ends the stream of its events", () =>
    Effect.gen(function*() {
      const campaign = yield* Campaign
      const begun = yield* Deferred.make<void>()
      const events = yield* campaign.events.pipe(
        Stream.tap(({ _tag }) => _tag === "TokensArrived" ? Deferred.succeed(begun, undefined) : Effect.void),
        Stream.runCollect,
        Effect.forkScoped({ startImmediately: true })
      )
      const playing = yield* Effect.forkScoped(campaign.play())
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(playing)
      assert.include((yield* Fiber.join(events)).map(({ _tag }) => _tag), "AttemptEnded")
      const { attempts, battles, state } = yield* loaded
      assert.deepStrictEqual(attempts.map(({ charged, verdict }) => [verdict, charged]), [["cancelled", false]])
      assert.deepStrictEqual([state, battles[0]?.outcome._tag], ["paused", "Pending"])
    }).pipe(Effect.scoped, Effect.provide(services({}, endless))))

  it.live("goes on with what its store holds, takes more of it, and refuses another campaign", () =>
    Effect.gen(function*() {
      const kept = yield* Layer.build(Layer.fresh(CampaignStore.layerMemory))
      const again = (input: Partial<CampaignInput>) =>
        Campaign.use((campaign) => campaign.play()).pipe(
          Effect.provide(Campaign.layer(campaignWith(input), inventedEngine), { local: true }),
          Effect.provideContext(kept)
        )
      assert.strictEqual((yield* again({})).summary.attempts.total, 1)
      assert.strictEqual((yield* again({})).summary.attempts.total, 1)
      const more = yield* again({ repeat: 2, name: "called otherwise" })
      assert.deepStrictEqual([more.summary.attempts.total, more.summary.campaign], [2, "invented"])
      const error = yield* Effect.flip(again({ repeat: 2, agent: [{ name: "another", engine: "gpu" }] }))
      assert.strictEqual(error._tag === "CampaignError" && error.reason._tag, "Stored")
      assert.match(error.message, /^the store holds another campaign, "invented": .*my-model.*another store$/)
    }).pipe(Effect.scoped))

  it.live("is seen and paused from another terminal while it runs in a file, which nobody else can run", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "campaign.db")
      const kept = () => CampaignStore.layerRunning({ filename, create: true })
      const services = Layer.fresh(Campaign.layer(campaignWith({ repeat: 2 }), endless).pipe(Layer.provide(kept())))
      const begun = yield* Deferred.make<void>()
      const playing = yield* Effect.forkScoped(
        Campaign.use((campaign) =>
          campaign.play({
            onEvent: ({ _tag }) => _tag === "TokensArrived" ? Deferred.succeed(begun, undefined) : Effect.void
          })
        ).pipe(Effect.provide(services))
      )
      yield* Deferred.await(begun)
      const status = yield* Effect.flatMap(CampaignStatus.read(filename), Effect.fromOption)
      assert.deepStrictEqual([status.campaign, status.holder?.pid, status.inFlight.length], [
        "invented",
        process.pid,
        1
      ])
      const error = yield* Effect.flip(Effect.scoped(Layer.build(Layer.fresh(kept()))))
      assert.strictEqual(error.reason._tag, "Held")
      yield* RunnerDesk.use((desk) => desk.request(Command.cases.PauseNow.make({}))).pipe(
        Effect.provide(CampaignStore.layer({ filename, create: false }), { local: true })
      )
      const { end } = yield* Fiber.join(playing)
      assert.deepStrictEqual(end, { _tag: "Paused", why: "it was paused from another terminal" })
    }).pipe(Effect.scoped))

  it.live("says in one line what of it cannot be used, and stores nothing", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        (yield* refusal({ agent: [{ name: "my-model", engine: "gpu", "max-tokens": 0 }] })).message,
        "settings: agent[1].max-tokens: expected a whole number of at least 1, not 0"
      )
      assert.match((yield* refusal({}, {})).message, /127\.0\.0\.1:9/)
      assert.match((yield* refusal(keyless)).message, /A2A_NOBODY_SETS_THIS, which is not set/)
      assert.match(
        (yield* refusal({ engine: [{ name: "gpu", url: "simulated" }] })).message,
        /^engine gpu is the simulated one, which only the command starts; start one by Simulator\.layer/
      )
      const nobody = yield* Effect.flip(
        Effect.scoped(Layer.build(services({ agent: [{ name: "theirs", url: "http://127.0.0.1:9/" }] })))
      )
      assert.deepInclude(nobody, { _tag: "CampaignError" })
      const kept = yield* Layer.build(Layer.fresh(CampaignStore.layerMemory))
      yield* Effect.flip(Layer.build(Campaign.layer(campaignWith(keyless))).pipe(Effect.provideContext(kept)))
      assert.isTrue((yield* CampaignStore.use((store) => store.load).pipe(Effect.provideContext(kept)))._tag === "None")
    }).pipe(Effect.scoped))
})
