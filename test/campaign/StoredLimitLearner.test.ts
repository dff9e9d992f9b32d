import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import { join } from "node:path"
import { Outcome } from "../../src/campaign/Battle.ts"
import { migrations } from "../../src/campaign/CampaignMigrations.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import * as StoredLimitLearner from "../../src/campaign/StoredLimitLearner.ts"
import type { FinishedRun } from "../../src/liveness/FinishedRun.ts"
import type { LearningSettings } from "../../src/liveness/LearnedRuns.ts"
import { nothingLearned } from "../../src/liveness/LimitInForce.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import * as RunKey from "../../src/liveness/RunKey.ts"
import { definitionOf } from "../support/campaigns.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const settings: LearningSettings = { learnedFalseAlarms: 0.2, learnedRuns: 6 }
const keyOf = (model: string) => RunKey.make({ endpoint: "http://engine/v1", model, maxTokens: 100, running: 1 })
const key = keyOf("m")
const run = (largestGapMillis: number | null, firstTokenMillis: number | null = null): FinishedRun => ({
  largestGapMillis,
  firstTokenMillis
})

const memory = { filename: ":memory:", create: true }
/** The learner with the connection that it shares with the store. */
const open = (limits?: LearningSettings) =>
  Layer.fresh(
    StoredLimitLearner.layer(limits).pipe(
      Layer.provideMerge(CampaignStore.layerNoDeps),
      Layer.provideMerge(NodeSqlite.layer(memory))
    )
  )

const rows = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) =>
    Effect.map(
      sql`SELECT gap_ms, gap_censored, first_token_ms, first_token_censored, finished_at FROM finished_run
    ORDER BY finished_run_id`,
      (rows) => rows.map((row) => Object.values(row))
    )
)

const millis = Arbitrary.map(
  Arbitrary.schema(Schema.Union([
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 400_000 })),
    Schema.Literals(["censored", "nothing"])
  ])),
  (told) => told === "censored" ? Infinity : told === "nothing" ? null : told
)

