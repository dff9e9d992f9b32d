/** What a green agent does with an assessment, in virtual time: whom it tells what, and what it stops. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { A2aClient, type A2aMessage } from "../../src/a2a/A2aClient.ts"
import * as AddressRule from "../../src/a2a/AddressRule.ts"
import { Artifact, Ended, Heartbeat, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { makeExecutor } from "../../src/agents/AssessmentExecutor.ts"
import * as AssessmentRequest from "../../src/agents/AssessmentRequest.ts"
import { AssessmentResult } from "../../src/agents/AssessmentResult.ts"
import type { TaskGrading } from "../../src/agents/TaskGrading.ts"
import type { Grade } from "../../src/grading/Grade.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Finish, Usage } from "../../src/token/TokenEvent.ts"
import { agentRequest, said } from "../support/agents.ts"

type Answer = Stream.Stream<TaskEvent, RunError>

const gradeOf = (score: number): Grade => ({ score, passed: score === 1, tests: [], explanation: `scored ${score}` })

interface World {
  readonly answer: (message: A2aMessage) => Answer
  readonly grading?: Partial<TaskGrading>
  readonly exact?: boolean
  readonly config: AssessmentRequest.AssessmentConfig
  readonly participants?: Readonly<Record<string, string>>
}

/** Runs an assessment; gives what it has said so far, each with the second at which it did, and how it ended. */
const assess = Effect.fnUntraced(function*({ answer, config, exact = false, grading, participants }: World) {
  const ticker = yield* Effect.provide(Ticker, yield* Layer.build(Ticker.layer()))
  const client = yield* Effect.provide(A2aClient, yield* Layer.build(A2aClient.layerTest(Stream.empty)))
  const asked: Array<A2aMessage> = []
  const executor = makeExecutor({
    client: A2aClient.of({
      ...client,
      send: (message) => {
        asked.push(message)
        return answer(message)
      }
    }),
    grading: {
      refusal: () => Effect.succeed(undefined),
      grade: (_, answer) => Effect.succeed(gradeOf(answer.length > 0 ? 1 : 0)),
      ...grading
    },
    ticker,
    settings: {},
    rule: AddressRule.any
  })
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  const seen: Array<readonly [second: number, event: TaskEvent]> = []
  const text = AssessmentRequest.encode({ participants: participants ?? { agent: "http://127.0.0.1:1/" }, config })
  const fiber = yield* executor(agentRequest({ text, exact })).pipe(
    Stream.runForEach((event) =>
      Effect.sync(() => seen.push([Math.round(clock.currentTimeMillisUnsafe() / 1000), event]))
    ),
    Effect.match({ onSuccess: () => undefined, onFailure: (error) => error }),
    Effect.forkChild({ startImmediately: true })
  )
  return {
    asked,
    seen,
    fiber,
    events: () => seen.map(([, event]) => event),
    log: () => seen.flatMap(([at, event]) => event._tag === "Status" ? [`${at} s ${event.text}`] : []),
    result: () => {
      const artifacts = seen.flatMap(([, event]) => event._tag === "Artifact" ? [event] : [])
      assert.lengthOf(artifacts, 1)
      assert.lengthOf(artifacts[0]!.parts, 1)
      const [part] = artifacts[0]!.parts
      return Schema.decodeUnknownSync(AssessmentResult)(part!._tag === "Data" ? part!.data : undefined)
    }
  }
})

/** Lets so many seconds pass, in steps, between which everybody who has something to do comes to do it. */
const pass = Effect.fnUntraced(function*(seconds: number) {
  for (let step = 0; step < 4 * seconds; step++) {
    for (let turn = 0; turn < 50; turn++) yield* Effect.yieldNow
    yield* TestClock.adjust("250 millis")
  }
})

/** So many tokens, each after so many milliseconds, then the end. */
const flow = (tokens: number, everyMillis: number): Answer =>
  Stream.range(1, tokens).pipe(
    Stream.mapEffect((index) => Effect.as(Effect.sleep(everyMillis), said(`${index} `))),
    Stream.concat(Stream.make(
      Finish.make({ reason: "stop" }),
      Usage.make({ promptTokens: 1, completionTokens: tokens }),
      Artifact.make({ artifactId: "own", name: "own", parts: [{ _tag: "Text", text: "[1]" }] }),
      Ended.make({ state: "completed", text: "", error: null })
    ))
  )
