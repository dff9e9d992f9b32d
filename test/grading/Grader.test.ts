import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Grade } from "../../src/grading/Grade.ts"
import { Grader } from "../../src/grading/Grader.ts"
import { codeLimit } from "../../src/grading/HiddenTests.ts"
import type { GraderSpecification, HiddenTest } from "../../src/grading/Task.ts"

const fenced = (code: string, label = "js") => `Here you are:\n\`\`\`${label}\n${code}\n\`\`\`\nGood luck!`

const specification = (first: HiddenTest, ...rest: ReadonlyArray<HiddenTest>): GraderSpecification => ({
  _tag: "JavaScriptTests",
  functionName: "half",
  tests: [first, ...rest]
})

const halves = specification(
  { arguments: [2], expected: 1 },
  { arguments: [3], expected: 1.5 },
  { arguments: [0], expected: 0 },
  { arguments: [-4], expected: -2 }
)

const grade = (answer: string, given = halves) =>
  Grader.use((grader) => grader.grade({ id: "half", prompt: "Halve it.", grader: given }, answer))

layer(Grader.layer, { excludeTestServices: true })("Grader", (it) => {
  it.effect("gives 1 to a correct answer", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* grade(fenced("export const half = (n) => n / 2")), {
        score: 1,
        passed: true,
        tests: Array.from({ length: 4 }, () => ({ outcome: "passed" as const })),
        explanation: "4 of 4 hidden tests passed"
      })
      assert.isTrue((yield* grade(fenced("const half = (n: number): number => n / 2", "ts"))).passed)
      assert.isTrue((yield* grade("function half(n) { return n / 2 }")).passed)
      assert.isTrue((yield* grade(fenced("function half(n) { return n / 2 }").split("\n```\n")[0] ?? "")).passed)
    }))

  it.effect("gives a share to an answer that is right in part", () =>
    Effect.gen(function*() {
      const floor = yield* grade(fenced("function half(n) { return n >> 1 }"))
      assert.deepStrictEqual(floor, {
        score: 0.75,
        passed: false,
        tests: [
          { outcome: "passed" },
          { outcome: "wrong-value", detail: "returned 1" },
          { outcome: "passed" },
          { outcome: "passed" }
        ],
        explanation: "3 of 4 hidden tests passed; test 2 wrong-value: returned 1"
      })
      const mixed = yield* grade(fenced(`function half(n) {
        if (n === 3) throw new RangeError("odd\\nnumber")
        if (n < 0) for (;;);
        return n === 0 ? NaN : n / 2
      }`))
      assert.strictEqual(mixed.score, 0.25)
      assert.deepStrictEqual(mixed.tests, [
        { outcome: "passed" },
        { outcome: "threw", detail: "RangeError: odd number" },
        { outcome: "wrong-value", detail: "returned NaN" },
        { outcome: "timed-out", detail: "no result within 2000 ms" }
      ])
    }))

  it.effect.each(
    [
      ["", "the answer contains no code"],
      ["I am sorry, I cannot do that.", "the answer contains no code"],
      [fenced("function half(n) {"), "syntax error: Unexpected end of input"],
      ["half of it is prose", "syntax error: Unexpected token 'of'"],
      [fenced("const quarter = 1"), "the answer defines no function named half"],
      [fenced("const half = 1"), "the answer defines no function named half"],
      [fenced("for (;;); function half(n) { return n / 2 }"), "the answer did not finish loading within 2000 ms"],
      [fenced(`const half = "${"x".repeat(codeLimit)}"`), `the answer's code is longer than ${codeLimit} characters`]
    ] as const
  )("gives 0 with a reason: %#", ([answer, explanation]) =>
    Effect.gen(function*() {
      const given = yield* grade(answer)
      assert.strictEqual(given.explanation, explanation)
      assert.strictEqual(given.score, 0)
      assert.isFalse(given.passed)
      assert.deepStrictEqual(given.tests.map(({ outcome }) => outcome), Array.from({ length: 4 }, () => "not-run"))
    }))

  it.effect("compares results as JSON", () =>
    Effect.gen(function*() {
      const same = specification(
        { arguments: [{ b: [1], a: null }], expected: { a: null, b: [1] } },
        { arguments: [0], expected: -0 },
        { arguments: [null], expected: null }
      )
      assert.isTrue((yield* grade(fenced("const half = (value) => value"), same)).passed)
      assert.isTrue((yield* grade(fenced("const half = (value) => value === 0 ? -0 : value"), same)).passed)
      const undefinedForNull = yield* grade(fenced("const half = (value) => value ?? undefined"), same)
      assert.strictEqual(
        undefinedForNull.explanation,
        "2 of 3 hidden tests passed; test 3 wrong-value: returned undefined"
      )
    }))

  it.effect("shows neither expected values nor arguments", () =>
    Effect.gen(function*() {
      const secret = specification({ arguments: ["argument-secret"], expected: "expected-secret" })
      for (const code of ["() => 1", "() => { throw new Error('no') }", "() => { for (;;); }", "("]) {
        assert.notInclude(JSON.stringify(yield* grade(fenced(`const half = ${code}`), secret)), "secret")
      }
    }))

  it.effect("keeps the grade small and well-formed, whatever is returned", () =>
    Effect.gen(function*() {
      const odd = specification({ arguments: [], expected: 1 })
      const codes = [
        "() => '\\ud800'.repeat(1000)",
        "() => ({ ['x'.repeat(1000)]: '\\n' })",
        "() => { let a = []; for (let i = 0; i < 1500; i++) a = [a]; return a }",
        "() => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a }"
      ]
      for (const code of codes) {
        const given = yield* grade(fenced(`const half = ${code}`), odd)
        assert.strictEqual(given.score, 0)
        assert.isTrue(Schema.is(Grade)(given))
        assert.isTrue(given.explanation.isWellFormed())
      }
    }))

  it.effect("a task that cannot be graded is an error, not a score", () =>
    Effect.gen(function*() {
      const tasks = [
        specification({ arguments: [], expected: undefined }),
        specification({ arguments: [], expected: Number.NaN }),
        specification({ arguments: [1n], expected: 1 }),
        { ...halves, functionName: "half(1)" }
      ]
      for (const task of tasks) {
        const error = yield* Effect.flip(grade("no code", task))
        assert.strictEqual(error.reason._tag, "InvalidSpecification")
      }
    }))
})
