/**
 * When the runner looks for something to begin: lanes beside one another, places that are all taken, and the budgets of a
 * whole campaign.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AgentBreaker } from "../../src/liveness/AgentBreaker.ts"
import { campaignOf, failsWith, play, scoredAfter, unwatched } from "./virtualCampaigns.ts"

/** A breaker that counts how often the dispatcher looks at it, which it does once each time it looks at anything. */
const countingBreaker = () => {
  let looks = 0
  const layer = Layer.effect(
    AgentBreaker,
    Effect.map(AgentBreaker, (breaker) => ({
      ...breaker,
      state: (agent: string) =>
        Effect.suspend(() => {
          looks++
          return breaker.state(agent)
        })
    }))
  ).pipe(Layer.provide(AgentBreaker.layerNone))
  return { layer, looks: () => looks }
}

describe("CampaignRunner's dispatcher", () => {
  it.effect("rests while a battle that may begin has no place", () =>
    Effect.gen(function*() {
      const breaker = countingBreaker()
      const { attempts } = yield* play({
        definition: campaignOf({ repetitions: 2, concurrency: 1 }),
        // The first waits for a second, and the other one takes its place meanwhile.
        agent: (_, asked) => asked === 1 ? failsWith("engine", { _tag: "Truncated" }) : scoredAfter(120),
        services: Layer.mergeAll(unwatched.gate, breaker.layer, unwatched.engines)
      })
      assert.deepStrictEqual(attempts.map(({ verdict }) => verdict), ["failed", "completed", "completed"])
      assert.isBelow(breaker.looks(), 20)
    }))
})
