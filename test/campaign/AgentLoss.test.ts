/**
 * An agent dies in the middle of a campaign: its breaker shuts, its battles wait without a place in their lane, and either
 * it comes back and all are played, or it stays away for longer than a battle may wait.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { AgentBreaker } from "../../src/liveness/AgentBreaker.ts"
import { Canary, CanaryOutcome } from "../../src/liveness/Canary.ts"
import type { FailReason } from "../../src/liveness/Failed.ts"
import {
  agentAt,
  beganOf,
  campaignOf,
  engineNamed,
  failsWith,
  play,
  scoredAfter,
  told,
  unwatched
} from "./virtualCampaigns.ts"

const { Failed, Passed } = CanaryOutcome.cases
const gone: FailReason = { _tag: "ConnectError", url: "http://purple-of-mortal/", detail: "connection refused" }

/** Two agents in front of one engine, two battles at once; the one called mortal is away for a time, in seconds. */
const lose = Effect.fnUntraced(function*(
  away: { readonly from: number; readonly until: number },
  policy: { readonly waitMillis?: number; readonly breakerFailures?: number } = {}
) {
  let isAway = false
  let cards = 0
  const breaker = AgentBreaker.layer({ failures: policy.breakerFailures ?? 5 }).pipe(
    Layer.provide(Canary.layerTest(() =>
      Effect.sync(() => {
        cards++
        return isAway
          ? Failed.make({ why: "nobody there" })
          : Passed.make({ tokens: 0, stepMillis: 0, binding: "unproven" })
      })
    ))
  )
  const played = yield* play({
    definition: campaignOf({
      repetitions: 20,
      concurrency: 2,
      engines: [engineNamed("one")],
      agents: [agentAt("mortal", "one"), agentAt("other", "one")],
      policy
    }),
    agent: (name) => name === "mortal" && isAway ? failsWith("purple", gone) : scoredAfter(29),
    services: Layer.mergeAll(unwatched.gate, breaker, unwatched.engines),
    beside: Effect.gen(function*() {
      yield* Effect.sleep(away.from * 1000)
      isAway = true
      if (away.until === Infinity) return
      yield* Effect.sleep((away.until - away.from) * 1000)
      isAway = false
    }),
    withinSeconds: 7200
  })
  const outcomesOf = (agent: string) =>
    played.battles.flatMap(({ battle, outcome }) => battle.agent === agent ? [outcome] : [])
  return { ...played, cards, outcomesOf }
})

