/** What fixed timeouts would have done: by hand, and as somebody would find it who replays each limit by itself. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { Arrival } from "../../src/campaign/TokenTimings.ts"
import type { CounterfactualCurve, Timeout } from "../../src/report/CounterfactualReport.ts"
import { type ReplayedAttempt, timeoutGrid, TimeoutReplay } from "../../src/report/TimeoutReplay.ts"
import { runs } from "../support/propertyRuns.ts"

const curvesOf = (attempts: ReadonlyArray<ReplayedAttempt>): Record<Timeout, CounterfactualCurve> => {
  const replay = new TimeoutReplay()
  for (const attempt of attempts) replay.add(attempt)
  const of = (timeout: Timeout) => replay.curves.find((curve) => curve.timeout === timeout)!
  return { total: of("total"), "first-token": of("first-token"), gap: of("gap") }
}

const at = (...times: ReadonlyArray<number>): ReadonlyArray<Arrival> =>
  times.map((atMillis) => ({ atMillis, tokens: 1 }))
const pointAt = ({ points }: CounterfactualCurve, limitMillis: number) =>
  points.find((point) => point.limitMillis === limitMillis)!
const hours = (millis: number) => millis / 3_600_000

/** A good one of 200 s with a silence of 75 s; one that hung after a token and was found 90 s later; one that never spoke. */
const night: ReadonlyArray<ReplayedAttempt> = [
  { kind: "good", durationMillis: 200_000, arrivals: at(5000, 80_000, 199_000, 199_500) },
  { kind: "hung", durationMillis: 100_000, arrivals: at(10_000) },
  { kind: "hung", durationMillis: 70_000, arrivals: [] },
  { kind: "good", durationMillis: 30_000, arrivals: null }
]

describe("a total timeout", () => {
  const { total } = curvesOf(night)

  it("kills what takes longer, and ends hung ones when it is up", () => {
    assert.deepInclude(total, { good: 2, hung: 2, unseen: 0, leftOut: 0, longestGoodMillis: 200_000 })
    assert.deepStrictEqual(pointAt(total, 75_000), {
      limitMillis: 75_000,
      killedGood: 1,
      killedShare: 0.5,
      wastedHours: hours(75_000),
      hungEndedEarlier: 1,
      savedHours: hours(25_000),
      hungEndedLater: 1,
      heldHours: hours(5000)
    })
  })

  it("kills nothing that takes exactly as long", () => {
    assert.strictEqual(
      pointAt(curvesOf([{ kind: "good", durationMillis: 60_000, arrivals: [] }]).total, 60_000).killedGood,
      0
    )
  })
})

describe("a timeout of the first token", () => {
  it("sees those that hung before one, and nobody whose token times are not known", () => {
    const curve = curvesOf(night)["first-token"]
    assert.deepInclude(curve, { good: 1, hung: 1, unseen: 1, leftOut: 1, longestGoodMillis: 5000 })
    assert.deepInclude(pointAt(curve, 4000), { killedGood: 1, wastedHours: hours(4000), savedHours: hours(66_000) })
    assert.deepInclude(pointAt(curve, 5000), { killedGood: 0, savedHours: hours(65_000) })
  })
})

describe("a timeout of silence between tokens", () => {
  it("kills at the first silence that is too long, and spares what comes after the last token", () => {
    const { gap } = curvesOf(night)
    assert.deepInclude(gap, { good: 1, hung: 1, unseen: 1, leftOut: 1, longestGoodMillis: 119_000 })
    // 5 s until the token, and then the limit: the longer silence comes later.
    assert.deepInclude(pointAt(gap, 60_000), { killedGood: 1, wastedHours: hours(65_000), savedHours: hours(30_000) })
    assert.deepInclude(pointAt(gap, 100_000), { killedGood: 1, wastedHours: hours(180_000), hungEndedLater: 1 })
    assert.deepInclude(pointAt(gap, 120_000), { killedGood: 0, heldHours: hours(30_000) })
  })

  it("holds what hung until the limit after its last token, not after its longest silence", () => {
    const { gap } = curvesOf([{ kind: "hung", durationMillis: 130_000, arrivals: at(1000, 101_000) }])
    assert.deepInclude(pointAt(gap, 120_000), { hungEndedLater: 1, heldHours: hours(91_000) })
    assert.deepInclude(pointAt(gap, 90_000), { hungEndedEarlier: 1, savedHours: hours(39_000) })
  })
})

const AnyAttempt = Schema.Struct({
  kind: Schema.Literals(["good", "hung"]),
  gaps: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 200_000 }))),
  more: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 200_000 })),
  isTimed: Schema.Boolean
})

