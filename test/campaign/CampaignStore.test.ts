/**
 * The stores of this package hold the laws of a store, the one in memory answers as the tables do; and what only the file's
 * store promises, about transcripts, progress and the rows themselves.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { Battle } from "../../src/campaign/Battle.ts"
import { CampaignStore, StoreOperation } from "../../src/campaign/CampaignStore.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import { StoreError, StoreErrorReason } from "../../src/campaign/StoreError.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import { attemptOf, failedOf } from "../support/attempts.ts"
import { definitionOf } from "../support/campaigns.ts"
import { answersTo, deskLaws, storeLaws, Stories } from "../support/storeLaws.ts"

const definition = definitionOf({ tasks: ["a", "b"], repetitions: 2 })
const battle: Battle = { task: "a", agent: "agent-1", repetition: 1 }
const start = { startedAt: 1_795_000_000_000, epoch: null }

const sqlite = CampaignStore.layerNoDeps.pipe(
  Layer.provideMerge(NodeSqlite.layer({ filename: ":memory:", create: true }))
)
const fresh = Layer.fresh(sqlite)
const loaded = Effect.flatMap(CampaignStore.use((store) => store.load), Effect.fromOption)
const created = Effect.gen(function*() {
  const store = yield* CampaignStore
  yield* store.create(definition, "hash-1")
  return { store, desk: yield* RunnerDesk, sql: yield* SqlClient.SqlClient }
})

const Written = Schema.fromJsonString(Schema.toCodecJson(StoreOperation))

/** A journal of lines of JSON, in an array. */
const journalIn = (lines: Array<string>) => ({
  read: Effect.orDie(Effect.forEach(lines, (line) => Schema.decodeEffect(Written)(line))),
  append: (operation: StoreOperation) =>
    Effect.orDie(Effect.map(Schema.encodeEffect(Written)(operation), (line) => void lines.push(line)))
})

storeLaws("SQLite", sqlite, 50)
storeLaws("the store in memory", CampaignStore.layerMemory, 200)
deskLaws("SQLite", sqlite)
deskLaws("the desk in memory", RunnerDesk.layerMemory)

describe("the store in memory", () => {
  it.effect.prop("answers as the tables do", [Stories], ([moves]) =>
    Effect.gen(function*() {
      const byTables = yield* answersTo(moves).pipe(Effect.provide(fresh))
      assert.deepStrictEqual(
        yield* answersTo(moves).pipe(Effect.provide(Layer.fresh(CampaignStore.layerMemory))),
        byTables
      )
    }), { arbitrary: { runs: 100 } })
})

describe("a store with a journal", () => {
  it.effect.prop("is as it was when another process reads the journal", [Stories], ([moves]) =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const open = Layer.fresh(Layer.suspend(() => CampaignStore.layerJournal(journalIn(lines))))
      yield* answersTo(moves).pipe(Effect.provide(open))
      const before = lines.length
      const found = yield* loaded.pipe(Effect.provide(open))
      const expected = yield* Effect.andThen(answersTo(moves), loaded).pipe(
        Effect.provide(Layer.fresh(CampaignStore.layerMemory))
      )
      assert.deepStrictEqual(found, expected)
      assert.lengthOf(lines, before)
    }), { arbitrary: { runs: 50 } })

  it.effect("does nothing that its journal could not take", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const journal = journalIn(lines)
      const full = new StoreError({
        reason: StoreErrorReason.cases.Query.make({ operation: "append a line", detail: "the disk is full" })
      })
      yield* Effect.gen(function*() {
        const store = yield* CampaignStore
        yield* store.create(definition, null)
        yield* store.begin(battle, start)
        assert.strictEqual(yield* Effect.flip(store.record(attemptOf(battle, 1))), full)
        assert.deepStrictEqual((yield* loaded).attempts, [])
        assert.strictEqual(yield* store.record(attemptOf(battle, 1)), "counted")
      }).pipe(Effect.provide(CampaignStore.layerJournal({
        ...journal,
        append: (operation) =>
          Effect.suspend(() =>
            lines.length === 2
              ? Effect.andThen(Effect.sync(() => lines.push("")), Effect.fail(full))
              : journal.append(operation)
          )
      })))
      assert.isTrue(lines.at(-1)?.includes("Record"))
    }))

  it.effect("is refused where the journal is no campaign's", () =>
    Effect.gen(function*() {
      const begin = StoreOperation.cases.Begin.make({ battle, start })
      const journal = { read: Effect.succeed([begin]), append: () => Effect.void }
      const error = yield* Effect.flip(loaded.pipe(Effect.provide(CampaignStore.layerJournal(journal))))
      assert.include(error.message, "no battle a")
    }))
})

describe("the store of a file", () => {
  it.effect("keeps what an attempt said, when it said it, and why it failed", () =>
    Effect.gen(function*() {
      const { sql, store } = yield* created
      yield* store.begin(battle, start)
      yield* store.record(failedOf(battle, 1))
      yield* store.begin(battle, start)
      yield* store.record(attemptOf(battle, 2, { grading: "bubblewrap" }))
      const rows = yield* sql`SELECT error, content, timings, grading FROM attempt ORDER BY number`
      assert.deepInclude(JSON.parse(rows[0]!["error"] as string), { _tag: "Failed", hop: "engine" })
      assert.deepStrictEqual(rows[1]!["timings"], Uint8Array.from([1, 2, 200]))
      assert.deepStrictEqual([rows[1]!["content"], rows[1]!["grading"]], ["answer", "bubblewrap"])
    }).pipe(Effect.provide(fresh)))

  it.effect("ends what a process that is gone has left, with what it had stored, and never counts it", () =>
    Effect.gen(function*() {
      const { desk, sql, store } = yield* created
      yield* store.begin(battle, start)
      yield* store.begin({ ...battle, task: "b" }, start)
      const told = { battle, number: 1, phase: "decoding" as const, reasoning: "" }
      yield* desk.advance([{ ...told, tokens: 1, content: "one ", arrivals: [{ atMillis: 100, tokens: 1 }] }])
      yield* desk.advance([{ ...told, tokens: 3, content: "two", arrivals: [{ atMillis: 600, tokens: 2 }] }])
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
      assert.deepInclude((yield* loaded).attempts[0], { verdict: "completed", superseded: true, tokens: 17 })
    }).pipe(Effect.provide(fresh)))

  it.effect("forgets the progress of an attempt that has ended, however long it was", () =>
    Effect.gen(function*() {
      const { desk, sql, store } = yield* created
      yield* store.begin(battle, start)
      const told = { battle, number: 1, phase: "decoding" as const, reasoning: "", content: "", arrivals: [] }
      for (let tokens = 0; tokens < 700; tokens++) yield* desk.advance([{ ...told, tokens }])
      yield* store.record(attemptOf(battle, 1))
      yield* desk.advance([{ ...told, tokens: 701 }])
      // Three operations delete it; each of these waits for one that came before it.
      for (let turn = 0; turn < 4; turn++) yield* store.setState("paused")
      yield* desk.advance([{ ...told, tokens: 702 }])
      yield* store.setState("paused")
      assert.deepStrictEqual(yield* sql`SELECT count(*) AS rows FROM attempt_progress`, [
        Object.assign(Object.create(null), { rows: 0 })
      ])
    }).pipe(Effect.provide(fresh)))
})
