/** An agent's task with what is known of it from elsewhere: its engine, a tap, and what its earlier tasks have taught. */
import { assert, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { A2aClient, type A2aMessage } from "../../src/a2a/A2aClient.ts"
import { Ended, Heartbeat, Status, TaskEvent } from "../../src/a2a/TaskEvent.ts"
import * as FollowedTask from "../../src/agents/FollowedTask.ts"
import { Failed, FailReason } from "../../src/liveness/Failed.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import * as RunKey from "../../src/liveness/RunKey.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import type { UnseenRun, WitnessedEngine } from "../../src/liveness/WitnessedEngine.ts"
import { Delta, Usage } from "../../src/token/TokenEvent.ts"
import { failureOf } from "../liveness/watching.ts"
import { stalled } from "../support/runErrors.ts"

type Events = Queue.Queue<TaskEvent, RunError | Cause.Done>
type Beat = Effect.Success<
  ReturnType<WitnessedEngine["watch"]> extends Stream.Stream<infer A, any> ? Effect.Effect<A> : never
>

const followed = (exact: boolean): TaskEvent =>
  TaskEvent.make({ _tag: "Followed", hop: "purple", mode: "stream", exact, why: "its card says so" })
const text = (text: string, tokens = 1) => Delta.make({ channel: "content", text, tokens })
const counted = (tokens: number) => Delta.make({ channel: "content", text: "", tokens })
const beat = (phase: "decoding" | "agent-work", engine: "moving" | "unknown" = "unknown") =>
  Heartbeat.make({ phase, tokens: 0, tokenAgeMillis: 0, engine, intervalMillis: 5000 })
const done = Ended.make({ state: "completed", text: "", error: null })
const lost = (detail: string) =>
  new Failed({ hop: "engine", tokens: 0, reason: FailReason.cases.ConnectionLost.make({ detail }) })
const refused = new Failed({
  hop: "purple",
  tokens: 0,
  reason: FailReason.cases.AgentFailed.make({ state: "failed", detail: "504" })
})

/** An agent, an engine and a tap, each of which says what the test tells them to. */
const world = (
  options: {
    readonly mode?: FollowedTask.Following["mode"]
    readonly with?: ReadonlyArray<"engine" | "tap">
    readonly policy?: "enforce" | "warn" | "off"
    readonly learner?: LimitLearner["Service"]
  } = {}
) =>
  Effect.gen(function*() {
    const agent: Events = yield* Queue.unbounded<TaskEvent, RunError | Cause.Done>()
    const tap: Events = yield* Queue.unbounded<TaskEvent, RunError | Cause.Done>()
    const engine = yield* Queue.unbounded<Beat, any>()
    const asked: Array<A2aMessage> = []
    const battles: Array<string> = []
    let run: (() => UnseenRun) | undefined
    const has = new Set(options.with)
    const following: FollowedTask.Following = {
      mode: options.mode ?? null,
      tap: has.has("tap")
        ? {
          battle: ({ battle }) => {
            battles.push(battle)
            return Stream.fromQueue(tap)
          },
          engineBaseUrl: (battle) => `http://tap/battle/${battle}/v1`
        }
        : null,
      engine: has.has("engine")
        ? {
          watch: (watched) => {
            run = watched.run
            return Stream.fromQueue(engine)
          }
        }
        : null,
      learner: options.learner ?? null
    }
    const seen: Array<TaskEvent> = []
    const fiber = yield* FollowedTask.follow({
      client: A2aClient.of({
        send: (message) => {
          asked.push(message)
          return Stream.fromQueue(agent)
        },
        check: () => Effect.succeed({ name: "agent", streams: true, exact: false })
      }),
      message: { url: "http://agent/", hop: "purple", text: "prompt", said: { attempt: 2, patience: 3 } },
      following,
      watch: {
        run: { hop: "purple", attempt: 2, endpoint: "http://agent/", model: "" },
        policy: options.policy ?? "enforce"
      }
    }).pipe(
      Stream.runForEach((event) => Effect.sync(() => void seen.push(event))),
      Effect.forkChild({ startImmediately: true })
    )
    const settle = Effect.gen(function*() {
      for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
    })
    yield* settle
    const say = (queue: Events, ...events: ReadonlyArray<TaskEvent>) =>
      Effect.andThen(Queue.offerAll(queue, events), settle)
    return {
      asked,
      battles,
      seen,
      settle,
      run: () => run!(),
      isWitnessed: () => run !== undefined,
      agent: (...events: ReadonlyArray<TaskEvent>) => say(agent, ...events),
      tap: (...events: ReadonlyArray<TaskEvent>) => say(tap, ...events),
      engine: (...beats: ReadonlyArray<Beat>) => Effect.andThen(Queue.offerAll(engine, beats), settle),
      agentFails: (error: RunError) => Effect.andThen(Queue.fail(agent, error), settle),
      tapFails: (error: RunError) => Effect.andThen(Queue.fail(tap, error), settle),
      engineFails: (error: RunError) => Effect.andThen(Queue.fail(engine, error), settle),
      agentEnds: Effect.andThen(Queue.end(agent), settle),
      exit: () => fiber.pollUnsafe(),
      stop: Fiber.interrupt(fiber)
    }
  })

const scenario = (name: string, body: Effect.Effect<void, unknown, Ticker>) =>
  it.effect(name, () => body.pipe(Effect.provide(Ticker.layer())))

describe("a followed task", () => {
  scenario(
    "is asked for in the mode that is forced, and in none where its tap is to be used",
    Effect.gen(function*() {
      for (const mode of ["stream", "poll", "blocking", "tap", null] as const) {
        const { asked, stop } = yield* world({ mode })
        assert.deepStrictEqual(asked.map(({ mode }) => mode), [mode === "tap" ? undefined : mode ?? undefined])
        yield* stop
      }
    })
  )

  scenario(
    "is what the agent says, and nothing else, where that tells everything",
    Effect.gen(function*() {
      const { agent, agentEnds, exit, isWitnessed, seen, tap } = yield* world({ with: ["tap"] })
      yield* tap(beat("agent-work"))
      const said = [followed(true), text("a", 3), beat("decoding", "moving"), counted(2), done]
      yield* agent(...said.slice(0, 2))
      yield* tap(counted(7), beat("decoding", "moving"))
      yield* agent(...said.slice(2))
      yield* agentEnds
      assert.isTrue(Exit.isSuccess(exit()!))
      // The watch keeps the agent's heartbeats to itself.
      assert.deepStrictEqual(seen, said.filter(({ _tag }) => _tag !== "Heartbeat"))
      assert.isFalse(isWitnessed())
    })
  )

  scenario(
    "asks no engine for an agent that tells everything",
    Effect.gen(function*() {
      const { agent, isWitnessed } = yield* world({ with: ["engine"] })
      assert.isFalse(isWitnessed())
      yield* agent(followed(true))
      assert.isFalse(isWitnessed())
      const other = yield* world({ with: ["engine"] })
      yield* other.agent(followed(false))
      assert.isTrue(other.isWitnessed())
    })
  )

  scenario(
    "tells the engine's witness when something came, and how much",
    Effect.gen(function*() {
      const { agent, run } = yield* world({ with: ["engine"] })
      yield* TestClock.adjust("1 second")
      yield* agent(followed(false))
      assert.deepStrictEqual(run(), { lastMillis: 0, pieces: 0, tokens: 0, phase: "awaiting" })
      yield* TestClock.adjust("1 second")
      yield* agent(Status.make({ state: "working", text: "" }))
      assert.strictEqual(run().lastMillis, 0)
      yield* agent(Status.make({ state: "working", text: "reads" }))
      assert.strictEqual(run().lastMillis, 2000)
      yield* TestClock.adjust("1 second")
      yield* agent(text("a"), text("b"))
      assert.deepStrictEqual(run(), { lastMillis: 3000, pieces: 2, tokens: 2, phase: "decoding" })
      yield* TestClock.adjust("1 second")
      yield* agent(Usage.make({ promptTokens: 1, completionTokens: 2 }))
      assert.strictEqual(run().lastMillis, 3000)
    })
  )

  scenario(
    "is waited for while its engine moves, and given up where nobody speaks for it",
    Effect.gen(function*() {
      const moving = { ...beat("decoding", "moving"), _tag: "Heartbeat" as const }
      const spoken = yield* world({ with: ["engine"] })
      const alone = yield* world({})
      yield* spoken.agent(followed(false), text("a"))
      yield* alone.agent(followed(false), text("a"))
      for (let turn = 0; turn < 400; turn++) {
        yield* spoken.engine(moving)
        yield* TestClock.adjust("5 seconds")
      }
      assert.isUndefined(spoken.exit())
      assert.deepInclude(failureOf(alone.exit()), { _tag: "Stalled", hop: "purple", kind: "agent-silent" })
    })
  )

  scenario(
    "ends with what its engine proves, unless it is not to be ended",
    Effect.gen(function*() {
      for (const policy of ["enforce", "warn", "off"] as const) {
        const { agent, engineFails, exit, isWitnessed } = yield* world({ with: ["engine"], policy })
        yield* agent(followed(false))
        assert.strictEqual(isWitnessed(), policy !== "off")
        yield* engineFails(stalled("engine-hung"))
        if (policy === "enforce") assert.deepInclude(failureOf(exit()), { hop: "engine", kind: "engine-hung" })
        else assert.isUndefined(exit())
      }
    })
  )

  scenario(
    "teaches and learns by its own silences, if nobody further in does",
    Effect.gen(function*() {
      const told: Array<string> = []
      const learner = LimitLearner.of({
        learned: (key) =>
          Effect.sync(() => {
            told.push(`asked ${RunKey.textOf(key)}`)
            return { gapMillis: 130_000, firstTokenMillis: null }
          }),
        finished: (key, run) => Effect.sync(() => void told.push(`${run.largestGapMillis} of ${key.endpoint}`)),
        everything: Effect.succeed([])
      })
      const exact = yield* world({ learner })
      yield* exact.agent(followed(true), text("a"), text("b"), done)
      yield* exact.agentEnds
      const plain = yield* world({ learner })
      yield* plain.agent(followed(false), text("a"))
      yield* TestClock.adjust("40 seconds")
      yield* plain.agent(text("b"))
      yield* TestClock.adjust("144 seconds")
      assert.isUndefined(plain.exit())
      yield* plain.agent(text("c"), done)
      yield* plain.agentEnds
      assert.deepStrictEqual(told, [
        "asked [\"http://agent/\",\"\",null,16,\"unknown\"]",
        "asked [\"http://agent/\",\"\",null,16,\"unknown\"]",
        "144000 of http://agent/"
      ])
      const silent = yield* world({ learner })
      yield* silent.agent(followed(false), text("a"))
      yield* TestClock.adjust("200 seconds")
      assert.deepNestedInclude(failureOf(silent.exit()), { _tag: "Stalled", "limit.origin": "learned" })
    })
  )
})

describe("a followed task with a tap", () => {
  scenario(
    "is asked for once the tap is open, with the address of the battle there",
    Effect.gen(function*() {
      const { asked, battles, tap } = yield* world({ with: ["tap"] })
      assert.lengthOf(asked, 0)
      yield* tap(beat("agent-work"))
      assert.deepStrictEqual(asked.map(({ said }) => said), [
        { attempt: 2, patience: 3, engineBaseUrl: `http://tap/battle/${battles[0]}/v1` }
      ])
      const other = yield* world({ with: ["tap"] })
      assert.notStrictEqual(other.battles[0], battles[0])
    })
  )

  scenario(
    "has its tokens from the tap and its words from the agent, each once",
    Effect.gen(function*() {
      const { agent, agentEnds, seen, tap } = yield* world({ with: ["tap"] })
      yield* tap(beat("agent-work"))
      yield* agent(followed(false))
      yield* tap(counted(4), Status.make({ state: "working", text: "what only an agent says" }))
      yield* agent(text("all of it"), Usage.make({ promptTokens: 1, completionTokens: 9 }), done)
      yield* agentEnds
      assert.deepStrictEqual(seen, [
        TaskEvent.make({
          _tag: "Followed",
          hop: "purple",
          mode: "tap",
          exact: true,
          why: "its tokens are counted at the tap; its card says so"
        }),
        counted(4),
        text("all of it", 0),
        Usage.make({ promptTokens: 1, completionTokens: 9 }),
        done
      ])
    })
  )

  scenario(
    "counts at the tap even for an agent that tells everything, if that is forced",
    Effect.gen(function*() {
      const { agent, seen, tap } = yield* world({ with: ["tap"], mode: "tap" })
      yield* tap(beat("agent-work"))
      yield* agent(followed(true), text("a", 3))
      yield* tap(counted(3))
      assert.deepStrictEqual(seen.slice(1), [text("a", 0), counted(3)])
    })
  )

  scenario(
    "is slow while a call of its works, and given up where it has none and says nothing",
    Effect.gen(function*() {
      const working = yield* world({ with: ["tap"] })
      const idle = yield* world({ with: ["tap"] })
      const forced = yield* world({ with: ["tap"], mode: "tap" })
      for (const { agent, tap } of [working, idle, forced]) {
        yield* tap(beat("agent-work"))
        yield* agent(followed(false))
        yield* tap(counted(1))
      }
      for (let turn = 0; turn < 400; turn++) {
        yield* working.tap({ ...beat("decoding", "moving") })
        yield* idle.tap(beat("agent-work", "moving"))
        // What an agent that is counted at its tap says of itself is of no weight.
        yield* forced.agent(beat("decoding", "moving"))
        yield* TestClock.adjust("5 seconds")
      }
      assert.isUndefined(working.exit())
      assert.deepInclude(failureOf(idle.exit()), { _tag: "Stalled", hop: "purple" })
      assert.deepInclude(failureOf(forced.exit()), { _tag: "Stalled", hop: "purple" })
    })
  )

  scenario(
    "ends with what the tap gave up, also where the agent failed because of it",
    Effect.gen(function*() {
      const { agent, agentFails, exit, tap, tapFails } = yield* world({ with: ["tap"] })
      yield* tap(beat("agent-work"))
      yield* agent(followed(false))
      yield* agentFails(refused)
      yield* TestClock.adjust("900 millis")
      assert.isUndefined(exit())
      yield* tapFails(stalled("engine-hung"))
      assert.deepInclude(failureOf(exit()), { hop: "engine", kind: "engine-hung" })
      const alone = yield* world({ with: ["tap"] })
      yield* alone.tap(beat("agent-work"))
      yield* alone.agent(followed(false))
      yield* alone.agentFails(refused)
      yield* TestClock.adjust("1 second")
      assert.deepNestedInclude(failureOf(alone.exit()), { "reason.state": "failed" })
      const exact = yield* world({ with: ["tap"] })
      yield* exact.tap(beat("agent-work"))
      yield* exact.agent(followed(true))
      yield* exact.agentFails(refused)
      yield* TestClock.adjust(0)
      assert.deepNestedInclude(failureOf(exact.exit()), { "reason.state": "failed" })
    })
  )

  scenario(
    "goes on without a tap that is gone, and says so; a forced one must be there",
    Effect.gen(function*() {
      const { agent, exit, seen, tap, tapFails } = yield* world({ with: ["tap"] })
      yield* tap(beat("agent-work"))
      yield* agent(followed(false))
      yield* tap(counted(4))
      yield* tapFails(lost("it was killed"))
      yield* agent(text("b"))
      assert.isUndefined(exit())
      assert.deepStrictEqual(seen.slice(2), [
        TaskEvent.make({
          _tag: "Followed",
          hop: "purple",
          mode: "stream",
          exact: false,
          why: "the tap is gone (engine: connection lost: it was killed); its card says so"
        }),
        text("b")
      ])
      const absent = yield* world({ with: ["tap"] })
      yield* absent.tapFails(lost("nobody there"))
      assert.lengthOf(absent.asked, 1)
      yield* absent.agent(followed(false), text("a"))
      assert.deepInclude(absent.seen[0], { mode: "stream", exact: false })
      assert.deepStrictEqual(absent.seen[1], text("a"))
      const forced = yield* world({ with: ["tap"], mode: "tap" })
      yield* forced.tapFails(lost("nobody there"))
      assert.lengthOf(forced.asked, 0)
      assert.deepNestedInclude(failureOf(forced.exit()), { hop: "engine", "reason._tag": "ConnectionLost" })
      const later = yield* world({ with: ["tap"], mode: "tap" })
      yield* later.tap(beat("agent-work"))
      yield* later.agent(followed(false))
      yield* later.tapFails(lost("it was killed"))
      assert.isUndefined(later.exit())
    })
  )

  scenario(
    "goes on where somebody else has closed its battle at the tap",
    Effect.gen(function*() {
      const { agent, exit, seen, tap } = yield* world({ with: ["tap"] })
      yield* tap(beat("agent-work"))
      yield* agent(followed(false))
      yield* tap(Ended.make({ state: "canceled", text: "it was closed by request", error: null }))
      yield* agent(text("a"))
      assert.isUndefined(exit())
      assert.deepInclude(seen[1], {
        mode: "stream",
        why: "the tap is gone (it was closed by request); its card says so"
      })
      assert.deepStrictEqual(seen[2], text("a"))
    })
  )

  scenario(
    "is not ended by a tap where nothing is to be ended",
    Effect.gen(function*() {
      const { agent, exit, tap, tapFails } = yield* world({ with: ["tap"], policy: "warn" })
      yield* tap(beat("agent-work"))
      yield* agent(followed(false))
      yield* tapFails(stalled("engine-hung"))
      yield* agent(text("a"))
      assert.isUndefined(exit())
    })
  )
})
