/**
 * The classes of runs of the liveness model's simulation, a few runs of each from a seed: with working evidence no healthy
 * run is given up, and every hang is found within the bound that its class states.
 */
import { assert, describe, it } from "@effect/vitest"
import { bursty, seconds, slow, steady } from "../../bench/liveness/stretches.ts"
import { between, type Random, randomOf } from "../../src/testing/Random.ts"
import { inputsOf, type Kind, type Metrics, play, SCRAPE, type Stretch, TICK, type World } from "./Worlds.ts"

const RUNS = 20

type Plan = ReadonlyArray<(random: Random) => Stretch>
const prefill = seconds("prefill", 0.3, 2)
const mean = steady(20, 60)

const worldOf = (plan: Plan, random: Random, more: Partial<World> = {}): World => ({
  stretches: plan.map((part) => part(random)),
  end: "finish",
  opened: { binding: "proven" },
  scrapeAt: between(random, 0, SCRAPE - 1),
  ...more
})

const healthy: Record<string, Plan> = {
  "steady 30 tok/s": [prefill, mean],
  "bursty, 0.5 to 12 s pauses": [prefill, bursty(60, 300)],
  "long prefill 60 to 400 s": [seconds("prefill", 60, 400), mean],
  "queue 90 s to 12 min": [seconds("waiting", 90, 720), prefill, mean],
  "hidden reasoning 60 to 330 s": [prefill, mean, seconds("hidden", 60, 330), mean],
  "hidden reasoning before the first token": [prefill, seconds("hidden", 60, 330), mean],
  "preempted 30 to 200 s, recomputed, twice": [
    prefill,
    mean,
    seconds("waiting", 30, 200),
    seconds("prefill", 1, 100),
    mean,
    seconds("waiting", 30, 200),
    mean
  ],
  "recomputed for 60 to 300 s, preempted for less than a scrape": [
    prefill,
    mean,
    seconds("waiting", 0.5, 2),
    seconds("prefill", 60, 300),
    mean
  ],
  "slow, 0.2 tok/s": [prefill, slow(300, 1200)],
  "engine pause 15 to 50 s": [prefill, mean, seconds("frozen", 15, 50), mean],
  "preparing 30 to 150 s": [seconds("preparing", 30, 150), prefill, mean],
  "asleep 5 min": [prefill, mean, seconds("asleep", 300), mean],
  "deferred 1 to 9 min": [seconds("deferred", 60, 540), prefill, mean]
}

describe("healthy runs with working evidence", () => {
  for (const [name, plan] of Object.entries(healthy)) {
    for (const noiseEveryMillis of [undefined, 15_000]) {
      it(`never gives up: ${name}${noiseEveryMillis === undefined ? "" : ", with comments"}`, () => {
        for (let seed = 1; seed <= RUNS; seed++) {
          const random = randomOf(seed)
          const played = play(inputsOf({
            ...worldOf(plan, random),
            ...(noiseEveryMillis === undefined ? {} : { noiseEveryMillis })
          }))
          assert.strictEqual(played.verdict._tag, "Completed", `seed ${seed}: ${JSON.stringify(played.verdict)}`)
        }
      })
    }
  }

  it("nor when the metrics fail for minutes in the middle of a long wait", () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = randomOf(seed)
      const world = worldOf([seconds("waiting", 600, 900), prefill, mean], random)
      const down = between(random, 200_000, 300_000)
      const inputs = inputsOf(world).map((input) =>
        input._tag === "Scrape" && input.at >= down && input.at < down + 100_000
          ? { ...input, outcome: "failed" as const }
          : input
      )
      assert.strictEqual(play(inputs).verdict._tag, "Completed", `seed ${seed}`)
    }
  })

  it("nor when the machine stands still for 40 to 300 s", () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = randomOf(seed)
      for (const metrics of ["ours", "none"] as const) {
        const from = between(random, 5000, 20_000)
        const pause = between(random, 40_000, 300_000)
        const inputs = inputsOf(worldOf([prefill, steady(30, 60)], random, { metrics }))
          // What came in during the pause is seen after it, ticks only once and first.
          .filter(({ _tag, at }) => _tag !== "Tick" || at < from || at > from + pause)
          .map((input) => input.at >= from && input.at < from + pause ? { ...input, at: from + pause } : input)
        assert.strictEqual(play(inputs).verdict._tag, "Completed", `seed ${seed}, ${metrics}`)
      }
    }
  })
})

describe("healthy runs whose metrics lie", () => {
  for (const metrics of ["idle replica", "cached", "alternating", "down", "none"] as ReadonlyArray<Metrics>) {
    it(`acts as without evidence: ${metrics}`, () => {
      for (const [name, plan] of Object.entries(healthy)) {
        // Without evidence a silence of 15 minutes is waited for while nothing is learned; 30 before the first token.
        for (let seed = 1; seed <= 5; seed++) {
          const played = play(inputsOf(worldOf(plan, randomOf(seed), { metrics, opened: {} })))
          assert.strictEqual(played.verdict._tag, "Completed", `${name}, seed ${seed}`)
        }
      }
    })
  }

  it("finds out that inherited evidence is not ours", () => {
    for (const metrics of ["idle replica", "cached", "alternating"] as const) {
      const played = play(inputsOf(worldOf([prefill, steady(60, 60)], randomOf(1), { metrics })))
      assert.strictEqual(played.state.binding.status, "refuted", metrics)
    }
  })
})

