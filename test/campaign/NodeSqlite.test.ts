/**
 * The SQL client over `node:sqlite`, on real files in a directory of their own.
 *
 * "Unchanged" means: the same bytes before and after, and no new file beside it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Worker } from "node:worker_threads"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { queryFailed, StoreError, StoreErrorReason } from "../../src/campaign/StoreError.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "node-sqlite-"))),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true }))
)

const within = (options: NodeSqlite.Options) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provide(effect, NodeSqlite.layer(options))

const inMemory = within({ filename: ":memory:", create: true })

const names = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  return (yield* sql<{ readonly name: string }>`SELECT name FROM agents ORDER BY rowid`).map((row) => row.name)
})

const addAgent = (name: string) => SqlClient.SqlClient.use((sql) => sql`INSERT INTO agents ${sql.insert({ name })}`)

const createAgents = SqlClient.SqlClient.use((sql) => sql`CREATE TABLE agents (name TEXT NOT NULL UNIQUE)`)

/** A closed database with a few dozen pages, so that one in the middle can be destroyed. */
const writeDatabase = (filename: string) =>
  SqlClient.SqlClient.use((sql) =>
    sql.withTransaction(Effect.gen(function*() {
      yield* createAgents
      yield* Effect.forEach(Array.from({ length: 500 }, (_, index) => `agent ${index} ${"x".repeat(200)}`), addAgent)
    }))
  ).pipe(within({ filename, create: true }))

const filesIn = (directory: string) => fs.readdirSync(directory).toSorted()

describe("values", () => {
  it.effect("come back as they went in", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE kinds (id INTEGER PRIMARY KEY, value)`
      const kinds: ReadonlyArray<readonly [given: unknown, stored: unknown, type: string]> = [
        [null, null, "null"],
        [undefined, null, "null"],
        [true, 1, "integer"],
        [false, 0, "integer"],
        [0, 0, "integer"],
        [-7, -7, "integer"],
        [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, "integer"],
        [12n, 12, "integer"],
        [0.1, 0.1, "real"],
        [1e300, 1e300, "real"],
        [Infinity, Infinity, "real"],
        ["", "", "text"],
        ["größer 😀 'quoted' end", "größer 😀 'quoted' end", "text"],
        [new Uint8Array([0, 1, 255]), new Uint8Array([0, 1, 255]), "blob"],
        [new Uint8Array(), new Uint8Array(), "blob"],
        [Buffer.from("bytes"), new TextEncoder().encode("bytes"), "blob"]
      ]
      yield* Effect.forEach(kinds, ([given]) => sql`INSERT INTO kinds (value) VALUES (${given})`)
      yield* Effect.forEach(kinds, ([value], index) => sql`INSERT INTO kinds ${sql.insert({ id: 100 + index, value })}`)
      const rows = yield* sql<{ readonly value: unknown; readonly type: string }>`
        SELECT value, typeof(value) AS type FROM kinds ORDER BY id`
      assert.strictEqual(rows.length, 2 * kinds.length)
      rows.forEach((row, index) => {
        const [, stored, type] = kinds[index % kinds.length]!
        assert.deepStrictEqual([row.value, row.type], [stored, type])
      })
    }).pipe(inMemory))

  it.effect("keep text behind a NUL, which Node 22 stores and does not read", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const text = "before\0behind"
      const [row] = yield* sql`SELECT ${text} AS text, CAST(${text} AS BLOB) AS bytes`
      assert.deepStrictEqual(row?.["bytes"], new TextEncoder().encode(text))
      if (!process.versions.node.startsWith("22.")) assert.strictEqual(row?.["text"], text)
    }).pipe(inMemory))

  it.effect("of whole numbers do not become decimals in text and in division", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE notes (note TEXT)`
      yield* sql`INSERT INTO notes (note) VALUES (${1})`
      const [row] = yield* sql`SELECT note, 'run-' || ${7} AS run, ${7} / ${2} AS quotient FROM notes LIMIT ${10}`
      assert.deepEqual({ ...row }, { note: "1", run: "run-7", quotient: 3 })
    }).pipe(inMemory))

  it.effect("that SQLite has no type for are refused, wherever they stand", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      for (const value of [new Date(0), { a: 1 }, [1], Symbol.iterator]) {
        const first = yield* Effect.flip(sql`SELECT ${value}`)
        const second = yield* Effect.flip(sql`SELECT ${1}, ${value}`)
        assert.include(first.message, "Parameter 1")
        assert.include(second.message, "Parameter 2")
      }
    }).pipe(inMemory))

  it.effect("are also given as arrays, raw results and unprepared", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* createAgents
      assert.deepEqual(yield* sql`INSERT INTO agents (name) VALUES ('purple'), ('green')`.raw, {
        changes: 2,
        lastInsertRowid: 2
      })
      const select = sql`SELECT rowid, name FROM agents ORDER BY rowid`
      const rows = [{ rowid: 1, name: "purple" }, { rowid: 2, name: "green" }]
      const arrays = [[1, "purple"], [2, "green"]]
      assert.deepEqual((yield* select).map((row) => ({ ...row })), rows)
      assert.deepEqual(yield* select.values, arrays)
      assert.deepEqual((yield* select).map((row) => ({ ...row })), rows)
      assert.deepEqual(yield* select.valuesUnprepared, arrays)
      assert.deepEqual((yield* select.unprepared).map((row) => ({ ...row })), rows)
      assert.strictEqual((yield* select.raw as Effect.Effect<ReadonlyArray<unknown>>).length, 2)
    }).pipe(inMemory))
})

