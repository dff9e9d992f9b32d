import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { describeLimit } from "../../src/liveness/describeLimit.ts"
import type { FinishedRun } from "../../src/liveness/FinishedRun.ts"
import * as Gaps from "../../src/liveness/Gaps.ts"
import { learnedFrom, type LearningSettings } from "../../src/liveness/LearnedRuns.ts"
import { LearnedLimits, nothingLearned, silent } from "../../src/liveness/LimitInForce.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import * as RunKey from "../../src/liveness/RunKey.ts"
import { runs } from "../support/propertyRuns.ts"
import { randomOf } from "./Worlds.ts"

const settings: LearningSettings = { learnedFalseAlarms: 0.2, learnedRuns: 6 }
const keyOf = (model: string, running = 1) => RunKey.make({ endpoint: "http://engine/v1", model, running })
const key = keyOf("m")
const run = (largestGapMillis: number | null, firstTokenMillis: number | null = null): FinishedRun => ({
  largestGapMillis,
  firstTokenMillis
})

const millis = Arbitrary.map(
  Arbitrary.schema(Schema.Union([
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400_000 })),
    Schema.Literals(["censored", "nothing"])
  ])),
  (told) => told === "censored" ? Infinity : told === "nothing" ? null : told
)
const someRuns = Arbitrary.array(Arbitrary.all([millis, millis] as const), { maxLength: 30 })

describe("limits learned from runs", () => {
  it("are the bounds of what they teach, each counted apart", () => {
    const runs = [run(5, 70), run(3, null), run(null, 60), run(9, 50), run(7, 40)]
    assert.deepStrictEqual(learnedFrom(runs, settings), {
      gapMillis: 9,
      firstTokenMillis: 70,
      learning: { gap: { runs: 4, needed: 4 }, firstToken: { runs: 4, needed: 4 } }
    })
  })

  it("are none where runs are few, and none where too many were given up", () => {
    const three = [run(5), run(3), run(9, Infinity)]
    assert.deepStrictEqual(learnedFrom(three, settings), {
      gapMillis: null,
      firstTokenMillis: null,
      learning: { gap: { runs: 3, needed: 4 }, firstToken: { runs: 1, needed: 4 } }
    })
    const censored = learnedFrom([...three, run(Infinity)], settings)
    assert.deepStrictEqual([censored.gapMillis, censored.learning?.gap], [null, { runs: 4, needed: 4 }])
  })

  it("are told to people through the limits that they make", () => {
    const phrase = (runs: ReadonlyArray<FinishedRun>) =>
      describeLimit(silent(defaults, Gaps.summarize(Gaps.empty(1), 1), learnedFrom(runs, defaults), true, 0))
    const healthy = Array.from({ length: 412 }, (_, index) => run(index < 3 ? 130_000 : 5000))
    assert.strictEqual(phrase(healthy), "2 min 10 s, learned from 412 runs")
    assert.strictEqual(phrase(healthy.slice(0, 12)), "15 min, not learned yet (12 of 199 runs)")
    assert.strictEqual(
      phrase([...healthy, run(Infinity), run(Infinity), run(Infinity)]),
      "15 min, not learned (too many of 415 runs were given up)"
    )
  })

  it("are not learned where no false alarm is allowed", () => {
    const runs = Array.from({ length: 500 }, () => run(1, 1))
    assert.deepStrictEqual(learnedFrom(runs, { learnedFalseAlarms: 0, learnedRuns: 2000 }), nothingLearned)
    assert.strictEqual(learnedFrom(runs, defaults).gapMillis, 1)
  })

  it.prop(
    "can be encoded, whatever the runs, and a run given up makes none of them shorter",
    [someRuns],
    ([taught]) => {
      const runs = taught.map(([gap, first]) => run(gap, first))
      const limits = learnedFrom(runs, settings)
      assert.deepStrictEqual(Schema.decodeSync(LearnedLimits)(Schema.encodeSync(LearnedLimits)(limits)), limits)
      const more = learnedFrom([...runs, run(Infinity, Infinity)], settings)
      assert.isAtLeast(more.gapMillis ?? Infinity, limits.gapMillis ?? Infinity)
      assert.isAtLeast(more.firstTokenMillis ?? Infinity, limits.firstTokenMillis ?? Infinity)
    },
    runs
  )

  /** Plays many runs with the limit learned so far; `censor` says what a run given up teaches. */
  const killed = (censor: (limit: number) => number | null): number => {
    const random = randomOf(11)
    const settings = { learnedFalseAlarms: 0.05, learnedRuns: 400 }
    const ceiling = 1e9
    let runs: ReadonlyArray<FinishedRun> = []
    let kills = 0
    for (let turn = 0; turn < 6000; turn++) {
      const limit = learnedFrom(runs, settings).gapMillis ?? ceiling
      const gap = (1 - random()) ** -1.5
      if (gap > limit) kills++
      const taught = gap > limit ? censor(limit) : gap
      if (taught !== null) runs = [...runs, run(taught)].slice(-settings.learnedRuns)
    }
    return kills / 6000
  }

  it("do not shrink by their own kills, as they would if those were left out", () => {
    assert.isAtMost(killed(() => Infinity), 0.05)
    assert.isAbove(killed(() => Infinity), 0.02)
    assert.isAbove(killed(() => null), 0.15)
    assert.isAbove(killed((limit) => limit / 2), 0.15)
  })
})

