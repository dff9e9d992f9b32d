/** What scrapes do to a run, and what they may not do to it. */
import { assert, describe, it } from "@effect/vitest"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { engineDigestOf, step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import type { RunState } from "../../src/liveness/RunState.ts"
import { bound, every, type Inputs, moving, run, twenty } from "./Runs.ts"
import { frame, opened, sample, scrape } from "./Worlds.ts"

const frozenMillis = (state: RunState, at: number) => {
  const verdict = verdictOf(step(state, { _tag: "Cancelled", at, by: "user" }))
  return verdict._tag === "Cancelled" ? verdict.circumstances.evidence.frozenMillis : assert.fail(verdict._tag)
}

describe("when a scrape was asked for", () => {
  const still = (askedAt: (at: number) => number): Inputs =>
    every(5000, 25_000, () => sample()).map((input) => ({ ...input, askedAt: askedAt(input.at) } as Input.Scrape))
  const frozenBy = (askedAt: (at: number) => number) =>
    frozenMillis(run([[bound], still(askedAt)], 26_000).state, 26_000)

  it("is how far it shows a standstill; not in the future, and at the beginning if nobody knows", () => {
    assert.strictEqual(frozenBy((at) => at), 20_000)
    assert.strictEqual(frozenBy((at) => at - 300), 19_700)
    assert.strictEqual(frozenBy((at) => at + 500), 20_000)
    assert.strictEqual(frozenBy(() => Number.NaN), 0)
    assert.strictEqual(frozenBy(() => -1e9), 0)
  })

  it("is how old it is: it tells of now for so long", () => {
    const fresh = defaults.evidenceFreshMillis
    for (const askedAt of [100, -1e6]) {
      const digest = (to: number) =>
        engineDigestOf(run([[bound], [scrape(100, sample(), { askedAt })], [frame(to)]], to).state)
      const until = Math.max(0, askedAt) + fresh
      assert.deepStrictEqual([digest(until), digest(until + 1)], ["moving", "unknown"])
    }
  })

  it("decides whether it can speak against a token", () => {
    const place = (took: number) =>
      run([
        [bound],
        twenty,
        [1900, 2100, 2200, 2300].map((at) =>
          scrape(at, moving({ running: 0 })(at), { openStreams: 1, askedAt: at - took })
        )
      ], 2400).state.place.lost
    assert.deepStrictEqual([place(0), place(1000)], [3, 0])
  })
})

describe("a server that does not serve the model", () => {
  it("is believed in nothing from its first scrape on", () => {
    const foreign = scrape(500, sample(), { modelServed: false })
    assert.strictEqual(run([[bound], [foreign]], 1000).state.binding.status, "refuted")
  })
})

describe("a scrape that failed", () => {
  it("contradicts no token", () => {
    const failed = [500, 1200, 1900].map((at, turn) =>
      scrape(at, turn === 0 ? sample({ generationTokens: 5 }) : "failed")
    )
    assert.strictEqual(run([[bound], twenty, failed], 3000).state.binding.contradictions, 0)
  })

  it("says no less of who serves the model", () => {
    const foreign = scrape(500, "failed", { modelServed: false })
    assert.strictEqual(run([[bound], twenty, [foreign]], 3000).state.binding.status, "refuted")
  })
})

describe("scrapes that know less", () => {
  it("conclude nothing from streams that nobody counts", () => {
    const deferred = every(0, 900_000, moving({ running: 0, waiting: 1, deferred: 2 }), { openStreams: null })
    assert.isUndefined(run([[bound], deferred], 800_000).state.outcome)
  })

  it("label the wait before the first token by what they say, and only by that", () => {
    const phases = (...samples: ReadonlyArray<Parameters<typeof sample>[0]>) =>
      run([
        [opened({ binding: "proven" })],
        [{ _tag: "Headers", at: 0 }],
        samples.map((more, turn) => scrape(1000 * turn + 500, sample(more)))
      ], 1000 * samples.length).state.phases.map(({ phase }) => phase).slice(2)
    assert.deepStrictEqual(phases({ waiting: 1 }, { waiting: 0 }, { waiting: 2 }, { waiting: 0 }), [
      "queued",
      "prefill",
      "queued",
      "prefill"
    ])
    assert.deepStrictEqual(phases({ waiting: null }), ["prefill"])
    assert.deepStrictEqual(phases({ waiting: 0, running: null }), [])
    assert.deepStrictEqual(phases({ waiting: null, running: 0 }), [])
  })
})

describe("a restart that is not believed yet", () => {
  it("is one process from its second scrape on, which may have lost the request", () => {
    const limits = { ...defaults, restartScrapes: 100 }
    const restarts = every(0, 100_000, (turn) => moving(turn < 2 ? {} : { startedAtSeconds: 2000, running: 0 })(turn))
    const { endedAt, verdict } = run([[bound], twenty, restarts], 100_000, limits)
    assert.deepInclude(verdict, { _tag: "Stalled", kind: "orphaned" })
    // The new process at 10 s, and three scrapes that miss the request.
    assert.strictEqual(endedAt, 25_000)
  })
})
