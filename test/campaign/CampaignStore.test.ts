import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { type Battle, Outcome } from "../../src/campaign/Battle.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { everything } from "../../src/campaign/Selection.ts"
import { Command } from "../../src/campaign/StoredCommand.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import { attemptOf, failedOf, grade, lastOf, truncated } from "../support/attempts.ts"
import { definitionOf } from "../support/campaigns.ts"

const definition = definitionOf({ tasks: ["a", "b"], repetitions: 2 })
const battle: Battle = { task: "a", agent: "agent-1", repetition: 1 }
const start = { startedAt: 1_795_000_000_000, epoch: null }

const fresh = Layer.fresh(CampaignStore.layerNoDeps.pipe(
  Layer.provideMerge(NodeSqlite.layer({ filename: ":memory:", create: true }))
))
const loaded = Effect.flatMap(CampaignStore.use((store) => store.load), Effect.fromOption)
const outcomes = Effect.map(loaded, ({ battles }) => battles.map(({ outcome }) => outcome._tag))
const found = Effect.map(
  loaded,
  ({ battles }) => battles.find((each) => each.battle.task === "a" && each.battle.repetition === 1)!
)
/** The store with a campaign in it, and its connection. */
const created = Effect.gen(function*() {
  const store = yield* CampaignStore
  yield* store.create(definition, "hash-1")
  return { store, sql: yield* SqlClient.SqlClient }
})

