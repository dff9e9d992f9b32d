import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Grader } from "../../src/grading/Grader.ts"
import { findPython } from "../../src/grading/HostTools.ts"
import { sameJson } from "../../src/grading/JsonEquality.ts"
import { Judge } from "../../src/grading/Judge.ts"
import { Sandbox } from "../../src/grading/Sandbox.ts"
import type { Task } from "../../src/grading/Task.ts"
import { UserCommand } from "../../src/grading/UserCommand.ts"
import { secretFile } from "./processes.ts"

const hasPython = await Effect.runPromise(Effect.isSuccess(findPython("python3")))

const run = (code: string, calls: ReadonlyArray<ReadonlyArray<unknown>>) =>
  Sandbox.use((sandbox) =>
    sandbox.run({ code, language: "python", functionName: "f", calls, limits: { callMillis: 400 } })
  )

const details = (outcomes: ReadonlyArray<{ readonly _tag: string; readonly detail?: string }>) =>
  outcomes.map((outcome) => `${outcome._tag}: ${outcome.detail ?? ""}`)

const returned = (...values: ReadonlyArray<unknown>) => values.map((value) => ({ _tag: "Returned" as const, value }))

describe.skipIf(!hasPython)("Python (where this machine has it)", () => {
  layer(Sandbox.layer, { excludeTestServices: true })((it) => {
    it.effect.prop(
      "any JSON value comes back as it is",
      [Schema.Array(Schema.Json)],
      ([values]) =>
        Effect.gen(function*() {
          const outcomes = yield* run("def f(*values):\n    return values", [values])
          assert.isTrue(sameJson(outcomes, returned(values)))
        }),
      { arbitrary: { runs: 15 } }
    )

    it.effect("keeps state between calls, in order, and prints nowhere", () =>
      Effect.gen(function*() {
        const code = "n = 0\ndef f(by):\n    global n\n    n += by\n    print(n)\n    return n"
        assert.deepStrictEqual(yield* run(code, [[1], [2], [3]]), returned(1, 3, 6))
      }))

    it.effect("has its standard library", () =>
      Effect.gen(function*() {
        const code = [
          "import collections, csv, dataclasses, datetime, decimal, functools, hashlib, heapq, io, itertools, json, math",
          "import pathlib, random, re, statistics, string, sys, typing, uuid",
          "@dataclasses.dataclass",
          "class A:",
          "    x: int",
          "sys.setrecursionlimit(5000)",
          "def f(n): return [dataclasses.asdict(A(n)), collections.Counter('aab')['a'], math.gcd(4, 6),"
          + " str(decimal.Decimal('0.1') + 1), re.findall(r'\\d', 'a1'), list(itertools.permutations([1, 2]))]",
          "if __name__ == '__main__': raise ValueError('a script')"
        ].join("\n")
        assert.deepStrictEqual(yield* run(code, [[7]]), returned([{ x: 7 }, 2, 2, "1.1", ["1"], [[1, 2], [2, 1]]]))
      }))

    it.effect("whichever way the function is defined", () =>
      Effect.gen(function*() {
        const definitions = [
          "f = lambda: 7",
          "def g(): return 7\nf = g",
          "class F:\n    def __call__(self): return 7\nf = F()",
          "def f(): return 7\nraise ValueError('an example that fails')",
          "def f(): return 7\ninput()"
        ]
        for (const code of definitions) assert.deepStrictEqual(yield* run(code, [[]]), returned(7), code)
      }))

    it.effect("says what is not JSON, what was thrown and what is no function", () =>
      Effect.gen(function*() {
        const first = (code: string) => Effect.map(run(code, [[]]), (outcomes) => details(outcomes)[0] ?? "")
        assert.include(yield* first("def f(): return {1, 2}"), "NotJson: something that is not JSON: TypeError")
        assert.include(yield* first("def f(): return float('nan')"), "NotJson: something that is not JSON: ValueError")
        assert.strictEqual(yield* first("async def f(): return 1"), "NotJson: a coroutine")
        assert.strictEqual(yield* first("def f(): yield 1"), "NotJson: a generator")
        assert.strictEqual(
          yield* first("def f(): return 'x' * 2000000"),
          "NotJson: a result of 2000002 bytes, which is too much"
        )
        assert.strictEqual(yield* first("def f(): return [][0]"), "Threw: IndexError: list index out of range")
        assert.strictEqual(yield* first("def f(): raise SystemExit(3)"), "Threw: SystemExit: 3")
        assert.strictEqual(
          yield* first("def f(n): return n"),
          "Threw: TypeError: f() missing 1 required positional argument: 'n'"
        )
        assert.include(yield* first("def f(: pass"), "NotRun: syntax error: SyntaxError")
        assert.strictEqual(yield* first("f = 1"), "NotRun: the answer defines no function named f")
        assert.strictEqual(
          yield* first("raise ValueError('top')\ndef f(): pass"),
          "NotRun: the answer defines no function named f (loading it threw ValueError: top)"
        )
      }))

    it.effect("loses only the call that loops for ever", () =>
      Effect.gen(function*() {
        const outcomes = yield* run("def f(x):\n    while x: pass\n    return 1", [[false], [true], [false]])
        assert.deepStrictEqual(details(outcomes), ["Returned: ", "TimedOut: no result within 400 ms", "Returned: "])
        const loading = yield* run("while True: pass\ndef f(): pass", [[]])
        assert.deepStrictEqual(details(loading), ["NotRun: the answer did not finish loading within 400 ms"])
      }))

    it.effect("refuses what cannot be the name of a function", () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox
        for (const functionName of ["", "a.b", "$f", "f()", "1f"]) {
          const error = yield* Effect.flip(sandbox.run({ code: "", language: "python", functionName, calls: [] }))
          assert.strictEqual(error.reason._tag, "InvalidSpecification")
        }
      }))
  })

  layer(Grader.layer, { excludeTestServices: true })((it) => {
    const half: Task = {
      id: "half",
      prompt: "Halve it.",
      grader: {
        _tag: "PythonTests",
        functionName: "half",
        tests: [{ arguments: [2], expected: 1 }, { arguments: [3], expected: 1.5 }]
      }
    }

    it.effect("grades an answer in Python", () =>
      Effect.gen(function*() {
        const grader = yield* Grader
        yield* grader.check(half)
        const right = "Here:\n1. A list\n   ```python\n   def half(n: float) -> float:\n       return n / 2\n   ```\n"
          + "Use:\n```python\nprint(half(3))\n```"
        assert.deepStrictEqual(yield* grader.grade(half, right), {
          score: 1,
          passed: true,
          tests: [{ outcome: "passed" }, { outcome: "passed" }],
          explanation: "2 of 2 hidden tests passed"
        })
        const floor = yield* grader.grade(half, "```py\ndef half(n):\n    return n // 2\n```")
        assert.deepStrictEqual(
          [floor.score, floor.explanation],
          [0.5, "1 of 2 hidden tests passed; test 2 wrong-value: returned 1"]
        )
        assert.strictEqual((yield* grader.grade(half, "I cannot.")).explanation, "the answer contains no code")
      }))
  })
})