const silent = Stream.never as Answer
const beat = (tokenAgeMillis: number) =>
  Heartbeat.make({ phase: "queued", tokens: 0, tokenAgeMillis, engine: "moving", intervalMillis: 5000 })
const one = { tasks: ["run-length"] }

describe("an assessment, to a client that sees no tokens", () => {
  it.effect("is told of while tokens flow, at a sane rate, and never shows one", () =>
    Effect.gen(function*() {
      const { events, fiber, log, result } = yield* assess({ answer: () => flow(1200, 25), config: one })
      yield* pass(32)
      assert.isUndefined(yield* Fiber.join(fiber))
      assert.deepStrictEqual(log(), [
        "0 s run-length against agent (1 of 1): begins",
        "2 s run-length against agent (1 of 1): decoding, 79 tokens, 39 tokens/s, quiet for 0.0 s",
        "12 s run-length against agent (1 of 1): decoding, 479 tokens, 40 tokens/s, quiet for 0.0 s",
        "22 s run-length against agent (1 of 1): decoding, 879 tokens, 40 tokens/s, quiet for 0.0 s",
        "30 s run-length against agent (1 of 1): scored 1"
      ])
      assert.deepStrictEqual(new Set(events().map(({ _tag }) => _tag)), new Set(["Status", "Artifact"] as const))
      assert.deepInclude(result().results[0], {
        task: "run-length",
        participant: "agent",
        repetition: 1,
        reason: null,
        tokens: 1200,
        durationMillis: 30_000,
        timeToFirstTokenMillis: 25
      })
      assert.deepStrictEqual(result().summary, { scored: 1, unscored: 0, meanScore: 1 })
    }))

  it.effect("hears what the battle waits for before its first token", () =>
    Effect.gen(function*() {
      const waits = Stream.tick("5 seconds").pipe(Stream.map(() => beat(0)), Stream.drop(1)) as Answer
      const { events, fiber, log } = yield* assess({ answer: () => waits, config: one })
      yield* pass(81)
      yield* Fiber.interrupt(fiber)
      assert.match(log().at(-1)!, /\(1 of 1\): queued, no token yet for 1:\d\d, engine stepping$/)
      assert.isAtLeast(log().length, 8)
      assert.isTrue(events().every(({ _tag }) => _tag === "Status"))
    }))

  it.effect("hears that its answer is being graded", () =>
    Effect.gen(function*() {
      const grading = { grade: () => Effect.delay(Effect.succeed(gradeOf(0.5)), "25 seconds") }
      const { fiber, log, result } = yield* assess({ answer: () => flow(1, 10), config: one, grading })
      yield* pass(30)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(log().slice(1).map((line) => line.replace(/run-length .*: /, "")), [
        "2 s grading for 1.9 s, 1 token",
        "12 s grading for 11 s, 1 token",
        "22 s grading for 21 s, 1 token",
        "25 s scored 0.5"
      ])
      assert.strictEqual(result().results[0]!.durationMillis, 10)
    }))

  it.effect("is not killed in a battle longer than any fixed timeout, while its tokens come", () =>
    Effect.gen(function*() {
      const { fiber, result } = yield* assess({ answer: () => flow(304, 1000), config: one })
      yield* pass(306)
      assert.isUndefined(yield* Fiber.join(fiber))
      assert.deepInclude(result().results[0], { durationMillis: 304_000, tokens: 304 })
    }))

  it.effect("stays at work where a participant asks back", () =>
    Effect.gen(function*() {
      for (const exact of [false, true]) {
        const asks = Stream.make(Status.make({ state: "input-required", text: "which?" }), said("x"))
        const { events, fiber } = yield* assess({ answer: () => asks, config: one, exact })
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(
          new Set(events().flatMap((event) => event._tag === "Status" ? [event.state] : [])),
          new Set(["working"])
        )
      }
    }))
})

