import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { isAnyAsked } from "../../src/telemetry/otlpAsked.ts"
import * as OtlpSettings from "../../src/telemetry/OtlpSettings.ts"
import { isSampled, samplers } from "../../src/telemetry/Sampler.ts"

type Environment = Readonly<Record<string, string>>
const read = (environment: Environment) => OtlpSettings.read((name) => environment[name])
const asked = (environment: Environment) => isAnyAsked((name) => environment[name])
const base = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" }

describe("OtlpSettings", () => {
  it("sends nothing unless a variable asks for it, and then says so at once", () => {
    for (
      const environment of [
        {},
        { OTEL_EXPORTER_OTLP_ENDPOINT: " " },
        { OTEL_SERVICE_NAME: "x", OTEL_TRACES_SAMPLER: "always_on" },
        { ...base, OTEL_SDK_DISABLED: "TRUE" },
        { ...base, OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none", OTEL_LOGS_EXPORTER: "none" }
      ]
    ) {
      assert.isFalse(asked(environment))
      assert.deepInclude(read(environment), { signals: {}, problems: [] })
    }
    assert.isTrue(asked({ ...base, OTEL_SDK_DISABLED: "no" }))
    const { problems, signals } = read({ OTEL_LOGS_EXPORTER: "otlp" })
    assert.deepStrictEqual([problems, Object.keys(signals), signals.logs?.url], [
      [],
      ["logs"],
      "http://localhost:4318/v1/logs"
    ])
  })

  it("has the defaults of the specification", () => {
    const { propagates, resource, sampler, serviceName, signals, temporality } = read(base)
    const common = { protocol: "http/protobuf", headers: {}, compression: "none", timeoutMillis: 10_000 }
    assert.deepStrictEqual(signals, {
      traces: { url: "http://collector:4318/v1/traces", ...common, intervalMillis: 5000, batch: 512, queue: 2048 },
      metrics: { url: "http://collector:4318/v1/metrics", ...common, intervalMillis: 60_000, batch: 512, queue: 2048 },
      logs: { url: "http://collector:4318/v1/logs", ...common, intervalMillis: 1000, batch: 512, queue: 2048 }
    } as never)
    assert.deepStrictEqual([propagates, resource, sampler, serviceName, temporality], [
      true,
      {},
      { name: "parentbased_always_on", ratio: 1 },
      undefined,
      "cumulative"
    ])
  })

  it("takes what is said of one signal before what is said of all", () => {
    const { problems, resource, sampler, serviceName, signals } = read({
      OTEL_EXPORTER_OTLP_ENDPOINT: "https://all.example/base/",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://traces.example/own/path",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_HEADERS: "api-key=a%20b, x=1",
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: "y=2",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_TIMEOUT: "2000",
      OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "3000",
      OTEL_METRIC_EXPORT_INTERVAL: "500",
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_BSP_MAX_QUEUE_SIZE: "10",
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=from-attributes,deployment.environment.name=night%2Crun",
      OTEL_SERVICE_NAME: "from-name"
    })
    assert.deepStrictEqual(problems, [])
    assert.deepInclude(signals.traces, {
      url: "http://traces.example/own/path",
      protocol: "http/protobuf",
      headers: { "api-key": "a b", x: "1" },
      compression: "gzip",
      timeoutMillis: 2000,
      intervalMillis: 100,
      batch: 10,
      queue: 10
    })
    assert.deepInclude(signals.metrics, { timeoutMillis: 3000, intervalMillis: 500 })
    assert.deepInclude(signals.logs, {
      url: "https://all.example/base/v1/logs",
      protocol: "http/json",
      headers: { y: "2" }
    })
    assert.deepStrictEqual(sampler, { name: "parentbased_traceidratio", ratio: 0.25 })
    assert.deepStrictEqual([serviceName, resource], ["from-name", { "deployment.environment.name": "night,run" }])
  })

  it("tells in a line each of what it cannot use, goes on with the default, and tells no secret", () => {
    const { problems, signals } = read({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://user:pass%40word@collector:4318",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_EXPORTER_OTLP_HEADERS: "secret-without-equals,ok=%zz",
      OTEL_EXPORTER_OTLP_COMPRESSION: "brotli",
      OTEL_EXPORTER_OTLP_TIMEOUT: "soon",
      OTEL_EXPORTER_OTLP_CERTIFICATE: "/ca.pem",
      OTEL_METRICS_EXPORTER: "otlp,prometheus",
      OTEL_LOGS_EXPORTER: "console",
      OTEL_BSP_MAX_QUEUE_SIZE: "-1",
      OTEL_TRACES_SAMPLER: "jaeger_remote",
      OTEL_TRACES_SAMPLER_ARG: "2"
    })
    assert.deepStrictEqual(problems.map((line) => line.split(" ", 1)[0]), [
      "OTEL_EXPORTER_OTLP_CERTIFICATE",
      "OTEL_EXPORTER_OTLP_PROTOCOL",
      "OTEL_BSP_MAX_QUEUE_SIZE",
      "OTEL_EXPORTER_OTLP_HEADERS",
      "OTEL_EXPORTER_OTLP_COMPRESSION",
      "OTEL_EXPORTER_OTLP_TIMEOUT",
      "OTEL_METRICS_EXPORTER",
      "OTEL_LOGS_EXPORTER",
      "OTEL_TRACES_SAMPLER",
      "OTEL_TRACES_SAMPLER_ARG"
    ])
    assert.notMatch(problems.join("\n"), /pass|secret-without|%zz/)
    assert.deepStrictEqual(Object.keys(signals), ["traces", "metrics"])
    assert.deepInclude(signals.traces, {
      url: "http://collector:4318/v1/traces",
      protocol: "http/protobuf",
      headers: { authorization: `Basic ${btoa("user:pass@word")}` },
      compression: "none",
      timeoutMillis: 10_000
    })
    const none = read({ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" })
    assert.deepStrictEqual([none.signals, none.problems.length], [{}, 1])
    assert.include(none.problems[0], "no URL of http or https")
  })

  it("takes any user name and password of an endpoint", () => {
    for (
      const [given, meant] of [
        ["user:p%E2%82%AC", "user:p€"],
        ["user:100%", "user:100%"],
        [":secret", ":secret"],
        ["token", "token:"]
      ] as const
    ) {
      const { problems, signals } = read({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://${given}@collector:4318` })
      assert.deepStrictEqual(problems, [])
      assert.strictEqual(signals.traces?.url, "http://collector:4318/v1/traces")
      assert.strictEqual(signals.traces?.headers["authorization"], `Basic ${Buffer.from(meant).toString("base64")}`)
    }
  })

  it("asks for no variable that is not in its list, and each of the list is read", () => {
    const names = new Set<string>()
    OtlpSettings.read((name) => {
      names.add(name)
      return name === "OTEL_EXPORTER_OTLP_ENDPOINT" ? "http://collector:4318" : undefined
    })
    assert.deepStrictEqual([...names].toSorted(), [...OtlpSettings.variables].toSorted())
  })

  it.prop("fails for no environment", [
    Schema.Record(Schema.Literals(OtlpSettings.variables as [string, ...ReadonlyArray<string>]), Schema.String)
  ], ([environment]) => {
    const { signals } = read({ ...base, ...environment } as Environment)
    for (const { batch, queue, url } of Object.values(signals)) {
      assert.isAtMost(batch, queue)
      assert.match(url, /^https?:/)
    }
  }, { arbitrary: { runs: 300 } })
})

describe("Sampler", () => {
  it("follows its parent or does not, as its name says", () => {
    const id = "f".repeat(32)
    const decisions = samplers.map((name) =>
      [undefined, true, false].map((parent) => Number(isSampled({ name, ratio: 0.5 }, id, parent))).join("")
    )
    assert.deepStrictEqual(decisions, ["111", "000", "000", "110", "010", "010"])
  })

  it("sends the share of traces that it is told to, and the same ones everywhere", () => {
    const ids = Array.from({ length: 4000 }, () => crypto.randomUUID().replaceAll("-", ""))
    const sent = (ratio: number) => ids.filter((id) => isSampled({ name: "traceidratio", ratio }, id, undefined))
    assert.deepStrictEqual([sent(0).length, sent(1).length], [0, 4000])
    assert.approximately(sent(0.25).length, 1000, 150)
    const more = new Set(sent(0.5))
    assert.isTrue(sent(0.25).every((id) => more.has(id)))
  })
})