describe("Python that is not there", () => {
  it.live("leaves answers without code unscored, too", () =>
    Effect.gen(function*() {
      const grader = yield* Grader
      const task: Task = {
        id: "one",
        prompt: "Return 1.",
        grader: { _tag: "PythonTests", functionName: "f", tests: [{ arguments: [], expected: 1 }] }
      }
      for (const attempt of [grader.check(task), Effect.asVoid(grader.grade(task, "I cannot."))]) {
        assert.strictEqual((yield* Effect.flip(attempt)).reason._tag, "ToolMissing")
      }
    }).pipe(Effect.provide(Grader.layerNoDeps.pipe(
      Layer.provide([Sandbox.layerWith({ pythonCommand: "python9" }), Judge.layerNone, UserCommand.layerNone])
    ))))

  it.live("is an error, before and after, and never a score", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox
      const attempts = [sandbox.check("python"), run("def f(): return 1", [[]])]
      for (const attempt of attempts) {
        const { reason } = yield* Effect.flip(Effect.asVoid(attempt))
        assert.deepStrictEqual(reason, { _tag: "ToolMissing", detail: "python9 was not found on this machine" })
      }
      yield* sandbox.check("javascript")
    }).pipe(Effect.provide(Sandbox.layerWith({ pythonCommand: "python9" }))))

  it.live("nor is what only has its name", () =>
    Effect.gen(function*() {
      for (const command of ["/bin/true", "/bin/false", "/bin/cat"]) {
        const { reason } = yield* Effect.flip(findPython(command))
        assert.strictEqual(reason._tag, "ToolMissing", command)
      }
    }))

  it.live.skipIf(process.platform === "win32")("nor is one that is too old", () =>
    Effect.gen(function*() {
      const { folder } = yield* secretFile
      const file = join(folder, "python")
      const answer = { executable: file, version: [3, 7], library: [], shared: [] }
      writeFileSync(file, `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`, { mode: 0o755 })
      const { reason } = yield* Effect.flip(findPython(file))
      assert.deepStrictEqual(reason, {
        _tag: "ToolMissing",
        detail: `${file} is Python 3.7; grading needs 3.8 or later`
      })
      writeFileSync(file, `#!/bin/sh\necho '${JSON.stringify({ ...answer, version: [3, 8] })}'\n`)
      assert.strictEqual((yield* findPython(file)).executable, file)
    }))
})
