/**
 * The retry table of the liveness model row by row, and the laws of the plans and the schedule made of it.
 *
 * The table stands here once more, as it stands in the model: what the code's own table says is checked against it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import { FailKind } from "../../src/liveness/FailKind.ts"
import { planOf, type Retry, type RetryPlan, schedule } from "../../src/liveness/RetryPolicy.ts"
import { type RetryKind, retryKindOf, retryTable, rowOf, rowOfKind } from "../../src/liveness/RetryTable.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { StallKind } from "../../src/liveness/StallKind.ts"
import { runs } from "../support/propertyRuns.ts"
import { allKinds, busy, errorOf, failed, stalled } from "../support/runErrors.ts"

const S = 1000
/** Attempts that never run out, so that only the table bounds. */
const patient = { attempts: 100, waitMillis: 24 * 3600 * S, engineFaults: 100 }

interface Expected {
  readonly kinds: ReadonlyArray<RetryKind>
  /** Seconds before each retry, without chance, for as many errors of the row in a row; then it goes on like the last. */
  readonly delays: ReadonlyArray<number>
  /** Retries; `null` for as long as attempts are left. */
  readonly retries: number | null
  /** From which error in a row on the gate is waited for. */
  readonly gateFrom?: number
  readonly free?: true
  readonly freshSeed?: true
  readonly jitter?: 0
}

const gateAlone = [2, 4, 8, 16, 32, 60, 60]

const model: ReadonlyArray<Expected> = [
  { kinds: ["engine-hung", "decode-hung", "engine-idle"], delays: gateAlone, retries: null, gateFrom: 1, free: true },
  { kinds: ["engine-dead", "engine-restarted"], delays: gateAlone, retries: null, gateFrom: 1, free: true },
  { kinds: ["orphaned"], delays: [1, 1, 1], retries: null },
  { kinds: ["deferred-stuck"], delays: [5, 5, 5], retries: null },
  { kinds: ["silent"], delays: [2, 4, 8], retries: 3 },
  { kinds: ["agent-silent"], delays: [2, 4, 8, 16, 32, 60, 60], retries: null },
  // Not as in the model: a server that is loading would use up the attempts of many battles before the gate is shut.
  { kinds: ["connect-error"], delays: [1, 2, 4, 8, 16, 30, 30], retries: null, gateFrom: 5, free: true },
  { kinds: ["connect-timeout"], delays: [1, 2, 4, 8, 16, 30, 30], retries: null, gateFrom: 5 },
  { kinds: ["connection-lost", "truncated", "done-without-finish"], delays: [1, 2, 4, 8, 16], retries: 5 },
  { kinds: ["server-error", "finish-error"], delays: gateAlone, retries: null },
  { kinds: ["mid-stream-error 5xx"], delays: gateAlone, retries: null, gateFrom: 1 },
  { kinds: ["mid-stream-error 4xx"], delays: [2], retries: 1 },
  { kinds: ["unavailable", "rate-limited"], delays: [2, 4, 8, 16, 32, 64, 120, 120], retries: null, free: true },
  { kinds: ["aborted-by-server"], delays: [5, 5, 5], retries: null, gateFrom: 1 },
  { kinds: ["malformed"], delays: [1], retries: 1 },
  { kinds: ["rejected"], delays: [], retries: 0 },
  { kinds: ["runaway"], delays: [0], retries: 1, freshSeed: true, jitter: 0 },
  { kinds: ["unsupported"], delays: [], retries: 0 },
  { kinds: ["agent-failed"], delays: [], retries: 0 },
  { kinds: ["budget"], delays: [], retries: 0 }
]

const millis = (plan: RetryPlan) => plan._tag === "Retry" ? Duration.toMillis(plan.delay) : undefined

const retryOf = (plan: RetryPlan): Retry => {
  assert.strictEqual(plan._tag, "Retry", JSON.stringify(plan))
  return plan as Retry
}

