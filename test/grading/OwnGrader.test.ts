import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { expectTypeOf } from "vitest"
import { Grade, Grader, GradingError, type OwnGraderOptions, Task } from "../../src/grading/Grader.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {
  override get message() {
    return "the dictionary is closed"
  }
}

const words = Grader.own({
  settings: Schema.Struct({ least: Schema.Int }),
  grade: Effect.fnUntraced(function*({ answer, settings: { least }, task }) {
    if (answer === "throw") throw new TypeError("a bug\nwith a stack")
    if (answer === "die") return yield* Effect.die(new TypeError("a defect"))
    if (answer === "fail") return yield* new Refused()
    if (answer === "refuse") return yield* new GradingError({ reason: { _tag: "SandboxKilled", signal: "SIGKILL" } })
    if (answer.startsWith("score ")) return { score: Number(answer.slice(6)), explanation: "as told" }
    const count = answer.split(" ").length
    const explanation = `${task.id}:\n${count} words${"!".repeat(500)}`
    return { score: Math.min(1, count / least), explanation, passed: count > 1 }
  })
})

const task = (kind: string, settings?: Schema.Json): Task => ({
  id: "story",
  prompt: "Tell.",
  grader: { _tag: "Own", kind, ...settings === undefined ? {} : { settings } }
})

const textTask: Task = {
  id: "sum",
  prompt: "1 + 1?",
  grader: { _tag: "TextMatch", rule: { _tag: "Contains", expected: "2" } }
}

const own = Grader.layerOwn({ words })

/** What the grader says of an answer: the grade, or the message of the error. */
const gradeOf = (answer: string, asked = task("words", { least: 4 })) =>
  Effect.flatMap(Grader, (grader) =>
    grader.grade(asked, answer).pipe(
      Effect.match({ onSuccess: (grade): Grade | string => grade, onFailure: ({ message }) => message })
    ))
const checkOf = (asked: Task) =>
  Effect.flatMap(Grader, (grader) =>
    grader.check(asked).pipe(
      Effect.match({ onSuccess: () => "fine", onFailure: ({ message }) => message })
    ))

describe("a grader of one's own", () => {
  it.effect("gives a grade like any other, with one line of bounded length", () =>
    Effect.gen(function*() {
      const grade = yield* gradeOf("one two")
      assert.isTrue(Schema.is(Grade)(grade))
      assert.deepInclude(grade, { score: 0.5, passed: true, tests: [] })
      assert.match((grade as Grade).explanation, /^story: 2 words!+…$/)
      assert.deepInclude(yield* gradeOf("score 1"), { score: 1, passed: true })
      assert.deepInclude(yield* gradeOf("score 0.99"), { score: 0.99, passed: false })
      assert.deepInclude(yield* gradeOf("score 0"), { score: 0, passed: false })
    }).pipe(Effect.provide(own)))

  it.effect("never makes a score of what went wrong in it", () =>
    Effect.gen(function*() {
      for (const score of ["7", "-1", "NaN", "Infinity"]) {
        assert.strictEqual(
          yield* gradeOf(`score ${score}`),
          `the grader "words" failed: it gave a score of ${score}, and scores are from 0 to 1`
        )
      }
      assert.strictEqual(yield* gradeOf("fail"), "the grader \"words\" failed: the dictionary is closed")
      assert.strictEqual(yield* gradeOf("throw"), "the grader \"words\" failed: TypeError: a bug")
      assert.strictEqual(yield* gradeOf("die"), "the grader \"words\" failed: TypeError: a defect")
      assert.strictEqual(yield* gradeOf("refuse"), "the grading process was killed from outside by SIGKILL")
    }).pipe(Effect.provide(own)))

  it.effect("has the settings of a task checked before anything is played, and again", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* checkOf(task("words", { least: 4 })), "fine")
      for (const asked of [task("words", { least: "four" }), task("words")]) {
        const message = yield* checkOf(asked)
        assert.match(message, /^the task cannot be graded: the settings of its grader "words" are not right: .*least/s)
        assert.strictEqual(yield* gradeOf("one", asked), message)
      }
      const unknown = "the task cannot be graded here: no grader of its own named \"poems\"; there are words"
      assert.strictEqual(yield* checkOf(task("poems")), unknown)
      assert.strictEqual(yield* gradeOf("one", task("poems")), unknown)
      assert.include(yield* checkOf(task("toString")), "no grader of its own named")
    }).pipe(Effect.provide(own)))

  it.effect("refuses other tasks unless it is told who grades them", () =>
    Effect.gen(function*() {
      const refused = "the task cannot be graded: this green agent has only graders of its own (`Own`)"
      assert.strictEqual(yield* checkOf(textTask).pipe(Effect.provide(own)), refused)
      assert.strictEqual(yield* gradeOf("2", textTask).pipe(Effect.provide(own)), refused)
      const both = Grader.layerOwn(
        { words },
        Grader.layerTest(() =>
          Effect.fail(
            new GradingError({
              reason: { _tag: "CommandFailed", detail: "the other one" }
            })
          )
        )
      )
      assert.strictEqual(yield* checkOf(textTask).pipe(Effect.provide(both)), "fine")
      assert.include(yield* gradeOf("2", textTask).pipe(Effect.provide(both)), "the other one")
      assert.deepInclude(yield* gradeOf("score 1").pipe(Effect.provide(both)), { score: 1 })
    }))

  it("is data in a task, which a file and a wire can hold", () => {
    const asked = task("words", { least: 4 })
    assert.deepStrictEqual(Schema.decodeUnknownSync(Task)(JSON.parse(JSON.stringify(asked))), asked)
  })
})

class Dictionary extends Context.Service<Dictionary, ReadonlyArray<string>>()("test/Dictionary") {}

describe("the services of a grader of one's own", () => {
  const spelled = Grader.own({
    settings: Schema.Unknown,
    grade: ({ answer }) =>
      Effect.map(Dictionary, (known) => ({ score: known.includes(answer) ? 1 : 0, explanation: answer }))
  })

  it.effect("come from where its layer is provided", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* gradeOf("ada", task("spelled")), { score: 1 })
      assert.deepInclude(yield* gradeOf("ida", task("spelled")), { score: 0 })
    }).pipe(Effect.provide(Grader.layerOwn({ spelled })), Effect.provideService(Dictionary, ["ada"])))

  it("are in its type, and so are the settings", () => {
    expectTypeOf(Grader.layerOwn({ spelled })).toEqualTypeOf<Layer.Layer<Grader, never, Dictionary>>()
    expectTypeOf(Grader.layerOwn({ words })).toEqualTypeOf<Layer.Layer<Grader>>()
    Grader.own({
      settings: Schema.Struct({ least: Schema.Int }),
      grade: ({ settings }) => {
        expectTypeOf(settings).toEqualTypeOf<{ readonly least: number }>()
        return Effect.succeed({ score: 1, explanation: "" })
      }
    })
    type Grades = OwnGraderOptions<unknown, Refused, never>["grade"]
    expectTypeOf(() => Effect.succeed({ score: 1, explanation: "" })).toExtend<Grades>()
    // A grade needs a line, and an error a message, for people.
    expectTypeOf(() => Effect.succeed({ score: 1 })).not.toExtend<Grades>()
    // @ts-expect-error: a text has none.
    expectTypeOf<OwnGraderOptions<unknown, string, never>>().toBeObject()
  })
})