const attemptOf = ({ gaps, isTimed, kind, more }: typeof AnyAttempt.Type): ReplayedAttempt => {
  let atMillis = 0
  const arrivals = gaps.map((gap) => ({ atMillis: atMillis += gap, tokens: 1 }))
  return { kind, durationMillis: atMillis + more, arrivals: isTimed ? arrivals : null }
}

/** When a timeout ends an attempt; `undefined` where it never does. A hung one stays as it was at its end for ever. */
const killedAt = (timeout: Timeout, limit: number, { arrivals, durationMillis, kind }: ReplayedAttempt) => {
  if (timeout === "total") return kind === "hung" || durationMillis > limit ? limit : undefined
  const times = arrivals!.map(({ atMillis }) => atMillis)
  if (timeout === "first-token") {
    const first = times[0] ?? (kind === "hung" ? Infinity : 0)
    return first > limit ? limit : undefined
  }
  const ends = [...times.slice(1), kind === "hung" ? Infinity : times.at(-1)]
  const since = times.find((time, index) => ends[index]! - time > limit)
  return since === undefined ? undefined : since + limit
}

const isSeen = (timeout: Timeout, { arrivals, kind }: ReplayedAttempt): boolean =>
  timeout === "total" ||
  (arrivals !== null && (kind === "good" || (arrivals.length === 0) === (timeout === "first-token")))

describe("any campaign", () => {
  it.prop("is replayed as one limit after the other would be", [Schema.Array(AnyAttempt)], ([some]) => {
    const attempts = some.map(attemptOf)
    for (const curve of Object.values(curvesOf(attempts))) {
      const seen = attempts.filter((attempt) => isSeen(curve.timeout, attempt))
      for (const limit of [100, 2000, 40_000, 100_000, 180_000, 600_000]) {
        const killed = (kind: string, is: (left: number) => boolean) =>
          seen.filter((attempt) => attempt.kind === kind).flatMap((attempt) => {
            const when = killedAt(curve.timeout, limit, attempt)
            return when !== undefined && is(attempt.durationMillis - when) ? [{ attempt, when }] : []
          })
        const sum = (of: ReturnType<typeof killed>, value: (one: (typeof of)[number]) => number) =>
          of.reduce((total, one) => total + value(one), 0)
        const good = killed("good", () => true)
        const earlier = killed("hung", (left) => left > 0)
        const later = killed("hung", (left) => left < 0)
        const point = pointAt(curve, limit)
        assert.deepInclude(point, {
          killedGood: good.length,
          hungEndedEarlier: earlier.length,
          hungEndedLater: later.length
        })
        assert.closeTo(point.wastedHours, hours(sum(good, ({ when }) => when)), 1e-9)
        assert.closeTo(
          point.savedHours,
          hours(sum(earlier, ({ attempt, when }) => attempt.durationMillis - when)),
          1e-9
        )
        assert.closeTo(point.heldHours, hours(sum(later, ({ attempt, when }) => when - attempt.durationMillis)), 1e-9)
      }
    }
  }, { ...runs, arbitrary: { runs: Math.min(30, runs.arbitrary.runs) } })

  it.prop("loses less and holds more the longer the limit", [Schema.Array(AnyAttempt)], ([some]) => {
    for (const { good, hung, longestGoodMillis, points } of Object.values(curvesOf(some.map(attemptOf)))) {
      for (const [index, point] of points.entries()) {
        const before = points[index - 1] ?? point
        assert.isAtMost(point.killedGood, Math.min(good, before.killedGood))
        assert.isAtMost(point.savedHours, before.savedHours)
        assert.isAtLeast(point.heldHours, before.heldHours)
        assert.isAtMost(point.hungEndedEarlier + point.hungEndedLater, hung)
        if (point.limitMillis >= (longestGoodMillis ?? 0)) assert.strictEqual(point.killedGood, 0)
        else assert.isAbove(point.killedGood, 0)
      }
    }
  }, { ...runs, arbitrary: { runs: Math.min(30, runs.arbitrary.runs) } })
})

describe("the grid", () => {
  it("rises, and holds the limits that people set", () => {
    assert.deepStrictEqual([...timeoutGrid], timeoutGrid.toSorted((left, right) => left - right))
    assert.strictEqual(new Set(timeoutGrid).size, timeoutGrid.length)
    for (const seconds of [1, 5, 10, 30, 60, 90, 120, 300, 600, 900, 1800, 3600]) {
      assert.include(timeoutGrid, seconds * 1000)
    }
  })
})
