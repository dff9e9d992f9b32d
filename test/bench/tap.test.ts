/** The tap bench as its users start it, at a size that takes a moment; its ratios and its criteria. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import { render } from "../../bench/tap/render.ts"
import { criteriaOf, summaryOf } from "../../bench/tap/Results.ts"
import { run } from "../support/command.ts"

const script = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))

const Way = Schema.Literals(["direct", "bare", "tap", "battles"])
const Output = Schema.fromJsonString(Schema.Struct({
  bench: Schema.Literal("tap"),
  loads: Schema.Array(Schema.Array(Schema.Struct({ way: Way, cpuMicrosPerToken: Schema.Finite }))),
  summaries: Schema.Array(Schema.Struct({ way: Way, tokensPerSecond: Schema.NullOr(Schema.Finite) })),
  criteria: Schema.Array(Schema.Struct({ name: Schema.String, passed: Schema.Boolean }))
}))

const load = (way: "bare" | "tap", cpuMicrosPerToken: number) => ({ way, cpuMicrosPerToken, tokensPerSecond: 100 })
const first = (way: "direct" | "bare" | "tap", millis: number) => ({ way, millis })

describe("tap bench", () => {
  it.live("measures the ways and prints one JSON object", () =>
    Effect.gen(function*() {
      const load = ["--rounds", "1", "--streams", "4", "--seconds", "0.3", "--requests", "3"]
      const options = [...load, "--ways", "direct,tap,battles", "--json"]
      const { code, stderr, stdout } = yield* run(["tap", ...options], { script })
      const output = yield* Schema.decodeEffect(Output)(stdout)
      assert.deepStrictEqual(output.loads[0]?.map(({ way }) => way), ["tap", "battles"])
      assert.deepStrictEqual(output.summaries.map(({ way }) => way), ["direct", "tap", "battles"])
      assert.isTrue(output.summaries.slice(1).every(({ tokensPerSecond }) => Number(tokensPerSecond) > 50))
      assert.lengthOf(output.criteria, 1)
      assert.strictEqual(code, output.criteria.every(({ passed }) => passed) ? 0 : 1, stderr)
    }))

  it("takes ratios within rounds, and their medians", () => {
    const loads = [[load("bare", 10), load("tap", 11)], [load("tap", 20), load("bare", 10)], [
      load("bare", 100),
      load("tap", 103)
    ]]
    const times = [[first("direct", 1), first("tap", 1.5)], [first("direct", 5), first("tap", 8)]]
    const tap = summaryOf("tap", loads, times)
    assert.closeTo(tap.cpuRatio, 1.1, 1e-9)
    assert.closeTo(tap.addedMillis, 1.75, 1e-9)
    assert.strictEqual(tap.cpuMicrosPerToken, 20)
    const criteria = criteriaOf([tap])
    assert.deepStrictEqual(criteria.map(({ passed }) => passed), [false, false])
    assert.deepStrictEqual(
      criteriaOf([{ ...tap, cpuRatio: 1.05, addedMillis: 1 }]).map(({ passed }) => passed),
      [true, true]
    )
    assert.deepStrictEqual(criteriaOf([summaryOf("bare", loads, times)]), [])
    assert.lengthOf(criteriaOf([{ ...tap, cpuRatio: NaN }]), 1)
    assert.match(render([tap], criteria), /tap {5}4\.75 ms {2}1\.75 ms/)
  })
})
