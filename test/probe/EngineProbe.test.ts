// @effect-diagnostics globalTimers:off
/**
 * The probe on real sockets: the simulator as it is and with each of its suspicious settings, and the wire of the other
 * engines. All are probed before the first test asks, several at once, because a probe mostly waits.
 */
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { toJson } from "../../src/probe/EngineAnalysis.ts"
import { EngineReport, proofNames } from "../../src/probe/EngineReport.ts"
import * as dialects from "../support/engineDialects.ts"
import { idsOf, impatient, probed, probedSimulator, undisturbed } from "../support/engineProbes.ts"
import { scriptedServer } from "../support/scriptedServer.ts"

const faulty = (fault: string) => probedSimulator({ faults: [fault] })
const faultyFor = (fault: string) => probedSimulator({ faults: [fault] }, { patience: impatient })
const dialect = (start: ReturnType<typeof dialects.ollama>) =>
  Effect.scoped(Effect.flatMap(start, ({ url }) => probed(url)))

/** Refuses a field that it does not know, as strict servers do, and tells no usage. */
const strict = Effect.scoped(Effect.gen(function*() {
  const { url } = yield* scriptedServer((response, { body, path }) => {
    if (path === "/v1/models") return void response.end(JSON.stringify({ data: [{ id: "m" }] }))
    if (path !== "/v1/chat/completions") return void response.writeHead(404).end()
    const request = JSON.parse(body) as { readonly max_tokens: number; readonly return_token_ids?: boolean }
    if (request.return_token_ids === true) {
      response.writeHead(400)
      return void response.end(
        JSON.stringify({ error: { message: "Unrecognized request argument: return_token_ids" } })
      )
    }
    response.writeHead(200, { "content-type": "text/event-stream", "via": "1.1 gateway" })
    let left = request.max_tokens
    const more = () => {
      left--
      const choice = { index: 0, delta: { content: "x" }, finish_reason: left === 0 ? "length" : null }
      response.write(`data: ${JSON.stringify({ choices: [choice] })}\n\n`)
      if (left === 0) response.end("data: [DONE]\n\n")
      else timer = setTimeout(more, 3)
    }
    let timer = setTimeout(more, 3)
    response.on("close", () => clearTimeout(timer))
  })
  return yield* probed(`${url}/v1`)
}))

const probes = {
  "vllm": probedSimulator(),
  "reasoning": probedSimulator({ reasoningTokens: 20, reasoningField: "reasoning_content" }),
  "several engines": probedSimulator({ dataParallelSize: 2 }),
  "old names": probedSimulator({ oldMetricNames: true }),
  "stream interval": probedSimulator({ streamInterval: 8 }),
  "short answers": probedSimulator({ answers: { _tag: "FixedText", text: "Hello." } }),
  "a key": probedSimulator({ apiKey: "right" }, { key: "right" }),
  "a wrong key": probedSimulator({ apiKey: "right" }, { key: "wrong", model: "simulated-model" }),
  "another model": probedSimulator({}, { model: "another" }),
  "small prompt batches": probedSimulator({
    latencyCalculator: "per-token",
    prefillMillisPerToken: 0.2,
    maxNumBatchedTokens: 512
  }),
  "metrics-disabled": faulty("metrics-disabled"),
  "metrics-cached": faulty("metrics-cached:seconds=60"),
  "metrics-other-replica": faulty("metrics-other-replica"),
  "metrics-alternating": faultyFor("metrics-alternating"),
  "metrics-malformed": faulty("metrics-malformed"),
  "metrics-error": faulty("metrics-error:status=500"),
  "metrics-wrong-model": faulty("metrics-wrong-model"),
  "comments": faulty("comments:every=0.05"),
  "abort-ignored": faultyFor("abort-ignored"),
  "proxy-buffering": faulty("proxy-buffering"),
  "truncated": faulty("truncated:request=1"),
  "mid-stream-error": faulty("mid-stream-error:request=1"),
  "malformed-json": faulty("malformed-json:request=1"),
  "connection-reset": faulty("connection-reset:request=1"),
  "finish-then-reset": faulty("finish-then-reset:request=1"),
  "finish-then-open": faulty("finish-then-open:request=1"),
  "wrong-content-type": faulty("wrong-content-type:request=1"),
  "rejected": faulty("rejected:status=400"),
  "engine-hang": faultyFor("engine-hang:after-tokens=10"),
  "engine-hang-before-first-token": faultyFor("engine-hang-before-first-token"),
  "headers-never": faultyFor("headers-never"),
  "health-blip": faulty("health-blip:status=503,for=60"),
  "busy": faultyFor("busy:requests=2,from=0"),
  "strict": strict,
  "llama.cpp": dialect(dialects.llamaCpp()),
  "llama.cpp without metrics": dialect(dialects.llamaCpp({ metrics: false })),
  "sglang": dialect(dialects.sglang({ reasoning: 5 })),
  "sglang without metrics": dialect(dialects.sglang({ metrics: false })),
  "ollama": dialect(dialects.ollama())
} satisfies Readonly<Record<string, Effect.Effect<EngineReport>>>

