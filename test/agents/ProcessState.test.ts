// The reducer over an agent's process: its laws, over any order of what may happen.
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as ProcessState from "../../src/agents/ProcessState.ts"

const limits: ProcessState.RestartLimits = {
  firstMillis: 1_000,
  factor: 2,
  mostMillis: 30_000,
  settledMillis: 60_000,
  mostDeaths: 10
}
const started = (at: number) => ({ _tag: "Started", at }) as const
const answered = (at: number) => ({ _tag: "CardAnswered", at }) as const
const died = (at: number) => ({ _tag: "Died", at, why: "ended with exit code 1" }) as const

const run = (...inputs: ReadonlyArray<ProcessState.ProcessInput>) =>
  inputs.reduce((state, input) => ProcessState.step(state, input, limits), ProcessState.initial(0))

const happenings = Schema.Array(Schema.Struct({
  _tag: Schema.Literals(["Started", "CardAnswered", "Died"]),
  after: Schema.Literals([0, 10, 59_999, 60_000, 100_000])
}))

describe("ProcessState", () => {
  it("has the limits of the policy as defaults", () => {
    assert.deepStrictEqual(ProcessState.restartDefaults, limits)
    assert.deepStrictEqual(ProcessState.step(ProcessState.initial(0), died(5)), run(died(5)))
  })

  it("goes from starting to ready, and over exited and restarting to ready again", () => {
    assert.deepStrictEqual(run(answered(7)), {
      phase: "ready",
      sinceMillis: 7,
      deaths: 0,
      lastDeath: null,
      restartAtMillis: null
    })
    assert.deepStrictEqual(run(answered(7), died(50)), {
      phase: "exited",
      sinceMillis: 50,
      deaths: 1,
      lastDeath: "ended with exit code 1",
      restartAtMillis: 1_050
    })
    assert.deepStrictEqual(run(answered(7), died(50), started(1_060)), {
      phase: "restarting",
      sinceMillis: 1_060,
      deaths: 1,
      lastDeath: "ended with exit code 1",
      restartAtMillis: null
    })
    assert.deepInclude(run(answered(7), died(50), started(1_060), answered(2_000)), { phase: "ready", deaths: 1 })
  })

  it("doubles the delays up to their bound and gives up with the tenth death", () => {
    const delays: Array<number> = []
    let state = run(answered(0))
    for (let death = 1; death < limits.mostDeaths; death++) {
      state = ProcessState.step(state, died(0), limits)
      delays.push(state.restartAtMillis!)
      state = ProcessState.step(state, started(0), limits)
    }
    assert.deepStrictEqual(delays, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000])
    state = ProcessState.step(state, died(0), limits)
    assert.deepInclude(state, { phase: "given-up", deaths: 10, restartAtMillis: null })
  })

  it("begins a new row after a minute of being ready, but not of restarting", () => {
    const once = [answered(0), died(1), started(1_001)]
    assert.strictEqual(run(...once, answered(2_000), died(61_999)).deaths, 2)
    assert.strictEqual(run(...once, answered(2_000), died(62_000)).deaths, 1)
    assert.strictEqual(run(...once, died(90_000)).deaths, 2)
  })

  it.prop("keeps its laws, whatever happens", [happenings], ([inputs]) => {
    let at = 0
    let state = ProcessState.initial(0)
    for (const { _tag, after } of inputs) {
      at += after
      const before = state
      state = ProcessState.step(before, _tag === "Died" ? died(at) : { _tag, at }, limits)
      assert.strictEqual(state.restartAtMillis !== null, state.phase === "exited")
      assert.isAtMost(state.deaths, limits.mostDeaths)
      assert.strictEqual(state.deaths === limits.mostDeaths, state.phase === "given-up")
      if (before.phase === "ready" && state !== before) assert.strictEqual(_tag, "Died")
      if (before.phase === "given-up" || (before.phase === "exited" && _tag !== "Started")) {
        assert.strictEqual(state, before)
      }
      if (state !== before) assert.strictEqual(state.sinceMillis, at)
      if (state.restartAtMillis !== null) assert.isAtMost(state.restartAtMillis - state.sinceMillis, limits.mostMillis)
    }
  }, { arbitrary: { runs: 1000 } })
})
