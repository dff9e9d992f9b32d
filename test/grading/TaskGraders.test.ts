import { assert, describe, it, layer } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Grade } from "../../src/grading/Grade.ts"
import { Grader } from "../../src/grading/Grader.ts"
import { GradingError } from "../../src/grading/GradingError.ts"
import { sameJson } from "../../src/grading/JsonEquality.ts"
import { Judge } from "../../src/grading/Judge.ts"
import { Sandbox } from "../../src/grading/Sandbox.ts"
import { type GraderSpecification, Task } from "../../src/grading/Task.ts"
import { UserCommand } from "../../src/grading/UserCommand.ts"
import { patiently } from "./processes.ts"

const task = (grader: GraderSpecification): Task => ({ id: "a-task", prompt: "Do it.", grader })
const grade = (grader: GraderSpecification, answer: string) =>
  Grader.use((service) => service.grade(task(grader), answer))
const check = (grader: GraderSpecification) => Grader.use((service) => service.check(task(grader)))
const reasonOf = <A, R>(effect: Effect.Effect<A, GradingError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

const judged: Array<unknown> = []
const graders = Grader.layerNoDeps.pipe(Layer.provide([
  Sandbox.layer,
  Judge.layerTest((question) => {
    judged.push(question)
    return Effect.succeed({ score: 0.7, reason: "mostly" })
  }),
  UserCommand.layerTest((_, input) => Effect.succeed({ score: 0.4, explanation: JSON.stringify(input) }))
]))

const regex = (pattern: string, flags?: string): GraderSpecification => ({
  _tag: "TextMatch",
  rule: { _tag: "Regex", pattern, ...(flags === undefined ? {} : { flags }) }
})

const person = {
  type: "object",
  required: ["name"],
  properties: { name: { type: "string" }, ages: { type: "array", items: { type: "integer" } } }
}
const jsonSchema = (schema: unknown): GraderSpecification => ({ _tag: "JsonSchema", schema })

layer(graders, { excludeTestServices: true })("Grader", (it) => {
  describe("of texts", () => {
    it.effect("gives 1 or 0, with a reason that does not tell what was expected", () =>
      Effect.gen(function*() {
        const capital: GraderSpecification = {
          _tag: "TextMatch",
          rule: { _tag: "Exact", expected: "Paris" },
          answer: { _tag: "Json", path: "capital" }
        }
        assert.deepStrictEqual(yield* grade(capital, "Here: {\"capital\": \"Paris\"}"), {
          score: 1,
          passed: true,
          tests: [],
          explanation: "as expected"
        })
        const wrong = yield* grade(capital, "{\"capital\": \"Rome\"}")
        assert.deepStrictEqual([wrong.score, wrong.passed], [0, false])
        assert.strictEqual(wrong.explanation, "\"Rome\" is not the expected text")
        assert.strictEqual((yield* grade(capital, "Paris")).explanation, "the answer contains no JSON")
      }))

    it.effect("searches with patterns", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* grade(regex("^\\w+ing$", "im"), "a\nSinging\nb")).score, 1)
        const absent = yield* grade(regex("^\\w+ing$"), "a\nSinging\nb")
        assert.deepStrictEqual([absent.score, absent.explanation], [0, "the pattern does not occur"])
      }))

    it.effect(
      "does not hang on a pattern that takes for ever, and says that it is the task's fault",
      () =>
        Effect.gen(function*() {
          const [duration, reason] = yield* Effect.timed(
            reasonOf(patiently(grade(regex("^(a+)+$"), `${"a".repeat(50)}!`)))
          )
          assert.strictEqual(reason._tag, "InvalidSpecification")
          assert.isBelow(Duration.toMillis(duration), 8_000)
        }),
      20_000
    )

    it.effect("refuses what is no pattern, before and after", () =>
      Effect.gen(function*() {
        for (const bad of [regex("("), regex("a", "g"), regex("a", "uv"), regex("\\p{x}", "u")]) {
          assert.strictEqual((yield* reasonOf(check(bad)))._tag, "InvalidSpecification")
          assert.strictEqual((yield* reasonOf(grade(bad, "a")))._tag, "InvalidSpecification")
        }
        yield* check(regex("a"))
      }))
  })

  describe("of JSON", () => {
    it.effect("gives 1 or 0, and names the place of the first fault", () =>
      Effect.gen(function*() {
        assert.strictEqual(
          (yield* grade(jsonSchema(person), "```json\n{\"name\": \"Ada\", \"ages\": [1]}\n```")).score,
          1
        )
        const wrong = yield* grade(jsonSchema(person), "So {\"name\": \"Ada\", \"ages\": [1, \"x\"]}")
        assert.deepStrictEqual([wrong.score, wrong.explanation], [0, "at /ages/1: must be integer"])
        const missing = yield* grade(jsonSchema(person), "{}")
        assert.strictEqual(missing.explanation, "the whole value: must have required property 'name'")
        assert.strictEqual((yield* grade(jsonSchema(person), "none")).explanation, "the answer contains no JSON")
      }))

    it.effect("knows 2020-12, and draft-07 where the schema says so", () =>
      Effect.gen(function*() {
        const tuple = { prefixItems: [{ type: "string" }], items: false }
        assert.strictEqual((yield* grade(jsonSchema(tuple), "[\"a\"]")).score, 1)
        assert.strictEqual((yield* grade(jsonSchema(tuple), "[\"a\", 1]")).score, 0)
        const older = { $schema: "http://json-schema.org/draft-07/schema#", items: [{ type: "string" }] }
        assert.strictEqual((yield* grade(jsonSchema(older), "[\"a\", 1]")).score, 1)
        assert.strictEqual((yield* grade(jsonSchema(older), "[1]")).score, 0)
        assert.strictEqual((yield* grade(jsonSchema(false), "[1]")).score, 0)
      }))

    it.effect("refuses what is no schema, whatever the answer", () =>
      Effect.gen(function*() {
        for (
          const bad of [{ type: "objekt" }, { $ref: "https://example.com/x" }, "string", null, [], { pattern: "(" }]
        ) {
          assert.strictEqual((yield* reasonOf(check(jsonSchema(bad))))._tag, "InvalidSpecification")
          assert.strictEqual((yield* reasonOf(grade(jsonSchema(bad), "{}")))._tag, "InvalidSpecification")
          assert.strictEqual((yield* reasonOf(grade(jsonSchema(bad), "no JSON")))._tag, "InvalidSpecification")
        }
        yield* check(jsonSchema(person))
      }))

    it.effect("does not hang on a pattern in a schema that takes for ever", () =>
      Effect.gen(function*() {
        const slow = jsonSchema({ type: "string", pattern: "^(a+)+$" })
        const reason = yield* reasonOf(grade(slow, JSON.stringify(`${"a".repeat(50)}!`)))
        assert.deepStrictEqual(reason, {
          _tag: "InvalidSpecification",
          detail: "the schema needs more than 5 s for this value"
        })
      }), 30_000)

    it.effect("an answer nested too deep is the answer's fault", () =>
      Effect.gen(function*() {
        for (const depth of [3_000, 200_000]) {
          const deep = `${"[".repeat(depth)}1${"]".repeat(depth)}`
          const lists = { type: "array", items: { $ref: "#" } }
          assert.strictEqual((yield* grade(jsonSchema(lists), deep)).score, 0)
        }
      }))
  })

  describe("by others", () => {
    it.effect("asks the judge with the task, the rubric and what is found in the answer", () =>
      Effect.gen(function*() {
        const given = yield* grade({ _tag: "ModelGraded", rubric: "It rhymes." }, " Roses \n")
        assert.deepStrictEqual(given, { score: 0.7, passed: false, tests: [], explanation: "mostly" })
        assert.deepStrictEqual(judged.at(-1), {
          taskId: "a-task",
          prompt: "Do it.",
          answer: "Roses",
          rubric: "It rhymes."
        })
        assert.isTrue((yield* grade({ _tag: "ModelGraded", rubric: "x", passingScore: 0.7 }, "y")).passed)
        const count = judged.length
        const none = yield* grade({ _tag: "ModelGraded", rubric: "x", answer: { _tag: "Code" } }, "no code")
        assert.deepStrictEqual([none.score, none.explanation], [0, "the answer contains no fenced block"])
        assert.strictEqual(judged.length, count)
      }))

    it.effect("asks the command with the task and what is found in the answer", () =>
      Effect.gen(function*() {
        const command: GraderSpecification = {
          _tag: "Command",
          command: ["grade"],
          answer: { _tag: "Code" },
          passingScore: 0.4
        }
        const given = yield* grade(command, "```\nx\n```")
        assert.deepStrictEqual([given.score, given.passed], [0.4, true])
        assert.deepStrictEqual(JSON.parse(given.explanation), { task: "a-task", prompt: "Do it.", answer: "x" })
      }))

    it.effect("leaves a task for another green agent to that agent", () =>
      Effect.gen(function*() {
        const evaluator: GraderSpecification = { _tag: "Evaluator", config: { a: 1 }, score: null }
        yield* check(evaluator)
        assert.strictEqual((yield* reasonOf(grade(evaluator, "x")))._tag, "InvalidSpecification")
      }))
  })

  it.effect("says what grades rest on", () =>
    Effect.gen(function*() {
      const { environment } = yield* Grader
      assert.include(environment.sandbox, "resource limits")
    }))
})

