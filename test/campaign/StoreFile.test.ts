/** Stores of earlier and later releases, of other programs, and damaged ones: migrated, shown, or refused by name. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { migrations } from "../../src/campaign/CampaignMigrations.ts"
import * as CampaignStatus from "../../src/campaign/CampaignStatus.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { everything } from "../../src/campaign/Selection.ts"
import type { StoreError } from "../../src/campaign/StoreError.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { attemptOf } from "../support/attempts.ts"
import { definitionOf } from "../support/campaigns.ts"
import { transcripts, writeEarlier } from "../support/earlierStores.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const steps = Object.keys(migrations).map((_, index) => index + 1)
const earlierSteps = steps.slice(0, -1)
const last = steps.length

const temporaryFile = Effect.map(temporaryDirectory, (directory) => join(directory, "campaign.db"))
const writing = (filename: string) => CampaignStore.layer({ filename, create: true })
const reading = (filename: string) => CampaignStore.layerReadonly({ filename })
const loadedBy = (layer: ReturnType<typeof reading>) =>
  CampaignStore.use((store) => store.load).pipe(
    Effect.flatMap(Effect.fromOption),
    Effect.provide(layer, { local: true })
  )

/** Everything beside and in the file. */
const bytesOf = (filename: string) =>
  readdirSync(dirname(filename)).toSorted().map((name) => [name, readFileSync(join(dirname(filename), name), "hex")])

describe("a store of an earlier release", () => {
  it.effect.each(earlierSteps)(
    "that stands at step %d is shown as it will be after its migration",
    (step) =>
      Effect.gen(function*() {
        const filename = yield* temporaryFile
        yield* writeEarlier(filename, step)
        const before = bytesOf(filename)
        const large = yield* transcripts(filename)
        const shown = yield* loadedBy(reading(filename))
        const status = yield* CampaignStatus.read(filename)
        const lines: Array<unknown> = []
        const learned = yield* LimitLearner.use((learner) => learner.everything).pipe(
          Effect.provide([reading(filename), Logger.layer([Logger.make(({ message }) => void lines.push(message))])], {
            local: true
          })
        )
        assert.deepStrictEqual([learned, lines], [[], []])
        assert.deepStrictEqual(bytesOf(filename), before)
        const migrated = yield* loadedBy(writing(filename))
        assert.deepStrictEqual(migrated, shown)
        assert.deepStrictEqual(yield* CampaignStatus.read(filename), status)
        assert.deepStrictEqual(yield* transcripts(filename), large)
        assert.strictEqual(large.length, 6)
        assert.deepInclude(shown, { configHash: null, state: "paused", createdAt: 5 })
        assert.deepStrictEqual(
          shown.battles.map(({ attempts, history, outcome }) => [outcome._tag, attempts, history.length]),
          [["Scored", 3, 0], ["Unscored", 1, 0], ["Pending", 2, 1]]
        )
        assert.deepStrictEqual(shown.attempts.map(({ charged, superseded }) => [superseded, charged]), [
          [false, true],
          [false, true],
          [false, true],
          [true, false],
          [false, true],
          [false, false]
        ])
        const database = new DatabaseSync(filename)
        assert.deepStrictEqual(database.prepare("PRAGMA integrity_check").get()!["integrity_check"], "ok")
        assert.lengthOf(database.prepare("PRAGMA foreign_key_check").all(), 0)
        database.close()
      })
  )

  it.effect.each(earlierSteps)("that stands at step %d goes on where it was", (step) =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      yield* writeEarlier(filename, step)
      yield* Effect.gen(function*() {
        const store = yield* CampaignStore
        const battle = { task: "c", agent: "agent-1", repetition: 1 }
        const start = { startedAt: 9, epoch: null }
        assert.strictEqual(yield* store.abandon, 0)
        assert.strictEqual(yield* store.begin(battle, start), 3)
        assert.strictEqual(yield* store.record(attemptOf(battle, 3)), "counted")
        const verdict = step < 3 ? "stalled" as const : "slow" as const
        assert.lengthOf(yield* store.reopen({ ...everything, verdicts: [verdict] }), 1)
        assert.strictEqual(yield* store.begin({ ...battle, task: "b" }, start), 2)
        assert.isTrue((yield* Effect.exit(store.begin({ ...battle, task: "a" }, start)))._tag === "Failure")
      }).pipe(Effect.provide(writing(filename), { local: true }))
    }))

  it.effect("that nothing is pending in has ended", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      yield* writeEarlier(filename, 1)
      const database = new DatabaseSync(filename)
      database.exec("UPDATE battle SET state = 'unscored', counted_attempt = 1 WHERE state = 'pending'")
      database.close()
      assert.strictEqual((yield* loadedBy(reading(filename))).state, "ended")
      assert.strictEqual((yield* loadedBy(writing(filename))).state, "ended")
    }))
})