describe("an agent that dies", () => {
  it.effect("is waited for, while the battles of the other one have the lane", () =>
    Effect.gen(function*() {
      const played = yield* lose({ from: 100, until: 400 })
      assert.deepStrictEqual(played.end, { _tag: "Ended" })
      assert.isTrue(played.battles.every(({ outcome }) => outcome._tag === "Scored"))
      assert.lengthOf(beganOf(played, "other"), 20)
      // Both places are the other's while it is away: 20 battles of half a minute, two at a time, without a break.
      const others = beganOf(played, "other").filter((at) => at >= 130_000 && at < 330_000)
      assert.isAtLeast(others.length, 12)
      // Nobody is sent to an agent that is known to be gone, and nothing is charged to the battle that found it out.
      const failed = played.attempts.filter(({ verdict }) => verdict !== "completed")
      assert.isAtLeast(failed.length, 1)
      assert.isAtMost(failed.length, 2)
      assert.isTrue(failed.every(({ battle, charged }) => battle.agent === "mortal" && !charged))
      const states = told(played, "GateChanged").map(({ endpoint, of, state }) => `${of} ${endpoint} ${state}`)
      assert.include(states, "agent mortal open")
      assert.strictEqual(states.at(-1), "agent mortal closed")
      // Within a canary interval of its return it plays again.
      const back = beganOf(played, "mortal").find((at) => at > 400_000)!
      assert.isAtMost(back, 520_000)
      assert.isAbove(played.cards, 2)
    }))

  it.effect("has its battles given up with the reason when it stays away, and nobody else's", () =>
    Effect.gen(function*() {
      const played = yield* lose({ from: 100, until: Infinity }, { waitMillis: 610_000 })
      assert.deepStrictEqual(played.end, { _tag: "Ended" })
      assert.isTrue(played.outcomesOf("other").every(({ _tag }) => _tag === "Scored"))
      const ofMortal = played.outcomesOf("mortal")
      const scored = ofMortal.filter(({ _tag }) => _tag === "Scored")
      assert.isAtLeast(scored.length, 3)
      const unscored = ofMortal.flatMap((outcome) => outcome._tag === "Unscored" ? [outcome.reason] : [])
      assert.lengthOf(unscored, 20 - scored.length)
      for (const reason of unscored) {
        assert.match(reason, /^agent mortal could not be played against for \d+ s: nobody there/)
      }
      // Not before its time, and not long after it.
      const opened = told(played, "GateChanged").find(({ of, state }) => of === "agent" && state === "open")!
      const given = told(played, "OutcomesChanged")
      assert.lengthOf(given, 1)
      assert.lengthOf(given[0]!.battles, unscored.length)
      const waited = given[0]!.atMillis - opened.atMillis
      assert.isAtLeast(waited, 610_000)
      assert.isAtMost(waited, 611_000)
    }))

  for (const ends of ["with a score", "with an error"]) {
    it.effect(`keeps the battle that is in flight while the others are given up, which ends ${ends}`, () =>
      Effect.gen(function*() {
        const breaker = AgentBreaker.layer({ failures: 5 }).pipe(
          Layer.provide(Canary.layerTest(() => Effect.succeed(Failed.make({ why: "nobody there" }))))
        )
        const last = ends === "with a score" ? Stream.empty : failsWith("engine", { _tag: "Truncated" })
        const played = yield* play({
          definition: campaignOf({ repetitions: 4, concurrency: 2, policy: { waitMillis: 60_000 } }),
          // It takes no new connection, and goes on with the one that it has.
          agent: (_, asked) =>
            asked === 1
              ? Stream.concat(ends === "with a score" ? scoredAfter(200) : Stream.drain(scoredAfter(200)), last)
              : failsWith("purple", gone),
          services: Layer.mergeAll(unwatched.gate, breaker, unwatched.engines)
        })
        assert.deepStrictEqual(played.end, { _tag: "Ended" })
        const given = told(played, "OutcomesChanged").map(({ battles }) => battles.length)
        const outcomes = played.battles.map(({ outcome }) => outcome._tag).toSorted()
        assert.deepStrictEqual(
          { given, outcomes },
          ends === "with a score"
            ? { given: [3], outcomes: ["Scored", "Unscored", "Unscored", "Unscored"] }
            : { given: [3, 1], outcomes: Array(4).fill("Unscored") }
        )
        assert.isFalse(played.attempts.some(({ superseded }) => superseded))
      }))
  }

  it.effect("is left alone after so many failures of its own in a row, whatever they are", () =>
    Effect.gen(function*() {
      const breaker = AgentBreaker.layer({ failures: 3 }).pipe(Layer.provide(Canary.layerNone))
      const played = yield* play({
        definition: campaignOf({
          repetitions: 8,
          concurrency: 1,
          engines: [engineNamed("one")],
          agents: [agentAt("broken", "one"), agentAt("other", "one")],
          policy: { attempts: 2, waitMillis: 300_000 }
        }),
        agent: (name) =>
          name === "broken"
            ? failsWith("purple", { _tag: "ServerError", status: 500, detail: "it has crashed" })
            : scoredAfter(29),
        services: Layer.mergeAll(unwatched.gate, breaker, unwatched.engines),
        withinSeconds: 7200
      })
      assert.deepStrictEqual(played.end, { _tag: "Ended" })
      const outcomes = played.battles.map(({ battle, outcome }) => `${battle.agent} ${outcome._tag}`)
      assert.lengthOf(outcomes.filter((each) => each === "other Scored"), 8)
      assert.lengthOf(outcomes.filter((each) => each === "broken Unscored"), 8)
      // Left to itself it would have been sent sixteen.
      assert.isBelow(beganOf(played, "broken").length, 16)
    }))
})
