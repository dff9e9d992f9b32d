import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as MetricsText from "../../src/engine/MetricsText.ts"
import { get, simulator, stream, textOf, userMessage } from "../simulator/harness.ts"
import { parseMetrics } from "../simulator/metricsText.ts"

const all = () => true
const read = (text: string, wanted: (name: string) => boolean = all) =>
  Result.getOrThrow(MetricsText.parse(text, wanted))

describe("MetricsText", () => {
  it("reads names, labels and values", () => {
    const text = "# HELP a Help.\n# TYPE a counter\na_total 1.0\n" +
      "b{x=\"1\",y=\"a \\\"b\\\" \\\\ \\n c, d=}\"} -2.5e-05\nc{le=\"+Inf\",} +Inf\n\n  d\t{} NaN\n"
    assert.deepStrictEqual(read(text.replace("d\t{}", "d{}")), [
      { name: "a_total", labels: {}, value: 1 },
      { name: "b", labels: { x: "1", y: "a \"b\" \\ \n c, d=}" }, value: -2.5e-5 },
      { name: "c", labels: { le: "+Inf" }, value: Infinity },
      { name: "d", labels: {}, value: NaN }
    ])
  })

  it("takes CRLF, no last line end, timestamps and exemplars", () => {
    assert.deepStrictEqual(read("a 1\r\nb{x=\"1\"} 2 1700000000000\r\nc_bucket{le=\"1\"} 3 # {trace=\"x\"} 0.5"), [
      { name: "a", labels: {}, value: 1 },
      { name: "b", labels: { x: "1" }, value: 2 },
      { name: "c_bucket", labels: { le: "1" }, value: 3 }
    ])
  })

  it("keeps what is wanted, and does not mind how the others look", () => {
    assert.deepStrictEqual(read("other{ 1\nvllm:a 2\nother b c\n", (name) => name.startsWith("vllm:")), [
      { name: "vllm:a", labels: {}, value: 2 }
    ])
  })

  it("refuses a text that is not metrics, or not to its end", () => {
    for (const text of ["<html>", "a", "a b", "a{x} 1", "a{x=\"1} 1", "a{x=\"1\"", "a 1\n502 Bad Gateway\n", "a 1e"]) {
      assert.isTrue(Result.isFailure(MetricsText.parse(text, all)), text)
    }
    const refused = MetricsText.parse("a 1\nb{x=\"1\"\n", all)
    assert.deepStrictEqual(refused, Result.fail("line 2 is no sample: b{x=\"1\""))
  })

  it.prop("never throws, and reads any label back", [Schema.String, Schema.String], ([text, value]) => {
    MetricsText.parse(text, all)
    const escaped = value.replaceAll("\\", "\\\\").replaceAll("\"", "\\\"").replaceAll("\n", "\\n")
    // Line ends of other kinds have no escape in the format.
    if (/[\r\u2028\u2029]/.test(value)) return
    assert.deepStrictEqual(read(`a{x="${escaped}"} 1\n`), [{ name: "a", labels: { x: value }, value: 1 }])
  })

  it.live("reads what an engine writes, series for series", () =>
    Effect.gen(function*() {
      yield* stream({ ...userMessage("Hi"), max_tokens: 5 })
      const text = yield* Effect.flatMap(get("/metrics"), textOf)
      const expected = Array.from(parseMetrics(text).all.values())
      assert.deepStrictEqual(read(text).map(({ value }) => value), expected)
    }).pipe(Effect.provide(simulator({ timeToFirstTokenMillis: 0, interTokenMillis: 0, dataParallelSize: 2 }))))
})
