/**
 * The worlds of the liveness bench: what their metrics show is what vLLM would show, and what ours is told of them.
 */
import { assert, describe, it } from "@effect/vitest"
import { healthyClasses, hungClasses } from "../../bench/liveness/classes.ts"
import { judge } from "../../bench/liveness/ours.ts"
import { named } from "../../bench/liveness/Results.ts"
import { seconds, steady } from "../../bench/liveness/stretches.ts"
import { type Kind, type Plan, worldOf } from "../../bench/liveness/World.ts"
import type { EngineSample } from "../../src/liveness/EngineSample.ts"
import { nothingLearned } from "../../src/liveness/LimitInForce.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { randomOf } from "../../src/testing/Random.ts"

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]

/** One second of prefill, 10 s of tokens, then this for long; the metrics at 5, 20 and 60 s. */
const shownIn = (kind: Kind, seed: number, more: Partial<Plan> = {}) => {
  const stretches = [seconds("prefill", 1), steady(10, 10), seconds(kind, 1000)]
  const world = worldOf({ stretches, ...more }, randomOf(seed), { until: 100_000 })
  const at = (time: number) => {
    const sample = world.metricsAt(time)
    return sample === "refused" ? assert.fail("refused") : sample
  }
  return { world, before: at(5000), early: at(20_000), late: at(60_000) }
}

const held = ({ running, waiting }: EngineSample) => running! + waiting!
const counted = ({ decodeOutputs, firstTokens, generationTokens }: EngineSample) =>
  [decodeOutputs, firstTokens, generationTokens] as const

describe("the engine of a world", () => {
  it("freezes with all its gauges when it hangs", () => {
    for (const seed of SEEDS) {
      const { before, early, late } = shownIn("frozen", seed)
      assert.deepStrictEqual(late, early)
      assert.notStrictEqual(early.heartbeat, before.heartbeat)
      assert.deepStrictEqual([early.running, early.waiting], [before.running, before.waiting])
      assert.isAtLeast(early.running!, 1)
      const empty = shownIn("frozen empty", seed)
      assert.strictEqual(held(empty.early), 0)
      assert.strictEqual(empty.late.heartbeat, empty.early.heartbeat)
    }
  })

  it("moves with our own tokens only where it serves us alone", () => {
    const { before, early, world } = shownIn("frozen", 1, { alone: true })
    const tokens = world.seen.filter(({ what }) => what === "token")
    const upTo = (time: number) => tokens.filter(({ at }) => at <= time).length
    assert.deepStrictEqual(counted(before), [1e6 + upTo(5000) - 1, 1e4 + 1, 1e6 + 1e4 + upTo(5000)])
    assert.deepStrictEqual(counted(early), [1e6 + tokens.length - 1, 1e4 + 1, 1e6 + 1e4 + tokens.length])
    assert.isAbove(tokens.length, 250)
  })

  it("moves no counter of tokens in a prefill, but moves", () => {
    for (const kind of ["prefill", "behind prefill"] as const) {
      const { early, late } = shownIn(kind, 2, { alone: true })
      assert.deepStrictEqual(counted(late), counted(early), kind)
      assert.notStrictEqual(late.heartbeat, early.heartbeat, kind)
    }
    for (const seed of SEEDS) {
      const behind = shownIn("behind prefill", seed)
      assert.strictEqual(behind.late.decodeOutputs, behind.early.decodeOutputs)
      assert.isAbove(behind.late.waiting!, 0)
    }
  })

  it("has moved when only its gauges have: a request was taken", () => {
    const stretches = [seconds("preparing", 10), seconds("prefill", 10)]
    const world = worldOf({ stretches, alone: true }, randomOf(1), { until: 20_000 })
    const [before, after] = [world.metricsAt(9000), world.metricsAt(10_001)]
    if (before === "refused" || after === "refused") return assert.fail("refused")
    assert.deepStrictEqual([before.running, after.running, counted(after)], [0, 1, counted(before)])
    assert.notStrictEqual(after.heartbeat, before.heartbeat)
  })

  it("holds one request too few when ours is lost, and goes on", () => {
    for (const seed of SEEDS) {
      const { before, early, late, world } = shownIn("lost", seed, { alone: false })
      assert.strictEqual(held(before), world.otherStreams + 1)
      assert.strictEqual(held(early), world.otherStreams)
      assert.isAbove(late.decodeOutputs!, early.decodeOutputs!)
      assert.strictEqual(shownIn("lost", seed, { alone: false, strangers: true }).world.otherStreams, 0)
    }
  })

  it("gives others first tokens and nobody a second one when decoding is dead", () => {
    for (const seed of SEEDS) {
      const { early, late, world } = shownIn("no decode", seed)
      assert.strictEqual(late.decodeOutputs, early.decodeOutputs)
      assert.isAbove(late.firstTokens!, early.firstTokens!)
      assert.isAtLeast(held(late), world.otherStreams + 1)
    }
  })

  it("is another process after a restart, which counts anew, and none when it is dead", () => {
    const { before, early } = shownIn("restarted", 3)
    assert.isAbove(early.startedAtSeconds!, before.startedAtSeconds!)
    assert.isBelow(early.generationTokens!, before.generationTokens!)
    const dead = worldOf({ stretches: [seconds("refused", 10)] }, randomOf(1), { until: 1000 })
    assert.strictEqual(dead.metricsAt(5), "refused")
  })

  it("is idle for good where the metrics are another's", () => {
    const { before, late } = shownIn("hidden", 4, { foreignMetrics: true })
    assert.deepStrictEqual(late, before)
    assert.strictEqual(held(late), 0)
  })
})

