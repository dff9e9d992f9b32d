/** The distributions behind the intervals, against scipy 1.17.1: betainc, beta.ppf, norm.ppf, t.ppf, binom.cdf. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { betaPoint, betaShare } from "../../../src/report/statistics/betaDistribution.ts"
import { binomialAtMost } from "../../../src/report/statistics/binomialDistribution.ts"
import { normalPoint } from "../../../src/report/statistics/normalPoint.ts"
import { studentPoint } from "../../../src/report/statistics/studentPoint.ts"

describe("the beta distribution", () => {
  it("has the shares that scipy computes", () => {
    for (
      const [x, a, b, share] of [
        [0.3, 2, 5, 0.5798250000000003],
        [0.5, 0.5, 0.5, 0.5000000000000001],
        [0.999, 300, 0.5, 0.438654268870091],
        [0.2, 40.5, 170.25, 0.6259117978175446]
      ] as const
    ) assert.approximately(betaShare(x, a, b), share, 1e-12 * Math.abs(share))
    assert.approximately(betaShare(0.0001, 1, 9999), 0.6321021637834484, 1e-9 * Math.abs(0.6321021637834484))
    assert.approximately(betaShare(0.5, 1_000_000, 1_000_500), 0.6381466636231798, 1e-7 * Math.abs(0.6381466636231798))
    assert.approximately(betaShare(0.95, 1_900_000, 100_100), 0.6206521089974832, 1e-7 * Math.abs(0.6206521089974832))
  })

  it("has the points that scipy computes", () => {
    for (
      const [share, a, b, x] of [
        [0.025, 1, 9, 0.002809136746599214],
        [0.975, 4, 7, 0.6524528500599973],
        [0.025, 9999, 2, 0.9994429630020529],
        [0.975, 1, 1_000_000, 3.688872650206488e-6],
        [0.5, 0.5, 4.5, 0.05201473147271856],
        [0.025, 950_000, 50_001, 0.949571030631536]
      ] as const
    ) assert.approximately(betaPoint(share, a, b), x, 1e-9 * Math.abs(x))
  })

  it("is a distribution: 0 and 1 at its ends, and no number beyond", () => {
    assert.deepStrictEqual([-1, 0, 1, 2].map((x) => betaShare(x, 2, 3)), [0, 0, 1, 1])
    assert.deepStrictEqual([-0.1, 0, 1].map((share) => betaPoint(share, 2, 3)), [0, 0, 1])
  })

  it.prop("has a point for every share, which has that share", [
    Schema.Finite.check(Schema.isBetween({ minimum: 0.001, maximum: 0.999 })),
    // Below 1 the distribution is so dense at its ends that neighbouring numbers have shares far apart.
    Schema.Int.check(Schema.isBetween({ minimum: 4, maximum: 2000 })),
    Schema.Int.check(Schema.isBetween({ minimum: 4, maximum: 2000 }))
  ], ([share, a, b]) => {
    assert.approximately(betaShare(betaPoint(share, a / 4, b / 4), a / 4, b / 4), share, 1e-6)
    // Mirrored: what lies above x is what lies below 1 - x with the parameters exchanged.
    assert.approximately(betaShare(share, a / 4, b / 4), 1 - betaShare(1 - share, b / 4, a / 4), 1e-10)
  })
})

describe("the binomial distribution", () => {
  it("has the shares that scipy computes", () => {
    for (
      const [count, trials, chance, share] of [
        [0, 10, 0.3, 0.028247524900000005],
        [5, 10, 0.5, 0.623046875],
        [71, 72, 0.95, 0.9751057193808106],
        [9, 1000, 0.02, 0.004680750431414273],
        [10, 10, 0.4, 1]
      ] as const
    ) assert.approximately(binomialAtMost(count, trials, chance), share, 1e-11 * Math.abs(share))
    assert.approximately(
      binomialAtMost(1_899_800, 2_000_000, 0.95),
      0.25863923940520855,
      1e-6 * Math.abs(0.25863923940520855)
    )
    assert.strictEqual(binomialAtMost(-1, 10, 0.3), 0)
  })
})

describe("the points of the normal distribution and of Student's t", () => {
  it("are those of scipy", () => {
    for (
      const [share, point] of [
        [0.975, 1.959963984540054],
        [0.95, 1.6448536269514722],
        [0.995, 2.5758293035489004],
        [0.025, -1.9599639845400545],
        [1e-12, -7.034483825301131],
        [0.07, -1.4757910281791706],
        [1 - 1e-9, 5.997807019601637],
        [1e-8, -5.612001244174789],
        [1e-20, -9.262340089798409],
        [1e-100, -21.273453560965322],
        [0.6, 0.2533471031357997]
      ] as const
    ) assert.approximately(normalPoint(share), point, (share > 0.99 ? 1e-9 : 1e-14) * Math.abs(point))
    assert.strictEqual(normalPoint(0.5), 0)
    for (
      const [share, degrees, point] of [
        [0.975, 1, 12.706204736174694],
        [0.975, 2, 4.302652729749462],
        [0.975, 9, 2.262157162798205],
        [0.95, 29, 1.6991270265334972],
        [0.995, 4, 4.604094871349992],
        [0.975, 1000, 1.9623390808264083],
        [0.025, 7.5, -2.3330396268649745],
        [0.975, 1_000_000, 1.959966356814107]
      ] as const
    ) assert.approximately(studentPoint(share, degrees), point, 1e-7 * Math.abs(point))
    assert.strictEqual(studentPoint(0.5, 3), 0)
  })
})