describe("statements", () => {
  it.effect("say which rule they broke", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* createAgents
      yield* sql`CREATE TABLE battles (id INTEGER PRIMARY KEY, agent TEXT NOT NULL REFERENCES agents (name))`
      yield* addAgent("purple")
      yield* sql`INSERT INTO battles (id, agent) VALUES (1, 'purple')`

      const unique = yield* Effect.flip(addAgent("purple"))
      assert.strictEqual(unique.reason._tag, "UniqueViolation")
      assert.propertyVal(unique.reason, "constraint", "agents.name")
      assert.strictEqual(unique.message, "UNIQUE constraint failed: agents.name")

      const foreignKey = yield* Effect.flip(sql`INSERT INTO battles (id, agent) VALUES (2, 'nobody')`)
      assert.strictEqual(foreignKey.reason._tag, "ConstraintError")
      const primaryKey = yield* Effect.flip(sql`INSERT INTO battles (id, agent) VALUES (1, 'purple')`)
      assert.strictEqual(primaryKey.reason._tag, "ConstraintError")
      const notNull = yield* Effect.flip(sql`INSERT INTO battles (id) VALUES (3)`)
      assert.strictEqual(notNull.reason._tag, "ConstraintError")

      const syntax = yield* Effect.flip(sql`SELEKT 1`)
      assert.strictEqual(syntax.reason._tag, "UnknownError")
      assert.include(syntax.message, "SELEKT")
    }).pipe(inMemory))

  it.effect("are refused if a second one follows, which SQLite would ignore", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const error = yield* Effect.flip(sql`CREATE TABLE a (x); CREATE TABLE b (x)`)
      assert.include(error.message, "CREATE TABLE b")
      assert.deepEqual(yield* sql`SELECT name FROM sqlite_schema`, [])
      yield* sql`
        -- before
        CREATE TABLE a (x); -- after; a
        /* and; b */ ;
      `
      assert.strictEqual((yield* sql`SELECT name FROM sqlite_schema`).length, 1)
    }).pipe(inMemory))

  it.effect("are prepared once and survive a change of the table", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* createAgents
      yield* addAgent("purple")
      const all = sql`SELECT * FROM agents`
      assert.deepEqual(Object.keys((yield* all)[0]!), ["name"])
      yield* sql`ALTER TABLE agents ADD COLUMN seat INTEGER DEFAULT 3`
      assert.deepEqual(Object.keys((yield* all)[0]!), ["name", "seat"])
      assert.deepEqual(yield* all.values, [["purple", 3]])
      // More texts than are cached, twice.
      for (const index of [...Array(300).keys(), ...Array(300).keys()]) {
        assert.deepEqual(yield* sql.unsafe(`SELECT ${index}, ?`, [index]).values, [[index, index]])
      }
    }).pipe(inMemory))

  it.effect("forget the parameters of their last use", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const both = (...parameters: ReadonlyArray<unknown>) => sql.unsafe("SELECT ?, ?", parameters).values
      assert.deepEqual(yield* both(1, 2), [[1, 2]])
      assert.deepEqual(yield* both(1), [[1, null]])
      assert.isTrue(Exit.isFailure(yield* Effect.exit(both(1, 2, 3))))
      assert.deepEqual(yield* both(3, 4), [[3, 4]])
    }).pipe(inMemory))
})

