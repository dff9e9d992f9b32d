// The settings themselves: bounds, names, and that each is explained.
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import {
  accepts,
  boundsOf,
  defaults,
  explain,
  keyOf,
  LivenessLimits,
  nameOf,
  settingKeys
} from "../../src/liveness/LivenessLimits.ts"

const cases = { arbitrary: { runs: 1000 } }
const decode = Schema.decodeSync(LivenessLimits)

describe("the settings", () => {
  it("are the defaults where nothing is said", () => {
    assert.deepStrictEqual(decode({}), defaults)
    assert.deepInclude(defaults, {
      frozenFloorMillis: 60_000,
      lostScrapes: 3,
      suspectQuantile: 0.95,
      failRunaway: false
    })
    assert.deepStrictEqual(decode({ frozenFloorMillis: 90_000 }), { ...defaults, frozenFloorMillis: 90_000 })
  })

  it("are called by short names, each by its own", () => {
    assert.deepStrictEqual(
      (["frozenFloorMillis", "suspectFactor", "failRunaway", "minimumTokensPerSecond", "gapWindow"] as const).map(
        nameOf
      ),
      ["frozen-floor", "suspect-factor", "fail-runaway", "minimum-tokens-per-second", "gap-window"]
    )
    for (const key of settingKeys) assert.strictEqual(keyOf(nameOf(key)), key)
    for (const unknown of ["", "frozenFloorMillis", "frozen-floor-millis", "constructor"]) {
      assert.isUndefined(keyOf(unknown))
    }
  })

  it("have kinds that say what their numbers are", () => {
    for (const key of settingKeys) assert.strictEqual(boundsOf(key).kind === "time", key.endsWith("Millis"), key)
    for (const key of ["suspectQuantile", "learnedFalseAlarms"] as const) {
      assert.deepInclude(boundsOf(key), { kind: "share", least: 0, most: 1 })
    }
  })

  it("refuse what would make the reducer meaningless", () => {
    for (
      const [key, value] of [
        ["tickMillis", 0],
        ["localPauseMillis", 0],
        ["heartbeatMillis", 0],
        ["rateWindowMillis", 0],
        ["suspectQuantile", 1.1],
        ["suspectQuantile", -0.1],
        ["learnedFalseAlarms", 2],
        ["lostScrapes", 0],
        ["deadScrapes", 0],
        ["restartScrapes", 0],
        ["bindingTokens", 0],
        ["bindingContradictions", 0],
        ["gapWindow", 0.5],
        ["suspectFactor", -1],
        ["suspectFactor", Infinity],
        ["frozenFloorMillis", NaN],
        ["frozenFloorMillis", 1e12],
        ["frozenFloorMillis", true],
        ["failRunaway", 1]
      ] as const
    ) {
      assert.isFalse(accepts(key, value), `${key} ${value}`)
      assert.throws(() => decode({ [key]: value }))
    }
    assert.isTrue(accepts("frozenFloorMillis", 0) && accepts("heartbeatsMissed", 0) && accepts("failRunaway", true))
  })

  it.prop("are each explained exactly once, with their values", [LivenessLimits], ([limits]) => {
    const explained = explain(limits)
    assert.deepStrictEqual(explained.map(({ key }) => key), settingKeys)
    assert.deepStrictEqual(Object.fromEntries(explained.map(({ key, value }) => [key, value])), limits)
    for (const { default: fallback, isDefault, key, kind, meaning, name, value } of explained) {
      assert.strictEqual(isDefault, value === defaults[key])
      assert.strictEqual(fallback, defaults[key])
      assert.deepStrictEqual([name, kind], [nameOf(key), boundsOf(key).kind])
      assert.match(meaning, /^[A-Z0-9].{20,}\.$/s, key)
      assert.isTrue(accepts(key, value))
    }
  }, cases)

  it("stand together in groups", () => {
    const groups = explain(defaults).map(({ group }) => group)
    const changes = groups.filter((group, index) => group !== groups[index - 1])
    assert.strictEqual(changes.length, new Set(groups).size)
    assert.isAbove(changes.length, 5)
  })
})