describe("a client that stands still", () => {
  it("sees what came in meanwhile when it wakes, after its timers, and nothing is missing", () => {
    const { plan } = healthyClasses.find(({ name }) => name.startsWith("client paused"))!
    for (const seed of SEEDS) {
      const world = worldOf(plan, randomOf(seed), "finish")
      const awake = worldOf({ stretches: plan.stretches }, randomOf(seed), "finish")
      const { from, to } = world.pause!
      assert.isTrue(to - from >= 40_000 && to - from <= 300_000)
      assert.isTrue(world.seen.every(({ at }) => at < from || at > to))
      assert.isTrue(world.seen.every(({ at }, index) => index === 0 || at >= world.seen[index - 1]!.at))
      assert.isAbove(awake.seen.length, 100)
      assert.strictEqual(world.seen.at(-1)?.what, "finish")
    }
  })
})

describe("ours in a world", () => {
  const options = { limits: defaults, learned: nothingLearned, evidence: true }

  it("asks for metrics every 5 s, and every 2 s while the run is slow; without evidence never", () => {
    const { before, hang } = hungClasses.find(({ name }) => name === named.midStream)!
    const world = worldOf({ stretches: [...before.stretches, ...hang] }, randomOf(1), { until: 3_600_000 })
    const asked: Array<number> = []
    const metricsAt = (at: number) => {
      asked.push(at)
      return world.metricsAt(at)
    }
    const { givenUpAt } = judge({ ...world, metricsAt }, options)
    const gaps = asked.slice(1).map((at, index) => at - asked[index]!)
    assert.deepStrictEqual([...new Set(gaps)], [5020, 2020])
    assert.isAbove(gaps.filter((gap) => gap === 2020).length, 20)
    assert.isAtMost(givenUpAt! - asked.at(-1)!, 2020 + 1000)
    asked.length = 0
    judge({ ...world, metricsAt }, { ...options, evidence: false })
    assert.deepStrictEqual(asked, [])
  })

  it("learns the longest gap and the first token of a finished run", () => {
    const world = worldOf(
      { stretches: [seconds("prefill", 7), steady(5, 5), seconds("hidden", 20), steady(60, 60)] },
      randomOf(1),
      "finish"
    )
    const { finished: { firstTokenMillis, largestGapMillis }, givenUpAt } = judge(world, {
      ...options,
      evidence: false
    })
    assert.isUndefined(givenUpAt)
    assert.strictEqual(firstTokenMillis, 7000)
    assert.isTrue(largestGapMillis! >= 20_000 && largestGapMillis! <= 20_200, String(largestGapMillis))
  })

  it("calls a run given up that ends in any other way than complete", () => {
    const world = worldOf({ stretches: [steady(5, 5)] }, randomOf(1), "finish")
    const broken = world.seen.map((one) =>
      one.what === "finish" ? { ...one, inputs: [{ _tag: "Ended", at: one.at, how: "eof" } as const] } : one
    )
    assert.isUndefined(judge(world, options).givenUpAt)
    assert.strictEqual(judge({ ...world, seen: broken }, options).givenUpAt, 5000)
  })
})
