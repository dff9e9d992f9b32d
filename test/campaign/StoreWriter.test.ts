/** Order, isolation, turns, and what a killed process and a full disk leave. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import * as StoreWriter from "../../src/campaign/StoreWriter.ts"
import { start } from "../support/command.ts"
import { script } from "../support/storeProcess.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const memory = Layer.fresh(NodeSqlite.layer({ filename: ":memory:", create: true }))
const many = Array.from({ length: 500 }, (_, index) => index)

/** A writer over a table that takes each number once. */
const opened = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE taken (place INTEGER PRIMARY KEY, number INTEGER UNIQUE CHECK (number >= 0), text)`
  const writer = yield* StoreWriter.make(sql)
  const take = (number: number, text = "") =>
    Effect.asVoid(sql`INSERT INTO taken (number, text) VALUES (${number}, ${text})`)
  const taken = Effect.map(sql`SELECT number FROM taken ORDER BY place`, (rows) => rows.map(({ number }) => number))
  return { sql, writer, take, taken }
})

describe("StoreWriter", () => {
  it.effect("keeps the order of what is submitted together", () =>
    Effect.gen(function*() {
      const { take, taken, writer } = yield* opened
      yield* Effect.forEach(
        many,
        (number) => number % 3 === 0 ? writer.offer("take", take(number)) : writer.submit("take", take(number)),
        { concurrency: "unbounded", discard: true }
      )
      yield* writer.submit("take", take(1000))
      assert.deepStrictEqual(yield* taken, [...many, 1000])
    }).pipe(Effect.provide(memory)))

  it.effect("lets an operation that breaks a rule fail alone", () =>
    Effect.gen(function*() {
      const { take, taken, writer } = yield* opened
      // The first one keeps the writer busy, so that the others come into one transaction.
      const exits = yield* Effect.forEach(
        many,
        (number) =>
          Effect.exit(
            writer.submit("take a number", Effect.andThen(Effect.yieldNow, take(number % 5 === 4 ? -1 : number)))
          ),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(exits.map(Exit.isSuccess), many.map((number) => number % 5 !== 4))
      assert.deepStrictEqual(yield* taken, many.filter((number) => number % 5 !== 4))
      // Nor does anything of it stay: each of these takes a number before the one that is refused.
      const halves = yield* Effect.forEach(
        [600, 601, 602],
        (number) =>
          Effect.exit(
            writer.submit(
              "take two",
              Effect.andThen(Effect.andThen(Effect.yieldNow, take(number)), take(number % 2 - 1))
            )
          ),
        { concurrency: "unbounded" }
      )
      assert.isTrue(halves.every(Exit.isFailure))
      assert.deepStrictEqual((yield* taken).filter((number) => Number(number) >= 600), [])
      const error = yield* Effect.flip(writer.submit("take a number", take(0)))
      assert.match(error.message, /The store failed to take a number \(UNIQUE constraint failed: taken.number\)/)
      const defect = yield* Effect.exit(writer.submit("die", Effect.andThen(take(2000), Effect.die("no"))))
      assert.isTrue(Exit.isFailure(defect))
      assert.notInclude(yield* taken, 2000)
    }).pipe(Effect.provide(memory)))

  it.effect("logs what was offered and fails", () =>
    Effect.gen(function*() {
      const { take, writer } = yield* opened
      const lines: Array<unknown> = []
      yield* writer.offer("take a number", take(-1)).pipe(
        Effect.andThen(writer.submit("take a number", take(1))),
        Effect.provide(Logger.layer([Logger.make(({ message }) => void lines.push(message))]))
      )
      assert.include(JSON.stringify(lines), "The store failed to take a number")
    }).pipe(Effect.provide(memory)))

  it.effect("carries out what was submitted even if nobody waits for it any more", () =>
    Effect.gen(function*() {
      const { take, taken, writer } = yield* opened
      const slow = Effect.andThen(Effect.yieldNow, take(1))
      const first = yield* Effect.forkChild(writer.submit("take", slow), { startImmediately: true })
      const second = yield* Effect.forkChild(writer.submit("take", take(2)), { startImmediately: true })
      yield* Effect.all([Fiber.interrupt(first), Fiber.interrupt(second)], { concurrency: 2 })
      assert.deepStrictEqual(yield* taken, [1, 2])
    }).pipe(Effect.provide(memory)))

  it.effect("commits what is left when it closes, and takes nothing after", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { take, taken, writer } = yield* Scope.provide(opened, scope)
      for (const number of many) yield* writer.offer("take", take(number))
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* taken, many)
      assert.include((yield* Effect.flip(writer.submit("take", take(1000)))).message, "closed already")
      yield* Effect.provide(writer.offer("take", take(1001)), Logger.layer([]))
      assert.deepStrictEqual(yield* taken, many)
    }).pipe(Effect.provide(memory)))

  it.live("gives everybody else a turn after some milliseconds of work", () =>
    Effect.gen(function*() {
      const { take, writer } = yield* opened
      let turns = 0
      let isOver = false
      const turn = () => {
        turns++
        if (!isOver) setImmediate(turn)
      }
      setImmediate(turn)
      yield* Effect.forEach(many, (number) => writer.submit("take", take(number, "x".repeat(100_000))), {
        concurrency: "unbounded",
        discard: true
      })
      isOver = true
      // Some 50 MB: no machine writes them within two turns.
      assert.isAbove(turns, 2)
    }).pipe(Effect.provide(memory)))

  it.live("waits for another process that writes, without standing still", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "taken.db")
      yield* Effect.gen(function*() {
        const { take, taken, writer } = yield* opened
        const other = new DatabaseSync(filename)
        other.exec("BEGIN IMMEDIATE; INSERT INTO taken (number) VALUES (7)")
        const waiting = yield* Effect.forkChild(writer.submit("take", take(8)), { startImmediately: true })
        yield* Effect.sleep("60 millis")
        assert.isUndefined(waiting.pollUnsafe())
        other.exec("COMMIT")
        other.close()
        yield* Fiber.join(waiting)
        assert.deepStrictEqual(yield* taken, [7, 8])
      }).pipe(Effect.provide(NodeSqlite.layer({ filename, create: true }), { local: true }))
    }))

  it.effect("fails those that a full disk fails, keeps the others, and goes on once there is room", () =>
    Effect.gen(function*() {
      const { sql, take, taken, writer } = yield* opened
      yield* sql`PRAGMA max_page_count = 50`
      const large = "x".repeat(1_000_000)
      const numbers = [0, 1, 2, 3]
      const exits = yield* Effect.forEach(
        numbers,
        (number) =>
          Effect.exit(writer.submit("take", Effect.andThen(Effect.yieldNow, take(number, number === 2 ? large : "")))),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, true, false, true])
      assert.include((yield* Effect.flip(writer.submit("take", take(4, large)))).message, "database or disk is full")
      assert.deepStrictEqual(yield* taken, [0, 1, 3])
      yield* sql`PRAGMA max_page_count = 5000`
      yield* writer.submit("take", take(4, large))
      assert.deepStrictEqual(yield* taken, [0, 1, 3, 4])
    }).pipe(Effect.provide(memory)))
})

describe("a store", () => {
  it.live.each([150, 400, 900])(
    "whose process is killed after %d ms of writing holds all that was acknowledged",
    (millis) =>
      Effect.gen(function*() {
        const filename = join(yield* temporaryDirectory, "campaign.db")
        const { child, exit, line, stdout } = yield* start(["write", filename], { script })
        yield* line(/begun/)
        // The first line that is acknowledged: a busy machine may take long to get there.
        yield* line(/begun[^\n]*\n[^\n]+\n/)
        yield* Effect.sleep(millis)
        child.kill("SIGKILL")
        yield* exit
        const acknowledged = stdout().split("\n").slice(1, -1)
        yield* Effect.gen(function*() {
          const store = yield* CampaignStore
          const left = yield* store.abandon
          assert.isAtMost(left, 16)
          const { attempts, battles } = yield* Effect.flatMap(store.load, Effect.fromOption)
          const completed = attempts.filter(({ verdict }) => verdict === "completed")
          const stored = new Set(completed.map(({ battle, number }) => `${battle.task} ${battle.repetition} ${number}`))
          assert.deepStrictEqual(acknowledged.filter((line) => !stored.has(line)), [])
          assert.isNotEmpty(acknowledged)
          assert.isAtMost(stored.size, acknowledged.length + 16)
          assert.strictEqual(battles.filter(({ outcome }) => outcome._tag === "Scored").length, stored.size)
          assert.strictEqual(attempts.length, completed.length + left)
        }).pipe(Effect.provide(CampaignStore.layerExclusive({ filename, create: false }), { local: true }))
      }),
    60_000
  )

  it.live("on a disk that is full says so, and works on with what room there is", (test) =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const filled = "mount -t tmpfs -o size=3m none \"$1\" && exec \"$2\" \"$3\" fill \"$1/campaign.db\""
      const { status, stderr, stdout } = spawnSync(
        "sh",
        ["-c", "exec unshare -m sh -c \"$0\" sh \"$@\"", filled, directory, process.execPath, script],
        { encoding: "utf8" }
      )
      // Only root may mount, and not in every container.
      if (status === null || /unshare|mount/.test(stderr)) return test.skip()
      assert.deepStrictEqual([status, stderr], [0, ""])
      const lines = stdout.trim().split("\n")
      assert.match(lines[1]!, /^failed The store failed to save an attempt \(database or disk is full\)/)
      assert.deepStrictEqual([lines.length, lines.at(-1)], [6, "together Success Failure Success"])
    }), 60_000)
})