layer(Grader.layer, { excludeTestServices: true })("Grader with neither judge nor commands", (it) => {
  it.effect("has an error for whatever asks for them, and never a score", () =>
    Effect.gen(function*() {
      for (
        const grader of [
          { _tag: "ModelGraded", rubric: "x", answer: { _tag: "Code" } },
          { _tag: "Command", command: [process.execPath], answer: { _tag: "Code" } }
        ] as const satisfies ReadonlyArray<GraderSpecification>
      ) {
        for (const answer of ["an answer", "```\ncode\n```"]) {
          assert.strictEqual((yield* reasonOf(grade(grader, answer)))._tag, "ToolMissing")
        }
        assert.strictEqual((yield* reasonOf(check(grader)))._tag, "ToolMissing")
      }
    }))
})

describe("Tasks as data", () => {
  const encoded = (value: Task): unknown => JSON.parse(JSON.stringify(Schema.encodeSync(Task)(value)))

  it.prop("come back from their encoding, whatever grades them", [Task], ([value]) => {
    const text = encoded(value)
    assert.isTrue(sameJson(encoded(Schema.decodeUnknownSync(Task)(text)), text))
  }, { arbitrary: { runs: 300 } })

  it("of older stores still decode", () => {
    const older = {
      id: "half",
      prompt: "Halve.",
      grader: { _tag: "JavaScriptTests", functionName: "half", tests: [{ arguments: [2], expected: 1 }] }
    }
    assert.deepStrictEqual<unknown>(Schema.decodeUnknownSync(Task)(older), older)
  })

  it("need no more than their kind and what cannot be guessed", () => {
    const graders: ReadonlyArray<unknown> = [
      { _tag: "PythonTests", functionName: "f", tests: [{ arguments: [], expected: null }] },
      { _tag: "TextMatch", rule: { _tag: "Exact", expected: "" } },
      { _tag: "TextMatch", rule: { _tag: "Contains", expected: "a" } },
      { _tag: "TextMatch", rule: { _tag: "Regex", pattern: "a" } },
      { _tag: "TextMatch", rule: { _tag: "Number", expected: 1 } },
      { _tag: "JsonSchema", schema: {} },
      { _tag: "ModelGraded", rubric: "r" },
      { _tag: "Command", command: ["x"] },
      { _tag: "Evaluator", config: null, score: null }
    ]
    for (const grader of graders) {
      assert.deepStrictEqual<unknown>(Schema.decodeUnknownSync(Task)({ id: "a", prompt: "b", grader }).grader, grader)
    }
  })

  it.prop("a score makes a grade that can be stored", [Grade], ([value]) => {
    assert.isTrue(value.score >= 0 && value.score <= 1)
    assert.isTrue(sameJson(Schema.decodeUnknownSync(Grade)(JSON.parse(JSON.stringify(value))), value))
  })
})
