/** What is wrong with the grader is never a score, and is tried again where the next time may be another. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { fromGrader } from "../../src/agents/TaskGrading.ts"
import { runLength } from "../../src/grading/DemonstrationTasks.ts"
import { fromTests } from "../../src/grading/Grade.ts"
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