describe("transactions", () => {
  it.effect("are rolled back by a failure", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* createAgents
      const exit = yield* Effect.exit(sql.withTransaction(Effect.andThen(addAgent("purple"), Effect.fail("no"))))
      assert.deepEqual(exit, Exit.fail("no"))
      const defect = yield* Effect.exit(sql.withTransaction(Effect.andThen(addAgent("purple"), Effect.die("bug"))))
      assert.isTrue(Exit.isFailure(defect))
      assert.deepEqual(yield* names, [])
      yield* sql.withTransaction(addAgent("purple"))
      assert.deepEqual(yield* names, ["purple"])
    }).pipe(inMemory))

  it.effect("are rolled back by an interruption, and the next one begins", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* createAgents
      const written = yield* Deferred.make<void>()
      const fiber = yield* addAgent("purple").pipe(
        Effect.andThen(Deferred.succeed(written, undefined)),
        Effect.andThen(Effect.never),
        sql.withTransaction,
        Effect.forkChild
      )
      yield* Deferred.await(written)
      const waiting = yield* Effect.forkChild(names)
      yield* Effect.yieldNow
      assert.isUndefined(waiting.pollUnsafe())
      yield* Fiber.interrupt(fiber)
      assert.deepEqual(yield* Fiber.join(waiting), [])
      yield* sql.withTransaction(addAgent("green"))
      assert.deepEqual(yield* names, ["green"])
    }).pipe(inMemory))

  it.effect("that are interrupted while they wait for their turn never begin", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* createAgents
      const gate = yield* Deferred.make<void>()
      const first = yield* Effect.forkChild(
        sql.withTransaction(Effect.andThen(Deferred.await(gate), addAgent("first"))),
        { startImmediately: true }
      )
      const second = yield* Effect.forkChild(sql.withTransaction(addAgent("second")), { startImmediately: true })
      yield* Fiber.interrupt(second)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(first)
      assert.deepEqual(yield* names, ["first"])
    }).pipe(inMemory))

  it.effect("nest: an inner one is rolled back alone", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* createAgents
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* addAgent("outer")
        yield* Effect.exit(sql.withTransaction(Effect.andThen(addAgent("lost"), Effect.fail("no"))))
        yield* sql.withTransaction(addAgent("inner"))
        const unique = yield* Effect.flip(addAgent("inner"))
        assert.strictEqual(unique.reason._tag, "UniqueViolation")
      }))
      assert.deepEqual(yield* names, ["outer", "inner"])
    }).pipe(inMemory))

  it.effect("of many fibers do not mix", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE counter (value INTEGER)`
      yield* sql`INSERT INTO counter VALUES (0)`
      const increment = sql.withTransaction(Effect.gen(function*() {
        const [row] = yield* sql<{ readonly value: number }>`SELECT value FROM counter`
        yield* Effect.yieldNow
        yield* sql`UPDATE counter SET value = ${row!.value + 1}`
      }))
      yield* Effect.replicateEffect(increment, 50, { concurrency: "unbounded", discard: true })
      assert.deepEqual(yield* sql`SELECT value FROM counter`.values, [[50]])
    }).pipe(inMemory))

  it.effect("whose COMMIT fails leave the client usable", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* createAgents
      yield* sql`CREATE TABLE battles (agent TEXT REFERENCES agents (name) DEFERRABLE INITIALLY DEFERRED)`
      const error = yield* Effect.flip(sql.withTransaction(sql`INSERT INTO battles VALUES ('nobody')`))
      assert.strictEqual(error.reason._tag, "ConstraintError")
      assert.deepEqual(yield* sql`SELECT * FROM battles`, [])
      yield* sql.withTransaction(addAgent("purple"))
      assert.deepEqual(yield* names, ["purple"])
    }).pipe(inMemory))
})

describe("streams", () => {
  const numbers = Stream.unwrap(Effect.map(SqlClient.SqlClient, (sql) =>
    sql<{ readonly i: number }>`
      WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${1000}) SELECT i FROM n`.stream))

  /** More rows than a chunk holds, so that a statement is still open after the first. */
  const many = Array.from({ length: 300 }, (_, index) => `agent ${index}`)

  it.effect("give all rows, in order and in chunks", () =>
    Effect.gen(function*() {
      const chunks: Array<number> = []
      const rows: Array<unknown> = []
      yield* Stream.runForEachArray(numbers, (chunk) =>
        Effect.sync(() => {
          chunks.push(chunk.length)
          rows.push(...chunk.map((row) => row.i))
        }))
      assert.deepEqual(rows, Array.from({ length: 1000 }, (_, index) => index + 1))
      assert.isBelow(chunks.length, 10)
      assert.deepEqual(yield* SqlClient.SqlClient.use((sql) => Stream.runCollect(sql`SELECT 1 WHERE 0`.stream)), [])
    }).pipe(inMemory))

  it.effect("give the connection back when they are left early, and fail like queries", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      assert.strictEqual((yield* Stream.runCollect(Stream.take(numbers, 3))).length, 3)
      const error = yield* Effect.flip(Stream.runDrain(sql`SELECT * FROM nothing`.stream))
      assert.include(error.message, "nothing")
      yield* createAgents
      yield* Effect.forEach(many, addAgent)
      yield* Stream.runDrain(Stream.take(sql`SELECT name FROM agents`.stream, 1))
      // Refused while any statement still reads the table.
      yield* sql`DROP TABLE agents`
    }).pipe(inMemory))

  it.effect("inside a transaction may be mixed with other queries, even of the same text", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* createAgents
      yield* Effect.forEach(many, addAgent)
      const select = sql<{ readonly name: string }>`SELECT name FROM agents`
      const seen: Array<string> = []
      yield* sql.withTransaction(Stream.runForEach(select.stream, (row) =>
        Effect.gen(function*() {
          seen.push(row.name)
          assert.strictEqual((yield* select).length, many.length)
        })))
      assert.sameMembers(seen, many)
    }).pipe(inMemory))
})

describe("files", () => {
  it.effect("are set up for a campaign", () =>
    Effect.gen(function*() {
      const filename = path.join(yield* directory, "a 100%#?é.db")
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const pragma = (name: string) => sql.unsafe(`PRAGMA ${name}`).values
        assert.deepEqual(yield* pragma("journal_mode"), [["wal"]])
        assert.deepEqual(yield* pragma("synchronous"), [[1]])
        assert.deepEqual(yield* pragma("foreign_keys"), [[1]])
        assert.deepEqual(yield* pragma("busy_timeout"), [[5000]])
      }).pipe(within({ filename, create: true }))
      assert.deepEqual(filesIn(path.dirname(filename)), ["a 100%#?é.db"])
    }))

  it.effect("are migrated once", () =>
    Effect.gen(function*() {
      const filename = path.join(yield* directory, "campaign.db")
      const migrate = Migrator.make({})({ loader: Migrator.fromRecord({ "0001_agents": Effect.asVoid(createAgents) }) })
      const options = { filename, create: true }
      assert.deepEqual(yield* within(options)(migrate), [[1, "agents"]])
      assert.deepEqual(yield* within(options)(migrate), [])
      assert.deepEqual(yield* within(options)(Effect.andThen(addAgent("purple"), names)), ["purple"])
    }))

  it.effect("are one file again after the last client, also a reader, has closed", () =>
    Effect.gen(function*() {
      const folder = yield* directory
      const filename = path.join(folder, "campaign.db")
      yield* within({ filename, create: true })(Effect.gen(function*() {
        yield* createAgents
        yield* addAgent("purple")
        assert.include(filesIn(folder), "campaign.db-wal")
      }))
      assert.deepEqual(filesIn(folder), ["campaign.db"])
      yield* within({ filename, create: false, readonly: true })(names)
      assert.deepEqual(filesIn(folder), ["campaign.db"])
      // A reader that outlives the writer.
      yield* Effect.gen(function*() {
        assert.deepEqual(yield* names, ["purple"])
        yield* within({ filename, create: false })(addAgent("green"))
        assert.deepEqual(yield* names, ["purple", "green"])
      }).pipe(within({ filename, create: false, readonly: true }))
      assert.deepEqual(filesIn(folder), ["campaign.db"])
    }))

  it.effect("opened for reading refuse to be written and stay as they are", () =>
    Effect.gen(function*() {
      const filename = path.join(yield* directory, "campaign.db")
      yield* within({ filename, create: true })(Effect.andThen(createAgents, addAgent("purple")))
      const before = fs.readFileSync(filename)
      const error = yield* within({ filename, create: true, readonly: true })(Effect.flip(addAgent("green")))
      assert.strictEqual(error.message, "attempt to write a readonly database")
      assert.isTrue(before.equals(fs.readFileSync(filename)))
    }))

  it.effect("opened for reading give each transaction a snapshot while somebody writes", () =>
    Effect.gen(function*() {
      const folder = yield* directory
      const filename = path.join(folder, "campaign.db")
      const write = within({ filename, create: true })
      yield* write(Effect.andThen(createAgents, addAgent("purple")))
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql.withTransaction(Effect.gen(function*() {
          assert.deepEqual(yield* names, ["purple"])
          yield* write(addAgent("green"))
          assert.deepEqual(yield* names, ["purple"])
        }))
        assert.deepEqual(yield* names, ["purple", "green"])
      }).pipe(within({ filename, create: false, readonly: true }))
      // The reader could not move the new row out of the log; the next writer does.
      assert.deepEqual(yield* write(names), ["purple", "green"])
      assert.deepEqual(filesIn(folder), ["campaign.db"])
    }))

  it.effect("may have two writers: the second waits", () =>
    Effect.gen(function*() {
      const filename = path.join(yield* directory, "campaign.db")
      yield* Effect.gen(function*() {
        yield* createAgents
        yield* writeForAWhile(filename, "first")
        yield* SqlClient.SqlClient.use((sql) => sql.withTransaction(addAgent("second")))
        assert.deepEqual(yield* names, ["first", "second"])
      }).pipe(within({ filename, create: true }))
    }))

  it.effect("that stay locked fail with a reason that may be retried", () =>
    Effect.gen(function*() {
      const options = { filename: path.join(yield* directory, "campaign.db"), create: true }
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* createAgents
        const second = SqlClient.SqlClient.use((other) =>
          Effect.andThen(other`PRAGMA busy_timeout = 0`, other.withTransaction(addAgent("second")))
        )
        const error = yield* sql.withTransaction(Effect.flip(within(options)(second)))
        assert.instanceOf(error, SqlError.SqlError)
        assert.strictEqual(error.reason._tag, "LockTimeoutError")
        assert.isTrue(error.isRetryable)
        assert.deepEqual(yield* names, [])
      }).pipe(within(options))
    }))
})

const refusal = (options: NodeSqlite.Options) =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(within(options)(SqlClient.SqlClient.use((sql) => sql`SELECT 1`)))
    assert.instanceOf(error, StoreError)
    assert.notInclude(error.message, "\n")
    return error
  })

describe("opening", () => {
  const openings: ReadonlyArray<Omit<NodeSqlite.Options, "filename">> = [
    { create: true },
    { create: false },
    { create: false, readonly: true }
  ]

  const pageBytes = 4096
  const damages: ReadonlyArray<readonly [name: string, damage: (bytes: Buffer) => Buffer]> = [
    ["text", () => Buffer.from("hello\n")],
    ["a long text", () => Buffer.from("hello world ".repeat(5000))],
    ["a file cut short", (bytes) => bytes.subarray(0, 3 * pageBytes + 100)],
    ["nothing but the header", (bytes) => bytes.subarray(0, 100)],
    ["a wrong page size", (bytes) => Buffer.from(bytes).fill(3, 16, 17)],
    ["a lost first page", (bytes) => Buffer.from(bytes).fill(0x5a, 100, pageBytes)],
    ["a lost page in the middle", (bytes) => Buffer.from(bytes).fill(0, 10 * pageBytes, 11 * pageBytes)]
  ]

  it.effect.each(damages)("of %s is refused, and nothing is changed", ([, damage]) =>
    Effect.gen(function*() {
      const folder = yield* directory
      const filename = path.join(folder, "campaign.db")
      yield* writeDatabase(filename)
      const damaged = damage(fs.readFileSync(filename))
      fs.writeFileSync(filename, damaged)
      for (const opening of openings) {
        const error = yield* refusal({ filename, ...opening })
        assert.strictEqual(error.reason._tag, "NotADatabase")
        assert.propertyVal(error.reason, "path", filename)
        assert.include(error.message, filename)
        assert.isTrue(damaged.equals(fs.readFileSync(filename)))
        assert.deepEqual(filesIn(folder), ["campaign.db"])
      }
    }))

  it.effect("of an empty file works only for somebody who would create it", () =>
    Effect.gen(function*() {
      const filename = path.join(yield* directory, "campaign.db")
      fs.writeFileSync(filename, "")
      for (const opening of [{ create: false }, { create: true, readonly: true }]) {
        assert.strictEqual((yield* refusal({ filename, ...opening })).reason._tag, "NotADatabase")
        assert.strictEqual(fs.statSync(filename).size, 0)
      }
      assert.deepEqual(yield* within({ filename, create: true })(Effect.andThen(createAgents, names)), [])
    }))

  it.effect("of what a crash left finds every committed row; a reader leaves the log as it is", () =>
    Effect.gen(function*() {
      const folder = yield* directory
      const crashed = yield* crash(folder)
      const before = crashed.bytes()
      assert.deepEqual(yield* within({ filename: crashed.filename, create: false, readonly: true })(names), ["purple"])
      assert.deepEqual(crashed.bytes(), before)
      assert.deepEqual(yield* within({ filename: crashed.filename, create: false })(names), ["purple"])
      assert.deepEqual(filesIn(path.dirname(crashed.filename)), ["campaign.db"])
    }))

  it.effect("of a damaged file with the log of a crash changes neither", () =>
    Effect.gen(function*() {
      const folder = yield* directory
      const crashed = yield* crash(folder)
      const damaged = fs.readFileSync(crashed.filename).fill(0x5a, 0, 64)
      fs.writeFileSync(crashed.filename, damaged)
      const before = crashed.bytes()
      for (const opening of openings) {
        const error = yield* refusal({ filename: crashed.filename, ...opening })
        assert.strictEqual(error.reason._tag, "NotADatabase")
        assert.deepEqual(crashed.bytes(), before)
      }
    }))

  it.effect("of a missing file creates it only if that was asked for", () =>
    Effect.gen(function*() {
      const folder = yield* directory
      const filename = path.join(folder, "campaign.db")
      for (const opening of [{ create: false }, { create: false, readonly: true }, { create: true, readonly: true }]) {
        const error = yield* refusal({ filename, ...opening })
        assert.deepEqual(error.reason, { _tag: "Missing", path: filename })
        assert.deepEqual(filesIn(folder), [])
      }
    }))

  it.effect("where there cannot be a file says why", () =>
    Effect.gen(function*() {
      const folder = yield* directory
      fs.writeFileSync(path.join(folder, "file"), "x")
      const cases = [
        [path.join(folder, "none", "campaign.db"), `there is no directory ${path.join(folder, "none")}`],
        [path.join(folder, "file", "campaign.db"), `there is no directory ${path.join(folder, "file")}`],
        [folder, "it is a directory"]
      ] as const
      for (const [filename, why] of cases) {
        const error = yield* refusal({ filename, create: true })
        assert.strictEqual(error.reason._tag, "CannotOpen")
        assert.include(error.message, filename)
        assert.include(error.message, why)
      }
      const missing = yield* refusal({ filename: cases[0][0], create: false })
      assert.strictEqual(missing.reason._tag, "Missing")
    }))
})

describe("StoreError", () => {
  const reasons: ReadonlyArray<StoreErrorReason> = [
    StoreErrorReason.cases.Missing.make({ path: "campaign.db" }),
    StoreErrorReason.cases.NotADatabase.make({ path: "campaign.db", detail: "*** in database main ***\nTree 3" }),
    StoreErrorReason.cases.CannotOpen.make({ path: "campaign.db", detail: "database is locked" }),
    queryFailed("save the attempt")({ message: "database or disk is full\n" }).reason
  ]

  it.effect.each(reasons.map((reason) => [reason._tag, reason] as const))(
    "%s is one line and crosses a wire",
    ([, reason]) =>
      Effect.gen(function*() {
        const error = new StoreError({ reason })
        assert.match(error.message, /^[^\n]+: [^\n]+\.$/)
        const encoded = JSON.stringify(yield* Schema.encodeEffect(StoreError)(error))
        const decoded = yield* Schema.decodeEffect(Schema.fromJsonString(StoreError))(encoded)
        assert.strictEqual(decoded.message, error.message)
        assert.deepEqual(decoded.reason, reason)
      })
  )

  it.effect("can be caught by its reason", () =>
    Effect.gen(function*() {
      const filename = path.join(yield* directory, "none.db")
      const caught = yield* within({ filename, create: false })(names).pipe(
        Effect.catchReason("StoreError", "Missing", (reason) => Effect.succeed(reason.path))
      )
      assert.strictEqual(caught, filename)
    }))
})

/** A database as a killed process leaves it: the only row stands in the log. */
const crash = (folder: string) =>
  Effect.sync(() => {
    const alive = path.join(folder, "alive.db")
    const database = new DatabaseSync(alive)
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE agents (name TEXT NOT NULL UNIQUE)")
    database.exec("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO agents VALUES ('purple')")
    const filename = path.join(folder, "crashed", "campaign.db")
    fs.mkdirSync(path.dirname(filename))
    fs.copyFileSync(alive, filename)
    fs.copyFileSync(`${alive}-wal`, `${filename}-wal`)
    database.close()
    return { filename, bytes: () => [fs.readFileSync(filename), fs.readFileSync(`${filename}-wal`)] as const }
  })

/** Another thread holds the write lock, has already written a row, and commits 300 ms later. */
const writeForAWhile = (filename: string, name: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      new Worker(
        `const { parentPort, workerData } = require("node:worker_threads")
        const database = new (require("node:sqlite").DatabaseSync)(workerData.filename)
        database.exec("BEGIN IMMEDIATE")
        database.prepare("INSERT INTO agents (name) VALUES (?)").run(workerData.name)
        parentPort.postMessage("locked")
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
        database.exec("COMMIT")
        database.close()`,
        { eval: true, workerData: { filename, name } }
      )
    ),
    (worker) => Effect.promise(() => worker.terminate())
  ).pipe(Effect.flatMap((worker) =>
    Effect.callback<void>((resume) => {
      worker.once("message", () => resume(Effect.void))
      worker.once("error", (error) => resume(Effect.die(error)))
    })
  ))
