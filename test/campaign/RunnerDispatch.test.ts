/**
 * When the runner looks for something to begin: lanes beside one another, places that are all taken, and the budgets of a
 * whole campaign.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { CampaignEngines } from "../../src/campaign/CampaignEngines.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import type { FailurePolicy } from "../../src/campaign/FailurePolicy.ts"
import { AgentBreaker } from "../../src/liveness/AgentBreaker.ts"
import {
  agentAt,
  beganOf,
  campaignOf,
  engineNamed,
  failsWith,
  play,
  runStored,
  scoredAfter,
  told,
  unwatched
} from "./virtualCampaigns.ts"

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
      // Once a second the report looks as well; a dispatcher that does not rest looks thousands of times.
      assert.isBelow(breaker.looks(), 2 * 120 + 20)
    }))

  it.effect("lets a slow engine starve no other one", () =>
    Effect.gen(function*() {
      const played = yield* play({
        definition: campaignOf({
          repetitions: 10,
          concurrency: 2,
          engines: [engineNamed("slow"), engineNamed("fast")],
          agents: [agentAt("tortoise", "slow"), agentAt("hare", "fast")]
        }),
        agent: (name) => scoredAfter(name === "tortoise" ? 300 : 10)
      })
      const began = beganOf(played, "hare")
      // Two at a time, ten seconds each, without a break, as if it were alone.
      assert.deepStrictEqual(began, [0, 0, 10_000, 10_000, 20_000, 20_000, 30_000, 30_000, 40_000, 40_000])
      assert.strictEqual(beganOf(played, "tortoise").filter((at) => at < 300_000).length, 2)
      assert.isTrue(played.battles.every(({ outcome }) => outcome._tag === "Scored"))
    }))
})

/** How many attempts were in flight at most. */
const mostInFlight = (played: Pick<Effect.Success<ReturnType<typeof play>>, "events">): number => {
  let inFlight = 0
  let most = 0
  for (const { _tag } of played.events) {
    if (_tag === "AttemptBegan") most = Math.max(most, ++inFlight)
    if (_tag === "AttemptEnded") inFlight--
  }
  return most
}

describe("the budgets of a campaign", () => {
  /** Plays, and plays on with the budget raised, in the same store. */
  const twice = (concurrency: number, first: Partial<FailurePolicy>, then: Partial<FailurePolicy>) =>
    Effect.gen(function*() {
      const definition = campaignOf({ repetitions: 10, concurrency, policy: first })
      const store = yield* CampaignStore
      yield* store.create(definition, null)
      const options = { definition, agent: () => scoredAfter(30) }
      const paused = yield* runStored(options)
      yield* store.extend(campaignOf({ repetitions: 10, concurrency, policy: then }), null)
      return { paused, resumed: yield* runStored(options) }
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(CampaignStore.layerMemory)), Effect.orDie)

  it.effect("pauses when its time is over, lets what is in flight end, and can go on", () =>
    Effect.gen(function*() {
      const { paused, resumed } = yield* twice(2, { campaignMillis: 100_000 }, { campaignMillis: null })
      assert.deepStrictEqual(paused.end, { _tag: "Paused", why: "its budget of 100 s is spent" })
      // Begun at 0, 30, 60 and 90 s, two each time.
      assert.lengthOf(told(paused, "AttemptBegan"), 8)
      assert.strictEqual(told(paused, "Stopping")[0]?.atMillis, 100_000)
      assert.isTrue(paused.attempts.every(({ verdict }) => verdict === "completed"))
      assert.lengthOf(paused.battles.filter(({ outcome }) => outcome._tag === "Pending"), 2)
      assert.deepStrictEqual(resumed.end, { _tag: "Ended" })
      assert.lengthOf(told(resumed, "AttemptBegan"), 2)
      assert.lengthOf(resumed.attempts, 10)
    }))

  it.effect("pauses when its tokens are spent, those of earlier runs among them", () =>
    Effect.gen(function*() {
      // A battle of 30 s says 31 words.
      const { paused, resumed } = yield* twice(1, { campaignTokens: 100 }, { campaignTokens: 200 })
      assert.deepStrictEqual(paused.end, { _tag: "Paused", why: "its budget of 100 tokens is spent" })
      assert.lengthOf(paused.attempts, 4)
      assert.isTrue(paused.attempts.every(({ verdict }) => verdict === "completed"))
      assert.deepStrictEqual(resumed.end, { _tag: "Paused", why: "its budget of 200 tokens is spent" })
      assert.lengthOf(resumed.attempts, 7)
    }))

  it.effect("grants no more retries than all battles together have", () =>
    Effect.gen(function*() {
      const played = yield* play({
        definition: campaignOf({ repetitions: 5, concurrency: 1, policy: { campaignRetries: 3 } }),
        agent: () => failsWith("engine", { _tag: "Truncated" })
      })
      assert.lengthOf(played.attempts, 5 + 3)
      const reasons = played.battles.map(({ outcome }) => outcome._tag === "Unscored" ? outcome.reason : outcome._tag)
      assert.lengthOf(reasons.filter((reason) => reason.endsWith("the 3 retries of the campaign are spent")), 5)
    }))
})

