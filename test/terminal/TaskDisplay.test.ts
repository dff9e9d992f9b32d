import { assert, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Ended, Replaced, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"
import * as TaskDisplay from "../../src/terminal/TaskDisplay.ts"
import * as TaskLine from "../../src/terminal/TaskLine.ts"
import { OutputClosed, type TaskScreen } from "../../src/terminal/TaskScreen.ts"
import * as TaskView from "../../src/terminal/TaskView.ts"
import { Delta } from "../../src/token/TokenEvent.ts"
import { truncated } from "../support/attempts.ts"

const content = (text: string) => Delta.make({ channel: "content", text, tokens: 1 })
const thought = Delta.make({ channel: "reasoning", text: "hm", tokens: 1 })
const completed = Ended.make({ state: "completed", text: "", error: null })

const slow: Verdict = {
  _tag: "Slow",
  reason: "silent-unverified",
  phase: "decoding",
  tokens: 1,
  silentMillis: 40_000,
  sinceMillis: 1,
  limit: { name: "suspect", millis: 30_000, origin: "default", learning: null },
  engine: null
}

/** A display of a task that a test writes, and all that it shows. */
const displayed = Effect.fnUntraced(function*(
  options: Partial<Pick<TaskDisplay.TaskDisplayOptions<never>, "json" | "reasoning" | "before">> & {
    readonly isLive?: boolean
    readonly isClosed?: boolean
  } = {}
) {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const events = yield* Queue.unbounded<TaskDisplay.Arrived, RunError | TaskDisplay.Abandoned | Cause.Done>()
  const shown: Array<string> = []
  let onVerdict: ((verdict: Verdict) => void) | undefined
  const show = (kind: string) => (text: string) =>
    Effect.sync(() => void (text === "" || shown.push(`${kind} ${text}`)))
  const screen: TaskScreen = {
    isLive: options.isLive ?? false,
    color: false,
    columns: Effect.succeed(200),
    answer: options.isClosed ? () => Effect.fail(new OutputClosed({ message: "closed" })) : show("answer"),
    aside: show("aside"),
    line: show("line"),
    status: show("status")
  }
  const fiber = yield* Effect.forkChild(
    TaskDisplay.run({
      screen,
      task: (told) => {
        onVerdict = told
        return Stream.fromQueue(events)
      },
      view: TaskView.begin(now()),
      now,
      what: { agent: "a" },
      json: options.json ?? false,
      reasoning: options.reasoning ?? false,
      ...options.before === undefined ? {} : { before: options.before }
    }),
    { startImmediately: true }
  )
  return {
    fiber,
    shown,
    answer: () => shown.filter((line) => line.startsWith("answer ")).map((line) => line.slice(7)),
    lines: () => shown.filter((line) => line.startsWith("line ")).map((line) => line.slice(5).trim()),
    judge: (verdict: Verdict) => onVerdict!(verdict),
    fail: (error: RunError | TaskDisplay.Abandoned) => Queue.fail(events, error),
    end: Queue.end(events),
    come: (...all: ReadonlyArray<TaskEvent>) =>
      Effect.andThen(
        Effect.suspend(() => Queue.offer(events, { at: now(), events: all })),
        TestClock.adjust(1)
      )
  }
})

describe("TaskDisplay", () => {
  it.effect("writes the answer as it comes, and at the end what it came to", () =>
    Effect.gen(function*() {
      const { answer, come, end, fiber, lines, shown } = yield* displayed()
      yield* come(Status.make({ state: "working", text: "reading" }))
      yield* come(thought, content("To"))
      assert.deepStrictEqual(answer(), ["To"])
      assert.isFalse(shown.some((line) => line.startsWith("aside")))
      yield* TestClock.adjust("2 seconds")
      yield* come(content("day"), completed)
      yield* end
      const view = yield* Fiber.join(fiber)
      assert.strictEqual(view.end?._tag, "Completed")
      assert.deepStrictEqual(answer(), ["To", "day"])
      assert.match(lines()[0]!, /^0\.0s task {5}agent=a$/)
      assert.include(lines(), "0.0s says     text=reading")
      assert.match(lines().at(-1)!, /^2\.0s task {5}completed tokens=3 /)
      assert.lengthOf(lines().filter((line) => line.includes(" completed")), 1)
    }))

  it.effect("has the last status for an answer where there is no other, if the task was completed", () =>
    Effect.gen(function*() {
      for (const isCompleted of [true, false]) {
        const { answer, come, end, fail, fiber } = yield* displayed()
        yield* come(Status.make({ state: "working", text: "42" }))
        yield* isCompleted ? end : fail(truncated)
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(answer(), isCompleted ? ["42"] : [])
      }
    }))

  it.effect("has a line in a log when the phase changes and every five seconds, and none in between", () =>
    Effect.gen(function*() {
      const { come, fiber, lines } = yield* displayed()
      yield* come(content("a"))
      for (let second = 0; second < 11; second++) yield* TestClock.adjust("1 second")
      const progress = lines().slice(1)
      assert.deepStrictEqual(progress.map((line) => line.replace(/ tok_s=\S+/, "")), [
        "0.2s phase    phase=decoding tokens=1 quiet=0.2s",
        "5.2s progress phase=decoding tokens=1 quiet=5.2s",
        "10.2s progress phase=decoding tokens=1 quiet=10.2s"
      ])
      yield* Fiber.interrupt(fiber)
      assert.match(lines().at(-1)!, /task {5}interrupted tokens=1/)
    }))

  it.effect("redraws its line on a terminal, ten times a second, and leaves the end there", () =>
    Effect.gen(function*() {
      const { come, end, fiber, shown } = yield* displayed({ isLive: true })
      yield* come(content("a"))
      for (let frame = 0; frame < 10; frame++) yield* TestClock.adjust(100)
      const frames = shown.filter((line) => line.startsWith("status "))
      assert.isAtLeast(frames.length, 10)
      assert.isAtMost(frames.length, 12)
      yield* end
      yield* Fiber.join(fiber)
      assert.match(shown.at(-1)!, /^line ✓ completed: 1 tokens/)
    }))

  it.effect("tells a verdict before what comes after it, and a failure with its evidence", () =>
    Effect.gen(function*() {
      const { come, fail, fiber, judge, lines } = yield* displayed()
      yield* come(content("a"))
      judge(slow)
      yield* TestClock.adjust(100)
      assert.match(lines().at(-1)!, /verdict {2}slow reason=silent-unverified quiet=40\.0s limit="30 s, default"/)
      yield* fail(truncated)
      const view = yield* Fiber.join(fiber)
      assert.strictEqual(view.end?._tag === "Broken" && view.end.error, truncated)
      assert.match(lines().at(-1)!, /task {5}failed tokens=1/)
    }))

  it.effect("is JSON that can be read, one event a line, and ends with one line that says how", () =>
    Effect.gen(function*() {
      const { answer, come, fail, fiber, judge } = yield* displayed({ json: true })
      judge(slow)
      yield* come(content("a\n"), thought)
      yield* come(Replaced.make({ text: "b" }))
      yield* fail(truncated)
      yield* Fiber.join(fiber)
      const lines = answer().join("").trimEnd().split("\n").map(TaskLine.decode)
      assert.deepStrictEqual(lines.map(({ content }) => content._tag), ["Verdict", "Delta", "Delta", "Replaced", "End"])
      const last = lines.at(-1)!.content
      assert.deepInclude(last, { outcome: "failed", tokens: 2, unit: "tokens", mode: null })
      assert.deepStrictEqual(last._tag === "End" && last.error, truncated)
      const times = lines.map(({ atMs }) => atMs)
      assert.deepStrictEqual(times, times.toSorted((a, b) => a - b))
    }))

  it.effect("shows what the agent thinks where that is asked for, and says when an answer was replaced", () =>
    Effect.gen(function*() {
      const { answer, come, end, fiber, lines, shown } = yield* displayed({ reasoning: true })
      yield* come(thought, content("a"))
      yield* come(Replaced.make({ text: "b" }))
      yield* end
      yield* Fiber.join(fiber)
      assert.include(shown, "aside hm")
      assert.deepStrictEqual(answer(), ["a", "\nb"])
      assert.include(lines(), "0.0s answer   replaced")
    }))

  it.effect("begins with what has come before somebody looked, at its own times", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("10 seconds")
      const { answer, end, fiber } = yield* displayed({
        before: [{ at: 10_400, events: [content("early")] }, { at: 10_900, events: [content("er")] }]
      })
      yield* end
      const view = yield* Fiber.join(fiber)
      assert.deepStrictEqual(answer(), ["early", "er"])
      assert.deepInclude(TaskView.figures(view, 11_000), { timeToFirstTokenMillis: 400, largestGapMillis: 500 })
    }))

  it.effect("fails where nobody takes the answer, and ends without one where its task was abandoned", () =>
    Effect.gen(function*() {
      const closed = yield* displayed({ isClosed: true })
      yield* closed.come(content("a"))
      assert.strictEqual((yield* Effect.flip(Fiber.join(closed.fiber)))._tag, "OutputClosed")
      const gone = yield* displayed()
      yield* gone.fail(new TaskDisplay.Abandoned())
      assert.strictEqual((yield* Fiber.join(gone.fiber)).end?._tag, "Interrupted")
    }))
})
