/** What `campaign watch` refuses, in one line that says what to do, before anything is asked or shown. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as TestConsole from "effect/testing/TestConsole"
import { join } from "node:path"
import { setImmediate } from "node:timers/promises"
import { plan } from "../../src/campaign/Battle.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import { everything } from "../../src/campaign/Selection.ts"
import * as StoreLock from "../../src/campaign/StoreLock.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import { CommandError } from "../../src/cli/CommandError.ts"
import { watch } from "../../src/cli/watch.ts"
import { attemptOf } from "../support/attempts.ts"
import { definitionOf } from "../support/campaigns.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

/** How the verb ends that is called so. */
const refusal = (args: ReadonlyArray<string>, environment: Record<string, string> = {}) =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(Command.runWith(watch, { version: "0" })(args))
    assert.instanceOf(error, CommandError)
    assert.deepStrictEqual(yield* TestConsole.logLines, [])
    return `${error.exitCode}: ${error.message}`
  }).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: environment })),
    Effect.provide(NodeServices.layer)
  )

describe("campaign watch", () => {
  it.effect("needs an agent and a message, or a campaign", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
        [[], /^2: say what to watch: an agent, .* or a campaign, with --db FILE$/],
        [["--message", "x"], /^2: say which agent gets the message/],
        [["http://127.0.0.1:9/"], /^2: say what to send with --message TEXT, or --message -/],
        [["http://127.0.0.1:9/", "--message", " "], /^2: --message is empty/],
        [["agent.example", "--message", "x"], /^2: "agent\.example" is not a URL; expected .* http:/],
        [["http://me:secret@agent/", "--message", "x"], /^2: the URL must not hold .* CAMPAIGN_AGENT_TOKEN$/],
        [["http://127.0.0.1:9/", "--message", "x", "--task", "t"], /^2: --task, --agent and --repetition .* --db FILE/],
        [["http://127.0.0.1:9/", "--message", "x", "--stall-limit", "0s"], /^2: --stall-limit must be longer/],
        [["http://127.0.0.1:9/", "--message", "x", "--hard-cap", "1s"], /^2: --hard-cap/]
      ]
      for (const [args, expected] of cases) assert.match(yield* refusal(args), expected)
      // A variable says it as well as a flag, and an address wins over a campaign that only a variable names.
      assert.match(yield* refusal([], { CAMPAIGN_MESSAGE: "x" }), /which agent/)
      assert.match(yield* refusal(["http://127.0.0.1:9/"], { CAMPAIGN_DB: "c.db" }), /what to send/)
    }))

  it.effect("says of a campaign that nobody runs how it stands and how to go on", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "c.db")
      const definition = definitionOf({ tasks: ["a", "b"] })
      yield* Effect.gen(function*() {
        const store = yield* CampaignStore
        yield* store.create(definition, null)
        const [first] = (yield* Effect.flatMap(store.load, Effect.fromOption)).battles
        yield* store.record(attemptOf(first!.battle, yield* store.begin(first!.battle, { startedAt: 1, epoch: null })))
        yield* store.setState("paused")
      }).pipe(Effect.provide(CampaignStore.layer({ filename, create: true }), { local: true }))
      const db = ["--db", filename]
      assert.match(
        yield* refusal(db),
        /^1: nothing to watch: nobody runs it, 1 of 2 battles are pending; go on with: \S+ resume --db \S+c\.db$/
      )
      assert.match(yield* refusal([...db, "--task", "c"]), /^2: --task c: no such task in this campaign; did you mean/)
      assert.match(yield* refusal([...db, "--repetition", "2"]), /^2: --repetition 2: no such battle; .* from 1 to 1$/)
      assert.match(yield* refusal(["--db", `${filename}x`]), /^1: There is no file/)
    }))

  it.effect("shows a campaign that is run, two seconds late, and how to go on when it is run no more", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "c.db")
      const definition = definitionOf({ tasks: ["a"], repetitions: 2 })
      const shown = yield* Effect.gen(function*() {
        const store = yield* CampaignStore
        const desk = yield* RunnerDesk
        yield* store.create(definition, null)
        const [battle, other] = plan(definition)
        const startedAt = yield* Clock.currentTimeMillis
        const number = yield* store.begin(battle!, { startedAt, epoch: null })
        const verb = yield* Effect.forkScoped(
          Command.runWith(watch, { version: "0" })(["--db", filename, "--ui", "json"]),
          { startImmediately: true }
        )
        const pass = (times: number) =>
          Effect.repeat(Effect.andThen(TestClock.adjust(100), Effect.promise(() => setImmediate())), {
            times: times - 1
          })
        yield* pass(5)
        const told = { battle: battle!, number, phase: "decoding" as const, content: "", reasoning: "" }
        yield* desk.advance([{
          ...told,
          tokens: 2,
          arrivals: [{ atMillis: 100, tokens: 1 }, { atMillis: 400, tokens: 1 }],
          outlook: {
            limit: { name: "frozen", millis: 60_000, origin: "floor", learning: null, sinceMillis: 410 },
            engine: "still",
            engineBy: "agent",
            slow: "silent-decoding",
            stalled: null
          }
        }])
        yield* desk.report({ pid: process.pid, updatedAt: startedAt, stopping: null, breakers: [], lanes: [] })
        yield* pass(10)
        const early = yield* TestConsole.logLines
        assert.notInclude(early.join(""), "TokensArrived")
        yield* pass(10)
        const timings = TokenTimings.encode([100, 400, 900].map((atMillis) => ({ atMillis, tokens: 1 })))
        yield* store.record(attemptOf(battle!, number, { startedAt, durationMillis: 1000, tokens: 3, timings }))
        yield* store.giveUp({ ...everything, tasks: [other!.task] }, "cancelled by its user", [other!])
        yield* store.setState("ended")
        yield* pass(10)
        return { verb, pass }
      }).pipe(
        Effect.provide(
          Layer.provide(CampaignStore.layer({ filename, create: true }), StoreLock.layer(filename)),
          { local: true }
        )
      )
      yield* shown.pass(15)
      yield* Fiber.join(shown.verb)
      const events = (yield* TestConsole.logLines).map((line) => JSON.parse(String(line)))
      assert.deepStrictEqual(events.map(({ _tag, atMs }) => [_tag, atMs < 1000 ? atMs : "later"]), [
        ["CampaignBegan", 0],
        ["AttemptBegan", 0],
        ["TokensArrived", 100],
        ["TokensArrived", 400],
        ["OutlookChanged", 500],
        ["TokensArrived", 900],
        ["AttemptEnded", "later"],
        ["OutcomesChanged", "later"],
        ["CampaignEnded", "later"]
      ])
      assert.deepStrictEqual(events.find(({ _tag }) => _tag === "OutlookChanged"), {
        atMs: 500,
        _tag: "OutlookChanged",
        battle: plan(definition)[0],
        number: 1,
        engine: "still",
        slow: "silent-decoding",
        stalled: null,
        engineBy: "agent",
        limit: { name: "frozen", ms: 60_000, sinceMs: 410, origin: "floor", why: "60 s, floor" }
      })
      assert.deepStrictEqual(events.filter(({ arrived }) => arrived > 0).map(({ tokens }) => tokens), [1, 2, 3])
      assert.strictEqual((yield* TestConsole.errorLines).at(-1), "campaign: it has ended: 1 scored, 1 unscored")
    }).pipe(Effect.provide(NodeServices.layer)))
})