describe("LimitLearner", () => {
  it.effect("learns nothing where nobody shall learn", () =>
    Effect.gen(function*() {
      const learner = yield* LimitLearner
      for (let count = 0; count < 300; count++) yield* learner.finished(key, run(1, 1))
      assert.deepStrictEqual(yield* learner.learned(key), nothingLearned)
    }).pipe(Effect.provide(LimitLearner.layerNone)))

  it.effect("learns with the defaults from 199 runs on", () =>
    Effect.gen(function*() {
      const learner = yield* LimitLearner
      for (let count = 1; count <= 198; count++) yield* learner.finished(key, run(count, 2 * count))
      assert.isNull((yield* learner.learned(key)).gapMillis)
      yield* learner.finished(key, run(1, 2))
      assert.deepInclude(yield* learner.learned(key), { gapMillis: 198, firstTokenMillis: 396 })
      assert.strictEqual((yield* learner.learned(keyOf("other"))).learning?.gap.runs, 0)
    }).pipe(Effect.provide(LimitLearner.layerMemory())))

  it.effect.prop("knows of each key its last runs, and of none another's", [
    Arbitrary.array(Arbitrary.all([Arbitrary.schema(Schema.Literals(["a", "b"])), millis, millis] as const), {
      maxLength: 30
    })
  ], ([taught]) =>
    Effect.gen(function*() {
      const learner = yield* LimitLearner
      for (const [model, gap, first] of taught) yield* learner.finished(keyOf(model), run(gap, first))
      for (const model of ["a", "b"]) {
        const own = taught
          .filter(([of, gap, first]) => of === model && (gap !== null || first !== null))
          .map(([, gap, first]) => run(gap, first))
        assert.deepStrictEqual(yield* learner.learned(keyOf(model)), learnedFrom(own.slice(-6), settings))
        assert.strictEqual((yield* learner.learned(keyOf(model, 9))).learning?.gap.runs, 0)
      }
    }).pipe(Effect.provide(LimitLearner.layerMemory(settings))), runs)

  it.effect("keeps nothing where nothing is to be kept", () =>
    Effect.gen(function*() {
      const learner = yield* LimitLearner
      yield* learner.finished(key, run(1))
      assert.strictEqual((yield* learner.learned(key)).learning?.gap.runs, 0)
    }).pipe(Effect.provide(LimitLearner.layerMemory({ ...settings, learnedRuns: 0 }))))
})
