/** What is wrong with the grader is never a score, and is tried again where the next time may be another. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import { TestClock } from "effect/testing"
import { fromGrader } from "../../src/agents/TaskGrading.ts"
import { runLength } from "../../src/grading/DemonstrationTasks.ts"
import { fromTests, type Grade } from "../../src/grading/Grade.ts"
import { GradingError, type GradingFailure } from "../../src/grading/GradingError.ts"
import { errorOf } from "../support/runErrors.ts"

const grade = fromTests([{ outcome: "passed" }])

/** How often a grader is asked that fails so many times, and what comes of it. */
const graded = (reason: GradingFailure, failures: number) =>
  Effect.gen(function*() {
    let asked = 0
    const grading = fromGrader({
      check: () => Effect.void,
      environment: { sandbox: "none" },
      grade: () => Effect.suspend(() => ++asked <= failures ? new GradingError({ reason }) : Effect.succeed(grade))
    })
    const fiber = yield* Effect.forkChild(Effect.exit(grading.grade(runLength, "")), { startImmediately: true })
    yield* TestClock.adjust("1 minute")
    return { asked, exit: yield* Fiber.join(fiber) }
  })

describe("TaskGrading", () => {
  const passing: ReadonlyArray<GradingFailure> = [
    { _tag: "SandboxStarved", cpuMillis: 1, wallMillis: 10 },
    { _tag: "SandboxNotStarted", detail: "" },
    { _tag: "SandboxKilled", signal: "SIGKILL" },
    { _tag: "JudgeFailed", error: errorOf("engine-hung") }
  ]
  for (const reason of passing) {
    it.effect(`grades again after ${reason._tag}, three times`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* graded(reason, 3), { asked: 4, exit: Exit.succeed(grade) })
        const never = yield* graded(reason, 99)
        assert.strictEqual(never.asked, 4)
        assert.isTrue(Exit.isFailure(never.exit))
      }))
  }

  const grades = { ...grade, explanation: "fine" }
  const odd: Record<string, [give: () => Effect.Effect<Grade>, says: RegExp]> = {
    "score that is no number": [() => Effect.succeed({ ...grades, score: NaN }), /finite number.*"score"/],
    "score of 7": [() => Effect.succeed({ ...grades, score: 7 }), /between 0 and 1.*"score"/],
    "bug": [() => Effect.die(new TypeError("its bug")), /TypeError: its bug/],
    "throw": [
      () => {
        throw new TypeError("its bug")
      },
      /TypeError: its bug/
    ]
  }
  for (const [name, [give, says]] of Object.entries(odd)) {
    it.effect(`gives no score for a ${name}, and says that it is the grader's`, () =>
      Effect.gen(function*() {
        const grading = fromGrader({ check: give as never, environment: { sandbox: "none" }, grade: give })
        const error = yield* Effect.flip(grading.grade(runLength, ""))
        assert.deepInclude(error, { _tag: "Failed", hop: "green" })
        assert.match(error.message, /the grader failed: [^\n]*$/)
        assert.match(error.message, says)
        const refusal = yield* grading.refusal(runLength)
        if (says.test("TypeError: its bug")) assert.strictEqual(refusal, "the grader failed: TypeError: its bug")
      }).pipe(Effect.provideService(Logger.CurrentLoggers, new Set())))
  }

  it.effect("shortens an explanation to a line that everybody takes", () =>
    Effect.gen(function*() {
      const long = { ...grade, explanation: "so\n".repeat(1000) }
      const given = yield* fromGrader({
        check: () => Effect.void,
        environment: { sandbox: "none" },
        grade: () => Effect.succeed(long)
      }).grade(runLength, "")
      assert.match(given.explanation, /^so so [^\n]{290,}…$/)
    }))

  const lasting: ReadonlyArray<GradingFailure> = [
    { _tag: "InvalidSpecification", detail: "" },
    { _tag: "ToolMissing", detail: "" },
    { _tag: "JudgementUnreadable", detail: "" },
    { _tag: "CommandFailed", detail: "" }
  ]
  for (const reason of lasting) {
    it.effect(`does not ask again after ${reason._tag}, and gives no score`, () =>
      Effect.gen(function*() {
        const { asked, exit } = yield* graded(reason, 99)
        assert.strictEqual(asked, 1)
        const error = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : undefined
        assert.deepInclude(error?._tag === "Some" ? error.value : {}, { _tag: "Failed", hop: "green" })
      }))
  }
})
