import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { isHeartbeat, type MetricSeries, notHeartbeats, sampleOf, samplesOf } from "../../src/liveness/EngineMetrics.ts"
import { EngineSample } from "../../src/liveness/EngineSample.ts"

/** Series of a text in the format of Prometheus, simple enough for tests. */
const series = (text: string): ReadonlyArray<MetricSeries> =>
  text.trim().split("\n").map((line) => {
    const [, name, labels = "", value] = /^\s*(\S+?)(?:\{(.*)\})? (\S+)$/.exec(line)!
    return {
      name: name!,
      labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key!, text!])),
      value: Number(value)
    }
  })

const one = `
  vllm:num_requests_running{engine="0",model_name="m"} 2
  vllm:num_requests_waiting{engine="0",model_name="m"} 3
  vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"} 2
  vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="deferred"} 1
  vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
  vllm:generation_tokens_total{engine="0",model_name="m"} 1000
  vllm:prompt_tokens_total{engine="0",model_name="m"} 5000
  vllm:num_preemptions_total{engine="0",model_name="m"} 4
  vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 7
  vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 2
  vllm:time_to_first_token_seconds_count{engine="0",model_name="m"} 11
  vllm:inter_token_latency_seconds_bucket{engine="0",le="0.025",model_name="m"} 900
  vllm:inter_token_latency_seconds_bucket{engine="0",le="0.1",model_name="m"} 990
  vllm:inter_token_latency_seconds_bucket{engine="0",le="+Inf",model_name="m"} 1000
  vllm:inter_token_latency_seconds_count{engine="0",model_name="m"} 1000
  vllm:engine_sleep_state{engine="0",model_name="m",sleep_state="awake"} 1
  vllm:engine_sleep_state{engine="0",model_name="m",sleep_state="weights_offloaded"} 0
  vllm:admission_rejections_total{model_name="m",reason="max_num_queued_reqs"} 0
  vllm:http_requests_client_disconnected_total 0
  vllm:lora_requests_info{max_lora="0",running_lora_adapters="",waiting_lora_adapters=""} 1.7e9
  vllm:sleep_mode_operations_in_flight{operation="sleep"} 0
  vllm:generation_tokens_created{engine="0",model_name="m"} 1.7e9
  process_start_time_seconds 1700000000.5
  process_cpu_seconds_total 12
  python_gc_objects_collected_total{generation="0"} 9
  http_requests_total{handler="/v1/models",method="GET",status="2xx"} 3`

const changed = (name: string, value: string | number, text = one) =>
  series(
    text.split("\n").map((line) => line.trim().startsWith(name) ? line.replace(/\S+$/, String(value)) : line).join("\n")
  )

