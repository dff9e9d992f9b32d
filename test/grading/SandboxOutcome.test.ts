import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { ProgramEnd } from "../../src/grading/NodeChildProcess.ts"
import { fromProgramEnd, SandboxOutcome } from "../../src/grading/SandboxOutcome.ts"

const ready = { _tag: "Ready" }
const returned = { _tag: "Returned", value: 1 }
const notRun: SandboxOutcome = { _tag: "NotRun", detail: "an earlier call ended the run" }

const ended = (lines: ReadonlyArray<unknown>, end: Partial<ProgramEnd> = {}): ProgramEnd => ({
  exitCode: 0,
  signal: null,
  output: lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  errorOutput: "",
  stopped: "no",
  ...end
})

const outcomesOf = (end: ProgramEnd, count = 3) => Result.getOrThrow(fromProgramEnd(end, count, 2_000))
const reasonOf = (end: ProgramEnd, count = 3) =>
  Result.getOrThrow(Result.flip(fromProgramEnd(end, count, 2_000))).reason

const timedOut = (_tag: string, cpuMillis: number) => ended([ready, { _tag, cpuMillis, wallMillis: 2_000 }])

describe("SandboxOutcome", () => {
  it("takes the results as they are", () => {
    assert.deepStrictEqual(outcomesOf(ended([ready, returned, { _tag: "Threw", detail: "no" }]), 2), [
      { _tag: "Returned", value: 1 },
      { _tag: "Threw", detail: "no" }
    ])
    assert.deepStrictEqual(outcomesOf(ended([ready]), 0), [])
  })

  it("blames the grader for what happens before the answer is touched", () => {
    for (
      const end of [
        ended([], { exitCode: 9, errorOutput: "node: bad option" }),
        ended([], { exitCode: null, signal: "SIGABRT" }),
        ended([], { exitCode: null, signal: "SIGKILL", stopped: "wall-limit" }),
        ended([returned]),
        ended([], { output: "{\"_tag\":\"Ready\"}" })
      ]
    ) assert.strictEqual(reasonOf(end)._tag, "SandboxNotStarted")
  })

  it("blames nobody but the sender for a signal from outside", () => {
    for (const signal of ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"]) {
      const expected = { _tag: "SandboxKilled" as const, signal }
      assert.deepStrictEqual(reasonOf(ended([], { exitCode: null, signal })), expected)
      assert.deepStrictEqual(reasonOf(ended([ready, returned], { exitCode: null, signal })), expected)
      assert.strictEqual(outcomesOf(ended([ready, returned], { exitCode: null, signal }), 1).length, 1)
    }
  })

  it("blames the answer for a crash, an exit and a limit, and keeps what it had", () => {
    const crash = { exitCode: null, signal: "SIGABRT", errorOutput: "JavaScript heap out of memory" }
    assert.deepStrictEqual(outcomesOf(ended([ready, returned], crash)), [
      { _tag: "Returned", value: 1 },
      { _tag: "Threw", detail: "it ran out of memory" },
      notRun
    ])
    assert.deepStrictEqual(outcomesOf(ended([ready], { exitCode: 3 }), 2), [
      { _tag: "Threw", detail: "it ended the process (exit code 3)" },
      notRun
    ])
    assert.strictEqual(
      outcomesOf(ended([ready], { exitCode: null, signal: "SIGKILL", stopped: "wall-limit" }))[0]?._tag,
      "TimedOut"
    )
    assert.deepStrictEqual(
      outcomesOf(ended([ready], { exitCode: null, signal: "SIGKILL", stopped: "output-limit" }))[0],
      { _tag: "Threw", detail: "too much output" }
    )
  })

  it("a whole set of results counts, even if the limit was reached while nobody read them", () => {
    const end = ended([ready, returned, returned, returned], {
      exitCode: null,
      signal: "SIGKILL",
      stopped: "wall-limit"
    })
    assert.deepStrictEqual(outcomesOf(end).map(({ _tag }) => _tag), ["Returned", "Returned", "Returned"])
  })

  it("believes a timeout only of a process that had the processor", () => {
    assert.strictEqual(outcomesOf(timedOut("TimedOut", 1_900), 1)[0]?._tag, "TimedOut")
    assert.strictEqual(outcomesOf(timedOut("LoadTimedOut", 1_900), 2)[1]?._tag, "NotRun")
    assert.strictEqual(reasonOf(timedOut("TimedOut", 100))._tag, "SandboxStarved")
    assert.strictEqual(reasonOf(timedOut("LoadTimedOut", 100))._tag, "SandboxStarved")
  })

  it("believes nothing about the machine of lines that an answer could have written", () => {
    const untrusted = (end: ProgramEnd, count: number) =>
      Result.getOrThrow(fromProgramEnd(end, count, 2_000, { trusted: false }))
    assert.strictEqual(untrusted(timedOut("TimedOut", 0), 1)[0]?._tag, "TimedOut")
    assert.strictEqual(untrusted(timedOut("LoadTimedOut", 0), 2)[1]?._tag, "NotRun")
  })

  it("reads a signal from the exit code of what ran the program for us", () => {
    assert.deepStrictEqual(reasonOf(ended([ready], { exitCode: 137 })), { _tag: "SandboxKilled", signal: "SIGKILL" })
    assert.deepStrictEqual(outcomesOf(ended([ready], { exitCode: 139 }), 1), [
      { _tag: "Threw", detail: "it ended the process (SIGSEGV)" }
    ])
  })

  it("no call runs in an unusable answer", () => {
    const outcome: SandboxOutcome = { _tag: "NotRun", detail: "syntax error" }
    assert.deepStrictEqual(outcomesOf(ended([ready, { _tag: "Unusable", detail: "syntax error" }])), [
      outcome,
      outcome,
      outcome
    ])
  })

  it("what does not follow the protocol counts against the answer", () => {
    for (const line of [{ _tag: "Passed" }, ready, 1, { _tag: "Threw" }]) {
      assert.deepStrictEqual(outcomesOf(ended([ready, returned, line])), [
        { _tag: "Returned", value: 1 },
        { _tag: "Threw", detail: "it wrote into the grader's protocol" },
        notRun
      ])
    }
  })

  it.prop(
    "there is one outcome per call, or a reason",
    {
      lines: Schema.Array(
        Schema.Union([
          SandboxOutcome,
          Schema.Json,
          Schema.Struct({ _tag: Schema.tag("Unusable"), detail: Schema.String })
        ])
      ),
      count: Schema.Int,
      stopped: Schema.Literals(["no", "wall-limit", "output-limit"]),
      signal: Schema.NullOr(Schema.Literals(["SIGKILL", "SIGABRT"]))
    },
    ({ count, lines, signal, stopped }) => {
      const calls = Math.abs(count) % 10
      const result = fromProgramEnd(ended([ready, ...lines], { signal, stopped }), calls, 2_000)
      if (Result.isSuccess(result)) assert.strictEqual(result.success.length, calls)
    }
  )
})
