/** Names as Prometheus wants them (the rules of `promtool check metrics`), and as the specification makes them of ours. */
import { assert, describe, it } from "@effect/vitest"
import { everyMetric } from "../../src/telemetry/MetricCatalogue.ts"
import { prometheusLabel, prometheusName, prometheusNameOf } from "../../src/telemetry/PrometheusNames.ts"

describe("the catalogue of metrics", () => {
  it("has each name once, in dots and lower case, with a unit of UCUM and one sentence", () => {
    const names = everyMetric.map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
    assert.strictEqual(new Set(everyMetric.map(prometheusName)).size, names.length)
    for (const { description, labels, name, source, unit } of everyMetric) {
      assert.match(name, /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/)
      assert.match(unit, /^(s|By|1|\{[a-z]+\})$/, name)
      assert.match(description, /^[A-Z0-9][^\n]+[^.]$/, name)
      assert.strictEqual(name.startsWith("campaign."), source === "ours", name)
      for (const label of labels) assert.match(label, /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/, name)
    }
  })

  it("passes the rules of promtool", () => {
    for (const metric of everyMetric) {
      const name = prometheusName(metric)
      assert.match(name, /^[a-z_][a-z0-9_]*$/)
      assert.strictEqual(name.endsWith("_total"), metric.kind === "counter", `${name}: only counters end in _total`)
      assert.notMatch(name, /_(count|sum|bucket|info)$/, name)
      assert.notMatch(name, /_(counter|gauge|histogram|summary)(_|$)/, `${name}: no type in the name`)
      assert.notMatch(name, /_(milliseconds|ms|minutes|hours|kilobytes|percent|s)(_|$)/, `${name}: base units`)
      for (const label of metric.labels) assert.notInclude(["le", "quantile"], prometheusLabel(label))
    }
  })

  it("has bounds that rise, for histograms and nothing else", () => {
    for (const { bounds, kind, name } of everyMetric) {
      assert.strictEqual(bounds !== undefined, kind === "histogram", name)
      for (const [index, bound] of (bounds ?? []).entries()) assert.isAbove(bound, bounds![index - 1] ?? 0, name)
    }
  })

  it("is told to Prometheus by the rules of OpenTelemetry, and leaves the names of others alone", () => {
    const told = (name: string) => prometheusNameOf(name)
    assert.strictEqual(
      told("gen_ai.client.operation.time_to_first_chunk"),
      "gen_ai_client_operation_time_to_first_chunk_seconds"
    )
    assert.strictEqual(
      told("gen_ai.client.inference.usage.output_tokens"),
      "gen_ai_client_inference_usage_output_tokens_total"
    )
    assert.strictEqual(told("process.cpu.time"), "process_cpu_time_seconds_total")
    assert.strictEqual(told("nodejs.eventloop.utilization"), "nodejs_eventloop_utilization_ratio")
    assert.strictEqual(told("v8js.memory.heap.used"), "v8js_memory_heap_used_bytes")
    assert.strictEqual(told("campaign.gate.state"), "campaign_gate_state")
    assert.strictEqual(told("my.own"), "my.own")
  })
})
