/** The services of plain programs: shared while there is a run, gone when there is none, and what was learned stays. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as SharedServices from "../../src/engine/SharedServices.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"

const nobody = { tell: () => {}, isSuspect: () => false }
const engine = { baseUrl: "http://127.0.0.1:1/v1" }

describe("shared services", () => {
  it.live("are the same for all runs at an engine at one time, and others where anything differs", () =>
    Effect.scoped(Effect.gen(function*() {
      const one = yield* SharedServices.services(engine, defaults)
      const other = yield* SharedServices.services({ ...engine }, { ...defaults })
      assert.strictEqual(Context.get(one, EngineEvidence), Context.get(other, EngineEvidence))
      assert.strictEqual(Context.get(one, Ticker), Context.get(other, Ticker))
      assert.strictEqual(Context.get(one, LimitLearner), Context.get(other, LimitLearner))
      const faster = yield* SharedServices.services({ ...engine, scrapeMillis: 100 }, { ...defaults, tickMillis: 50 })
      assert.notStrictEqual(Context.get(one, EngineEvidence), Context.get(faster, EngineEvidence))
      assert.notStrictEqual(Context.get(one, Ticker), Context.get(faster, Ticker))
      const without = yield* SharedServices.services(undefined, defaults)
      assert.strictEqual(Context.get(without, EngineEvidence), EngineEvidence.none)
    })))

  it.live("know later what runs have found out before, though nothing was open in between", () =>
    Effect.gen(function*() {
      const first = yield* Effect.scoped(Effect.gen(function*() {
        const evidence = Context.get(yield* SharedServices.services(engine, defaults), EngineEvidence)
        yield* evidence.learn({ binding: "proven", longestStepMillis: 70 })
        return evidence
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        const evidence = Context.get(yield* SharedServices.services(engine, defaults), EngineEvidence)
        assert.notStrictEqual(evidence, first)
        const { known } = yield* evidence.follow(nobody)
        assert.deepStrictEqual(known, { binding: "proven", longestStepMillis: 70 })
      }))
    }))
})
