// Settings that do not go together, and what holds for all that do.
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { contradictionsOf, longestSilence } from "../../src/liveness/LimitContradictions.ts"
import * as Limit from "../../src/liveness/LimitInForce.ts"
import { defaults, type LivenessLimits, withPatience } from "../../src/liveness/LivenessLimits.ts"

const cases = { arbitrary: { runs: 1000 } }
const surroundings = { scrapeMillis: 5000, write: (millis: number) => `${millis / 1000} s` }
const contradictions = (some: Partial<LivenessLimits>) => contradictionsOf({ ...defaults, ...some }, surroundings)

const Millis = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 8 }))
const timeKeys = [
  "tickMillis",
  "suspectFloorMillis",
  "suspectPriorMillis",
  "suspectCeilingMillis",
  "frozenFloorMillis",
  "frozenCeilingMillis",
  "silentFloorMillis",
  "silentCeilingMillis",
  "firstTokenFloorMillis",
  "firstTokenCeilingMillis",
  "headersMillis"
] as const
/** Each of them drawn from few values, so that all orders come up; ordered ones often enough. */
const someTimes = Arbitrary.map(
  Arbitrary.all([
    Arbitrary.schema(Schema.Struct(Object.fromEntries(timeKeys.map((key) => [key, Millis])))),
    Arbitrary.schema(Schema.Boolean)
  ]),
  ([times, sorted]) => {
    const values = Object.values(times).toSorted((one, other) => one - other)
    const entries = timeKeys.map((key, index) => [key, sorted ? values[index]! : times[key]!] as const)
    return Object.fromEntries(entries) as Record<typeof timeKeys[number], number>
  }
)

