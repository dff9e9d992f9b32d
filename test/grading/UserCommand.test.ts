import { assert, describe, it, layer } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { GradingError } from "../../src/grading/GradingError.ts"
import type { GraderSpecification } from "../../src/grading/Task.ts"
import { UserCommand } from "../../src/grading/UserCommand.ts"
import { secretFile, withLeftovers } from "./processes.ts"

type Command = typeof GraderSpecification.cases.Command.Type

const input = { task: "t", prompt: "p", answer: "an answer \ud83d\ude00\n" }

const script = (code: string, more: Partial<Command> = {}): Command => ({
  _tag: "Command",
  command: [process.execPath, "--input-type=commonjs", "--eval", code],
  ...more
})

const run = (command: Command) => UserCommand.use((commands) => commands.run(command, input))
const check = (command: Command) => UserCommand.use((commands) => commands.check(command))
const reasonOf = <A, R>(effect: Effect.Effect<A, GradingError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

layer(UserCommand.layer, { excludeTestServices: true })("UserCommand", (it) => {
  it.effect("gives the program the task and takes its score", () =>
    Effect.gen(function*() {
      const echo = "const text = require('fs').readFileSync(0, 'utf8')\n"
        + "console.log(JSON.stringify({ score: 0.25, explanation: text }))"
      const output = yield* run(script(echo))
      assert.strictEqual(output.score, 0.25)
      assert.deepStrictEqual(JSON.parse(output.explanation ?? ""), input)
    }))

  it.effect("takes the last line of a program that talks before", () =>
    Effect.gen(function*() {
      const output = yield* run(script("console.log('reading'); console.log('{\"score\": 1}')"))
      assert.deepStrictEqual(output, { score: 1 })
    }))

  it.effect("runs where the task says, with the user's environment but for what opens doors", () =>
    Effect.gen(function*() {
      const { folder } = yield* secretFile
      const names = ["CAMPAIGN_API_KEY", "OPENAI_API_KEY", "CAMPAIGN_AGENT_TOKEN", "GRADER_TEST_PLAIN"]
      for (const name of names) process.env[name] = "here"
      yield* Effect.addFinalizer(() => Effect.sync(() => names.forEach((name) => delete process.env[name])))
      const code = `console.log(JSON.stringify({ score: 1, explanation: JSON.stringify([
        process.cwd(), ${JSON.stringify(names)}.map((name) => process.env[name] ?? null), process.env.PATH !== undefined
      ]) }))`
      const output = yield* run(script(code, { workingDirectory: folder }))
      assert.deepStrictEqual(JSON.parse(output.explanation ?? ""), [folder, [null, null, null, "here"], true])
    }))

  it.effect.each(
    [
      ["process.exit(3)", "it ended with exit code 3"],
      [
        "console.log('{\"score\": 1}'); console.error('oh\\nno'); process.exitCode = 1",
        "it ended with exit code 1: oh no"
      ],
      ["process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 9)", "it was ended by SIGTERM"],
      ["", "it printed no {\"score\": 0..1} but \"\""],
      ["console.log('good')", "it printed no {\"score\": 0..1} but \"good\""],
      ["console.log('{\"score\": 1.5}')", "it printed no {\"score\": 0..1} but \"{\"score\": 1.5}\""],
      ["for (;;) require('fs').writeSync(1, 'x'.repeat(1e5))", "it printed more than 1000000 bytes"]
    ] as const
  )("that does something else is an error: %s", ([code, detail]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* reasonOf(run(script(code))), { _tag: "CommandFailed", detail })
    }))

  it.effect.skipIf(process.platform !== "linux")(
    "is ended at its time limit, with all that it started",
    () =>
      Effect.gen(function*() {
        const code =
          "require('child_process').spawn('sleep', ['60'], { stdio: 'inherit' }); setInterval(() => {}, 1000)"
        const [duration, { left, result, started }] = yield* Effect.timed(
          withLeftovers(reasonOf(run(script(code, { timeLimitMillis: 700 }))))
        )
        assert.deepStrictEqual(result, { _tag: "CommandFailed", detail: "it was not done within 700 ms" })
        assert.isAtLeast(started.length, 2)
        assert.deepStrictEqual(left, [])
        assert.isBelow(Duration.toMillis(duration), 5_000)
      })
  )

  it.effect.skipIf(process.platform === "win32")(
    "does not wait for what left its process group with the output open",
    () =>
      Effect.gen(function*() {
        const code =
          "const child = require('child_process').spawn('sleep', ['6'], { detached: true, stdio: 'inherit' })\n"
          + "child.unref(); console.log('{\"score\": 1}')"
        const [duration, output] = yield* Effect.timed(run(script(code)))
        assert.deepStrictEqual(output, { score: 1 })
        assert.isBelow(Duration.toMillis(duration), 5_000)
      })
  )

  it.effect("that is not there is found out before anything is run", () =>
    Effect.gen(function*() {
      const missing: Command = { _tag: "Command", command: ["no-such-grader-anywhere"] }
      const expected = { _tag: "ToolMissing", detail: "the command \"no-such-grader-anywhere\" was not found" } as const
      assert.deepStrictEqual(yield* reasonOf(check(missing)), expected)
      assert.deepStrictEqual(yield* reasonOf(run(missing)), expected)
      const nowhere = script("", { workingDirectory: "/no/such/folder" })
      assert.strictEqual((yield* reasonOf(check(nowhere)))._tag, "ToolMissing")
      yield* check(script(""))
      const { folder } = yield* secretFile
      assert.strictEqual(
        (yield* reasonOf(check({ _tag: "Command", command: ["./secret.txt"], workingDirectory: folder })))._tag,
        "ToolMissing"
      )
    }))
})

describe("UserCommand where commands are not run", () => {
  it.effect("refuses them all", () =>
    Effect.gen(function*() {
      const expected = { _tag: "ToolMissing", detail: "commands are not run here" } as const
      const command = script("console.log('{\"score\": 1}')")
      assert.deepStrictEqual(yield* reasonOf(run(command)), expected)
      assert.deepStrictEqual(yield* reasonOf(check(command)), expected)
    }).pipe(Effect.provide(UserCommand.layerNone)))
})
