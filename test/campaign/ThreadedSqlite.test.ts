/**
 * A connection in a thread of its own does what one in this thread does, and nobody waits for it but who asked.
 *
 * What is asked of it here is what a thread could change; that all of the store behaves alike over it was tried once by
 * giving every file one.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Worker } from "node:worker_threads"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const threaded = (filename: string) => NodeSqlite.layer({ filename, create: true, ownThread: true })

/** In a new file, with both kinds of connection, one after the other. */
const withBoth = <A, E>(use: Effect.Effect<A, E, SqlClient.SqlClient>) =>
  Effect.gen(function*() {
    const directory = yield* temporaryDirectory
    return yield* Effect.forEach([false, true], (ownThread) =>
      Effect.provide(
        use,
        NodeSqlite.layer({ filename: join(directory, `${ownThread}.db`), create: true, ownThread }),
        { local: true }
      ))
  })

const Value = Schema.NullOr(Schema.Union([
  Schema.String,
  Schema.Finite,
  Schema.Int,
  Schema.Boolean,
  Schema.Uint8Array
]))

/** Half a second of counting, or much more: nothing else ends it. */
const long = (sql: SqlClient.SqlClient) =>
  sql`WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 2000000) SELECT max(n) AS n FROM up`

describe("ThreadedSqlite", () => {
  it.effect.prop(
    "gives back what one in this thread does",
    [Schema.Array(Value)],
    ([values]) =>
      Effect.gen(function*() {
        const [here, there] = yield* withBoth(Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          yield* sql`CREATE TABLE kinds (id INTEGER PRIMARY KEY, value)`
          const raw = yield* Effect.forEach(values, (value) => sql`INSERT INTO kinds (value) VALUES (${value})`.raw)
          const select = sql`SELECT id, value, typeof(value) AS type FROM kinds ORDER BY id`
          return {
            raw: raw.map((changed) => ({ ...changed as object })),
            rows: (yield* select).map((row) => ({ ...row })),
            arrays: yield* select.values,
            unprepared: (yield* select.unprepared).map((row) => ({ ...row })),
            streamed: (yield* Stream.runCollect(select.stream)).map((row) => ({ ...row }))
          }
        }))
        assert.deepStrictEqual(there, here)
        assert.strictEqual(there?.rows.length, values.length)
      }),
    { arbitrary: { runs: 10 } }
  )

  it.effect("streams more rows than fit into one answer, and stops where nobody wants more", () =>
    Effect.gen(function*() {
      const [here, there] = yield* withBoth(Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE up (n)`
        yield* sql`INSERT INTO up
          WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 1000) SELECT n FROM up`
        const rows = sql<{ readonly n: number }>`SELECT n FROM up`.stream
        const all = yield* Stream.runFold(rows, () => 0, (sum, { n }) => sum + n)
        const some = yield* Stream.runCollect(Stream.take(rows, 300))
        // A statement that is still read would keep the table.
        yield* sql`DROP TABLE up`
        return [all, some.at(-1)?.n]
      }))
      assert.deepStrictEqual(there, [500_500, 300])
      assert.deepStrictEqual(there, here)
    }))

  it.effect("fails as one in this thread does", () =>
    Effect.gen(function*() {
      const [here, there] = yield* withBoth(Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE taken (n INTEGER UNIQUE CHECK (n > 0))`
        yield* sql`INSERT INTO taken VALUES (1)`
        const wrong = [
          sql`INSERT INTO taken VALUES (1)`,
          sql`INSERT INTO taken VALUES (0)`,
          sql`SELECT * FROM nothing`,
          sql`SELECT 1; SELECT 2`,
          sql`SELECT ${new Date(0)}`,
          Stream.runCollect(sql`SELECT * FROM nothing`.stream)
        ]
        const errors = yield* Effect.forEach(wrong, Effect.flip)
        return errors.map(({ message, reason }) => [reason._tag, reason.message, message])
      }))
      assert.deepStrictEqual(there, here)
      assert.deepStrictEqual(there?.slice(0, 2).map(([tag]) => tag), ["UniqueViolation", "ConstraintError"])
    }))

  it.live("keeps the event loop free, in which one in this thread holds it", () =>
    Effect.gen(function*() {
      const turns = yield* withBoth(Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        let turns = 0
        const counter = yield* Effect.forkChild(
          Effect.forever(Effect.andThen(Effect.sync(() => turns++), Effect.sleep(1)))
        )
        const before = turns
        const [row] = yield* long(sql)
        const during = turns - before
        yield* Fiber.interrupt(counter)
        assert.strictEqual(row?.["n"], 2_000_000)
        return during
      }))
      assert.isAtMost(turns[0]!, 1)
      assert.isAtLeast(turns[1]!, 10)
    }))

  it.live("rolls a transaction back that is interrupted in the middle of a statement", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "interrupted.db")
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE taken (n)`
        const fiber = yield* Effect.forkChild(
          sql.withTransaction(Effect.andThen(sql`INSERT INTO taken VALUES (1)`, long(sql))),
          { startImmediately: true }
        )
        yield* Effect.sleep(5)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual((yield* sql`SELECT n FROM taken`).length, 0)
        yield* sql.withTransaction(sql`INSERT INTO taken VALUES (2)`)
        assert.deepStrictEqual((yield* sql`SELECT n FROM taken`).map(({ n }) => n), [2])
      }).pipe(Effect.provide(threaded(filename), { local: true }))
    }))

  it.effect("leaves one file when it closes, with all that was asked before", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const filename = join(directory, "closed.db")
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE taken (n)`
        yield* Effect.forEach([1, 2, 3], (n) => sql`INSERT INTO taken VALUES (${n})`, { concurrency: "unbounded" })
      }).pipe(Effect.provide(threaded(filename), { local: true }))
      assert.deepStrictEqual(readdirSync(directory), ["closed.db"])
      const database = new DatabaseSync(filename)
      assert.deepStrictEqual(database.prepare("SELECT n FROM taken").all().map(({ n }) => n), [1, 2, 3])
      assert.strictEqual(database.prepare("PRAGMA journal_mode").get()?.["journal_mode"], "wal")
      database.close()
    }))

  it.effect("says why it cannot be opened", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const damaged = join(directory, "damaged.db")
      writeFileSync(damaged, "not a database at all, but long enough to look for a header ".repeat(20))
      const reasons = yield* Effect.forEach(
        [
          { filename: damaged, create: true },
          { filename: join(directory, "absent.db"), create: false },
          { filename: join(directory, "no", "directory.db"), create: true }
        ],
        (options) =>
          Effect.map(
            Effect.flip(Effect.scoped(Effect.provide(
              SqlClient.SqlClient,
              NodeSqlite.layer({ ...options, ownThread: true }),
              { local: true }
            ))),
            ({ reason }) => reason._tag
          )
      )
      assert.deepStrictEqual(reasons, ["NotADatabase", "Missing", "CannotOpen"])
    }))

  it.effect("fails every call once its thread is gone, and closes all the same", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "gone.db")
      const threads: Array<Worker> = []
      const { postMessage } = Worker.prototype
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          Worker.prototype.postMessage = function(...args) {
            if (!threads.includes(this)) threads.push(this)
            return postMessage.apply(this, args)
          }
        }),
        () => Effect.sync(() => void (Worker.prototype.postMessage = postMessage))
      )
      const exits = yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE taken (n)`
        const asked = yield* Effect.forkChild(long(sql), { startImmediately: true })
        yield* Effect.promise(() => threads[0]!.terminate())
        return [yield* Effect.exit(Fiber.join(asked)), yield* Effect.exit(sql`SELECT 1`)]
      }).pipe(Effect.provide(threaded(filename), { local: true }))
      for (const exit of exits) {
        assert.isTrue(Exit.isFailure(exit))
        assert.match(String(Exit.isFailure(exit) && exit.cause), /the thread of the database has ended/)
      }
    }))
})