describe("an assessment, to a client that reads the extension", () => {
  it.effect("has every token and no line about them", () =>
    Effect.gen(function*() {
      const { events, fiber, log } = yield* assess({ answer: () => flow(1200, 25), config: one, exact: true })
      yield* pass(32)
      assert.isUndefined(yield* Fiber.join(fiber))
      assert.deepStrictEqual(log().map((line) => line.replace(/.*: /, "")), ["begins", "scored 1"])
      assert.lengthOf(events().filter(({ _tag }) => _tag === "Delta"), 1200)
      assert.lengthOf(events().filter(({ _tag }) => _tag === "Finish"), 1)
      assert.lengthOf(events().filter(({ _tag }) => _tag === "Artifact"), 1)
    }))

  it.effect("has every token of several battles in a row, and no finish that would be that of one", () =>
    Effect.gen(function*() {
      const { events, fiber } = yield* assess({
        answer: () => flow(3, 10),
        config: { ...one, repetitions: 2 },
        exact: true
      })
      yield* pass(1)
      assert.isUndefined(yield* Fiber.join(fiber))
      assert.deepStrictEqual(
        events().flatMap((event) => event._tag === "Delta" ? [event.text] : []),
        ["1 ", "2 ", "3 ", "1 ", "2 ", "3 "]
      )
      assert.isFalse(events().some(({ _tag }) => _tag === "Finish" || _tag === "Usage"))
    }))

  it.effect("has the tokens of several battles at once without text, and lines that name the battle", () =>
    Effect.gen(function*() {
      const { events, fiber, log } = yield* assess({
        answer: () => flow(1200, 25),
        config: { tasks: ["run-length", "roman-numerals"], concurrency: 2 },
        exact: true
      })
      yield* pass(32)
      assert.isUndefined(yield* Fiber.join(fiber))
      const tokens = events().flatMap((event) => event._tag === "Delta" ? [event] : [])
      assert.strictEqual(tokens.reduce((sum, { tokens }) => sum + tokens, 0), 2400)
      assert.isTrue(tokens.every(({ text }) => text === ""))
      assert.isFalse(events().some(({ _tag }) => _tag === "Finish" || _tag === "Usage"))
      for (const name of ["run-length against agent (1 of 2)", "roman-numerals against agent (2 of 2)"]) {
        const lines = log().filter((line) => line.includes(`${name}: decoding`))
        assert.deepStrictEqual(lines.map((line) => line.split(" ")[0]), ["4", "14", "24"])
      }
    }))

  it.effect("is not told that all are silent while one of several speaks", () =>
    Effect.gen(function*() {
      const { events, fiber } = yield* assess({
        answer: ({ text }) =>
          text.includes("toRoman") ? flow(60, 1000) : Stream.map(Stream.tick("5 seconds"), () => beat(0)) as Answer,
        config: { tasks: ["run-length", "roman-numerals"], concurrency: 2 },
        exact: true
      })
      yield* pass(50)
      yield* Fiber.interrupt(fiber)
      const beats = events().flatMap((event) => event._tag === "Heartbeat" ? [event] : [])
      assert.isAbove(beats.length, 5)
      assert.isTrue(beats.every(({ tokenAgeMillis }) => tokenAgeMillis <= 1000))
      assert.isAbove(beats.at(-1)!.tokens, 40)
    }))
})

