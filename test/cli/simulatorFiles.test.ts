// Files for the simulated engine: what is read, and the one line that each kind of bad file gets.
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseLatencyTrace, readAnswerScript, readLatencyTrace } from "../../src/cli/simulatorFiles.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

// Integers, because a text knows no -0.
const Times = Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1e6 })))

describe("a latency trace", () => {
  it("is a list with comments and blank lines", () => {
    const text = "# measured\r\n12\r\n\n  9.5  # a comment\n0\n1e2"
    assert.deepStrictEqual(parseLatencyTrace(text), Result.succeed({ _tag: "Recorded", gapsMillis: [12, 9.5, 0, 100] }))
  })

  it.prop(
    "is read as it was written, as a list or as JSON",
    [Times, Times],
    ([gapsMillis, timesToFirstTokenMillis]) => {
      const plain = { _tag: "Recorded", gapsMillis } as const
      assert.deepStrictEqual(parseLatencyTrace(gapsMillis.join("\n")), Result.succeed(plain))
      assert.deepStrictEqual(parseLatencyTrace(`\n ${JSON.stringify({ gapsMillis })}`), Result.succeed(plain))
      assert.deepStrictEqual(
        parseLatencyTrace(JSON.stringify({ gapsMillis, timesToFirstTokenMillis }, null, 2)),
        Result.succeed({ ...plain, timesToFirstTokenMillis })
      )
    }
  )

  it("is refused in one line that says where, what was expected and how to write it", () => {
    const bad: ReadonlyArray<readonly [text: string, wrong: RegExp]> = [
      ["", /^there is no gap in it; /],
      ["# nothing\n\n", /^there is no gap in it; /],
      ["12\n# fine\ntwelve\n", /^line 3: "twelve" is not a number of milliseconds; /],
      ["12\n-1", /^line 2: "-1" is not/],
      ["12, 13", /^line 1: "12, 13" is not/],
      ["Infinity", /^line 1: "Infinity" is not/],
      [`${"x".repeat(5000)}`, /^line 1: "x{40}" is not/],
      ["{\"gapsMillis\": [1,", /^not JSON: /],
      ["{\"gapsMillis\":\n [1 2]}", /^not JSON: .*line 2 column 5/],
      ["{}", /gapsMillis/],
      ["{\"gapsMillis\": []}", /gapsMillis/],
      ["{\"gapsMillis\": [1, -2]}", /greater than or equal to 0 at \["gapsMillis"\]\[1\]/],
      ["{\"gapsMillis\": [\"12\"]}", /Expected number at \["gapsMillis"\]\[0\]/],
      ["{\"gapsMillis\": [1], \"timesToFirstTokenMillis\": 5}", /timesToFirstTokenMillis/],
      ["{\"gapsMillis\": [1], \"timeToFirstTokenMillis\": [5]}", /timeToFirstTokenMillis/],
      [`{"gapsMillis": "${"y".repeat(5000)}"}`, /Expected array at \["gapsMillis"\]/]
    ]
    for (const [text, wrong] of bad) {
      const failure = Result.getOrElse(Result.flip(parseLatencyTrace(text)), () => "accepted")
      assert.match(failure, wrong)
      assert.match(failure, /; expected one gap in ms per line \(# begins a comment\), or JSON such as \{"gapsMillis"/)
      assert.notInclude(failure, "\n")
      assert.isBelow(failure.length, 500)
    }
  })
})

describe("files for the simulated engine", () => {
  const file = (content: string) =>
    Effect.map(temporaryDirectory, (directory) => {
      const path = join(directory, "file")
      writeFileSync(path, content)
      return path
    })

  it.effect("are read from the disk", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* readLatencyTrace(yield* file("1\n2"))).gapsMillis, [1, 2])
      const entries = [{ pattern: "sum|add", answers: ["4", "It is 4."] }] as const
      assert.deepStrictEqual(yield* readAnswerScript(yield* file(JSON.stringify(entries))), { _tag: "Script", entries })
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.effect("end the command with exit code 1 and their name if they cannot be used", () =>
    Effect.gen(function*() {
      const trace = yield* file("abc")
      const noTrace = yield* Effect.flip(readLatencyTrace(trace))
      assert.strictEqual(noTrace.exitCode, 1)
      assert.isTrue(noTrace.message.startsWith(`--latency-trace ${trace}: line 1: "abc" is not`))
      assert.strictEqual(
        (yield* Effect.flip(readLatencyTrace("/nowhere/at/all"))).message,
        "--latency-trace: there is no file /nowhere/at/all; check the path"
      )
      assert.match((yield* Effect.flip(readAnswerScript("/"))).message, /^--answer-script: cannot read \/: [^\n]+$/)
      for (
        const [content, wrong] of [
          ["nonsense", /not JSON: /],
          ["{}", /Expected array/],
          ["[{\"pattern\": \"(\", \"answers\": [\"a\"]}]", /not a regular expression: \(.*\[0\]\["pattern"\]/],
          ["[{\"pattern\": \"a\", \"answers\": []}]", /\[0\]\["answers"\]/],
          ["[{\"pattern\": \"a\", \"answer\": [\"b\"]}]", /answer/]
        ] as const
      ) {
        const script = yield* file(content)
        const noScript = yield* Effect.flip(readAnswerScript(script))
        assert.isTrue(noScript.message.startsWith(`--answer-script ${script}: `))
        assert.match(noScript.message, wrong)
        assert.match(noScript.message, /; expected JSON such as \[\{"pattern": "sum\|add", "answers": \["4"\]\}\]$/)
      }
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})
