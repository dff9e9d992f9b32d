// `campaign probe` as a person types it: what it prints where, and how it ends.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AgentReport } from "../../src/probe/analyseAgent.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { simulator } from "../simulator/harness.ts"
import { start } from "../support/command.ts"
import { flawedAgents } from "../support/flawedAgents.ts"

const engine = simulator({
  timeToFirstTokenMillis: 20,
  interTokenMillis: 10,
  answers: { _tag: "LengthOnly", tokens: 40 }
})

const ended = (args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) =>
  Effect.scoped(Effect.gen(function*() {
    const command = yield* start(["probe", ...args], { environment })
    const code = yield* command.exit
    return { code, stdout: command.stdout(), stderr: command.stderr() }
  }))

describe("campaign probe", () => {
  it.live("prints a report and ends by what the agent is to be fit for", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const agent = flawedAgents.find(({ name }) => name === "sdk-append")!
      const { url: at } = yield* agent.start({ engineBaseUrl: `${url}/v1`, model: "simulated-model" })
      const [json, unfit, nothing, wrong, twoWays, noEngine, ofAgents] = yield* Effect.all([
        ended([at, "--json", "--engine", `${url}/v1`]),
        ended([at], { CAMPAIGN_FOR: "tap" }),
        ended([]),
        ended(["nowhere"]),
        ended([at, "--engine", url, "--tap", url]),
        ended(["--engine", "http://127.0.0.1:9"]),
        ended(["--engine", url, "--for", "poll"])
      ], { concurrency: 2 })

      assert.strictEqual(json.code, 0, json.stderr)
      const report = Schema.decodeUnknownSync(Schema.fromJsonString(AgentReport))(json.stdout)
      assert.strictEqual(report.mode, "stream")
      assert.strictEqual(report.measurements.upstream, "engine")
      assert.match(json.stderr, /campaign: reading its card …\n/)

      assert.strictEqual(unfit.code, 100)
      assert.match(unfit.stdout, /^sdk-append at http/)
      assert.match(
        unfit.stdout,
        /\nMode: stream, because its text comes as it is made\.\nNot fit for tap; fit for stream/
      )
      // oxlint-disable-next-line no-control-regex
      assert.notMatch(unfit.stdout, /\u001b/)
      assert.isTrue(unfit.stdout.split("\n").every((line) => line.length <= 80))
      assert.match(unfit.stderr, /campaign: not fit for tap; its mode is stream\n$/)

      assert.deepStrictEqual([nothing.code, wrong.code, twoWays.code], [2, 2, 2])
      assert.match(nothing.stderr, /^campaign: what is to be probed\?/)
      assert.match(wrong.stderr, /^campaign: nowhere is not a URL; expected the address of an agent/)
      assert.deepStrictEqual([noEngine.code, ofAgents.code], [100, 2])
      assert.match(noEngine.stdout, /^ENGINE\n/)
      assert.match(noEngine.stderr, /campaign: the engine is not fit to be watched\n$/)
      assert.match(ofAgents.stderr, /^campaign: --for needs the address of an agent/)
      assert.match(twoWays.stderr, /^campaign: --engine and --tap exclude each other/)
    }).pipe(Effect.scoped, Effect.provide(engine)), 60_000)
})