type Probed = keyof typeof probes

class Reports extends Context.Service<Reports, (name: Probed) => EngineReport>()("test/EngineReports") {
  static readonly layer = Layer.effect(
    Reports,
    Effect.map(
      Effect.forEach(
        Object.entries(probes),
        ([name, probe]) => Effect.map(undisturbed(probe), (report) => [name, report] as const),
        {
          concurrency: 14
        }
      ),
      (reports) => {
        const byName = new Map(reports)
        return Reports.of((name) => byName.get(name)!)
      }
    )
  )
}

layer(Reports.layer, { excludeTestServices: true, timeout: "120 seconds" })("EngineProbe", (it) => {
  /** What may be found on any machine that is busy with other things, and proves nothing of the engine. */
  const ofTheMachine = new Set(["batches", "metrics-unsteady", "unproven", "late"])
  const found = (report: EngineReport) => idsOf(report).filter((id) => !ofTheMachine.has(id))
  const on = (name: Probed, what: string, test: (report: EngineReport) => void) =>
    it.effect(`${name}: ${what}`, () =>
      Effect.map(Reports, (reports) => {
        const report = reports(name)
        assert.deepStrictEqual(
          Schema.decodeUnknownSync(EngineReport)(JSON.parse(toJson(report))),
          report,
          "the JSON is the report"
        )
        test(report)
      }))

  on("vllm", "is known, and everything can be proved", (report) => {
    assert.deepInclude(report, { server: "vllm", version: "0.33.0", model: "simulated-model", fit: true })
    assert.deepStrictEqual(found(report), [])
    const { features } = report
    for (const name of ["include_usage", "continuous_usage_stats", "return_token_ids", "usage_agrees"] as const) {
      assert.strictEqual(features[name].state, "works", name)
    }
    assert.deepInclude(features.max_tokens, { state: "works", detail: "64 tokens for 64" })
    assert.deepInclude(features.finish_reason, { state: "works", detail: "length" })
    assert.strictEqual(features.done.state, "works")
    assert.strictEqual(features.reasoning.state, "not-seen")
    assert.strictEqual(report.tokens?.counted, 64)
    assert.strictEqual(report.metrics.binding, "proven")
    assert.strictEqual(report.abort.outcome, "honoured")
    for (const name of proofNames) assert.isTrue(report.proofs[name].can, name)
    const moves = (name: string) => report.metrics.series.find((one) => one.name === name)?.phases
    const gaps = moves("vllm:inter_token_latency_seconds_count")
    assert.isAbove(
      (gaps?.decode.rose ?? 0) + (gaps?.first.rose ?? 0) + (gaps?.end.rose ?? 0) + (gaps?.mixed.rose ?? 0),
      60
    )
    assert.strictEqual(moves("vllm:inter_token_latency_seconds_count")?.prefill.moved, 0)
    assert.isAtMost(report.asked.maxTokens, 600)
    assert.isAbove(report.metrics.prefillTokens, 500)
  })

  on("small prompt batches", "shows what moves while a prompt is computed", (report) => {
    const moved = report.metrics.series.filter(({ phases }) => phases.prefill.moved > 0).map(({ name }) => name)
    assert.include(moved, "vllm:kv_cache_usage_perc")
    assert.notInclude(moved, "vllm:generation_tokens_total")
  })

  on("reasoning", "is seen under the name it has", (report) => {
    assert.strictEqual(report.features.reasoning.state, "works")
    assert.include(report.features.reasoning.detail, "reasoning_content")
  })

  on("short answers", "make no feature look absent", (report) => {
    assert.strictEqual(report.features.max_tokens.state, "not-seen")
    assert.isTrue(report.fit)
    assert.strictEqual(report.abort.outcome, "not-known")
  })

  /** What is found, whether it is fit, and what becomes of the hang's proof. */
  const table: ReadonlyArray<readonly [Probed, ReadonlyArray<string>, fit: boolean, hung: boolean]> = [
    ["a key", [], true, true],
    ["old names", ["old-names"], true, true],
    ["metrics-wrong-model", ["other-model"], true, true],
    ["comments", ["comments"], true, true],
    ["stream interval", ["bursts"], true, true],
    ["finish-then-reset", ["reset-after-finish"], true, true],
    ["finish-then-open", ["no-done", "left-open"], true, true],
    ["wrong-content-type", ["content-type"], true, true],
    ["health-blip", ["unwell"], true, true],
    ["abort-ignored", ["abort-ignored"], true, true],
    ["metrics-disabled", ["stats-disabled", "abort-unknown"], true, false],
    ["metrics-cached", ["still", "abort-unknown"], true, false],
    ["metrics-other-replica", ["still", "abort-unknown"], true, false],
    ["metrics-alternating", ["alternating", "abort-unknown"], true, false],
    ["metrics-malformed", ["no-metrics", "abort-unknown"], true, false],
    ["metrics-error", ["no-metrics", "abort-unknown"], true, false],
    ["several engines", ["several-engines"], true, false],
    ["a wrong key", ["key-needed"], false, false],
    ["proxy-buffering", ["buffered", "abort-unknown"], false, true],
    ["truncated", ["no-finish", "no-done"], false, true],
    ["malformed-json", ["malformed"], false, true],
    ["connection-reset", ["connection-lost"], false, true],
    ["rejected", ["refused"], false, false],
    ["engine-hang-before-first-token", ["no-token"], false, false],
    ["headers-never", ["no-answer"], false, false]
  ]
  for (const [name, expected, fit, hung] of table) {
    on(name, expected.length === 0 ? "nothing is found" : expected.join(", "), (report) => {
      assert.deepStrictEqual(found(report), expected)
      assert.strictEqual(report.fit, fit)
      if (fit) assert.strictEqual(report.proofs.hung.can, hung)
    })
  }

  on("engine-hang", "is told from a slow engine", (report) => {
    assert.include(idsOf(report), "fell-silent")
    assert.isFalse(report.fit)
    assert.strictEqual(report.asked.requests, 1)
  })

  on("mid-stream-error", "is told with its words", (report) => {
    assert.match(
      report.findings.find(({ id }) => id === "stream-error")?.text ?? "",
      /^the answer broke off with an error: \S/
    )
    assert.isFalse(report.fit)
  })

  on("another model", "is refused, and the served ones are named", (report) => {
    assert.match(report.findings.find(({ id }) => id === "model-not-listed")?.text ?? "", /"simulated-model"/)
    assert.isFalse(report.fit)
  })

  on("busy", "makes what moves uncertain, and the abort unknown", (report) => {
    assert.include(idsOf(report), "busy")
    assert.strictEqual(report.abort.outcome, "not-known")
  })

  on("strict", "is asked again without what it refused", (report) => {
    assert.strictEqual(report.features.return_token_ids.state, "refused")
    assert.strictEqual(report.features.include_usage.state, "ignored")
    assert.strictEqual(report.tokens?.counted, 64)
    assert.includeMembers([...idsOf(report)], ["fields-refused", "no-usage", "inexact", "proxy", "no-metrics"])
    assert.deepInclude(report, { server: "unknown", version: null, fit: true })
  })

  on("llama.cpp", "is known, and what it lacks is told", (report) => {
    assert.deepInclude(report, { server: "llama.cpp", version: "b6000-abcdef0", contextTokens: 4096, fit: true })
    assert.deepStrictEqual(found(report), ["other-metrics", "counted-by-event"])
    assert.strictEqual(report.features.continuous_usage_stats.state, "ignored")
    assert.strictEqual(report.features.return_token_ids.state, "ignored")
    assert.strictEqual(report.abort.outcome, "honoured")
    assert.isFalse(report.proofs.hung.can)
    const decodes = report.metrics.series.find(({ name }) => name === "llamacpp:n_decode_total")
    assert.isAbove(
      (decodes?.phases.decode.rose ?? 0) + (decodes?.phases.first.rose ?? 0) + (decodes?.phases.end.rose ?? 0),
      0
    )
    const predicted = report.metrics.series.find(({ name }) => name === "llamacpp:tokens_predicted_total")
    assert.strictEqual(predicted?.phases.decode.moved, 0)
  })

  on("llama.cpp without metrics", "says how to have them", (report) => {
    assert.deepStrictEqual(found(report), ["no-metrics", "counted-by-event", "abort-unknown"])
    assert.match(report.findings[0]!.remedy, /--metrics/)
  })

  on("sglang", "is known, counts exactly, and its gauges are not trusted for an abort", (report) => {
    assert.deepInclude(report, { server: "sglang", version: "0.5.9", fit: true })
    assert.deepStrictEqual(found(report), ["other-metrics"])
    assert.strictEqual(report.features.continuous_usage_stats.state, "works")
    assert.strictEqual(report.features.return_token_ids.state, "ignored")
    assert.include(report.features.reasoning.detail, "reasoning_content")
    assert.strictEqual(report.abort.outcome, "honoured")
  })

  on("sglang without metrics", "says how to have them", (report) => {
    assert.deepStrictEqual(found(report), ["no-metrics", "abort-unknown"])
    assert.match(report.findings[0]!.remedy, /--enable-metrics/)
  })

  on("ollama", "is known, and what it lacks is told", (report) => {
    assert.deepInclude(report, { server: "ollama", version: "0.33.0", fit: true })
    assert.deepStrictEqual(found(report), ["no-metrics", "counted-by-event", "no-health", "abort-unknown"])
    assert.strictEqual(report.features.include_usage.state, "works")
    assert.isFalse(report.proofs.cancelled.can)
    assert.isTrue(report.proofs.dead.can)
  })
})
