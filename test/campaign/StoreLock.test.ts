/** One process runs a campaign, and none once it is gone, however it went: with real processes and SIGKILL. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { basename, dirname, join } from "node:path"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import * as StoreLock from "../../src/campaign/StoreLock.ts"
import { start } from "../support/command.ts"
import { script } from "../support/storeProcess.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const temporaryFile = Effect.map(temporaryDirectory, (directory) => join(directory, "campaign.db"))
/** Takes the lock, and does something while it has it. */
const withLock = <A, E, R>(filename: string, use: Effect.Effect<A, E, R>) =>
  Effect.provide(use, Layer.fresh(StoreLock.layer(filename)), { local: true })
const nothing = Effect.void

describe("StoreLock", () => {
  it.live(
    "is refused while another process has it, which is named, and free once that is killed",
    () =>
      Effect.gen(function*() {
        const filename = yield* temporaryFile
        assert.isTrue(Option.isNone(yield* StoreLock.holder(filename)))
        const { child, exit, line } = yield* start(["hold", filename], { script })
        yield* line(/held/)
        const holder = Option.getOrThrow(yield* StoreLock.holder(filename))
        assert.deepInclude(holder, { pid: child.pid!, host: hostname() })
        const { message, reason } = yield* Effect.flip(withLock(filename, nothing))
        const { purpose, ...held } = holder
        assert.deepStrictEqual([reason, purpose], [{ _tag: "Held", path: filename, ...held }, "run"])
        assert.match(
          message,
          new RegExp(`is being run by process ${child.pid} on \\S+ since \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d: `)
        )
        // Looking has changed nothing.
        assert.strictEqual((yield* Effect.flip(withLock(filename, nothing))).reason._tag, "Held")
        const store = CampaignStore.layerExclusive({ filename, create: true })
        assert.strictEqual(
          (yield* Effect.flip(Effect.provide(CampaignStore, store, { local: true }))).reason._tag,
          "Held"
        )
        assert.isFalse(existsSync(filename))
        child.kill("SIGKILL")
        yield* exit
        assert.isTrue(existsSync(`${filename}-lock`))
        assert.isTrue(Option.isNone(yield* StoreLock.holder(filename)))
        yield* withLock(
          filename,
          Effect.gen(function*() {
            assert.strictEqual(Option.getOrThrow(yield* StoreLock.holder(filename)).pid, process.pid)
            assert.strictEqual((yield* Effect.flip(withLock(filename, nothing))).reason._tag, "Held")
          })
        )
        assert.deepStrictEqual(readdirSync(dirname(filename)), [])
      }),
    60_000
  )

  it.live("is had by one process at a time, however many come and go", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      const racing = yield* Effect.forEach([1, 2, 3], () => start(["race", filename], { script }), { concurrency: 3 })
      for (const { exit, stderr, stdout } of racing) {
        assert.strictEqual(yield* exit, 0, stderr())
        assert.deepStrictEqual([...new Set(stdout().trim().split("\n"))], ["had it"])
      }
      assert.deepStrictEqual(readdirSync(dirname(filename)), [])
    }), 60_000)

  it.live("of a change is waited for, and is nobody's who runs it", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      const running = yield* Effect.gen(function*() {
        assert.isTrue(Option.isNone(yield* StoreLock.runner(filename)))
        assert.strictEqual(Option.getOrThrow(yield* StoreLock.holder(filename)).purpose, "change")
        // Finds it taken before this goes on.
        return yield* Effect.forkDetach(withLock(filename, StoreLock.runner(filename)), { startImmediately: true })
      }).pipe(Effect.provide(Layer.fresh(StoreLock.layer(filename, "change")), { local: true }))
      assert.strictEqual(Option.getOrThrow(yield* Fiber.join(running)).purpose, "run")
      assert.isTrue(Option.isNone(yield* StoreLock.holder(filename)))
    }))

  it.live("is not left behind where the store cannot be opened, and says why it cannot be had", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      const missing = CampaignStore.layerExclusive({ filename, create: false })
      assert.strictEqual(
        (yield* Effect.flip(Effect.provide(CampaignStore, missing, { local: true }))).reason._tag,
        "Missing"
      )
      assert.deepStrictEqual(readdirSync(dirname(filename)), [])
      const elsewhere = join(dirname(filename), "nowhere", basename(filename))
      assert.strictEqual((yield* Effect.flip(withLock(elsewhere, nothing))).reason._tag, "CannotOpen")
      writeFileSync(
        `${filename}-lock`,
        "this is not a lock but a text that somebody else has written and wants to keep"
      )
      const { message, reason } = yield* Effect.flip(withLock(filename, nothing))
      assert.strictEqual(reason._tag, "CannotOpen")
      assert.include(message, "campaign.db-lock")
    }))

  it.live("needs no file for a store in memory", () =>
    withLock(":memory:", withLock(":memory:", Effect.sync(() => assert.isFalse(existsSync(":memory:-lock"))))))
})
