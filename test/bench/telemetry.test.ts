/** The telemetry bench as its users start it, at a size that takes a moment; its ratios and its criteria. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import { render } from "../../bench/telemetry/render.ts"
import { criteriaOf, loadSummaryOf, watchSummaryOf } from "../../bench/telemetry/Results.ts"
import { run } from "../support/command.ts"

const script = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))

const Output = Schema.fromJsonString(Schema.Struct({
  bench: Schema.Literal("telemetry"),
  watches: Schema.Array(Schema.Array(Schema.Struct({
    way: Schema.Literals(["off", "metrics", "exported"]),
    cpuNanosPerArrival: Schema.Finite
  }))),
  summary: Schema.Struct({
    watch: Schema.Struct({ on: Schema.Struct({ exported: Schema.Struct({ addedNanos: Schema.Finite }) }) })
  }),
  criteria: Schema.Array(Schema.Struct({ name: Schema.String, passed: Schema.Boolean }))
}))

type WayName = "off" | "metrics" | "exported"
const load = (way: WayName, cpuMicrosPerToken: number) => ({
  way,
  cpuMicrosPerToken,
  tokensPerSecond: 30_000
})
const watch = (way: WayName, cpuNanosPerArrival: number) => ({ way, cpuNanosPerArrival })

describe("telemetry bench", () => {
  it.live("measures the watch with and without metrics and prints one JSON object", () =>
    Effect.gen(function*() {
      const options = ["--parts", "watch", "--rounds", "2", "--arrivals", "2000", "--json"]
      const { code, stderr, stdout } = yield* run(["telemetry", ...options], { script })
      const { criteria, watches } = yield* Schema.decodeEffect(Output)(stdout)
      const ways = watches.map((round) => round.map(({ way }) => way))
      assert.deepStrictEqual(ways, [["off", "metrics", "exported"], ["exported", "metrics", "off"]])
      assert.isTrue(watches.flat().every(({ cpuNanosPerArrival }) => cpuNanosPerArrival > 0))
      assert.lengthOf(criteria, 2)
      assert.strictEqual(code, criteria.every(({ passed }) => passed) ? 0 : 1, stderr)
    }))

  it("takes ratios and differences within rounds, and their medians", () => {
    const loads = [
      [load("off", 10), load("metrics", 10.1), load("exported", 10.2)],
      [load("exported", 21), load("metrics", 22), load("off", 20)],
      [load("off", 100), load("metrics", 102), load("exported", 103)]
    ]
    const watches = [
      [watch("off", 1000), watch("metrics", 1040), watch("exported", 1100)],
      [watch("exported", 2200), watch("metrics", 2090), watch("off", 2000)]
    ]
    const summed = loadSummaryOf("agent", loads, { characters: 30_000, millis: 3 })
    const summary = { loads: [summed], watch: watchSummaryOf(watches) }
    assert.closeTo(summed.on.metrics.cpuRatio, 1.02, 1e-9)
    assert.closeTo(summed.on.exported.cpuRatio, 1.03, 1e-9)
    assert.strictEqual(summed.offMicrosPerToken, 20)
    assert.strictEqual(summary.watch!.on.metrics.addedNanos, 65)
    assert.strictEqual(summary.watch!.on.exported.addedNanos, 150)
    assert.deepStrictEqual(criteriaOf(summary).map(({ passed }) => passed), [true, true, true, true])
    const dear = {
      loads: [loadSummaryOf("tap", [[load("off", 10), load("metrics", 10.4), load("exported", 10.2)]], null)],
      watch: watchSummaryOf([[watch("off", 0), watch("metrics", 999), watch("exported", 1001)]])
    }
    assert.deepStrictEqual(criteriaOf(dear).map(({ passed }) => passed), [false, true, true, false])
    assert.deepStrictEqual(criteriaOf({ loads: [], watch: watchSummaryOf([]) }), [])
    const half = { loads: [loadSummaryOf("tap", [[load("off", 1)]], null)], watch: null }
    assert.isFalse(criteriaOf(half)[0]!.passed)
    assert.match(render(summary, []), /agent +20 µs\/token +22 µs\/token +1\.020x +21 µs\/token +1\.030x/)
  })
})
