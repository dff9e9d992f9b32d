/**
 * What the sandbox withstands, in every language and behind every kind of walls that this machine can build. Whatever an
 * answer tries: a grade of 0 with a reason, in bounded time, no process left, and the next honest answer gets its 1.
 */
import { assert, describe, layer } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { confinementKinds } from "../../src/grading/Confinement.ts"
import { Grader } from "../../src/grading/Grader.ts"
import { Judge } from "../../src/grading/Judge.ts"
import { Sandbox } from "../../src/grading/Sandbox.ts"
import type { Task } from "../../src/grading/Task.ts"
import { UserCommand } from "../../src/grading/UserCommand.ts"
import { hostileAnswers } from "./hostileAnswers.ts"
import { listener, patiently, secretFile, withLeftovers } from "./processes.ts"

const wallMillis = 4_000
const limits = { callMillis: 700, wallMillis }

const sandboxOf = (kind: (typeof confinementKinds)[number]) => Sandbox.layerWith({ kinds: [kind], limits })

/** Which kinds of walls and which languages there are; what is missing is skipped. */
const isLinux = process.platform === "linux"
const found = await Effect.runPromise(Effect.forEach(confinementKinds, (kind) =>
  Sandbox.use((sandbox) =>
    Effect.map(
      Effect.exit(sandbox.check("python")),
      (python) => ({ kind, isThere: sandbox.kind === kind, hasPython: Exit.isSuccess(python) })
    )
  ).pipe(Effect.provide(sandboxOf(kind)))))

const taskOf = (language: keyof typeof hostileAnswers): Task => ({
  id: "one",
  prompt: "Return 1.",
  grader: { _tag: language, functionName: "f", tests: [{ arguments: [], expected: 1 }] }
})

for (const { hasPython, isThere, kind } of found) {
  const graders = Grader.layerNoDeps.pipe(Layer.provide([sandboxOf(kind), Judge.layerNone, UserCommand.layerNone]))

  describe.skipIf(!isThere || !isLinux)(`behind ${kind} (where this machine has it)`, () => {
    for (const language of ["JavaScriptTests", "PythonTests"] as const) {
      describe.skipIf(language === "PythonTests" && !hasPython)(`in ${language}`, () => {
        const task = taskOf(language)
        const { honest, hostile } = hostileAnswers[language]

        layer(graders, { excludeTestServices: true })((it) => {
          it.effect.each(hostile)("an answer that $name gets 0", ({ answer }) =>
            Effect.gen(function*() {
              const grader = yield* Grader
              const { connections, port } = yield* listener
              const { file, secret } = yield* secretFile
              const graded = withLeftovers(grader.grade(task, answer({ file, port })))
              const [duration, { left, result, started }] = yield* patiently(Effect.timed(graded))
              assert.strictEqual(result.score, 0)
              assert.isFalse(result.passed)
              assert.notStrictEqual(result.explanation, "")
              assert.notInclude(JSON.stringify(result), secret)
              assert.notInclude(JSON.stringify(result), "root:")
              assert.strictEqual(connections(), 0)
              assert.isNotEmpty(started)
              assert.deepStrictEqual(left, [])
              assert.isBelow(Duration.toMillis(duration), wallMillis + 4_000)
              assert.strictEqual((yield* grader.grade(task, honest)).score, 1)
            }), 60_000)
        })
      })
    }
  })
}
