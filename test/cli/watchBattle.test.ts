/** One battle of a campaign that another connection writes, followed in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { join } from "node:path"
import { setImmediate } from "node:timers/promises"
import { type Battle, plan } from "../../src/campaign/Battle.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import * as StoredLook from "../../src/campaign/StoredLook.ts"
import * as StoreLock from "../../src/campaign/StoreLock.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import { type BattleChoice, watchBattle } from "../../src/cli/watchBattle.ts"
import type { TaskScreen } from "../../src/terminal/TaskScreen.ts"
import { attemptOf, failedOf } from "../support/attempts.ts"
import { definitionOf } from "../support/campaigns.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const definition = definitionOf({ tasks: ["a", "b"] })
const [a, b] = plan(definition).toSorted((one, other) => one.task.localeCompare(other.task))
const any: BattleChoice = { verdicts: [], tasks: [], agents: [], repetition: undefined }

/** Lets time pass, and whatever is due happen. */
const pass = (seconds: number) =>
  Effect.repeat(Effect.andThen(TestClock.adjust(100), Effect.promise(() => setImmediate())), {
    times: Math.round(10 * seconds) - 1
  })

/** A campaign whose runner the test is, and what is shown of the battles that were chosen. */
const watched = Effect.fnUntraced(function*(choice: BattleChoice) {
  const filename = join(yield* temporaryDirectory, "c.db")
  const context = yield* Layer.build(
    Layer.provide(CampaignStore.layer({ filename, create: true }), StoreLock.layer(filename))
  )
  return yield* Effect.gen(function*() {
    const store = yield* CampaignStore
    const desk = yield* RunnerDesk
    yield* store.create(definition, null)
    const startedAt = yield* Clock.currentTimeMillis
    const begin = (battle: Battle) =>
      store.begin(battle, { startedAt: battle === b ? startedAt - 500 : startedAt, epoch: null })
    for (const battle of [a!, b!]) yield* begin(battle)
    const shown: Array<string> = []
    const show = (kind: string) => (text: string) =>
      Effect.sync(() => void (text === "" || shown.push(kind + text.trim())))
    const screen: TaskScreen = {
      isLive: false,
      color: false,
      columns: Effect.succeed(100),
      answer: show("> "),
      aside: show("? "),
      line: show("# "),
      status: () => Effect.void
    }
    const watcher = Option.getOrThrow(yield* StoredLook.open(filename, { texts: true }))
    const fiber = yield* Effect.forkScoped(watchBattle(watcher, choice, screen, { json: false, reasoning: false }), {
      startImmediately: true
    })
    const tell = (battle: Battle, content: string, atMillis: number) =>
      desk.advance([{
        battle,
        number: 1,
        phase: "decoding",
        tokens: 1,
        content,
        reasoning: "",
        arrivals: [{ atMillis, tokens: 1 }]
      }])
    return { begin, fiber, shown, startedAt, store, tell }
  }).pipe(Effect.provide(context))
})

const timings = TokenTimings.encode([{ atMillis: 100, tokens: 1 }])

describe("watchBattle", () => {
  it.effect("follows the only battle through its attempts, and ends with its outcome", () =>
    Effect.gen(function*() {
      const { begin, fiber, shown, startedAt, store, tell } = yield* watched({ ...any, tasks: ["a"] })
      yield* tell(a!, "first ", 100)
      yield* tell(b!, "other", 100)
      yield* pass(1.5)
      assert.notInclude(shown, "> first")
      yield* pass(1.5)
      assert.include(shown, "> first")
      yield* store.record(failedOf(a!, 1, { startedAt, durationMillis: 200, content: "first try", timings }))
      yield* pass(3)
      assert.include(shown, "> try")
      assert.isTrue(shown.some((line) => /^# .*task {5}failed tokens=17/.test(line)), shown.join("\n"))
      assert.match(shown.at(-1)!, /^# a × .* #1: no outcome yet: it is played again$/)
      assert.isUndefined(fiber.pollUnsafe())
      const number = yield* begin(a!)
      yield* pass(1)
      yield* store.record(attemptOf(a!, number, { startedAt, content: "second", timings }))
      yield* pass(3)
      yield* Fiber.join(fiber)
      assert.match(shown.at(-1)!, /^# a × .* #1: scored 0\.50: /)
      assert.notInclude(shown.join(""), "other")
    }))

  it.effect("follows the one that has been quiet longest, then the next one, and tells what it missed", () =>
    Effect.gen(function*() {
      const { fiber, shown, startedAt, store, tell } = yield* watched({ ...any, repetition: 1 })
      yield* tell(a!, "A", 300)
      yield* tell(b!, "B", 200)
      yield* pass(3)
      // Neither had said anything when it began to look, and this one began first.
      const [followed, other] = [b!, a!]
      assert.isTrue(shown.includes("> B") && !shown.includes("> A"))
      yield* store.record(attemptOf(other, 1, { startedAt, timings }))
      yield* pass(2)
      assert.isFalse(shown.some((line) => line.includes("scored")))
      yield* store.record(attemptOf(followed, 1, { startedAt, timings, content: followed.task.toUpperCase() }))
      yield* pass(3)
      assert.deepStrictEqual(shown.filter((line) => line.includes("scored")).map((line) => line[2]), [
        followed.task,
        other.task
      ])
      assert.isUndefined(fiber.pollUnsafe())
      yield* Fiber.interrupt(fiber)
    }))
})
