/** The figures of a status are what counting everything gives, while a campaign runs and after. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { join } from "node:path"
import { plan } from "../../src/campaign/Battle.ts"
import * as CampaignStatus from "../../src/campaign/CampaignStatus.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import { everything } from "../../src/campaign/Selection.ts"
import { Command } from "../../src/campaign/StoredCommand.ts"
import * as StoreLock from "../../src/campaign/StoreLock.ts"
import { attemptOf, failedOf, lastOf } from "../support/attempts.ts"
import { definitionOf } from "../support/campaigns.ts"
import { runs } from "../support/propertyRuns.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const definition = definitionOf({ tasks: ["a", "b", "c"], repetitions: 2 })
const battles = plan(definition)

/** What happens to the battles one after the other. */
const What = Schema.Literals([
  "nothing",
  "begun",
  "advanced",
  "scored",
  "failed",
  "unscored",
  "late",
  "abandoned",
  "given up"
])
type What = typeof What.Type

const play = Effect.fnUntraced(function*(whats: ReadonlyArray<What>) {
  const store = yield* CampaignStore
  const desk = yield* RunnerDesk
  yield* store.create(definition, null)
  // Abandoning ends everything that is open, so those come first.
  const ordered = whats.slice(0, battles.length).toSorted((a, b) =>
    Number(b === "abandoned") - Number(a === "abandoned")
  )
  for (const [index, what] of ordered.entries()) {
    const battle = battles[index]!
    const begin = store.begin(battle, { startedAt: 1000 + index, epoch: null })
    if (what === "given up") yield* store.giveUp({ ...everything, tasks: [battle.task] }, "cancelled by its user")
    if (what === "nothing" || what === "given up") continue
    const number = yield* Effect.option(begin)
    if (Option.isNone(number)) continue
    const attempt = number.value
    if (what === "advanced") {
      const told = { battle, number: attempt, phase: "thinking" as const, content: "", reasoning: "" }
      yield* desk.advance([{ ...told, tokens: 2, arrivals: [{ atMillis: 30, tokens: 2 }] }])
      yield* desk.advance([{ ...told, tokens: 2, phase: "decoding", arrivals: [] }])
    }
    if (what === "scored") yield* store.record(attemptOf(battle, attempt))
    if (what === "failed") yield* store.record(failedOf(battle, attempt))
    if (what === "unscored") yield* store.record(lastOf(battle, attempt))
    if (what === "abandoned") yield* store.abandon
    if (what === "late") {
      yield* begin
      yield* store.record(attemptOf(battle, attempt))
    }
  }
  // Waits for what was only offered.
  yield* store.setState("paused")
  const sql = yield* SqlClient.SqlClient
  return {
    stored: yield* Effect.flatMap(store.load, Effect.fromOption),
    open: yield* sql`SELECT * FROM attempt JOIN battle USING (battle_id) WHERE verdict IS NULL`,
    figures: Option.getOrThrow(yield* sql.withTransaction(CampaignStatus.readFigures(sql)))
  }
})

const count = <A>(all: ReadonlyArray<A>, is: (one: A) => boolean) => all.filter(is).length