describe("CampaignStore", () => {
  layer(fresh)("a new store", (it) => {
    it.effect("is empty, then holds the campaign with all battles pending", () =>
      Effect.gen(function*() {
        const store = yield* CampaignStore
        assert.isTrue(Option.isNone(yield* store.load))
        yield* store.create(definition, "hash-1")
        assert.deepInclude(yield* loaded, { definition, configHash: "hash-1", state: "running", attempts: [] })
        assert.deepStrictEqual(yield* outcomes, ["Pending", "Pending", "Pending", "Pending"])
        const again = yield* Effect.flip(store.create(definition, "hash-1"))
        assert.strictEqual(again.reason._tag, "Query")
      }))
  })

  it.effect("keeps attempts with what they make of their battle", () =>
    Effect.gen(function*() {
      const { sql, store } = yield* created
      assert.strictEqual(yield* store.begin(battle, start), 1)
      assert.strictEqual(yield* store.record(failedOf(battle, 1)), "kept")
      assert.deepStrictEqual(yield* found, {
        battle,
        outcome: { _tag: "Pending" },
        history: [{ error: truncated, charged: true }],
        attempts: 1
      })
      assert.strictEqual(yield* store.begin(battle, start), 2)
      assert.strictEqual(yield* store.record(attemptOf(battle, 2)), "counted")
      assert.deepStrictEqual(yield* found, {
        battle,
        outcome: Outcome.cases.Scored.make({ grade, attempt: 2 }),
        history: [],
        attempts: 2
      })
      const { attempts } = yield* loaded
      assert.deepStrictEqual(attempts.map(({ number, verdict }) => [number, verdict]), [
        [1, "failed"],
        [2, "completed"]
      ])
      assert.deepStrictEqual(attempts[1], {
        battle,
        number: 2,
        verdict: "completed",
        startedAt: start.startedAt,
        tokens: 17,
        tokenBasis: "usage",
        mode: "stream",
        timeToFirstTokenMillis: 400.25,
        tokensPerSecond: 50.5,
        durationMillis: 1234.5,
        superseded: false,
        charged: true,
        epoch: null
      })
      const rows = yield* sql`SELECT error, content, timings FROM attempt ORDER BY number`
      assert.deepInclude(JSON.parse(rows[0]!["error"] as string), { _tag: "Failed", hop: "engine" })
      assert.deepStrictEqual(rows[1]!["timings"], Uint8Array.from([1, 2, 200]))
    }).pipe(Effect.provide(fresh)))

  it.effect("refuses attempts that never began, have ended, are not planned or come after the outcome", () =>
    Effect.gen(function*() {
      const { store } = yield* created
      const unknown = { ...battle, task: "unknown" }
      assert.include((yield* Effect.flip(store.record(attemptOf(battle, 1)))).message, "never begun")
      assert.include((yield* Effect.flip(store.begin(unknown, start))).message, "no battle unknown")
      yield* store.begin(battle, start)
      yield* store.record(attemptOf(battle, 1))
      assert.include((yield* Effect.flip(store.record(lastOf(battle, 1)))).message, "has ended already, completed")
      const { reason } = yield* Effect.flip(store.begin(battle, start))
      assert.deepStrictEqual(reason, { _tag: "NotPending", battle: "a × agent-1 #1", state: "scored" })
      assert.strictEqual((yield* found).outcome._tag, "Scored")
      assert.strictEqual((yield* loaded).attempts.length, 1)
    }).pipe(Effect.provide(fresh)))

  it.effect("keeps what an older attempt brings late, and lets it change nothing", () =>
    Effect.gen(function*() {
      const { store } = yield* created
      yield* store.begin(battle, start)
      yield* store.begin(battle, start)
      assert.strictEqual(yield* store.record(failedOf(battle, 1, { content: "late" })), "superseded")
      assert.deepInclude(yield* found, { outcome: { _tag: "Pending" }, history: [] })
      assert.strictEqual(yield* store.record(lastOf(battle, 2)), "counted")
      assert.deepStrictEqual(
        (yield* loaded).attempts.map(({ charged, superseded, verdict }) => [verdict, superseded, charged]),
        [["failed", true, false], ["failed", false, true]]
      )
    }).pipe(Effect.provide(fresh)))

  it.effect("ends what a process that is gone has left, with what it had stored, and never counts it", () =>
    Effect.gen(function*() {
      const { sql, store } = yield* created
      yield* store.begin(battle, start)
      yield* store.begin({ ...battle, task: "b" }, start)
      const told = { battle, number: 1, phase: "decoding" as const, reasoning: "" }
      yield* store.advance([{ ...told, tokens: 1, content: "one ", arrivals: [{ atMillis: 100, tokens: 1 }] }])
      yield* store.advance([{ ...told, tokens: 3, content: "two", arrivals: [{ atMillis: 600, tokens: 2 }] }])
      assert.strictEqual(yield* store.abandon, 2)
      assert.strictEqual(yield* store.abandon, 0)
      const [first, second] = (yield* loaded).attempts
      assert.deepInclude(first, {
        verdict: "abandoned",
        charged: false,
        tokens: 3,
        timeToFirstTokenMillis: 100,
        tokensPerSecond: 4
      })
      assert.deepInclude(second, { verdict: "abandoned", tokens: 0, timeToFirstTokenMillis: null, durationMillis: 0 })
      assert.lengthOf(yield* sql`SELECT 1 FROM attempt_progress`, 0)
      const [row] = yield* sql`SELECT content, timings FROM attempt WHERE attempt_id = 1`
      assert.strictEqual(row!["content"], "one two")
      assert.deepStrictEqual(TokenTimings.decode(row!["timings"] as Uint8Array), [
        { atMillis: 100, tokens: 1 },
        { atMillis: 600, tokens: 2 }
      ])
      assert.strictEqual(yield* store.record(attemptOf(battle, 1)), "superseded")
      assert.deepInclude(yield* found, { outcome: { _tag: "Pending" }, history: [], attempts: 1 })
      assert.deepInclude((yield* loaded).attempts[0], { verdict: "completed", superseded: true, tokens: 17 })
    }).pipe(Effect.provide(fresh)))

  it.effect("forgets the progress of an attempt that has ended, however long it was", () =>
    Effect.gen(function*() {
      const { sql, store } = yield* created
      yield* store.begin(battle, start)
      const told = { battle, number: 1, phase: "decoding" as const, reasoning: "", content: "", arrivals: [] }
      for (let tokens = 0; tokens < 700; tokens++) yield* store.advance([{ ...told, tokens }])
      yield* store.record(attemptOf(battle, 1))
      yield* store.advance([{ ...told, tokens: 701 }])
      // Three operations delete it; each of these waits for one that came before it.
      for (let turn = 0; turn < 4; turn++) yield* store.setState("paused")
      yield* store.advance([{ ...told, tokens: 702 }])
      yield* store.setState("paused")
      assert.deepStrictEqual(yield* sql`SELECT count(*) AS rows FROM attempt_progress`, [
        Object.assign(Object.create(null), { rows: 0 })
      ])
    }).pipe(Effect.provide(fresh)))

  it.effect("opens again what is unscored and matches, with a history that begins anew", () =>
    Effect.gen(function*() {
      const { store } = yield* created
      yield* store.begin(battle, start)
      yield* store.record(failedOf(battle, 1))
      yield* store.begin(battle, start)
      yield* store.record(lastOf(battle, 2))
      const other = { ...battle, task: "b" }
      yield* store.begin(other, start)
      yield* store.record(attemptOf(other, 1))
      assert.strictEqual(yield* store.giveUp({ ...everything, tasks: ["b"] }, "cancelled by its user"), 1)
      assert.lengthOf(yield* store.reopen({ ...everything, verdicts: ["stalled", "slow"] }), 0)
      assert.lengthOf(yield* store.reopen({ ...everything, tasks: ["b"], verdicts: ["failed"] }), 0)
      assert.lengthOf(yield* store.reopen({ ...everything, agents: ["nobody"] }), 0)
      assert.lengthOf(yield* store.reopen({ ...everything, verdicts: ["failed"] }), 1)
      assert.deepStrictEqual(yield* found, { battle, outcome: { _tag: "Pending" }, history: [], attempts: 2 })
      assert.strictEqual(yield* store.begin(battle, start), 3)
      yield* store.record(failedOf(battle, 3))
      assert.strictEqual((yield* found).history.length, 1)
      assert.lengthOf(yield* store.reopen({ ...everything, verdicts: ["unscored"] }), 1)
      assert.deepStrictEqual((yield* outcomes).toSorted(), ["Pending", "Pending", "Pending", "Scored"])
    }).pipe(Effect.provide(fresh)))

  it.effect("gives up what is pending and matches; an attempt in flight is superseded, also if it is opened again", () =>
    Effect.gen(function*() {
      const { store } = yield* created
      yield* store.begin(battle, start)
      assert.strictEqual(yield* store.giveUp(everything, "cancelled by its user"), 4)
      assert.deepStrictEqual(
        (yield* found).outcome,
        Outcome.cases.Unscored.make({ reason: "cancelled by its user", attempt: 0 })
      )
      assert.lengthOf(yield* store.reopen({ ...everything, tasks: ["a"] }), 2)
      assert.strictEqual(yield* store.record(attemptOf(battle, 1)), "superseded")
      assert.strictEqual((yield* found).outcome._tag, "Pending")
      assert.strictEqual(yield* store.giveUp({ ...everything, verdicts: ["failed"] }, "no"), 0)
      assert.strictEqual(yield* store.begin(battle, start), 2)
      yield* store.record(failedOf(battle, 2))
      assert.strictEqual(yield* store.giveUp({ ...everything, verdicts: ["failed"] }, "no"), 1)
    }).pipe(Effect.provide(fresh)))

  it.effect("takes a definition with more battles, and none with fewer", () =>
    Effect.gen(function*() {
      const { store } = yield* created
      yield* store.begin(battle, start)
      yield* store.record(attemptOf(battle, 1))
      const more = definitionOf({ tasks: ["b", "c", "a"], repetitions: 3 })
      const { reason } = yield* Effect.flip(store.extend(definitionOf({ tasks: ["b", "c"], repetitions: 9 }), null))
      assert.deepStrictEqual(reason, {
        _tag: "NotExtended",
        missing: 2,
        example: reason._tag === "NotExtended" ? reason.example : ""
      })
      yield* store.extend(more, "hash-2")
      const { battles, configHash, definition: stored } = yield* loaded
      assert.deepStrictEqual([battles.length, configHash, stored], [9, "hash-2", more])
      assert.deepStrictEqual(battles.filter(({ outcome }) => outcome._tag !== "Pending").map(({ battle }) => battle), [
        battle
      ])
      assert.strictEqual(new Set(battles.map((each) => JSON.stringify(each.battle))).size, 9)
    }).pipe(Effect.provide(fresh)))

  it.effect("keeps epochs, the state, and what is asked and answered", () =>
    Effect.gen(function*() {
      const { sql, store } = yield* created
      const epoch = { engine: "engine-1", modelId: "m", modelRoot: null, serverStartedAt: 1.5, beganAt: 7 }
      const id = yield* store.epoch(epoch)
      assert.deepStrictEqual(yield* store.epochs, [{ id, ...epoch }])
      yield* store.begin(battle, { ...start, epoch: id })
      yield* store.record(attemptOf(battle, 1, { epoch: id, grading: "bubblewrap" }))
      assert.strictEqual((yield* loaded).attempts[0]?.epoch, id)
      assert.strictEqual((yield* sql`SELECT grading FROM attempt`)[0]?.["grading"], "bubblewrap")
      yield* store.setState("paused")
      assert.strictEqual((yield* loaded).state, "paused")
      assert.deepStrictEqual(yield* store.requests, [])
      const retry = Command.cases.Retry.make({ selection: { ...everything, tasks: ["a"] } })
      const first = yield* store.request(retry)
      const second = yield* store.request(Command.cases.PauseNow.make({}))
      assert.deepStrictEqual((yield* store.requests).map(({ command, id }) => [id, command]), [
        [first, retry],
        [second, { _tag: "PauseNow" }]
      ])
      assert.isTrue(Option.isNone(yield* store.answerOf(first)))
      yield* store.answer(first, "2 battles are played again")
      yield* store.answer(first, "something else")
      assert.deepStrictEqual(yield* store.answerOf(first), Option.some("2 battles are played again"))
      assert.deepStrictEqual((yield* store.requests).map(({ id }) => id), [second])
    }).pipe(Effect.provide(fresh)))
})