/** The errors of a row, of all its kinds by turns. */
const errorsOf = (kinds: ReadonlyArray<RetryKind>, count: number): ReadonlyArray<RunError> =>
  // Silences that differ, so that only the number of stalls suspects our limit.
  Array.from({ length: count }, (_, index) => errorOf(kinds[index % kinds.length]!, 10_000 * 2 ** index))

describe("the retry table", () => {
  for (const { delays, free, freshSeed, gateFrom, jitter, kinds, retries } of model) {
    it(`${kinds.join(", ")}: ${retries === 0 ? "never" : `after ${delays.join(", ")} s`}`, () => {
      const errors = errorsOf(kinds, retries === null ? delays.length + 3 : retries + 1)
      errors.forEach((_, index) => {
        const history = errors.slice(0, index + 1)
        const plan = planOf(history, 0, patient)
        if (retries !== null && index >= retries) return assert.strictEqual(plan._tag, "GiveUp")
        const retry = retryOf(plan)
        const delay = (delays[index] ?? delays.at(-1)!) * S
        assert.strictEqual(millis(retry), delay)
        assert.strictEqual(millis(planOf(history, 1, patient)), delay * (jitter === 0 ? 1 : 1.2))
        assert.strictEqual(retry.gate, gateFrom !== undefined && index + 1 >= gateFrom)
        assert.strictEqual(retry.consumesAttempt, free !== true)
        assert.strictEqual(retry.freshSeed, freshSeed === true)
        assert.strictEqual(retry.limitFactor, kinds[0] === "silent" && index === 2 ? 2 : 1)
      })
    })
  }

  it("has one row for every kind there is, and no other", () => {
    const expected = [
      ...StallKind.literals,
      ...FailKind.literals.filter((kind) => kind !== "mid-stream-error"),
      "mid-stream-error 4xx",
      "mid-stream-error 5xx",
      "budget"
    ].toSorted()
    assert.deepStrictEqual(allKinds.toSorted(), expected)
    assert.deepStrictEqual(model.map(({ kinds }) => kinds), retryTable.map(({ kinds }) => kinds) as never)
    for (const kind of allKinds) {
      assert.strictEqual(retryKindOf(errorOf(kind)), kind)
      assert.strictEqual(rowOf(errorOf(kind)), rowOfKind(kind))
    }
  })

  it("takes an error inside a stream by its code, and one without a code for the server's fault", () => {
    const kindWith = (code: number | null, tokens = 5) =>
      retryKindOf(failed({ _tag: "MidStreamError", code, detail: "" }, tokens))
    assert.deepStrictEqual([400, 404, 429, 499].map((code) => kindWith(code)), Array(4).fill("mid-stream-error 4xx"))
    assert.deepStrictEqual(
      [500, 503, 599, 0, 399, null].map((code) => kindWith(code)),
      Array(6).fill("mid-stream-error 5xx")
    )
    // As the first event it is a refusal.
    assert.deepStrictEqual([kindWith(429, 0), kindWith(503, 0)], ["rate-limited", "unavailable"])
  })
})

