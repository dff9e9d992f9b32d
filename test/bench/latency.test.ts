/** The latency bench as its users start it, at a size that takes a moment; its stamps, its differences, its criteria. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import type { Window } from "../../bench/latency/calls.ts"
import { render } from "../../bench/latency/render.ts"
import {
  criteriaOf,
  failedCell,
  medianCell,
  partResults,
  type PathCell,
  typicalDelays
} from "../../bench/latency/Results.ts"
import { makeStampReader, stampText } from "../../bench/wire/stamps.ts"
import { run } from "../support/command.ts"

const script = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))

const Output = Schema.fromJsonString(Schema.Struct({
  bench: Schema.Literal("latency"),
  latency: Schema.Struct({
    streams: Schema.Int,
    cells: Schema.Array(Schema.Struct({
      path: Schema.Literals(["direct", "raw", "ours"]),
      detail: Schema.Null,
      delivered: Schema.Int,
      delays: Schema.Struct({ p50: Schema.Finite, p99: Schema.Finite }),
      windows: Schema.Array(Schema.Struct({ streams: Schema.Int }))
    })),
    added: Schema.Array(Schema.Struct({ path: Schema.String, p50: Schema.Finite }))
  }),
  hold: Schema.Null,
  criteria: Schema.Array(Schema.Struct({ name: Schema.String, passed: Schema.Boolean }))
}))

const window = (p50: number, more: Partial<Window> = {}): Window => ({
  millis: 1000,
  tokens: 300,
  reads: 300,
  streams: 10,
  delays: { p50, p90: 2 * p50, p99: 3 * p50, max: 4 * p50 },
  ...more
})
const cell = (path: PathCell["path"], windows: ReadonlyArray<Window>, more: Partial<PathCell> = {}): PathCell => ({
  ...failedCell(path, ""),
  detail: null,
  windows,
  delays: typicalDelays(windows),
  sent: 100,
  delivered: 100,
  tokensPerSecond: 300,
  ...more
})

describe("latency bench", () => {
  it.live("measures every path and prints one JSON object", () =>
    Effect.gen(function*() {
      const options = ["--parts", "latency", "--streams", "4", "--seconds", "0.9", "--json"]
      const { code, stderr, stdout } = yield* run(["latency", ...options], { script })
      const output = yield* Schema.decodeEffect(Output)(stdout)
      assert.deepStrictEqual(output.latency.cells.map(({ path }) => path), ["direct", "raw", "ours"])
      for (const { delays, delivered, path, windows } of output.latency.cells) {
        // A clock that processes do not share would show here.
        assert.isTrue(delays.p50 > 0 && delays.p50 < 1000 && delays.p99 >= delays.p50, path)
        assert.deepStrictEqual(windows.map(({ streams }) => streams), [4, 4, 4], path)
        assert.isAtLeast(delivered, 50, path)
      }
      assert.lengthOf(output.latency.added, 2)
      assert.lengthOf(output.criteria, 2)
      assert.strictEqual(code, output.criteria.every(({ passed }) => passed) ? 0 : 1, stderr)
    }))
})

describe("stamps", () => {
  const read = (...pieces: ReadonlyArray<string>) => {
    const found: Array<number> = []
    const reader = makeStampReader((writtenAt) => found.push(writtenAt))
    for (const piece of pieces) reader(Buffer.from(`${piece}@9;`), Buffer.byteLength(piece))
    return found
  }

  it.prop("are found wherever a stream is cut", [
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e12 }))),
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))
  ], ([micros, length]) => {
    const text = micros.map((one) => `data: {"text":"@${one};"}\n\n`).join("")
    const pieces = text.match(new RegExp(`[^]{1,${length}}`, "g")) ?? []
    assert.deepStrictEqual(read(...pieces), micros.map((one) => one / 1000))
  }, { arbitrary: { runs: 300 } })

  it("are nothing else, and in the order of time", () => {
    assert.deepStrictEqual(read("a@b.c", "@12x;@3;", "@"), [0.003])
    const [first, second] = read(stampText(), stampText())
    assert.isAtMost(first!, second!)
  })
})

describe("the latency bench's results", () => {
  it("are what an agent adds to the direct path, at each percentile", () => {
    const windows = [window(1), window(9), window(2)]
    assert.deepStrictEqual(typicalDelays(windows), { p50: 2, p90: 4, p99: 6, max: 8 })
    assert.isNull(typicalDelays([...windows, window(1, { delays: null })]))
    const rates = [300, 100, 200, 400].map((tokensPerSecond) => cell("ours", windows, { tokensPerSecond }))
    assert.strictEqual(medianCell(rates).tokensPerSecond, 200)
    assert.strictEqual(medianCell(rates.slice(0, 3)).tokensPerSecond, 200)
    const { added } = partResults({ streams: 10, tokensPerSecond: 30 }, [
      cell("direct", [window(1)]),
      cell("ours", windows)
    ])
    assert.deepStrictEqual(added, [{ path: "ours", p50: 1, p90: 2, p99: 3 }])
  })

  it("are judged where they were measured, and a path that failed has missed all", () => {
    const load = { streams: 10, tokensPerSecond: 30 }
    const direct = cell("direct", [window(1)])
    const passed = (...cells: ReadonlyArray<PathCell>) =>
      criteriaOf(partResults(load, cells), null).map(({ passed }) => passed)
    assert.deepStrictEqual(passed(direct, cell("ours", [window(2)])), [true, true])
    assert.deepStrictEqual(passed(direct, cell("ours", [window(4)])), [false, true])
    assert.deepStrictEqual(passed(direct, cell("ours", [window(5)])), [false, false])
    assert.deepStrictEqual(passed(direct, failedCell("ours", "gone")), [false, false])
    assert.deepStrictEqual(passed(cell("ours", [window(2)])), [])

    const held = (more: Partial<PathCell>, ...windows: ReadonlyArray<Window>) =>
      criteriaOf(null, partResults(load, [cell("ours", windows, more)])).map(({ passed }) => passed)
    assert.deepStrictEqual(held({}, window(5), window(30)), [true, true, true, true])
    assert.deepStrictEqual(held({ delivered: 97 }, window(5), window(31)), [false, true, false, true])
    assert.deepStrictEqual(held({ tokensPerSecond: 290 }, window(5), window(5, { streams: 9 })), [
      true,
      false,
      true,
      false
    ])
    const failed = partResults(load, [failedCell("ours", "gone")])
    assert.isTrue(criteriaOf(null, failed).every(({ passed }) => !passed))
    assert.match(render({ latency: null, hold: failed, criteria: criteriaOf(null, failed) }), /ours failed: gone/)
  })
})
