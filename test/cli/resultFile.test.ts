/** A result is written whole or not at all, and never over a database. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as PlatformError from "effect/PlatformError"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { CommandError, inputError } from "../../src/cli/CommandError.ts"
import * as resultFile from "../../src/cli/resultFile.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const content = Stream.encodeText(Stream.make("one ", "two"))

/** A directory with a database in it. */
const place = Effect.map(temporaryDirectory, (directory) => {
  const database = join(directory, "night.db")
  new DatabaseSync(database).exec("CREATE TABLE campaign (id)")
  return { directory, database, at: (name: string) => join(directory, name) }
})

const written = (path: string, database: string, stream: Stream.Stream<Uint8Array, CommandError> = content) =>
  resultFile.write(path, database, stream).pipe(Effect.provide(NodeServices.layer))

describe("a result", () => {
  it.live("takes the place of what was there, also behind a link, and gives its size", () =>
    Effect.gen(function*() {
      const { at, database, directory } = yield* place
      assert.strictEqual(yield* written(at("a.csv"), database), 7)
      writeFileSync(at("a.csv"), "a much longer text of yesterday")
      chmodSync(at("a.csv"), 0o600)
      symlinkSync("a.csv", at("link.csv"))
      symlinkSync("new.csv", at("nowhere.csv"))
      yield* written(at("link.csv"), database)
      yield* written(at("nowhere.csv"), database)
      for (const name of ["a.csv", "new.csv"]) assert.strictEqual(readFileSync(at(name), "utf8"), "one two")
      assert.strictEqual(statSync(at("a.csv")).mode & 0o777, 0o600)
      assert.deepStrictEqual(readdirSync(directory).toSorted(), [
        "a.csv",
        "link.csv",
        "new.csv",
        "night.db",
        "nowhere.csv"
      ])
    }))

  it.live("that fails or is interrupted leaves what was there, and nothing beside it", () =>
    Effect.gen(function*() {
      const { at, database, directory } = yield* place
      writeFileSync(at("a.csv"), "yesterday")
      const failing = Stream.concat(content, Stream.fail(inputError("the disk is gone")))
      assert.strictEqual((yield* Effect.flip(written(at("a.csv"), database, failing))).message, "the disk is gone")
      const begun = yield* Effect.forkChild(written(at("a.csv"), database, Stream.concat(content, Stream.never)), {
        startImmediately: true
      })
      while (readdirSync(directory).length < 3) yield* Effect.yieldNow
      yield* Fiber.interrupt(begun)
      assert.deepStrictEqual(readdirSync(directory).toSorted(), ["a.csv", "night.db"])
      assert.strictEqual(readFileSync(at("a.csv"), "utf8"), "yesterday")
    }))

  it.live("is refused where a database or nothing at all can be", () =>
    Effect.gen(function*() {
      const { at, database, directory } = yield* place
      new DatabaseSync(at("other.csv")).exec("CREATE TABLE campaign (id)")
      symlinkSync("night.db", at("link.csv"))
      mkdirSync(at("folder"))
      const before = readFileSync(database)
      const refusals = {
        "night.db": /belongs to the campaign's database/,
        "night.db-wal": /belongs to the campaign's database/,
        "night.db-lock": /belongs to the campaign's database/,
        "link.csv": /belongs to the campaign's database/,
        "other.csv": /is a database and was left as it is/,
        folder: /is a directory; name a file in it/,
        "nowhere/a.csv": /cannot be written: there is no directory .*nowhere$/,
        "night.db/a.csv": /cannot be written/
      }
      for (const [name, message] of Object.entries(refusals)) {
        const error = yield* Effect.flip(written(at(name), database))
        assert.match(error.message, message)
        assert.strictEqual(error.exitCode, 1)
      }
      assert.deepStrictEqual(readFileSync(database), before)
      assert.deepStrictEqual(readdirSync(directory).toSorted(), ["folder", "link.csv", "night.db", "other.csv"])
    }))

  it.live("goes to what is no regular file as it is, and says why it cannot", () =>
    Effect.gen(function*() {
      const { database } = yield* place
      assert.strictEqual(yield* written("/dev/null", database), 7)
      const { message } = yield* Effect.flip(written("/dev/full", database))
      assert.match(message, /^\/dev\/full cannot be written: ENOSPC: no space left on device/)
    }))

  it.effect("is not lost without a word on a stdout that is full, and may be left by its reader", () =>
    Effect.gen(function*() {
      const printedTo = (cause: string) =>
        resultFile.toStdout(content).pipe(Effect.provide(Stdio.layerTest({
          stdout: () =>
            Sink.fail(
              PlatformError.systemError({ _tag: "Unknown", module: "Stdio", method: "stdout", cause: new Error(cause) })
            )
        })))
      const { message } = yield* Effect.flip(printedTo("ENOSPC: no space left on device, write"))
      assert.strictEqual(message, "stdout cannot be written: ENOSPC: no space left on device, write")
      yield* printedTo("write EPIPE")
    }))
})