describe("planOf", () => {
  it("gives up when all attempts are used, two retries by default", () => {
    const lost = errorOf("connection-lost")
    assert.strictEqual(planOf([lost], 0)._tag, "Retry")
    assert.strictEqual(planOf([lost, lost], 0)._tag, "Retry")
    assert.deepStrictEqual(planOf([lost, lost, lost], 0), { _tag: "GiveUp", why: "all 3 attempts have failed" })
    assert.deepStrictEqual(planOf([lost], 0, { attempts: 1 }), { _tag: "GiveUp", why: "its one attempt has failed" })
    assert.strictEqual(planOf([], 0)._tag, "GiveUp")
    assert.deepStrictEqual(planOf([errorOf("rejected")], 0), {
      _tag: "GiveUp",
      why: "rejected is not tried again: the same request gives the same answer"
    })
  })

  it("counts back-off for each row by itself, and attempts for all together", () => {
    const [lost, hung, error] = [errorOf("connection-lost"), errorOf("engine-hung"), errorOf("server-error")]
    assert.strictEqual(millis(planOf([lost, hung, lost], 0, patient)), 2000)
    assert.strictEqual(millis(planOf([lost, hung, lost, error], 0, patient)), 2000)
    assert.strictEqual(planOf([lost, hung, error], 0)._tag, "Retry")
    assert.strictEqual(planOf([lost, hung, error, error], 0)._tag, "GiveUp")
    // Kinds of one row are one.
    assert.strictEqual(millis(planOf([lost, errorOf("truncated")], 0, patient)), 2000)
    // A row's own retries count wherever they stand.
    const malformed = errorOf("malformed")
    assert.strictEqual(planOf([malformed, lost, malformed], 0, patient)._tag, "GiveUp")
  })

  it("charges nobody for trouble of the whole engine, and gives up who is there every time", () => {
    const hung = errorOf("engine-hung")
    const killed = Array.from({ length: 6 }, () => errorOf("mid-stream-error 5xx"))
    for (const [errors, ofEngine] of [[Array(6).fill(hung), []], [killed, killed]] as const) {
      const plan = (count: number, engineFaults?: number) =>
        planOf(errors.slice(0, count), 0, {
          ofEngine: new Set<RunError>(ofEngine),
          ...(engineFaults === undefined ? {} : { engineFaults })
        })
      assert.isFalse(retryOf(plan(5)).consumesAttempt)
      assert.deepStrictEqual(plan(6), {
        _tag: "GiveUp",
        why: "it was caught in trouble of the whole engine 6 times, and may be what brings it"
      })
      assert.deepStrictEqual([plan(2, 1)._tag, plan(1, 1)._tag], ["GiveUp", "Retry"])
    }
    // Its own attempts are counted beside them.
    const error = errorOf("server-error")
    assert.strictEqual(planOf([hung, error, hung, error, hung], 0)._tag, "Retry")
    assert.strictEqual(planOf([hung, error, hung, error, hung, error], 0)._tag, "GiveUp")
    assert.strictEqual(planOf(killed.slice(0, 3), 0)._tag, "GiveUp")
  })

  it("waits at the gate after five failed connections in a row", () => {
    const [refused, late, lost] = [errorOf("connect-error"), errorOf("connect-timeout"), errorOf("connection-lost")]
    const gates = (...history: ReadonlyArray<RunError>) => retryOf(planOf(history, 0, patient)).gate
    assert.isFalse(gates(refused, late, refused, late))
    assert.isTrue(gates(refused, late, refused, late, refused))
    assert.isFalse(gates(refused, late, refused, lost, late, refused))
    assert.isTrue(gates(lost, refused, refused, refused, refused, late))
  })

  it("suspects our limit after two silences of the same length, and after the third in any case", () => {
    const silent = (...seconds: ReadonlyArray<number>) =>
      retryOf(planOf(seconds.map((each) => errorOf("silent", each * S)), 0, patient)).limitFactor
    assert.deepStrictEqual([silent(120), silent(120, 120), silent(120, 109), silent(109, 120)], [1, 2, 2, 2])
    assert.deepStrictEqual([silent(120, 107), silent(120, 240), silent(60, 120, 240)], [1, 1, 2])
    // Proved stalls say nothing of it.
    const hung = errorOf("engine-hung")
    assert.strictEqual(retryOf(planOf([hung, hung, hung], 0, patient)).limitFactor, 1)
  })

  it("never comes back before the time the server asked for", () => {
    assert.strictEqual(millis(planOf([busy(30_000)], 0)), 30_000)
    assert.strictEqual(millis(planOf([busy(30_000)], 1)), 36_000)
    assert.strictEqual(millis(planOf([busy(500)], 0)), 2000)
    assert.strictEqual(millis(planOf([busy(-500)], 0)), 2000)
    // What it asked for does not count the next time.
    assert.strictEqual(millis(planOf([busy(30_000), busy(null)], 0)), 4000)
  })

  it("gives up a server that asks for more than may be waited, and says so", () => {
    const hours = planOf([busy(5 * 3600 * S)], 0)
    assert.deepStrictEqual(hours, {
      _tag: "GiveUp",
      why: "waited 0.0 s, and would have to wait 18000 s more: longer than the 3600 s that may be waited"
    })
    assert.strictEqual(planOf([busy(3600 * S)], 0)._tag, "Retry")
    assert.strictEqual(planOf([busy(1800 * S), busy(1801 * S)], 0)._tag, "GiveUp")
    assert.strictEqual(planOf([busy(1800 * S), busy(1800 * S)], 0)._tag, "Retry")
    assert.strictEqual(planOf([busy(60 * S)], 0, { waitMillis: 59 * S })._tag, "GiveUp")
  })

  it("lets a busy server have its hour without an attempt, then gives up", () => {
    const history: Array<RunError> = []
    let waited = 0
    for (;;) {
      history.push(busy(null))
      const plan = planOf(history, 0)
      if (plan._tag === "GiveUp") break
      waited += millis(plan)!
    }
    // 2 + 4 + … + 64 is 126 s, and 28 times 120 s go into the rest of the hour.
    assert.deepStrictEqual([history.length, waited], [35, (126 + 28 * 120) * S])
    assert.strictEqual(planOf([...Array(20).fill(busy(null)), errorOf("server-error")], 0)._tag, "Retry")
  })
})

