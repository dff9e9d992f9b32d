/** Whose metrics are these: what proves it, what speaks against it, and what is owed. */
import { assert, describe, it } from "@effect/vitest"
import * as Binding from "../../src/liveness/Binding.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { inputsOf, play, sample, type World } from "./Worlds.ts"

const at = (generationTokens: number | null) => sample({ generationTokens })

/** The binding after these readings of the counter, with the tokens that came between each two. */
const after = (status: Binding.BindingStatus, ...readings: ReadonlyArray<readonly [number | null, number]>) => {
  let binding = Binding.inherit(status)
  for (const [index, [reading]] of readings.entries()) {
    const next = readings[index + 1]
    if (next === undefined) break
    binding = Binding.observe(
      binding,
      { before: at(reading), after: at(next[0]), tokens: next[1], prompt: true },
      defaults
    )
  }
  return binding
}

describe("Binding", () => {
  it("is proved by tokens that the counter shows", () => {
    assert.strictEqual(after("unproven", [10, 0], [15, 5]).status, "proven")
    assert.strictEqual(after("unproven", [10, 0], [14, 4]).status, "unproven")
  })

  it("tokens that the counter never shows are owed at the next scrape, and refute it then", () => {
    assert.deepInclude(after("proven", [10, 0], [10, 50]), { status: "inherited", contradictions: 1 })
    assert.strictEqual(after("proven", [10, 0], [10, 50], [10, 0]).status, "refuted")
    assert.strictEqual(after("unproven", [10, 0], [10, 50], [10, 0]).status, "refuted")
  })

  it("a scrape that was only older than the tokens is no harm: the next one shows them", () => {
    const late = after("proven", [10, 0], [10, 50], [60, 0])
    assert.deepInclude(late, { status: "proven", contradictions: 1, owing: undefined })
    // What is paid is not owed again.
    assert.strictEqual(after("proven", [10, 0], [10, 50], [60, 0], [60, 0], [60, 0]).status, "proven")
  })

  it("still owes them when a scrape does not tell the counter, and when something else speaks against it", () => {
    const untold = [[10, 0], [10, 50], [null, 0]] as const
    assert.deepInclude(after("proven", ...untold), { status: "inherited", contradictions: 1 })
    assert.strictEqual(after("proven", ...untold, [10, 0]).status, "refuted")
    assert.strictEqual(after("proven", ...untold, [60, 0]).status, "proven")
    const owing = after("proven", [10, 0], [10, 50])
    const patient = { ...defaults, bindingContradictions: 3 }
    const contradicted = Binding.contradict(owing, patient)
    const later = { before: at(10), after: at(10), tokens: 0, prompt: true }
    assert.strictEqual(Binding.observe(contradicted, later, patient).status, "refuted")
  })

  it("concludes nothing from a counter that the server does not tell", () => {
    assert.deepInclude(after("proven", [null, 0], [null, 50], [null, 50], [10, 50]), {
      status: "inherited",
      contradictions: 0
    })
  })

  it("an idle replica that an earlier run vouched for ends no run that has had its tokens", () => {
    const burst = { kind: "tokens", millis: 3000, gapMillis: 30 } as const
    const world: World = {
      stretches: [burst, { kind: "hidden", millis: 330_000 }, burst],
      end: "finish",
      metrics: "idle replica",
      opened: { binding: "proven" }
    }
    const { state, verdict } = play(inputsOf(world))
    assert.strictEqual(verdict._tag, "Completed", JSON.stringify(verdict))
    assert.strictEqual(state.binding.status, "refuted")
  })
})
