/** Telemetry of the command as an operator gets it: the environment of a real campaign names a collector. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { collector } from "../support/collector.ts"
import { run } from "../support/command.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

describe("campaign run with a collector", () => {
  it.live("sends a trace for each battle, from the campaign to the engine, with metrics and logs, and no content", () =>
    Effect.gen(function*() {
      const { lastOf, logs, requests, spans, url } = yield* collector()
      const directory = yield* temporaryDirectory
      const engine = Context.get(
        yield* Layer.build(
          Simulator.layer({ host: "127.0.0.1", port: 0, interTokenMillis: 2, timeToFirstTokenMillis: 10 })
        ),
        Simulator
      )
      const target = ["--engine", `${engine.url}/v1`, "--model", "simulated-model"]
      const { code, stderr, stdout } = yield* run(["run", ...target, "--repeat", "1", "--json"], {
        directory,
        environment: {
          OTEL_EXPORTER_OTLP_ENDPOINT: url,
          OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
          OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=night",
          OTEL_BSP_SCHEDULE_DELAY: "300"
        }
      })
      assert.strictEqual(code, 0, stderr)
      assert.notInclude(stderr, "telemetry:")
      const { battles, tokens } = JSON.parse(stdout)
      const all = spans()
      const byId = new Map(all.map((span) => [span.spanId, span]))
      const pathOf = (span: (typeof all)[number]): string => {
        const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId)
        if (span.parentSpanId !== undefined) assert.strictEqual(parent?.traceId, span.traceId, span.name)
        return parent === undefined ? span.name : `${pathOf(parent)} > ${span.name}`
      }
      const paths = all.map(pathOf)
      const attempt = "battle > attempt"
      const green = `${attempt} > invoke_agent green > SendStreamingMessage`
      const purple = `${green} > invoke_agent purple > SendStreamingMessage`
      for (
        const path of [
          "battle",
          attempt,
          `${attempt} > invoke_agent green`,
          green,
          `${green} > invoke_agent purple`,
          purple,
          `${purple} > chat simulated-model`,
          `${green} > grade`
        ]
      ) {
        assert.strictEqual(paths.filter((each) => each === path).length, battles.planned, path)
      }
      // Nothing else but the campaign itself, and the canary of the gate.
      assert.deepStrictEqual([...new Set(paths.filter((path) => !path.startsWith("battle")))].toSorted(), [
        "campaign",
        "chat simulated-model"
      ])
      const campaign = all.find(({ name }) => name === "campaign")
      const of = (name: string) => all.filter((span) => span.name === name)
      assert.strictEqual(new Set(of("battle").map(({ traceId }) => traceId)).size, battles.planned)
      assert.isTrue(of("battle").every(({ links: [link] }) => link?.spanId === campaign?.spanId))
      const chats = of("chat simulated-model").filter(({ parentSpanId }) => parentSpanId !== undefined)
      assert.strictEqual(
        chats.reduce((sum, { attributes }) => sum + Number(attributes["gen_ai.usage.output_tokens"]), 0),
        tokens
      )
      assert.deepInclude(campaign?.resource, { "service.name": "a2a-campaign", "deployment.environment.name": "night" })
      assert.isTrue(all.every(({ status }) => status.code === 1))
      assert.notMatch(requests.map(({ body }) => body).join(""), /function|Write|```/)
      const battleOf = new Map(of("battle").map(({ spanId, traceId }) => [spanId, traceId]))
      const attempts = logs().filter(({ body }) => body === "attempt completed")
      assert.strictEqual(attempts.length, battles.planned)
      assert.isTrue(attempts.every(({ spanId, traceId }) => battleOf.get(spanId!) === traceId))
      assert.includeMembers(logs().map(({ body }) => body), ["campaign began", "campaign ended"])
      assert.notInclude(stderr, "attempt completed")
      // Without a page, and up to the very end.
      assert.strictEqual(lastOf("campaign.attempts"), battles.planned)
      assert.strictEqual(lastOf("campaign.battles", "scored"), battles.scored)
      assert.strictEqual(lastOf("gen_ai.client.inference.usage.output_tokens", "engine"), tokens)
    }))
})
