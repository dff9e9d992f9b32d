// A request to the process that runs a campaign: answered, given up, or done by whoever asked once that process is gone.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import { everything } from "../../src/campaign/Selection.ts"
import { Command } from "../../src/campaign/StoredCommand.ts"
import * as StoreLock from "../../src/campaign/StoreLock.ts"
import { ask, askOrDo } from "../../src/cli/askRunner.ts"
import { definitionOf } from "../support/campaigns.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

/** A campaign of two battles that somebody holds, until `release`. */
const held = Effect.gen(function*() {
  const file = join(yield* temporaryDirectory, "c.db")
  const lock = yield* Scope.make()
  yield* Scope.provide(Layer.build(StoreLock.layer(file)), lock)
  yield* Effect.addFinalizer(() => Scope.close(lock, Exit.void))
  const inStore = <A, E>(use: (store: CampaignStore["Service"]) => Effect.Effect<A, E>) =>
    CampaignStore.use(use).pipe(
      Effect.provide(CampaignStore.layer({ filename: file, create: true }), { local: true }),
      Effect.orDie
    )
  const atDesk = <A, E>(use: (desk: RunnerDesk["Service"]) => Effect.Effect<A, E>) =>
    RunnerDesk.use(use).pipe(
      Effect.provide(CampaignStore.layer({ filename: file, create: true }), { local: true }),
      Effect.orDie
    )
  yield* inStore((store) => store.create(definitionOf({ repetitions: 2 }), null))
  const holder = yield* Effect.flatMap(StoreLock.holder(file), Effect.fromOption)
  return { atDesk, file, holder, release: Scope.close(lock, Exit.void) }
})

const pause = Command.cases.Pause.make({})

describe("a request to the process that runs a campaign", () => {
  it.effect("gives its answer", () =>
    Effect.gen(function*() {
      const { atDesk, file, holder } = yield* held
      const asked = yield* Effect.forkChild(ask(file, holder, pause), { startImmediately: true })
      yield* TestClock.adjust(3000)
      const [request] = yield* atDesk((desk) => desk.requests)
      assert.deepStrictEqual(request?.command, pause)
      yield* atDesk((desk) => desk.answer(request!.id, "paused"))
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(yield* Fiber.join(asked), { _tag: "Answered", text: "paused" })
    }))

  it.effect("fails after ten seconds without one, and is kept", () =>
    Effect.gen(function*() {
      const { atDesk, file, holder } = yield* held
      const asked = yield* Effect.forkChild(Effect.flip(ask(file, holder, pause)), { startImmediately: true })
      yield* TestClock.adjust(9900)
      assert.isUndefined(asked.pollUnsafe())
      yield* TestClock.adjust(200)
      assert.match((yield* Fiber.join(asked)).message, /process \d+ has not answered within 10 s; the request is kept/)
      assert.lengthOf(yield* atDesk((desk) => desk.requests), 1)
    }))

  it.effect("is done by whoever asked once that process is gone, and by nobody else", () =>
    Effect.gen(function*() {
      const { atDesk, file, release } = yield* held
      const asked = yield* Effect.forkChild(
        askOrDo({
          file,
          command: Command.cases.Cancel.make({}),
          answered: (text) => Effect.succeed(`answered: ${text}`),
          idle: Effect.gen(function*() {
            const store = yield* CampaignStore
            // Nobody can begin meanwhile.
            assert.isTrue(Option.isSome(yield* StoreLock.holder(file)))
            return `done: ${yield* store.giveUp(everything, "cancelled")}`
          })
        }),
        { startImmediately: true }
      )
      yield* TestClock.adjust(1000)
      assert.isUndefined(asked.pollUnsafe())
      yield* release
      yield* TestClock.adjust(100)
      assert.strictEqual(yield* Fiber.join(asked), "done: 2")
      assert.deepStrictEqual(yield* atDesk((desk) => desk.requests), [])
      assert.isTrue(Option.isNone(yield* StoreLock.holder(file)))
    }))
})
