/**
 * A campaign over an agent that streams nothing, has several battles at once and asks its engine through a tap of the
 * campaign's own: every battle has its own tokens, and a call that hangs is found and tried again.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { AgentDefinition } from "../../src/campaign/AgentDefinition.ts"
import { TapAddress } from "../../src/campaign/AgentFollowing.ts"
import { fixed } from "../../src/campaign/Concurrency.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import * as StartedEngines from "../../src/campaign/parts/StartedEngines.ts"
import * as StartedTaps from "../../src/campaign/parts/StartedTaps.ts"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { RunError } from "../../src/liveness/RunError.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { definitionOf } from "../support/campaigns.ts"
import { handMadeAgent } from "../support/flawedAgents/handMadeAgent.ts"
import { memoryServices, playInMemory } from "../support/memoryCampaign.ts"

const MODEL = "simulated-model"
const SILENT = 1500

const limits: LivenessLimits = {
  ...defaults,
  tickMillis: 100,
  suspectFloorMillis: 300,
  suspectCeilingMillis: 600,
  suspectPriorMillis: 600,
  silentFloorMillis: SILENT,
  silentCeilingMillis: SILENT,
  heartbeatMillis: 200
}

const Row = Schema.Struct({
  task: Schema.String,
  number: Schema.Int,
  mode: Schema.String,
  verdict: Schema.String,
  tokens: Schema.Int,
  token_basis: Schema.String,
  ttft_ms: Schema.NullOr(Schema.Finite),
  error: Schema.NullOr(Schema.fromJsonString(RunError))
})

const tasks = ["one", "two", "three"].map((id) => ({
  id,
  prompt: `Say the words of task ${id}.`,
  grader: { _tag: "TextMatch" as const, rule: { _tag: "Contains" as const, expected: "word39", ignoreCase: false } }
}))

describe("a campaign with a tap of its own", () => {
  it.live("sees the tokens of each of several battles of an agent that streams none, and which of its calls hangs", () =>
    Effect.gen(function*() {
      const { url: engineUrl } = yield* Simulator
      const agentAt = (url: string): AgentDefinition => ({
        name: "blind",
        engine: "gpu",
        concurrency: null,
        following: { mode: null, tap: TapAddress.cases.Own.make({ host: "127.0.0.1", port: 0 }) },
        kind: { _tag: "Agent", address: { url, tokenVariable: null, command: null } }
      })
      const definition: Definition = {
        ...definitionOf({ repetitions: 1 }),
        tasks: [tasks[0]!, ...tasks.slice(1)],
        engines: [{
          name: "gpu",
          url: `${engineUrl}/v1`,
          keyVariable: null,
          concurrency: fixed(3),
          onModelChange: "stop"
        }],
        agents: [agentAt("http://later/")],
        limits
      }
      const engines = yield* StartedEngines.start(definition)
      const taps = yield* StartedTaps.start(definition, engines)
      const { engineBaseUrl } = taps.get("blind")!
      const agent = yield* Effect.acquireRelease(
        Effect.promise(() =>
          handMadeAgent({
            name: "blind",
            engineBaseUrl,
            model: MODEL,
            streaming: false,
            upstream: "whole",
            returnsImmediately: false
          })
        ),
        ({ close }) => Effect.sync(close)
      )
      const played: Definition = { ...definition, agents: [agentAt(agent.url)] }
      const { end } = yield* playInMemory(played, engines, taps)
      assert.strictEqual(end._tag, "Ended")
      const sql = yield* SqlClient.SqlClient
      const rows = yield* Effect.flatMap(
        sql`SELECT task, number, mode, verdict, tokens, token_basis, ttft_ms, error FROM attempt
          JOIN battle USING (battle_id) ORDER BY attempt_id`,
        Schema.decodeUnknownEffect(Schema.Array(Row))
      )
      const text = JSON.stringify(rows.map((row) => ({ ...row, error: row.error?.message })))
      const completed = rows.filter(({ verdict }) => verdict === "completed")
      assert.deepStrictEqual(new Set(completed.map(({ task }) => task)), new Set(tasks.map(({ id }) => id)), text)
      for (const { mode, token_basis, tokens, ttft_ms } of completed) {
        assert.deepStrictEqual([mode, tokens, token_basis], ["tap", 40, "deltas"], text)
        assert.isNumber(ttft_ms, text)
      }
      const [stalled, ...others] = rows.filter(({ verdict }) => verdict !== "completed")
      assert.deepInclude(stalled, { verdict: "stalled", mode: "tap" }, text)
      assert.deepInclude(stalled?.error, { _tag: "Stalled", hop: "engine" }, text)
      assert.isAbove(stalled?.tokens ?? 0, 0, text)
      assert.lengthOf(others, 0, text)
    }).pipe(
      Effect.scoped,
      Effect.provide([
        memoryServices(limits),
        Simulator.layer({
          host: "127.0.0.1",
          port: 0,
          interTokenMillis: 5,
          timeToFirstTokenMillis: 10,
          faults: ["metrics-disabled", "request-lost:request=2"],
          answers: {
            _tag: "FixedText",
            text: Array.from({ length: 40 }, (_, index) => `word${index}`).join(" ")
          }
        })
      ])
    ))
})