const created = (filename: string) =>
  CampaignStore.use((store) => store.create(definitionOf({}), null)).pipe(
    Effect.provide(writing(filename), { local: true })
  )

/** How a file is refused, by whoever writes, reads and asks for the status; it stays as it is. */
const refusalsOf = Effect.fnUntraced(function*(filename: string) {
  const before = bytesOf(filename)
  const errors: ReadonlyArray<StoreError> = [
    yield* Effect.flip(Effect.provide(CampaignStore, writing(filename), { local: true })),
    yield* Effect.flip(
      Effect.provide(CampaignStore, CampaignStore.layerExclusive({ filename, create: true }), { local: true })
    ),
    yield* Effect.flip(Effect.provide(CampaignStore, reading(filename), { local: true })),
    yield* Effect.flip(CampaignStatus.read(filename))
  ]
  assert.deepStrictEqual(bytesOf(filename), before)
  return errors
})

describe("a file", () => {
  it.effect("that a later release wrote is refused by name, and not changed", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      yield* created(filename)
      const database = new DatabaseSync(filename)
      database.exec(
        `INSERT INTO effect_sql_migrations (migration_id, name) VALUES (${last + 1}, 'x'), (${last + 2}, 'y')`
      )
      database.close()
      for (const { message, reason } of yield* refusalsOf(filename)) {
        assert.deepStrictEqual(reason, { _tag: "Newer", path: filename, step: last + 2, known: last })
        assert.strictEqual(
          message,
          `${filename} was written by a newer campaign (it stands at step ${last + 2}, this one knows ${last}): ` +
            "use that version or name another file."
        )
      }
    }))

  const foreign: ReadonlyArray<readonly [string, string]> = [
    ["the tables of another program", "CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine')"],
    [
      "tables with our names only",
      "CREATE TABLE campaign (a); CREATE TABLE battle (a); CREATE TABLE attempt (a); " +
      "CREATE TABLE effect_sql_migrations (migration_id INTEGER PRIMARY KEY, created_at, name); " +
      "INSERT INTO effect_sql_migrations VALUES (1, 1, 'users')"
    ],
    [
      "another program's steps, kept as ours",
      "CREATE TABLE effect_sql_migrations (migration_id INTEGER PRIMARY KEY, created_at, name); " +
      "INSERT INTO effect_sql_migrations VALUES (1, 1, 'campaign'); CREATE TABLE users (a)"
    ]
  ]
  it.effect.each(foreign)("with %s is refused, and not changed", ([, statements]) =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      const database = new DatabaseSync(filename)
      database.exec(statements)
      database.close()
      for (const { message, reason } of yield* refusalsOf(filename)) {
        assert.strictEqual(reason._tag, "NotADatabase")
        assert.include(message, "it is the database of another program")
      }
    }))

  it.effect("of another program is refused also where only a connection that may write can tell", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE notes (text TEXT)`
      const error = yield* Effect.flip(Effect.provide(CampaignStore, CampaignStore.layerNoDeps, { local: true }))
      assert.strictEqual(error.reason._tag, "NotADatabase")
      assert.lengthOf(yield* sql`SELECT name FROM sqlite_master`, 1)
    }).pipe(Effect.provide(NodeSqlite.layer({ filename: ":memory:", create: true }))))

  it.effect("that is damaged is refused, and not changed", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      yield* created(filename)
      truncateSync(filename, 20_000)
      const errors = yield* refusalsOf(filename)
      for (const { reason } of errors.slice(0, 3)) assert.strictEqual(reason._tag, "NotADatabase")
      writeFileSync(
        filename,
        "this is a letter to my mother, and no database at all; it is long enough to be read as one."
      )
      for (const { reason } of yield* refusalsOf(filename)) assert.strictEqual(reason._tag, "NotADatabase")
    }))

  it.effect("of a process that was killed between its creation and its first step is an empty store", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      const database = new DatabaseSync(filename)
      database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE effect_sql_migrations (
        migration_id integer PRIMARY KEY NOT NULL, created_at datetime, name VARCHAR(255) NOT NULL)`)
      database.close()
      const load = CampaignStore.use((store) => store.load)
      assert.isTrue(Option.isNone(yield* Effect.provide(load, reading(filename), { local: true })))
      assert.isTrue(Option.isNone(yield* CampaignStatus.read(filename)))
      yield* created(filename)
      assert.deepStrictEqual(readdirSync(dirname(filename)), [basename(filename)])
    }))

  it.effect("opened to be read refuses to be written, and says so", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      yield* created(filename)
      const error = yield* CampaignStore.use((store) => store.setState("ended")).pipe(
        Effect.flip,
        Effect.provide(reading(filename), { local: true })
      )
      assert.include(error.message, "opened to be read only")
    }))
})
