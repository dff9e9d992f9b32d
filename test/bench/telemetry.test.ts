/** The telemetry bench as its users start it, at a size that takes a moment; its ratios and its criteria. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import { render } from "../../bench/telemetry/render.ts"
import { criteriaOf, summaryOf } from "../../bench/telemetry/Results.ts"
import { run } from "../support/command.ts"

const script = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))

const Output = Schema.fromJsonString(Schema.Struct({
  bench: Schema.Literal("telemetry"),
  loads: Schema.Array(Schema.Array(Schema.Struct({
    way: Schema.Literals(["off", "metrics"]),
    tokensPerSecond: Schema.Finite,
    cpuMicrosPerToken: Schema.Finite
  }))),
  summary: Schema.Struct({ page: Schema.Struct({ characters: Schema.Finite }) }),
  criteria: Schema.Array(Schema.Struct({ name: Schema.String, passed: Schema.Boolean }))
}))

const load = (way: "off" | "metrics", cpuMicrosPerToken: number) => ({
  way,
  cpuMicrosPerToken,
  tokensPerSecond: 30_000
})
const watch = (way: "off" | "metrics", cpuNanosPerArrival: number) => ({ way, cpuNanosPerArrival })

describe("telemetry bench", () => {
  it.live("measures both agents under the same load and prints one JSON object", () =>
    Effect.gen(function*() {
      const options = ["--parts", "agent", "--rounds", "1", "--streams", "3", "--seconds", "0.2", "--json"]
      const { code, stderr, stdout } = yield* run(["telemetry", ...options], { script })
      const { criteria, loads, summary } = yield* Schema.decodeEffect(Output)(stdout)
      assert.deepStrictEqual(loads[0]?.map(({ way }) => way), ["off", "metrics"])
      assert.isTrue(loads[0]?.every(({ tokensPerSecond }) => tokensPerSecond > 100))
      assert.isAbove(summary.page.characters, 1000)
      assert.lengthOf(criteria, 1)
      assert.strictEqual(code, criteria.every(({ passed }) => passed) ? 0 : 1, stderr)
    }))

  it("takes ratios and differences within rounds, and their medians", () => {
    const loads = [[load("off", 10), load("metrics", 10.1)], [load("metrics", 22), load("off", 20)], [
      load("off", 100),
      load("metrics", 102)
    ]]
    const watches = [[watch("off", 1000), watch("metrics", 1040)], [watch("metrics", 2090), watch("off", 2000)]]
    const summary = summaryOf(loads, watches, { characters: 30_000, millis: 3 })
    assert.closeTo(summary.load!.cpuRatio, 1.02, 1e-9)
    assert.strictEqual(summary.load!.offMicrosPerToken, 20)
    assert.strictEqual(summary.watch!.addedNanos, 65)
    assert.deepStrictEqual(criteriaOf(summary).map(({ passed }) => passed), [true, true])
    const dear = summaryOf(
      [[load("off", 10), load("metrics", 10.4)]],
      [[watch("off", 0), watch("metrics", 1001)]],
      null
    )
    assert.deepStrictEqual(criteriaOf(dear).map(({ passed }) => passed), [false, false])
    assert.deepStrictEqual(criteriaOf(summaryOf([], [], null)), [])
    assert.isFalse(criteriaOf(summaryOf([[load("off", 1)]], [], null))[0]!.passed)
    assert.match(render(summary, []), /agent +20 µs\/token +22 µs\/token +1\.020x/)
  })
})