describe("an assessment of several battles", () => {
  const tasks = ["run-length", "roman-numerals"]
  const participants = { a: "http://127.0.0.1:1/", b: "http://127.0.0.1:2/" }
  const broken = new Failed({ hop: "engine", tokens: 1, reason: { _tag: "Truncated" } })

  it.effect("has its rows in the order of the plan, whichever ends first", () =>
    Effect.gen(function*() {
      let begun = 0
      const { fiber, result } = yield* assess({
        answer: () => flow(10, 1000 / ++begun),
        config: { tasks, repetitions: 2, concurrency: 8, seed: 3 },
        participants
      })
      yield* pass(12)
      yield* Fiber.join(fiber)
      const { battles } = AssessmentRequest.decode(
        AssessmentRequest.encode({ participants, config: { tasks, repetitions: 2, seed: 3 } })
      ).pipe((result) => result._tag === "Success" ? result.success : assert.fail(result.failure))
      const nameOf = (task: string, role: string, repetition: number) => `${task} ${role} ${repetition}`
      assert.deepStrictEqual(
        result().results.map((row) => nameOf(row.task, row.participant, row.repetition)),
        battles.map((battle) => nameOf(battle.task.id, battle.role, battle.repetition))
      )
      assert.deepStrictEqual(result().results.map(({ durationMillis }) => durationMillis! > 0), battles.map(() => true))
    }))

  it.effect("has as many at once as it was told, and no more", () =>
    Effect.gen(function*() {
      for (const concurrency of [1, 3]) {
        let now = 0
        let most = 0
        const { fiber, result } = yield* assess({
          answer: () =>
            Stream.unwrap(Effect.sync(() => {
              most = Math.max(most, ++now)
              return Stream.onExit(flow(2, 1000), () => Effect.sync(() => now--))
            })),
          config: { tasks, repetitions: 4, concurrency },
          participants
        })
        yield* pass(40)
        yield* Fiber.join(fiber)
        assert.strictEqual(most, concurrency)
        assert.lengthOf(result().results, 16)
      }
    }))

  it.effect("has a row with a reason and without a score for each one that breaks, and a mean of the others", () =>
    Effect.gen(function*() {
      const { events, fiber, result } = yield* assess({
        answer: ({ url }) =>
          url.endsWith(":1/") ? Stream.concat(Stream.make(said("x")), Stream.fail(broken)) : flow(2, 10),
        config: { tasks, repetitions: 2, concurrency: 4 },
        participants
      })
      yield* pass(1)
      assert.isUndefined(yield* Fiber.join(fiber))
      for (const row of result().results) {
        assert.strictEqual(row.grade?.score, row.participant === "a" ? undefined : 1)
        assert.strictEqual(row.reason, row.participant === "a" ? broken.message : null)
        assert.strictEqual(row.tokens, row.participant === "a" ? 1 : 2)
      }
      assert.deepStrictEqual(result().summary, { scored: 4, unscored: 4, meanScore: 1 })
      assert.strictEqual(events().at(-1)?._tag, "Artifact")
    }))

  it.effect("names the repetition where there are several", () =>
    Effect.gen(function*() {
      const { fiber, log } = yield* assess({ answer: () => flow(1, 1), config: { ...one, repetitions: 2 } })
      yield* pass(1)
      yield* Fiber.join(fiber)
      assert.include(log(), "0 s run-length against agent, repetition 2 (2 of 2): begins")
    }))

  it.effect("that is interrupted stops every battle that is at work, and begins no other", () =>
    Effect.gen(function*() {
      for (const concurrency of [1, 3]) {
        let stopped = 0
        const answer = () => Stream.onExit(silent, () => Effect.sync(() => stopped++))
        const { asked, fiber } = yield* assess({ answer, config: { tasks, repetitions: 4, concurrency } })
        yield* pass(3)
        assert.lengthOf(asked, concurrency)
        assert.strictEqual(stopped, 0)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(stopped, concurrency)
        yield* pass(60)
        assert.lengthOf(asked, concurrency)
      }
    }))
})

describe("an assessment that cannot be served", () => {
  it.effect("is rejected for a task that cannot be graded here, before anybody is asked", () =>
    Effect.gen(function*() {
      const { asked, events, fiber } = yield* assess({
        answer: () => flow(1, 1),
        grading: {
          refusal: ({ id }) => Effect.succeed(id === "roman-numerals" ? "there is no\npython3" : undefined)
        },
        config: {}
      })
      yield* Fiber.join(fiber)
      assert.lengthOf(asked, 0)
      assert.deepStrictEqual(events(), [Ended.make({
        state: "rejected",
        text: "task \"roman-numerals\" cannot be graded here: there is no python3",
        error: null
      })])
    }))

  it.effect("fails with the grader's error where it is the only battle, and has a reason where it is one of several", () =>
    Effect.gen(function*() {
      const failure = new Failed({
        hop: "green",
        tokens: 0,
        reason: { _tag: "ServerError", status: 500, detail: "no" }
      })
      const world = { answer: () => flow(1, 1), grading: { grade: () => Effect.fail(failure) } }
      const alone = yield* assess({ ...world, config: one })
      const many = yield* assess({ ...world, config: { ...one, repetitions: 2 } })
      yield* pass(1)
      assert.strictEqual(yield* Fiber.join(alone.fiber), failure)
      assert.isUndefined(yield* Fiber.join(many.fiber))
      assert.deepStrictEqual(many.result().summary, { scored: 0, unscored: 2, meanScore: null })
      assert.deepStrictEqual(many.result().results.map(({ reason }) => reason), [failure.message, failure.message])
    }))
})
