// The text format, line by line as Python's client library writes it, and read back by a reader that is not ours.
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as PrometheusText from "../../src/simulator/PrometheusText.ts"
import { parseMetrics } from "./metricsText.ts"

const numberOf = (value: number) => {
  const registry = PrometheusText.make(0)
  registry.gauge("g", "A gauge.", {}).set(value)
  return /^g (.*)$/m.exec(registry.render())![1]
}

describe("PrometheusText", () => {
  it("writes families, labels and buckets", () => {
    const registry = PrometheusText.make(1_795_357_686)
    registry.counter("requests", "Requests\nso far.", { model: "a\"b\\c\nd", engine: "0" }).add(3)
    registry.counter("requests", "", { model: "other", engine: "0" })
    const histogram = registry.histogram("seconds", "Times.", { engine: "0" }, [0.1, 1])
    for (const value of [0.1, 0.5, 7]) histogram.observe(value)
    assert.strictEqual(
      registry.render(),
      [
        String.raw`# HELP requests_total Requests\nso far.`,
        "# TYPE requests_total counter",
        String.raw`requests_total{engine="0",model="a\"b\\c\nd"} 3.0`,
        "requests_total{engine=\"0\",model=\"other\"} 0.0",
        String.raw`# HELP requests_created Requests\nso far.`,
        "# TYPE requests_created gauge",
        String.raw`requests_created{engine="0",model="a\"b\\c\nd"} 1.795357686e+09`,
        "requests_created{engine=\"0\",model=\"other\"} 1.795357686e+09",
        "# HELP seconds Times.",
        "# TYPE seconds histogram",
        "seconds_bucket{engine=\"0\",le=\"0.1\"} 1.0",
        "seconds_bucket{engine=\"0\",le=\"1.0\"} 2.0",
        "seconds_bucket{engine=\"0\",le=\"+Inf\"} 3.0",
        "seconds_count{engine=\"0\"} 3.0",
        "seconds_sum{engine=\"0\"} 7.6",
        "# HELP seconds_created Times.",
        "# TYPE seconds_created gauge",
        "seconds_created{engine=\"0\"} 1.795357686e+09",
        ""
      ].join("\n")
    )
  })

  it("writes numbers as the library does", () => {
    assert.deepStrictEqual([0, 1, 0.25, 64_000, 999_999, 1_000_000, 1_234_567.5, 16_777_216, -2, 1e21].map(numberOf), [
      "0.0",
      "1.0",
      "0.25",
      "64000.0",
      "999999.0",
      "1e+06",
      "1.2345675e+06",
      "1.6777216e+07",
      "-2.0",
      "1e+21"
    ])
    assert.deepStrictEqual([0.0001, 0.000012345, -0.00005, 1e-7, 1.5e-12].map(numberOf), [
      "0.0001",
      "1.2345e-05",
      "-5e-05",
      "1e-07",
      "1.5e-12"
    ])
    assert.deepStrictEqual([Infinity, -Infinity, NaN].map(numberOf), ["+Inf", "-Inf", "NaN"])
  })

  it.prop("is read back exactly, whatever a label holds", [Schema.String, Schema.Int], ([label, value]) => {
    const registry = PrometheusText.make(0)
    registry.gauge("g", "A gauge.", { label }).set(value)
    assert.strictEqual(parseMetrics(registry.render()).value("g", { label }), value)
  })
})
