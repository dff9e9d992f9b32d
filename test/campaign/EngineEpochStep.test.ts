/** When an epoch begins, and when an engine may not go on. */
import { assert, describe, it } from "@effect/vitest"
import { type EngineLook, type EpochRules, initial, servedFirst, step } from "../../src/campaign/EngineEpochStep.ts"

const look = (startedAtMillis: number | null, ...models: ReadonlyArray<string>): EngineLook => ({
  startedAtMillis,
  models: models.map((text) => {
    const [id, root] = text.split("=")
    return { id: id!, root: root ?? null }
  })
})
const rules = (some: Partial<EpochRules> = {}): EpochRules => ({
  engine: "e",
  named: ["m"],
  anyModel: false,
  onModelChange: "stop",
  ...some
})
/** The states after each look, with why an epoch began. */
const after = (given: EpochRules, ...looks: ReadonlyArray<EngineLook>) => {
  let state = initial
  return looks.map((each) => {
    const [next, began] = step(state, each, given)
    state = next
    return { epochs: next.epochs, halted: next.halted, why: began?.why, isFirst: began?.isFirst, state: next }
  })
}

describe("EngineEpochStep", () => {
  it("begins with the first look, and stays while nothing changes", () => {
    const [first, second] = after(rules(), look(1000, "m=/models/m"), look(1900, "m=/models/m", "other"))
    assert.deepInclude(first, { epochs: 1, halted: null, isFirst: true })
    assert.deepInclude(second, { epochs: 1, halted: null, why: undefined })
  })

  it("begins anew with a restart, and goes on", () => {
    const [, restarted, unknown, again] = after(
      rules(),
      look(1000, "m"),
      look(60_000, "m"),
      look(null, "m"),
      look(90_000, "m")
    )
    assert.deepInclude(restarted, { epochs: 2, halted: null, why: "its server has been restarted", isFirst: false })
    assert.deepInclude(unknown, { epochs: 2, why: undefined })
    assert.deepInclude(again, { epochs: 3, why: "its server has been restarted" })
  })

  it("halts where another model stands behind the name, until the old one is back", () => {
    const looks = [look(1000, "m=/a"), look(2000, "m=/b"), look(90_000, "m=/b"), look(180_000, "m=/a")]
    const [, changed, restarted, back] = after(rules(), ...looks)
    assert.strictEqual(changed?.halted, "engine e serves another model than at first: m (/b) instead of m (/a)")
    assert.strictEqual(changed?.why, "it serves m (/b) instead of m (/a)")
    assert.isNotNull(restarted?.halted)
    assert.deepInclude(back, { halted: null, epochs: 4 })
    const [, continued] = after(rules({ onModelChange: "continue" }), ...looks)
    assert.deepInclude(continued, { epochs: 2, halted: null })
  })

  it("halts where the model that is asked for by name is gone, whatever the policy", () => {
    for (const onModelChange of ["stop", "continue"] as const) {
      const [, gone] = after(rules({ onModelChange }), look(1, "m"), look(1, "n", "o"))
      assert.strictEqual(gone?.halted, "engine e does not serve m any more; it serves n, o")
      assert.strictEqual(gone?.why, "it serves none of our models instead of m")
    }
    const [nothing] = after(rules(), look(1))
    assert.strictEqual(nothing?.halted, "engine e does not serve m; it serves no model")
  })

  it("asks for whatever is served first, where no agent names a model", () => {
    const any = rules({ named: [], anyModel: true, onModelChange: "continue" })
    const [first, changed] = after(any, look(1, "m", "n"), look(1, "n", "m"))
    assert.deepStrictEqual([servedFirst(first!.state), servedFirst(changed!.state)], ["m", "n"])
    assert.deepInclude(changed, { epochs: 2, halted: null })
    const [, stopped] = after({ ...any, onModelChange: "stop" }, look(1, "m"), look(1, "n"))
    assert.isNotNull(stopped?.halted)
  })
})