describe("contradictions", () => {
  it("there are none in the defaults", () => {
    assert.deepStrictEqual(contradictions({}), [])
  })

  it.prop("there are none with any patience of at least a tick", [
    Schema.Finite.check(Schema.isBetween({ minimum: 1000, maximum: 1e9 }))
  ], ([millis]) => {
    assert.deepStrictEqual(contradictions(withPatience(defaults, millis)), [])
  }, cases)

  it("are told in one line each, with both values", () => {
    for (
      const [some, line] of [
        [
          { suspectFloorMillis: 40_000 },
          "suspect-floor (40 s) is above suspect-prior (30 s): it would be cut to the floor"
        ],
        [
          { silentFloorMillis: 1e6 },
          "silent-floor (1000 s) is above silent-ceiling (900 s): no limit lies between them"
        ],
        [
          { firstTokenFloorMillis: 2e6 },
          "first-token-floor (2000 s) is above first-token-ceiling (1800 s): no limit lies between them"
        ],
        [
          { frozenFloorMillis: 4e5 },
          "frozen-floor (400 s) is above frozen-ceiling (300 s): no limit lies between them"
        ],
        [{ suspectCeilingMillis: 20_000 }, "suspect-prior (30 s) is above suspect-ceiling (20 s): it would be cut to"],
        [{ tickMillis: 6000 }, "tick (6 s) is above suspect-floor (5 s): a run would become suspect between"],
        [
          { frozenFloorMillis: 1000 },
          "suspect-floor (5 s) is above frozen-floor (1 s): only suspect runs are given up"
        ],
        [{ suspectCeilingMillis: 3.1e5 }, "suspect-ceiling (310 s) is above frozen-ceiling (300 s): only suspect runs"],
        [
          { silentFloorMillis: 4000 },
          "suspect-floor (5 s) is above silent-floor (4 s): only suspect runs are given up"
        ],
        [{ firstTokenFloorMillis: 4000 }, "suspect-floor (5 s) is above first-token-floor (4 s): only suspect runs"],
        [
          { silentFloorMillis: 50_000, silentCeilingMillis: 50_000 },
          "suspect-ceiling (60 s) is above silent-ceiling (50 s): only suspect runs are given up, so that ceiling would"
        ],
        [
          { firstTokenFloorMillis: 50_000, firstTokenCeilingMillis: 50_000 },
          "suspect-ceiling (60 s) is above first-token-ceiling (50 s): only suspect runs are given up, so that ceiling"
        ],
        [
          { preemptedMillis: 0 },
          "frozen-floor (60 s) is above preempted (0 s): an engine that works would be given up before one that stands"
        ],
        [{ headersMillis: 10_000 }, "suspect-prior (30 s) is above headers (10 s): only suspect runs are given up"],
        [{ gapWindow: 8 }, "gap-window (8) is below suspect-prior-gaps (16): no run would ever be judged by its own"],
        [{ evidenceFreshMillis: 5000 }, "evidence-fresh (5 s) must be longer than 5 s, the time between two scrapes"],
        [
          { heartbeatsMissed: 1, heartbeatSlackMillis: 0 },
          "heartbeats-missed (1) and heartbeat-slack (0 s) together are no more than heartbeat (5 s)"
        ],
        [
          { nestedHeartbeats: 0, nestedSlackMillis: 2000 },
          "nested-heartbeats (0) and nested-slack (2 s) make each hop wait 2 s longer than the one within, which needs " +
          "more than two ticks (2 s)"
        ],
        [{ learnedFalseAlarms: 1e-4 }, "learned-runs (2000) is below the 9999 runs that learned-false-alarms (0.0001)"]
      ] as const
    ) {
      const told = contradictions(some)
      assert.lengthOf(told, 1, line)
      assert.isTrue(told[0]!.startsWith(line), told[0])
      assert.notInclude(told[0], "\n")
    }
    const [first] = contradictions({ suspectFloorMillis: 70_000 })
    assert.strictEqual(first, "suspect-floor (70 s) is above suspect-ceiling (60 s): no limit lies between them")
    assert.deepStrictEqual(contradictions({ learnedFalseAlarms: 0 }), [])
    assert.deepStrictEqual(contradictions({ learnedRuns: 199, evidenceFreshMillis: 5001, gapWindow: 16 }), [])
  })

  it.prop("without one, every formula keeps its floor and ceiling, and suspicion comes first", [
    someTimes,
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 10 }))
  ], ([times, gap]) => {
    const limits = { ...defaults, ...times }
    const holds = (limit: number, floor: number, ceiling: number) => limit >= floor && limit <= ceiling
    const gaps = { count: 99, quantile: gap, largest: gap }
    const few = { count: 0, quantile: 0, largest: 0 }
    const learned = { gapMillis: gap, firstTokenMillis: gap }
    const suspect = Limit.suspect(limits, gaps, null).millis
    const prior = Limit.suspect(limits, few, null).millis
    const frozen = Limit.frozen(limits, gaps, { longestStepMillis: gap, firstRun: false, preparing: false }).millis
    const silent = Limit.silent(limits, gaps, learned, true, 0).millis
    const first = Limit.silent(limits, gaps, learned, false, 0).millis
    const sound = prior === limits.suspectPriorMillis && limits.tickMillis <= limits.suspectFloorMillis &&
      prior <= limits.headersMillis &&
      holds(suspect, limits.suspectFloorMillis, limits.suspectCeilingMillis) &&
      holds(frozen, limits.frozenFloorMillis, limits.frozenCeilingMillis) &&
      holds(silent, limits.silentFloorMillis, limits.silentCeilingMillis) &&
      holds(first, limits.firstTokenFloorMillis, limits.firstTokenCeilingMillis) &&
      [limits.frozenFloorMillis, limits.silentFloorMillis, limits.firstTokenFloorMillis].every((floor) =>
        floor >= limits.suspectFloorMillis
      ) &&
      [limits.frozenCeilingMillis, limits.silentCeilingMillis, limits.firstTokenCeilingMillis].every((ceiling) =>
        ceiling >= suspect
      )
    if (contradictionsOf(limits, surroundings).length === 0) assert.isTrue(sound)
  }, cases)
})

describe("the longest silence", () => {
  it("is that before the first token, after it, or before any answer, as the outermost hop waits", () => {
    assert.deepStrictEqual(longestSilence(defaults), { key: "firstTokenCeilingMillis", millis: 1_830_000 })
    const quick = { ...defaults, firstTokenCeilingMillis: 800_000 }
    assert.deepStrictEqual(longestSilence({ ...quick, headersMillis: 0 }), {
      key: "silentCeilingMillis",
      millis: 930_000
    })
    assert.deepStrictEqual(longestSilence({ ...quick, headersMillis: 1e6 }), {
      key: "headersMillis",
      millis: 1_030_000
    })
  })
})
