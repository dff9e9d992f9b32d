import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Program, runToEnd } from "../../src/grading/NodeChildProcess.ts"

const script = (code: string, overrides: Partial<Program> = {}) =>
  runToEnd({
    executable: process.execPath,
    arguments: ["--input-type=commonjs", "--eval", code],
    input: "",
    wallLimit: Duration.seconds(30),
    memoryMegabytes: 4_096,
    cpuSeconds: 30,
    outputBytes: 10_000,
    errorOutputBytes: 1_000,
    ...overrides
  })

describe("NodeChildProcess", () => {
  it.live("passes the input in and the output and exit code out", () =>
    Effect.gen(function*() {
      const input = "a line and an emoji \ud83d\ude00\n".repeat(300)
      const end = yield* script("process.stdin.pipe(process.stdout); console.error('noted'); process.exitCode = 3", {
        input
      })
      assert.deepStrictEqual(end, {
        exitCode: 3,
        signal: null,
        output: input,
        errorOutput: "noted\n",
        stopped: "no"
      })
    }))

  it.live("ends a program that writes too much, and keeps the first bytes", () =>
    Effect.gen(function*() {
      const end = yield* script("for (;;) require('node:fs').writeSync(1, 'x'.repeat(1000))")
      assert.strictEqual(end.output, "x".repeat(10_000))
      assert.deepStrictEqual([end.stopped, end.signal], ["output-limit", "SIGKILL"])
    }))

  it.live("bounds what it keeps of the error output without ending the program", () =>
    Effect.gen(function*() {
      const end = yield* script("require('node:fs').writeSync(2, 'x'.repeat(50000)); console.log('done')")
      assert.strictEqual(end.errorOutput.length, 1_000)
      assert.deepStrictEqual([end.output, end.stopped], ["done\n", "no"])
    }))

  it.live("ends a program at the wall limit, and keeps its output", () =>
    Effect.gen(function*() {
      const end = yield* script("console.log('so far'); setInterval(() => {}, 1000)", {
        wallLimit: Duration.millis(700)
      })
      assert.deepStrictEqual(end, {
        exitCode: null,
        signal: "SIGKILL",
        output: "so far\n",
        errorOutput: "",
        stopped: "wall-limit"
      })
    }))

  it.live("does not mind a program that leaves its input unread", () =>
    Effect.gen(function*() {
      const end = yield* script("process.exit(0)", { input: "x".repeat(5_000_000) })
      assert.deepStrictEqual([end.exitCode, end.stopped], [0, "no"])
    }))

  it.live.skipIf(process.platform === "win32")(
    "has the system end a program that nobody watches any more",
    () =>
      Effect.gen(function*() {
        const end = yield* script("for (;;);", { cpuSeconds: 1 })
        assert.include(["SIGKILL", "SIGXCPU"], end.signal)
        assert.strictEqual(end.stopped, "no")
      })
  )

  it.live("gives the program nothing of its environment", () =>
    Effect.gen(function*() {
      const end = yield* script("console.log(JSON.stringify([process.env, process.cwd()]))")
      if (process.platform !== "win32") assert.strictEqual(end.output, "[{},\"/\"]\n")
    }))

  it.live("says when a program cannot be started", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(script("", { executable: "/nonexistent/\0" }))
      assert.strictEqual(error._tag, "ProgramNotStarted")
      assert.notStrictEqual(error.detail, "")
    }))
})