describe("the stored learner", () => {
  it.effect("keeps numbers, what is censored and what is unknown apart", () =>
    Effect.gen(function*() {
      const learner = yield* LimitLearner
      yield* learner.finished(key, run(12.5, Infinity))
      yield* learner.finished(key, run(Infinity, 300))
      yield* learner.finished(key, run(null, 0))
      yield* learner.finished(key, run(null, null))
      assert.deepStrictEqual(yield* rows, [[12.5, 0, null, 1, 0], [null, 1, 300, 0, 0], [null, 0, 0, 0, 0]])
      assert.deepStrictEqual(yield* learner.learned(key), {
        gapMillis: null,
        firstTokenMillis: null,
        learning: { gap: { runs: 2, needed: 4 }, firstToken: { runs: 3, needed: 4 } }
      })
      assert.strictEqual((yield* learner.learned(keyOf("other"))).learning?.gap.runs, 0)
    }).pipe(Effect.provide(open(settings))))

  it.effect.prop("is the learner in memory, whatever the runs and however they come", [
    Arbitrary.array(Arbitrary.all([Arbitrary.schema(Schema.Literals(["a", "b", `a"`])), millis, millis] as const), {
      maxLength: 20
    })
  ], ([taught]) =>
    Effect.gen(function*() {
      const learned = (layer: Layer.Layer<LimitLearner, unknown>) =>
        Effect.gen(function*() {
          const learner = yield* LimitLearner
          const told = []
          for (const [model, gap, first] of taught) {
            yield* learner.finished(keyOf(model), run(gap, first))
            told.push(yield* learner.learned(keyOf(model)))
          }
          for (const model of ["a", "b", `a"`]) told.push(yield* learner.learned(keyOf(model)))
          return [...told, yield* learner.everything]
        }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(yield* learned(open(settings)), yield* learned(LimitLearner.layerMemory(settings)))
    }), { arbitrary: { runs: 1000 } })

  it.effect("lists every key with what is known of it, the last taught first", () =>
    Effect.gen(function*() {
      const learner = yield* LimitLearner
      assert.deepStrictEqual(yield* learner.everything, [])
      yield* learner.finished(keyOf("b"), run(null))
      for (const model of ["a", "b", "b", "b", "b"]) yield* learner.finished(keyOf(model), run(9, 5))
      const sql = yield* SqlClient.SqlClient
      yield* sql`INSERT INTO finished_run ${
        sql.insert({ key: "of a later version", gap_censored: 0, first_token_censored: 0, finished_at: 0 })
      }`
      const known = yield* learner.everything
      assert.deepStrictEqual(known.map(({ key }) => key), [keyOf("b"), keyOf("a")])
      assert.deepStrictEqual(known.map(({ learned }) => [learned.gapMillis, learned.learning?.gap.runs]), [[9, 4], [
        null,
        1
      ]])
    }).pipe(Effect.provide(open(settings))))

  it.effect("keeps the last 2 000 runs of a key, and those of others", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const learner = yield* LimitLearner
      yield* learner.finished(keyOf("other"), run(77))
      yield* sql.withTransaction(
        Effect.forEach(Array.from({ length: 2010 }, (_, index) => index), (index) => learner.finished(key, run(index)))
      )
      const counted =
        sql`SELECT key, count(*) AS runs, min(gap_ms) AS least FROM finished_run GROUP BY key ORDER BY runs`
      assert.deepStrictEqual((yield* counted).map(({ least, runs }) => [runs, least]), [[1, 77], [2000, 10]])
      // The 1991st smallest of 10..2009.
      assert.deepInclude(yield* learner.learned(key), { gapMillis: 2000 })
      const plan = yield* sql`EXPLAIN QUERY PLAN SELECT gap_ms FROM finished_run WHERE key = ${"k"}
        ORDER BY finished_run_id DESC LIMIT 5`
      assert.include(String(plan[0]!["detail"]), "USING INDEX finished_run_key")
    }).pipe(Effect.provide(open())))

  it.effect("does not break a run when the file fails, and says so", () => {
    const logged: Array<unknown> = []
    const logger = Logger.make(({ logLevel, message }) => void logged.push([logLevel, String(message)]))
    return Effect.gen(function*() {
      const learner = yield* LimitLearner
      yield* learner.finished(key, run(1, 1))
      assert.deepStrictEqual(yield* learner.learned(key), nothingLearned)
      assert.deepStrictEqual(yield* learner.everything, [])
      assert.deepStrictEqual(logged, [
        ["Warn", "What a finished run teaches could not be kept: no such table: finished_run"],
        ["Warn", "What earlier runs teach could not be read: no such table: finished_run"],
        ["Warn", "What runs have taught could not be listed: no such table: finished_run"]
      ])
    }).pipe(Effect.provide([
      StoredLimitLearner.layer(settings).pipe(Layer.provide(Layer.fresh(NodeSqlite.layer(memory)))),
      Logger.layer([logger])
    ]))
  })

  it.effect("acts as if nothing was learned where a row cannot be read", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`INSERT INTO finished_run ${
        sql.insert({
          key: RunKey.textOf(key),
          gap_ms: Infinity,
          gap_censored: 0,
          first_token_censored: 0,
          finished_at: 0
        })
      }`
      assert.deepStrictEqual(yield* (yield* LimitLearner).learned(key), nothingLearned)
    }).pipe(Effect.provide([open(settings), Logger.layer([])])))
})

