import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as FailureInjection from "../../../src/simulator/faults/FailureInjection.ts"
import * as FaultSpecification from "../../../src/simulator/faults/FaultSpecification.ts"

describe("FailureInjection", () => {
  it("gives each type the same share, and all together the rate", () => {
    for (const percent of [0.5, 10, 50, 100]) {
      for (const types of [[], ["rate_limit"], ["server_error", "context_length", "invalid_api_key"]] as const) {
        const faults = Result.getOrThrow(FaultSpecification.read(FailureInjection.faultsOf(percent, types).join(";")))
        let left = 1
        const shares = faults.map(({ trigger }) => {
          const share = left * trigger.probability
          left -= share
          return share
        })
        assert.lengthOf(shares, types.length === 0 ? 6 : types.length)
        for (const share of shares) assert.closeTo(share, percent / 100 / shares.length, 1e-7)
      }
    }
  })

  it("is nothing at a rate of 0", () => {
    assert.deepStrictEqual(FailureInjection.faultsOf(0, ["rate_limit"]), [])
  })
})
