/** What earlier releases have stored is read as the campaign that it was. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { defaultPolicy } from "../../src/campaign/FailurePolicy.ts"
import * as StoredDefinition from "../../src/campaign/StoredDefinition.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { definitionOf } from "../support/campaigns.ts"

const { agents, engines, judge, policy, ...first } = definitionOf({ tasks: ["a", "b"], concurrency: 4, seed: 7 })
const ofFirstRelease = (target: object) =>
  JSON.stringify({ ...first, concurrency: 4, agent: "under-test", target, limits: undefined, stallPolicy: undefined })

describe("StoredDefinition", () => {
  it.effect("reads what it has written", () =>
    Effect.gen(function*() {
      const definition = { ...first, agents, engines, judge, policy }
      assert.deepStrictEqual(yield* StoredDefinition.decode(StoredDefinition.encode(definition)), definition)
    }))

  it.effect("reads a campaign of the first release, of each kind", () =>
    Effect.gen(function*() {
      const engine = yield* StoredDefinition.decode(
        ofFirstRelease({ _tag: "Engine", url: "http://e/v1", model: "m", maxTokens: 9 })
      )
      assert.deepInclude(engine, {
        repetitions: 1,
        seed: 7,
        concurrency: { _tag: "Fixed", battles: 4 },
        policy: defaultPolicy,
        limits: defaults,
        stallPolicy: "enforce"
      })
      assert.deepInclude(engine.engines[0], { name: "http://e/v1", url: "http://e/v1" })
      assert.deepInclude(engine.agents[0], {
        name: "under-test",
        engine: "http://e/v1",
        kind: { _tag: "Model", model: "m", maxTokens: 9 }
      })
      const demonstration = yield* StoredDefinition.decode(ofFirstRelease({ _tag: "Demonstration" }))
      assert.strictEqual(demonstration.engines[0]?.url, null)
      assert.strictEqual(demonstration.agents[0].engine, demonstration.engines[0]?.name)
      const agent = yield* StoredDefinition.decode(ofFirstRelease({ _tag: "Agent", url: "http://a/" }))
      assert.deepStrictEqual([agent.engines.length, agent.agents[0].engine], [0, null])
      assert.deepStrictEqual(agent.agents[0].kind, {
        _tag: "Agent",
        address: { url: "http://a/", tokenVariable: null, command: null }
      })
    }))

  it.effect("refuses what no release has stored", () =>
    Effect.gen(function*() {
      for (const text of ["", "{}", ofFirstRelease({ _tag: "Elsewhere" })]) {
        assert.isTrue((yield* Effect.exit(StoredDefinition.decode(text)))._tag === "Failure")
      }
    }))
})
