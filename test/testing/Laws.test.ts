/** The laws hold for all limits that go together, and each of them notices a reducer that breaks it. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { check, checkAll, LawsBroken, LimitsContradict } from "../../src/testing/check.ts"
import { laws } from "../../src/testing/laws.ts"
import { describeLimits, limitsByChance } from "../../src/testing/limitsByChance.ts"
import { reducer, subjectOf } from "../../src/testing/Reducer.ts"
import { runs } from "../support/propertyRuns.ts"
import { brokenReducers } from "./brokenReducers.ts"

describe("the laws, under all limits that go together", () => {
  // With the defaults each is tried a thousand times elsewhere.
  const some = { ...runs, arbitrary: { runs: Math.max(5, Math.ceil(runs.arbitrary.runs / 50)) } }
  for (const law of laws) {
    it.prop(law.name, [
      Arbitrary.flatMap(
        limitsByChance,
        (limits) =>
          Arbitrary.map(
            law.cases(subjectOf(limits)),
            (one) => ({ ...one, toString: () => `${describeLimits(limits)}\n${one.toString()}` })
          )
      )
    ], ([one]) => {
      const violation = one.check()
      if (violation !== undefined) assert.fail(violation)
    }, some)
  }
})

describe("the laws", () => {
  it("have names of their own and say what they are", () => {
    assert.strictEqual(new Set(laws.map(({ name }) => name)).size, laws.length)
    const numbers = new Set(laws.map(({ property }) => property))
    for (let number = 1; number <= 16; number++) assert.isTrue(numbers.has(number), `${number}`)
    for (const number of [23, 24, 25, 26]) assert.isTrue(numbers.has(number), `${number}`)
  })

  it("are each broken by a reducer that is wrong", () => {
    const covered = new Set(Object.values(brokenReducers).flatMap((broken) => broken.laws))
    assert.deepStrictEqual(laws.map(({ name }) => name).filter((name) => !covered.has(name)), [])
  })

  for (const [what, broken] of Object.entries(brokenReducers)) {
    it.effect(`notice a reducer that ${what}`, () =>
      Effect.gen(function*() {
        for (const name of broken.laws) {
          const law = laws.find((each) => each.name === name)
          if (law === undefined) return assert.fail(`there is no law ${name}`)
          const found = yield* check(law, subjectOf({ reducer: broken.reducer }), { runs: 400, seed: 1, shrinks: 0 })
          assert.isDefined(found, name)
          assert.notStrictEqual(found?.violation, "")
        }
      }))
  }
})

describe("checkAll", () => {
  it.effect("finds nothing wrong with what we ship", () => checkAll({}, { runs: 10, seed: 1 }))

  it.effect("tells each broken law with a small case as text, and replays it", () =>
    Effect.gen(function*() {
      const { reducer: silent } = brokenReducers["takes comments for tokens"]!
      const some = laws.filter(({ name }) => name === "noise" || name === "chunks")
      const broken = yield* Effect.flip(checkAll({ reducer: silent }, { laws: some, runs: 100, seed: 1 }))
      assert.instanceOf(broken, LawsBroken)
      if (!(broken instanceof LawsBroken)) return
      const one = broken.broken.find(({ name }) => name === "noise")
      assert.isDefined(one)
      assert.match(broken.message, /^1 law does not hold\n/)
      assert.include(broken.message, "6: noise: comments, role chunks")
      assert.match(one!.counterExample, /metrics: /)
      assert.match(one!.violation, /what becomes of it with noise is \{.*and should be \{/)
      const law = laws.find(({ name }) => name === "noise")!
      const again = yield* check(law, subjectOf({ reducer: silent }), { replay: one!.replay })
      assert.strictEqual(again?.counterExample, one!.counterExample)
      assert.isUndefined(
        yield* check(law, subjectOf({ reducer }), { runs: 5, seed: 1 })
      )
    }))

  it.effect("asks nothing of limits that do not go together", () =>
    Effect.gen(function*() {
      const limits = { ...defaults, frozenFloorMillis: 400_000 }
      const error = yield* Effect.flip(checkAll({ limits }))
      assert.instanceOf(error, LimitsContradict)
      assert.include(error.message, "frozen-floor (6 min 40 s) is above frozen-ceiling (5 min)")
      const stale = yield* Effect.exit(checkAll({ scrapeMillis: 30_000 }))
      assert.isTrue(Exit.isFailure(stale))
    }))
})