describe("CampaignStatus", () => {
  it.effect.prop("counts as everybody would", [Schema.Array(What)], ([whats]) =>
    Effect.gen(function*() {
      const { figures, open, stored } = yield* Effect.provide(
        play(whats),
        Layer.fresh(
          Layer.provideMerge(CampaignStore.layerNoDeps, NodeSqlite.layer({ filename: ":memory:", create: true }))
        )
      )
      const tags = stored.battles.map(({ outcome }) => outcome._tag)
      assert.deepStrictEqual(figures.battles, {
        planned: 6,
        scored: count(tags, (tag) => tag === "Scored"),
        unscored: count(tags, (tag) => tag === "Unscored"),
        pending: count(tags, (tag) => tag === "Pending")
      })
      for (const { agent, meanScore, pending, scored, task, unscored } of figures.byTaskAndAgent) {
        const own = stored.battles.filter(({ battle }) => battle.task === task && battle.agent === agent)
        assert.deepStrictEqual(
          [scored, unscored, pending],
          ["Scored", "Unscored", "Pending"].map((tag) => count(own, ({ outcome }) => outcome._tag === tag))
        )
        assert.strictEqual(meanScore, scored === 0 ? null : 0.5)
      }
      assert.lengthOf(figures.byTaskAndAgent, 3)
      const { byVerdict, charged, superseded } = figures.attempts
      for (const [verdict, attempts] of Object.entries(byVerdict)) {
        assert.strictEqual(attempts, count(stored.attempts, (one) => one.verdict === verdict && !one.superseded))
      }
      assert.strictEqual(superseded, count(stored.attempts, (one) => one.superseded))
      assert.strictEqual(charged, count(stored.attempts, (one) => one.charged))
      assert.strictEqual(figures.inFlight.length, open.length)
      for (const { lastArrivalMillis, number, phase, startedAt, tokens } of figures.inFlight) {
        assert.isAtLeast(startedAt, 1000)
        assert.isAtMost(number, 2)
        assert.deepStrictEqual(
          [phase, tokens, lastArrivalMillis],
          tokens === 0 ? [null, 0, null] : ["decoding", 2, 30]
        )
      }
      const reasons = stored.battles.flatMap(({ outcome }) => outcome._tag === "Unscored" ? [outcome.reason] : [])
      assert.deepStrictEqual(
        Object.fromEntries(figures.unscored.map(({ battles, reason }) => [reason, battles])),
        Object.fromEntries([...new Set(reasons)].map((reason) => [reason, count(reasons, (one) => one === reason)]))
      )
    }), runs)

  it.live("and what is asked of a campaign need no lock, while another one runs it", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "campaign.db")
      const options = { filename, create: true }
      yield* Effect.gen(function*() {
        const runner = yield* CampaignStore
        const ownDesk = yield* RunnerDesk
        yield* runner.create(definition, null)
        const asked = Effect.gen(function*() {
          const desk = yield* RunnerDesk
          const id = yield* desk.request(Command.cases.Retry.make({ selection: everything }))
          assert.isTrue(Option.isNone(yield* desk.answerOf(id)))
          assert.deepStrictEqual((yield* ownDesk.requests).map(({ command, id }) => [id, command._tag]), [[
            id,
            "Retry"
          ]])
          yield* ownDesk.answer(id, "0 battles")
          assert.deepStrictEqual(yield* desk.answerOf(id), Option.some("0 battles"))
        })
        for (let turn = 0; turn < 3; turn++) {
          yield* Effect.all([
            Effect.provide(asked, Layer.fresh(CampaignStore.layer(options)), { local: true }),
            Effect.forEach(
              battles.slice(2 * turn, 2 * turn + 2),
              (battle) =>
                Effect.flatMap(runner.begin(battle, { startedAt: 1, epoch: null }), (number) =>
                  runner.record(attemptOf(battle, number)))
            )
          ], { concurrency: 2 })
        }
        const status = Option.getOrThrow(yield* CampaignStatus.read(filename))
        assert.deepInclude(status, {
          battles: { planned: 6, scored: 6, unscored: 0, pending: 0 },
          pendingCommands: []
        })
      }).pipe(Effect.provide(CampaignStore.layerExclusive(options), { local: true }))
    }))

  it.live("is read beside the process that runs it, which it names", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "campaign.db")
      const store = CampaignStore.layer({ filename, create: true })
      yield* Effect.gen(function*() {
        const store = yield* CampaignStore
        const desk = yield* RunnerDesk
        assert.isTrue(Option.isNone(yield* CampaignStatus.read(filename)))
        yield* store.create(definition, null)
        const epoch = { engine: "engine-1", modelId: "m", modelRoot: "r", serverStartedAt: null, beganAt: 3 }
        const id = yield* store.epoch(epoch)
        const load = { running: 2, waiting: 0, kvCacheUsage: 0.5, tokensPerSecond: 40, asleep: null }
        const lanes = [{
          name: "engine engine-1",
          inFlight: 1,
          concurrency: 4,
          gate: "open",
          gateSinceMillis: 3,
          note: null,
          epoch: { models: "m", roots: null, startedAtMillis: 7, why: "it is the first" },
          load
        }]
        yield* desk.report({ pid: 1, updatedAt: 4, stopping: null, breakers: [], lanes: [] })
        yield* desk.report({ pid: 1, updatedAt: 5, stopping: null, breakers: [], lanes })
        const request = yield* desk.request(Command.cases.Pause.make({}))
        yield* desk.answer(yield* desk.request(Command.cases.Cancel.make({})), "no")
        yield* store.begin(battles[0]!, { startedAt: 1000, epoch: id })
        const status = Option.getOrThrow(yield* CampaignStatus.read(filename))
        assert.deepInclude(status, { campaign: "campaign-1", state: "running", epochs: [{ id, ...epoch }] })
        assert.deepStrictEqual(status.runner, { pid: 1, updatedAt: 5, stopping: null, breakers: [], lanes })
        assert.strictEqual(status.holder?.pid, process.pid)
        assert.deepStrictEqual(status.pendingCommands.map(({ command, id }) => [id, command._tag]), [[
          request,
          "Pause"
        ]])
        assert.lengthOf(status.inFlight, 1)
      }).pipe(Effect.provide(Layer.provide(store, StoreLock.layer(filename)), { local: true }))
      const holder = Effect.map(CampaignStatus.read(filename), (status) => Option.getOrThrow(status).holder)
      assert.isNull(yield* holder)
      // A verb that changes it for a moment does not run it.
      yield* Effect.provide(
        Effect.map(holder, assert.isNull),
        CampaignStore.layerExclusive({ filename, create: false }),
        { local: true }
      )
    }))
})
