// Limits as people write them.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readLimits, writeValue } from "../../src/liveness/limitText.ts"
import { accepts, LivenessLimits, nameOf, settingKeys } from "../../src/liveness/LivenessLimits.ts"

const refusal = (text: string) => Result.getOrThrow(Result.flip(readLimits([text])))

describe("a limit, written", () => {
  it.prop("is read back as exactly what it was, whichever it is, alone or with all others", [
    LivenessLimits,
    Schema.Literals([",", ";", " ; "])
  ], ([drawn, separator]) => {
    // Nobody writes -0.
    const limits = Object.fromEntries(
      settingKeys.map((key) => [key, drawn[key] === 0 ? 0 : drawn[key]])
    ) as unknown as LivenessLimits
    const texts = settingKeys.map((key) => `${nameOf(key)}=${writeValue(key, limits[key])}`)
    for (const [index, key] of settingKeys.entries()) {
      assert.deepStrictEqual(readLimits([texts[index]!]), Result.succeed({ [key]: limits[key] }))
    }
    assert.deepStrictEqual(readLimits(texts), Result.succeed(limits))
    assert.deepStrictEqual(readLimits([texts.join(separator)]), Result.succeed(limits))
  }, { arbitrary: { runs: 1000 } })

  it.prop("is refused, or may be what it says, whatever the text", [Schema.Literals(settingKeys), Schema.String], (
    [key, text]
  ) => {
    const read = readLimits([`${nameOf(key)}=${text}`])
    if (Result.isSuccess(read)) {
      for (const value of Object.entries(read.success)) assert.isTrue(accepts(key, value[1]))
    } else assert.isAbove(read.failure.length, 20)
  }, { arbitrary: { runs: 1000 } })

  it("may be written in many ways", () => {
    const texts = {
      "frozen-floor=90s": { frozenFloorMillis: 90_000 },
      " frozen-floor = 90 seconds ;": { frozenFloorMillis: 90_000 },
      "silent-ceiling=2min": { silentCeilingMillis: 120_000 },
      "silent-ceiling=2 min 10 s": { silentCeilingMillis: 130_000 },
      "silent-floor=0": { silentFloorMillis: 0 },
      "suspect-factor=.5,suspect-quantile=0.9": { suspectFactor: 0.5, suspectQuantile: 0.9 },
      "lost-scrapes=4; fail-runaway=true": { lostScrapes: 4, failRunaway: true },
      "": {}
    }
    for (const [text, limits] of Object.entries(texts)) {
      assert.deepStrictEqual(readLimits([text]), Result.succeed(limits), text)
    }
  })

  it("is refused with what would be right", () => {
    const refusals = {
      "frozen-flor=90s": `there is no limit "frozen-flor"; did you mean frozen-floor? \`campaign validate\` shows all`,
      "frozenFloorMillis=90s": `there is no limit "frozenFloorMillis"; did you mean frozen-floor?`,
      "frozen-floor": `"frozen-floor" must have the form NAME=VALUE, such as frozen-floor=90s`,
      "=90s": `"=90s" must have the form NAME=VALUE`,
      "frozen-floor=90": `frozen-floor must be a time such as 90s or 2min and at most 365 days, not "90"`,
      "frozen-floor=-1s": `not "-1s"`,
      "frozen-floor=400days": "at most 365 days",
      "tick=1ms": "tick must be a time such as 90s or 2min, of at least 10 ms and at most 365 days, not",
      "lost-scrapes=0": `lost-scrapes must be a whole number from 1 to 1000000, not "0"`,
      "lost-scrapes=2.5": "a whole number from 1",
      "suspect-factor=x": `suspect-factor must be a number from 0 to 1000000, not "x"`,
      "suspect-quantile=1.5": `suspect-quantile must be a part of 1, such as 0.95, not "1.5"`,
      "fail-runaway=yes": `fail-runaway must be true or false, not "yes"`,
      "minimum-tokens-per-second=": "a number from 0",
      "tick=2s,tick=3s": "tick is given twice"
    }
    for (const [text, line] of Object.entries(refusals)) {
      assert.include(refusal(text), line, text)
      assert.notInclude(refusal(text), "\n")
    }
  })
})