describe("a campaign's file", () => {
  const five = Effect.gen(function*() {
    const learner = yield* LimitLearner
    for (const gap of [5, 9, 3, 7, Infinity]) yield* learner.finished(key, run(gap, 2 * gap))
  })
  const limits: LearningSettings = { learnedFalseAlarms: 0.4, learnedRuns: 6 }
  const learned = {
    gapMillis: 9,
    firstTokenMillis: 18,
    learning: { gap: { runs: 5, needed: 2 }, firstToken: { runs: 5, needed: 2 } }
  }

  it.effect("still knows after a restart what its runs have taught", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "campaign.db")
      yield* Effect.provide(five, CampaignStore.layer({ filename, create: true, limits }), { local: true })
      yield* Effect.gen(function*() {
        assert.deepStrictEqual(yield* (yield* LimitLearner).learned(key), learned)
        assert.deepStrictEqual(yield* (yield* LimitLearner).learned(keyOf("other")), {
          ...nothingLearned,
          learning: { gap: { runs: 0, needed: 2 }, firstToken: { runs: 0, needed: 2 } }
        })
      }).pipe(Effect.provide(CampaignStore.layer({ filename, create: false, limits }), { local: true }))
    }))

  it.effect("tells only of the last runs where fewer count than were kept", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "campaign.db")
      yield* Effect.provide(five, CampaignStore.layer({ filename, create: true, limits }), { local: true })
      const last = yield* LimitLearner.use((learner) => learner.learned(key)).pipe(
        Effect.provide(CampaignStore.layer({ filename, create: false, limits: { ...limits, learnedRuns: 2 } }), {
          local: true
        })
      )
      // The first two would give 9.
      assert.deepStrictEqual([last.gapMillis, last.learning?.gap], [null, { runs: 2, needed: 2 }])
    }))

  it.effect("of the first version learns, too, and keeps its campaign", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "campaign.db")
      const definition = definitionOf({ tasks: ["a", "b"] })
      const { "0001_campaign": first } = migrations
      const tables = Effect.map(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT name FROM sqlite_schema WHERE name = 'finished_run'`),
        (found) => found.length
      )
      const tablesBefore = yield* Effect.gen(function*() {
        yield* Migrator.make({})({ loader: Migrator.fromRecord({ "0001_campaign": first }) })
        // The tables of the first version are those that the campaign is written to.
        const sql = yield* SqlClient.SqlClient
        yield* sql`INSERT INTO campaign ${
          sql.insert({ only: 1, id: definition.id, created_at: 0, definition: JSON.stringify(definition) })
        }`
        yield* sql`INSERT INTO battle ${
          sql.insert({ position: 0, task: "a", agent: "agent-1", repetition: 1, state: "pending" })
        }`
        return yield* tables
      }).pipe(Effect.provide(NodeSqlite.layer({ filename, create: true }), { local: true }))
      assert.strictEqual(tablesBefore, 0)
      const looked = yield* Effect.flatMap(CampaignStore.use((store) => store.load), Effect.fromOption).pipe(
        Effect.provide(CampaignStore.layerReadonly({ filename, limits }), { local: true })
      )
      assert.deepStrictEqual(looked.definition, definition)
      const tablesAfter = yield* Effect.provide(tables, NodeSqlite.layer({ filename, create: false }), { local: true })
      assert.strictEqual(tablesAfter, 0)
      yield* Effect.gen(function*() {
        const stored = yield* Effect.flatMap(CampaignStore.use((store) => store.load), Effect.fromOption)
        assert.deepStrictEqual(stored.definition, definition)
        assert.deepStrictEqual(stored.battles.map(({ outcome }) => outcome), [Outcome.cases.Pending.make({})])
        yield* five
        assert.deepStrictEqual(yield* (yield* LimitLearner).learned(key), learned)
      }).pipe(Effect.provide(CampaignStore.layer({ filename, create: false, limits }), { local: true }))
    }))

  it.effect("gives both services over one connection, so neither waits for the other", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "campaign.db")
      yield* Effect.gen(function*() {
        const store = yield* CampaignStore
        const learner = yield* LimitLearner
        yield* store.create(definitionOf({ tasks: ["a"] }), null)
        yield* Effect.forEach(
          Array.from({ length: 40 }, (_, index) => index),
          (index) =>
            Effect.all([learner.finished(key, run(index)), store.load, learner.learned(key)], { concurrency: 3 }),
          { concurrency: 8 }
        )
        assert.strictEqual((yield* learner.learned(key)).learning?.gap.runs, 6)
      }).pipe(Effect.provide(CampaignStore.layer({ filename, create: true, limits }), { local: true }))
    }))
})