describe("an adaptive concurrency", () => {
  const adaptive = (first: number, most: number) =>
    engineNamed("one", { concurrency: { _tag: "Adaptive", first, most } })

  /** An engine that refuses whoever comes while it has so many. */
  const bounded = (bound: number) => {
    let running = 0
    return () =>
      Stream.suspend(() => {
        if (running >= bound) {
          return Stream.concat(
            Stream.fromEffectDrain(Effect.sleep(100)),
            failsWith("engine", { _tag: "RateLimited", status: 429, retryAfterMillis: null, detail: "full" })
          )
        }
        running++
        return Stream.ensuring(scoredAfter(20), Effect.sync(() => running--))
      })
  }

  it.effect("rises to its bound and never beyond it", () =>
    Effect.gen(function*() {
      const played = yield* play({
        definition: campaignOf({ repetitions: 60, engines: [adaptive(1, 4)], agents: [agentAt("agent", "one")] }),
        agent: () => scoredAfter(20)
      })
      assert.deepStrictEqual(told(played, "ConcurrencyChanged").map(({ battles }) => battles), [2, 3, 4])
      assert.strictEqual(mostInFlight(played), 4)
    }))

  it.effect("halves where the engine refuses, rises again, and nobody is charged", () =>
    Effect.gen(function*() {
      const played = yield* play({
        definition: campaignOf({ repetitions: 200, engines: [adaptive(8, 16)], agents: [agentAt("agent", "one")] }),
        agent: bounded(6),
        withinSeconds: 7200
      })
      assert.deepStrictEqual(played.end, { _tag: "Ended" })
      assert.isTrue(played.battles.every(({ outcome }) => outcome._tag === "Scored"))
      const limits = told(played, "ConcurrencyChanged").map(({ battles }) => battles)
      // From eight to four at once, though two were refused; then up by one each time until it is refused again.
      assert.deepStrictEqual(limits.slice(0, 5), [4, 5, 6, 7, 3])
      assert.isAtMost(Math.max(...limits), 8)
      const refused = played.attempts.filter(({ verdict }) => verdict !== "completed")
      assert.isAbove(refused.length, 2)
      assert.isTrue(refused.every(({ charged }) => !charged))
      // It works at the edge, not far below it: 200 battles of 20 s, six at once, are 670 s.
      assert.isBelow(played.events.at(-1)!.atMillis, 1100_000)
    }))

  it.effect("is cut where requests wait ever longer in the engine", () =>
    Effect.gen(function*() {
      const times = { requests: 0, seconds: 0 }
      /** Half a second each at first, ten from the third minute on. */
      const queue = Effect.forever(Effect.andThen(
        Effect.sleep(1000),
        Effect.gen(function*() {
          const seconds = Number(yield* Clock.monotonicTimeNanos) / 1e9
          times.requests++
          times.seconds += seconds < 120 ? 0.5 : 10
        })
      ))
      const engines = CampaignEngines.layerTest({
        look: () => Effect.succeed(undefined),
        serve: () => Effect.void,
        queueTimes: () => Effect.sync(() => ({ ...times }))
      })
      const played = yield* play({
        definition: campaignOf({ repetitions: 60, engines: [adaptive(8, 8)], agents: [agentAt("agent", "one")] }),
        agent: () => scoredAfter(20),
        services: Layer.mergeAll(unwatched.gate, unwatched.breaker, engines),
        beside: queue
      })
      const changes = told(played, "ConcurrencyChanged")
      const [first] = changes
      assert.strictEqual(first?.battles, 6)
      assert.isAtLeast(first!.atMillis, 120_000)
      assert.isAtMost(first!.atMillis, 130_000)
      // The round that began before the cut is over first.
      const began = told(played, "AttemptBegan").filter(({ atMillis }) => atMillis > first!.atMillis)
      assert.isNotEmpty(began)
      assert.deepStrictEqual(played.end, { _tag: "Ended" })
    }))
})
