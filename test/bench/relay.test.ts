/**
 * The relay bench as its users start it, at a size that takes a moment; and the arithmetic of its ratios.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { type Cell, flatness, meanRun, medianRun, ratios } from "../../bench/relay/Cell.ts"
import { render } from "../../bench/relay/render.ts"

const script = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))

const bench = (...options: ReadonlyArray<string>) =>
  Effect.callback<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resume) => {
    const child = execFile(
      process.execPath,
      [script, ...options],
      (error, stdout, stderr) =>
        resume(Effect.succeed({ code: error === null ? 0 : Number(error.code), stdout, stderr }))
    )
    return Effect.sync(() => {
      child.kill()
    })
  })

const Ratio = Schema.Struct({ value: Schema.Finite, atLeast: Schema.Boolean })
const Compared = Schema.Struct({ wall: Ratio, cpuPerToken: Ratio })
const Output = Schema.Struct({
  bench: Schema.Literal("relay"),
  node: Schema.String,
  processors: Schema.Int,
  repeats: Schema.Int,
  budgetSeconds: Schema.Finite,
  paceMillis: Schema.Finite,
  cells: Schema.Array(Schema.Struct({
    agent: Schema.Literals(["ours", "raw", "sdk"]),
    tokens: Schema.Int,
    outcome: Schema.Literals(["complete", "stopped", "failed"]),
    detail: Schema.NullOr(Schema.String),
    completeRuns: Schema.Int,
    textComplete: Schema.Boolean,
    wallMillis: Schema.Finite,
    firstTokenMillis: Schema.Finite,
    cpuMillis: Schema.Finite,
    cpuMicrosPerToken: Schema.Finite,
    peakRssBytes: Schema.Int,
    events: Schema.Int,
    tokensReceived: Schema.Int
  })),
  ratios: Schema.Array(Schema.Struct({ tokens: Schema.Int, oursToRaw: Compared, sdkToOurs: Compared })),
  flatness: Schema.Null,
  together: Schema.Null,
  criteria: Schema.Array(Schema.Never)
})
const decodeOutput = Schema.decodeUnknownEffect(Schema.fromJsonString(Output), { onExcessProperty: "error" })

const cell = (overrides: Partial<Cell>): Cell => ({
  agent: "ours",
  tokens: 1000,
  outcome: "complete",
  detail: null,
  completeRuns: 1,
  textComplete: true,
  wallMillis: 100,
  firstTokenMillis: 10,
  cpuMillis: 50,
  cpuMicrosPerToken: 50,
  peakRssBytes: 200_000_000,
  events: 1002,
  tokensReceived: 1000,
  ...overrides
})

describe("relay bench", () => {
  it.live("measures three agents and prints one JSON object", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* bench(
        "relay",
        "--parts",
        "alone",
        "--sizes",
        "200",
        "--repeats",
        "1",
        "--json"
      )
      assert.strictEqual(code, 0, stderr)
      const output = yield* decodeOutput(stdout)
      assert.deepStrictEqual(output.cells.map(({ agent }) => agent), ["ours", "raw", "sdk"])
      for (const { agent, cpuMicrosPerToken, events, outcome, textComplete, tokensReceived } of output.cells) {
        assert.deepStrictEqual([outcome, textComplete, tokensReceived], ["complete", true, 200], agent)
        assert.isAbove(cpuMicrosPerToken, 0, agent)
        // A task, some text, an end.
        assert.isAtLeast(events, 3, agent)
      }
      assert.deepStrictEqual(output.ratios.map(({ tokens }) => tokens), [200])
    }))

  it.live("names the benches when it does not know one", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* bench("no-such-bench")
      assert.deepStrictEqual([code, stdout], [2, ""])
      assert.match(stderr, /no-such-bench.*benches: .*relay/)
    }))

  it("takes medians of complete runs", () => {
    const run = { wallMillis: 1, firstTokenMillis: null, cpuMillis: 4, events: 5, tokensReceived: 6 }
    assert.deepStrictEqual(
      medianRun([run, { ...run, wallMillis: 9, firstTokenMillis: 7 }, { ...run, wallMillis: 2 }]),
      { ...run, wallMillis: 2, firstTokenMillis: 7 }
    )
  })

  it("takes means of answers in a row", () => {
    const answer = { wallMillis: 3, firstTokenMillis: null, cpuMillis: 3, events: 3, tokensReceived: 6 }
    assert.deepStrictEqual(
      meanRun([answer, { ...answer, wallMillis: 30, firstTokenMillis: 7 }, { ...answer, events: 10 }]),
      { ...answer, wallMillis: 12, firstTokenMillis: 7, events: 5 }
    )
  })

  it("gives lower bounds over stopped cells, and nothing over failed ones", () => {
    const cells = [
      cell({}),
      cell({ agent: "raw", outcome: "failed", wallMillis: null, cpuMicrosPerToken: null, detail: "gone" }),
      cell({ agent: "sdk", outcome: "stopped", wallMillis: 60_000, cpuMicrosPerToken: 500, tokensReceived: 12 }),
      cell({ tokens: 64_000, cpuMicrosPerToken: 25 })
    ]
    const [small] = ratios(cells)
    assert.deepStrictEqual(small, {
      tokens: 1000,
      oursToRaw: { wall: null, cpuPerToken: null },
      sdkToOurs: { wall: { value: 600, atLeast: true }, cpuPerToken: { value: 10, atLeast: true } }
    })
    assert.deepStrictEqual(flatness(cells)?.cpuPerToken, { ours: { value: 0.5, atLeast: false }, raw: null, sdk: null })
    const shown = render({ cells, ratios: ratios(cells), flatness: flatness(cells), together: null, criteria: [] })
    assert.match(shown, /sdk +1 +> 60 s .*> 500 µs.*stopped at 12/)
    assert.match(shown, /failed: gone/)
    assert.match(shown, /> 600x/)
  })
})