interface Hang {
  readonly plan: Plan
  readonly kinds: ReadonlyArray<string>
  /** The most that may pass from the last sign of life to the verdict. */
  readonly boundMillis: (limits: { readonly suspect: number; readonly frozen: number }) => number
}

const frozenBound: Hang["boundMillis"] = ({ frozen, suspect }) => Math.max(suspect, frozen) + SCRAPE + 2 * TICK
const scrapes = (count: number): Hang["boundMillis"] => ({ suspect }) => Math.max(suspect, count * SCRAPE) + 2 * TICK
const forEver = (kind: Kind) => seconds(kind, 2000)
/** Long enough for gaps of its own. */
const some = steady(5, 60)

const hung: Record<string, Hang> = {
  "mid-stream": { plan: [prefill, some, forEver("frozen")], kinds: ["engine-hung"], boundMillis: frozenBound },
  "of a slow stream": {
    plan: [prefill, slow(200, 600), forEver("frozen")],
    kinds: ["engine-hung"],
    boundMillis: (limits) => frozenBound(limits) + SCRAPE
  },
  "before the first token": {
    plan: [prefill, forEver("frozen")],
    kinds: ["engine-hung"],
    boundMillis: frozenBound
  },
  "while queued": {
    plan: [seconds("waiting", 60, 300), forEver("frozen")],
    kinds: ["engine-hung"],
    boundMillis: frozenBound
  },
  "in hidden reasoning": {
    plan: [prefill, some, seconds("hidden", 10, 300), forEver("frozen")],
    kinds: ["engine-hung"],
    boundMillis: frozenBound
  },
  "of an engine that never took it": {
    plan: [forEver("preparing")],
    kinds: ["engine-idle"],
    boundMillis: () => 180_000 + SCRAPE + 2 * TICK
  },
  "lost, engine busy": { plan: [prefill, some, forEver("lost")], kinds: ["orphaned"], boundMillis: scrapes(3) },
  "gauges read 0": {
    plan: [prefill, some, forEver("frozen-empty")],
    kinds: ["engine-idle"],
    boundMillis: scrapes(3)
  },
  "dead server, half-open socket": {
    plan: [prefill, some, forEver("refused")],
    kinds: ["engine-dead"],
    boundMillis: scrapes(2)
  },
  "unhealthy server, half-open socket": {
    plan: [prefill, some, forEver("unhealthy")],
    kinds: ["engine-dead"],
    boundMillis: scrapes(2)
  },
  "restarted server, half-open socket": {
    plan: [prefill, some, seconds("refused", 4), forEver("restarted")],
    kinds: ["engine-restarted"],
    boundMillis: scrapes(3)
  },
  "decode dead, others are prefilled": {
    plan: [prefill, some, forEver("no-decode")],
    kinds: ["decode-hung"],
    boundMillis: frozenBound
  },
  "deferred for ever": {
    plan: [forEver("deferred")],
    kinds: ["deferred-stuck"],
    boundMillis: () => 600_000 + 2 * SCRAPE + 2 * TICK
  }
}

describe("hung runs with working evidence", () => {
  for (const [name, { boundMillis, kinds, plan }] of Object.entries(hung)) {
    for (const noiseEveryMillis of [undefined, 1500]) {
      it(`finds a hang ${name}${noiseEveryMillis === undefined ? "" : ", behind comments"}`, () => {
        for (let seed = 1; seed <= RUNS; seed++) {
          const world = worldOf(plan, randomOf(seed), {
            end: "open",
            ...(noiseEveryMillis === undefined ? {} : { noiseEveryMillis })
          })
          const hangAt = world.stretches.slice(0, -1).reduce((sum, { millis }) => sum + millis, 0)
          const { endedAt, verdict } = play(inputsOf(world))
          assert.isDefined(endedAt, `seed ${seed}: ${JSON.stringify(verdict)}`)
          if (verdict._tag !== "Stalled") return assert.fail(`seed ${seed}: ${verdict._tag}`)
          const limit = (name: string) => verdict.circumstances.limits.find((limit) => limit.name === name)!.millis
          const bound = boundMillis({ suspect: limit("suspect"), frozen: limit("frozen") })
          assert.include(kinds, verdict.kind, `seed ${seed}`)
          // A request that nobody counts yet may still be prepared.
          assert.strictEqual(
            verdict.confidence,
            plan.length === 1 && kinds[0] === "engine-idle" ? "inferred" : "proved"
          )
          assert.isAtMost(endedAt - hangAt, bound, `seed ${seed}`)
          assert.isAtLeast(endedAt - hangAt, verdict.kind === "engine-hung" ? 60_000 - SCRAPE : 0, `seed ${seed}`)
        }
      })
    }
  }

  it("finds them without evidence too, only later, and says that it is inferred", () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const world = worldOf([prefill, some, forEver("frozen")], randomOf(seed), { end: "open", metrics: "none" })
      const learned = { gapMillis: 1000, firstTokenMillis: 5000 }
      const hangAt = world.stretches.slice(0, -1).reduce((sum, { millis }) => sum + millis, 0)
      for (const [opened, limit] of [[{}, 900_000], [{ learned }, 120_000]] as const) {
        const { endedAt, verdict } = play(inputsOf({ ...world, opened }))
        if (verdict._tag !== "Stalled") return assert.fail(`seed ${seed}: ${verdict._tag}`)
        assert.deepStrictEqual([verdict.kind, verdict.confidence, verdict.limit.millis], ["silent", "inferred", limit])
        assert.isAtMost(endedAt! - hangAt, limit + TICK)
        assert.isAbove(endedAt!, limit)
      }
    }
  })
})
