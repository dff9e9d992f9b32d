/**
 * A campaign over agents of every flaw that is known: it ends, each agent's mode is recorded, whoever hangs is found within
 * the limit of its mode and tried again, and nobody is given up who only is as its flaw makes it.
 *
 * Each agent is asked three times at most, and hangs in the second.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { DeliveryMode } from "../../src/a2a/DeliveryMode.ts"
import type { AgentDefinition } from "../../src/campaign/AgentDefinition.ts"
import { asItCan } from "../../src/campaign/AgentFollowing.ts"
import { fixed } from "../../src/campaign/Concurrency.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import { defaultPolicy } from "../../src/campaign/FailurePolicy.ts"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { RunError } from "../../src/liveness/RunError.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { definitionOf } from "../support/campaigns.ts"
import { flawedAgents } from "../support/flawedAgents.ts"
import { memoryServices, playInMemory } from "../support/memoryCampaign.ts"

const SILENT = 1500
const FIRST = 3500

/** What our own green agent waits longer for than the one that it asks. */
const NESTED = 2500

/** How those are followed that do not say that they stream. */
const modes: Readonly<Record<string, DeliveryMode>> = { pollable: "poll", "blocking-only": "blocking" }

/** Nothing came at all, so nothing shows that the request was ever taken. */
const isUnanswered = (error: RunError) => error._tag === "Failed" && error.reason._tag === "ConnectTimeout"

/** The limits of a night, in seconds instead of minutes. */
const limits: LivenessLimits = {
  ...defaults,
  tickMillis: 100,
  suspectFloorMillis: 500,
  suspectCeilingMillis: 1000,
  suspectPriorMillis: 1000,
  silentFloorMillis: SILENT,
  silentCeilingMillis: SILENT,
  firstTokenFloorMillis: FIRST,
  firstTokenCeilingMillis: FIRST,
  headersMillis: FIRST,
  heartbeatMillis: 200,
  heartbeatSlackMillis: SILENT,
  nestedSlackMillis: 2000
}

const answer = Array.from({ length: 60 }, (_, index) => `word${index}`).join(" ")

const Row = Schema.Struct({
  agent: Schema.String,
  number: Schema.Int,
  mode: DeliveryMode,
  verdict: Schema.String,
  token_basis: Schema.String,
  error: Schema.NullOr(Schema.fromJsonString(RunError))
})

describe("a campaign over agents with every flaw", () => {
  it.live("ends, finds each hang within the limit of its mode, and gives up nobody else", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const agents = yield* Effect.forEach(flawedAgents, ({ name, start }) =>
        Effect.map(
          start({ engineBaseUrl: `${url}/v1`, model: "simulated-model", hang: { after: 12, messages: [1] } }),
          ({ url }): AgentDefinition => ({
            name,
            engine: null,
            concurrency: fixed(1),
            following: asItCan,
            kind: { _tag: "Agent", address: { url, tokenVariable: null, command: null } }
          })
        ))
      const task = {
        id: "words",
        prompt: "Say the words.",
        grader: {
          _tag: "TextMatch" as const,
          rule: { _tag: "Contains" as const, expected: "word59", ignoreCase: false }
        }
      }
      const definition: Definition = {
        ...definitionOf({ repetitions: 2 }),
        tasks: [task],
        engines: [],
        agents: [agents[0]!, ...agents.slice(1)],
        limits,
        policy: { ...defaultPolicy, attempts: 2 }
      }
      const { campaign, end, events } = yield* playInMemory(definition)
      assert.strictEqual(end._tag, "Ended")
      const sql = yield* SqlClient.SqlClient
      const rows = yield* Effect.flatMap(
        sql`SELECT agent, number, mode, verdict, token_basis, error FROM attempt JOIN battle USING (battle_id)
          ORDER BY attempt_id`,
        Schema.decodeUnknownEffect(Schema.Array(Row))
      )
      const scores = new Map<string, number>()
      for (const { battle, outcome } of campaign.battles) {
        if (outcome._tag !== "Scored") continue
        assert.strictEqual(outcome.grade.score, 1, battle.agent)
        scores.set(battle.agent, (scores.get(battle.agent) ?? 0) + 1)
      }
      for (const { name } of flawedAgents) {
        const own = rows.filter(({ agent }) => agent === name)
        const given = own.flatMap(({ error }) => error === null ? [] : [error])
        const text = JSON.stringify(own.map(({ error, mode, verdict }) => [verdict, mode, error?.message]))
        // Its event loop stands still for good, so that it cannot answer any more.
        const isLost = name === "blocks-its-loop"
        assert.strictEqual(scores.get(name), isLost ? 1 : 2, text)
        assert.lengthOf(given, isLost ? 2 : 1, text)
        for (const error of given) {
          assert.isTrue(error._tag === "Stalled" || isUnanswered(error), text)
          const silent = error._tag === "Stalled"
            ? error.silentMillis
            : error._tag === "Failed"
            ? error.verdict?.silentMillis
            : 0
          assert.isAtLeast(silent ?? 0, SILENT, text)
          assert.isAtMost(silent ?? 0, FIRST + NESTED + 2000, text)
        }
        for (const { mode, token_basis } of own.filter(({ verdict }) => verdict === "completed")) {
          assert.strictEqual(mode, modes[name] ?? "stream", text)
          assert.strictEqual(token_basis, name === "ours" ? "usage" : "pieces")
        }
      }
      const told = events.flatMap((event) => event._tag === "ModeFound" ? [`${event.agent} ${event.mode}`] : [])
      assert.notInclude(told, "ours stream")
      assert.includeMembers(told, ["sdk-append stream", "pollable poll", "blocking-only blocking"])
      assert.lengthOf(new Set(told), told.length)
    }).pipe(
      Effect.scoped,
      Effect.provide([
        memoryServices(limits),
        Simulator.layer({
          host: "127.0.0.1",
          port: 0,
          interTokenMillis: 5,
          timeToFirstTokenMillis: 10,
          answers: { _tag: "FixedText", text: answer }
        })
      ])
    ))
})