describe("EngineMetrics", () => {
  it("reads the names of today", () => {
    const sample = sampleOf(series(one))!
    assert.deepStrictEqual({ ...sample, heartbeat: "" }, {
      engine: "0",
      heartbeat: "",
      running: 2,
      waiting: 3,
      deferred: 1,
      kvCacheUsage: 0.25,
      generationTokens: 1000,
      promptTokens: 5000,
      decodeOutputs: 1000,
      firstTokens: 11,
      finished: 9,
      preemptions: 4,
      decodeP99Millis: 100,
      asleep: false,
      startedAtSeconds: 1_700_000_000.5
    })
    assert.deepStrictEqual(Schema.decodeUnknownSync(EngineSample)(JSON.parse(JSON.stringify(sample))), sample)
  })

  it("reads the names of old, without labels", () => {
    const sample = sampleOf(series(`
      vllm:num_requests_running 2
      vllm:num_requests_waiting 1
      vllm:num_requests_swapped 4
      vllm:gpu_cache_usage_perc 0.5
      vllm:time_per_output_token_seconds_bucket{le="0.01"} 100
      vllm:time_per_output_token_seconds_bucket{le="+Inf"} 100
      vllm:time_per_output_token_seconds_count 99
      vllm:generation_tokens 10
      vllm:prompt_tokens 20
      vllm:request_success 3
      vllm:num_preemptions 1
      vllm:engine_sleep_state{sleep_state="awake"} 0`))!
    assert.deepInclude(sample, {
      engine: "",
      running: 2,
      waiting: 5,
      deferred: null,
      kvCacheUsage: 0.5,
      decodeOutputs: 99,
      decodeP99Millis: 10,
      generationTokens: 10,
      promptTokens: 20,
      finished: 3,
      preemptions: 1,
      firstTokens: null,
      asleep: true,
      startedAtSeconds: null
    })
    assert.deepInclude(sampleOf(series("vllm:num_requests_running 2"))!, {
      waiting: null,
      decodeP99Millis: null,
      asleep: null
    })
    assert.isNull(sampleOf(series("vllm:num_requests_swapped 2"))!.waiting)
  })

  it("has a digest that moves with whatever the engine core moves, and with nothing else", () => {
    const before = sampleOf(series(one))!.heartbeat
    for (
      const name of [
        "vllm:num_requests_running",
        "vllm:kv_cache_usage_perc",
        "vllm:generation_tokens_total",
        "vllm:time_to_first_token_seconds_count",
        "vllm:inter_token_latency_seconds_bucket",
        "vllm:request_success_total"
      ]
    ) assert.notStrictEqual(sampleOf(changed(name, 99))!.heartbeat, before, name)
    for (
      const name of [
        "vllm:engine_sleep_state",
        "vllm:admission_rejections_total",
        "vllm:http_requests_client_disconnected_total",
        "vllm:lora_requests_info",
        "vllm:sleep_mode_operations_in_flight",
        "vllm:generation_tokens_created",
        "process_",
        "python_",
        "http_"
      ]
    ) assert.strictEqual(sampleOf(changed(name, 99))!.heartbeat, before, name)
    assert.strictEqual(sampleOf(series(one).toReversed())!.heartbeat, before)
    const turned = series(one).map((line) => ({
      ...line,
      labels: Object.fromEntries(Object.entries(line.labels).toReversed())
    }))
    assert.strictEqual(sampleOf(turned)!.heartbeat, before)
    // Two values that change places are a change.
    const swapped = series(
      one.replace("running{engine=\"0\",model_name=\"m\"} 2", "running{engine=\"0\",model_name=\"m\"} 3")
        .replace("waiting{engine=\"0\",model_name=\"m\"} 3", "waiting{engine=\"0\",model_name=\"m\"} 2")
    )
    assert.notStrictEqual(sampleOf(swapped)!.heartbeat, before)
    const relabelled = series(
      one.replace("\"stop\",model_name=\"m\"} 7", "\"stop\",model_name=\"m\"} 2").replace(
        "\"length\",model_name=\"m\"} 2",
        "\"length\",model_name=\"m\"} 7"
      )
    )
    assert.notStrictEqual(sampleOf(relabelled)!.heartbeat, before)
  })

  it("has digests that are the same in every version, because they are stored", () => {
    // Worked out by another program: FNV-1a with two seeds, mixed as in MurmurHash3, summed over the series.
    const digest = (text: string) => sampleOf(series(text))!.heartbeat
    const running = "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 8"
    assert.strictEqual(digest(running), "b4d693d389c9df73")
    assert.strictEqual(
      digest(`${running}\nvllm:generation_tokens_total{engine="0",model_name="m"} 1000`),
      "e86c68132d9e23a9"
    )
    assert.strictEqual(digest("vllm:num_requests_running{engine=\"0\"} 3966"), "06c756c800318048")
  })

  it("knows what the API server writes by name, also without labels to tell it by", () => {
    assert.isFalse(isHeartbeat("vllm:admission_rejections_total"))
    assert.isFalse(isHeartbeat("vllm:sleep_mode_operation_duration_seconds_count"))
    assert.isFalse(isHeartbeat("vllm:engine_sleep_state"))
    assert.isFalse(isHeartbeat("vllm:http_requests_client_disconnected_total"))
    assert.isFalse(isHeartbeat("vllm:num_preemptions_created"))
    assert.isFalse(isHeartbeat("process_cpu_seconds_total"))
    assert.isTrue(isHeartbeat("vllm:prefix_cache_queries_total"))
    assert.isFalse(isHeartbeat("vllm:lora_requests_info"))
    // Only what begins with a name that ends in a star, and only with all of it.
    for (const name of ["vllm:lora_requests_info_total", "vllm:engine_sleep_states", "vllm:httpx_total"]) {
      assert.isTrue(isHeartbeat(name), name)
    }
    for (const name of notHeartbeats) assert.isFalse(isHeartbeat(name.replace("*", "_total")), name)
  })

  it("has one sample for each engine, each with its own heartbeat", () => {
    const two = `${one}\n${
      one.replaceAll("engine=\"0\"", "engine=\"1\"").split("\n").filter((line) => line.includes("engine=")).join("\n")
    }`
    const before = samplesOf(series(two))
    assert.deepStrictEqual(before.map(({ engine }) => engine), ["0", "1"])
    const text = two.replace(
      "vllm:generation_tokens_total{engine=\"1\",model_name=\"m\"} 1000",
      "vllm:generation_tokens_total{engine=\"1\",model_name=\"m\"} 1001"
    )
    const after = samplesOf(series(text))
    assert.deepStrictEqual(
      after.map(({ heartbeat }, index) => heartbeat === before[index]!.heartbeat),
      [true, false]
    )
    assert.strictEqual(sampleOf(series(text), "1")!.generationTokens, 1001)
    assert.strictEqual(sampleOf(series(text), "0")!.generationTokens, 1000)
    assert.isUndefined(sampleOf(series(text)))
    assert.isUndefined(sampleOf(series(text), "2"))
    assert.deepStrictEqual(samplesOf(series(text).toReversed()).map(({ engine }) => engine), ["0", "1"])
    assert.deepStrictEqual(samplesOf(series(`${one}\nvllm:something_new_total 5`)), samplesOf(series(one)))
    // Where engines have labels, a series without one is not theirs.
    assert.deepStrictEqual(samplesOf(series(`${two}\nvllm:something_new_total 5`)), before)
  })

  it("sees sleep", () => {
    const asleep = one.replace("sleep_state=\"awake\"} 1", "sleep_state=\"awake\"} 0")
    assert.isTrue(sampleOf(series(asleep))!.asleep)
    // Each engine for itself, in any order, and nothing else that looks like it.
    const states = [["0", "weights_offloaded", 1], ["0", "awake", 0], ["1", "weights_offloaded", 0], ["1", "awake", 1]]
    const text = states.map(([engine, state, value]) =>
      `vllm:num_requests_running{engine="${engine}"} 1
      vllm:something{engine="${engine}",sleep_state="awake"} ${1 - Number(engine)}
      vllm:engine_sleep_state{engine="${engine}",sleep_state="${state}"} ${value}`
    ).join("\n")
    for (const all of [series(text), series(text).toReversed()]) {
      assert.deepStrictEqual(samplesOf(all).map(({ asleep }) => asleep), [true, false])
    }
  })

  it("takes the upper edge of the bucket that holds the 99th percentile, in any order", () => {
    const p99 = (...buckets: ReadonlyArray<readonly [string, number]>) => {
      const all = series(
        buckets.map(([edge, count]) => `vllm:inter_token_latency_seconds_bucket{le="${edge}"} ${count}`).join("\n")
      )
      const found = sampleOf(all)!.decodeP99Millis
      assert.strictEqual(sampleOf(all.toReversed())!.decodeP99Millis, found)
      return found
    }
    assert.strictEqual(p99(["0.025", 985], ["0.1", 990], ["+Inf", 1000]), 100)
    assert.strictEqual(p99(["0.025", 985], ["0.1", 989], ["2.5", 995], ["+Inf", 1000]), 2500)
    assert.strictEqual(p99(["0.1", 989], ["+Inf", 1000]), null)
    assert.strictEqual(p99(["0.1", 1], ["+Inf", 1]), 100)
    assert.strictEqual(p99(["0.1", 0], ["+Inf", 0]), null)
    assert.strictEqual(p99(["0.01", 5]), 10)
  })

  it("has nothing to say of a server without statistics, and of numbers that are none", () => {
    assert.deepStrictEqual(samplesOf(series("process_start_time_seconds 5\nhttp_requests_total 3")), [])
    const sample = sampleOf(changed("vllm:num_requests_running", "NaN"))!
    assert.isNull(sample.running)
    const empty = sampleOf(series("vllm:inter_token_latency_seconds_bucket{le=\"+Inf\"} 0"))!
    assert.isNull(empty.decodeP99Millis)
    const beyond = sampleOf(series("vllm:inter_token_latency_seconds_bucket{le=\"+Inf\"} 5"))!
    assert.isNull(beyond.decodeP99Millis)
  })
})