const Kinds = Schema.Array(Schema.Literals(allKinds)).check(Schema.isMinLength(1), Schema.isMaxLength(12))
const Chance = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

describe("the schedule", () => {
  it.prop("chance only lengthens a delay, by a fifth at most, and decides nothing else", [Kinds, Chance], ([
    kinds,
    chance
  ]) => {
    const history = kinds.map((kind) => errorOf(kind))
    const [least, plan] = [planOf(history, 0), planOf(history, chance)]
    if (plan._tag === "GiveUp" || least._tag === "GiveUp") return assert.deepStrictEqual(plan, least)
    assert.isAtLeast(millis(plan)!, millis(least)!)
    assert.isAtMost(millis(plan)!, 1.2 * millis(least)! + 1)
    assert.deepStrictEqual({ ...plan, delay: 0 }, { ...least, delay: 0 })
  }, runs)

  it.effect("follows the plan, and says what it is", () =>
    Effect.gen(function*() {
      const errors = [busy(7000), errorOf("connection-lost"), errorOf("runaway"), errorOf("silent")]
      const outputs: Array<RetryPlan> = []
      const startedAt: Array<number> = []
      const fiber = yield* Effect.gen(function*() {
        startedAt.push(yield* Effect.clockWith((clock) => clock.currentTimeMillis))
        return yield* Effect.fail(errors[startedAt.length - 1]!)
      }).pipe(
        Effect.retry(Schedule.tap(schedule(), ({ output }) => Effect.sync(() => outputs.push(output)))),
        Effect.exit,
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("1 minute")
      const exit = yield* Fiber.join(fiber)
      assert.strictEqual(Exit.isFailure(exit) && Cause.squash(exit.cause), errors[3])
      assert.lengthOf(startedAt, 4)
      startedAt.slice(1).forEach((at, index) => {
        const retry = retryOf(outputs[index]!)
        assert.strictEqual(at - startedAt[index]!, millis(retry))
        assert.deepStrictEqual({ ...retry, delay: 0 }, { ...planOf(errors.slice(0, index + 1), 0), delay: 0 })
      })
    }))

  it.effect("begins anew with every use", () =>
    Effect.gen(function*() {
      const policy = schedule({ attempts: 2 })
      for (let use = 0; use < 2; use++) {
        let attempts = 0
        const fiber = yield* Effect.suspend(() => Effect.fail(stalled("orphaned", { tokens: ++attempts }))).pipe(
          Effect.retry(policy),
          Effect.flip,
          Effect.forkChild({ startImmediately: true })
        )
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* Fiber.join(fiber)).tokens, 2)
      }
    }))
})
