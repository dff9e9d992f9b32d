/**
 * Property 21 of the liveness model, on the schedule and the gate together: for any errors of several battles at one
 * endpoint, and any answers of its canary, the attempts stay within the policy and none starts while the gate is shut.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import { Canary, CanaryOutcome } from "../../src/liveness/Canary.ts"
import { EngineGate } from "../../src/liveness/EngineGate.ts"
import type { GatePhase } from "../../src/liveness/GateStep.ts"
import { schedule } from "../../src/liveness/RetryPolicy.ts"
import { type RetryKind, rowOfKind } from "../../src/liveness/RetryTable.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { runs } from "../support/propertyRuns.ts"
import { allKinds, busy, errorOf } from "../support/runErrors.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const ofEngine: ReadonlyArray<RetryKind> = [
  "engine-hung",
  "decode-hung",
  "engine-idle",
  "engine-dead",
  "engine-restarted"
]
const free: ReadonlyArray<RetryKind> = ["rate-limited", "unavailable", "connect-error", ...ofEngine]
const ENGINE_FAULTS = 3
const gated = ["engine-hung", "decode-hung", "engine-dead", "aborted-by-server", "connect-error"] as const

const Outcome = Schema.Struct({
  kind: Schema.Union([
    Schema.Literals(allKinds),
    Schema.Literals([...gated, ...gated, "rate-limited", "rate-limited", "unavailable"]),
    Schema.Literal("completed")
  ]),
  takesMillis: between(0, 200_000),
  /** Of busy servers. */
  retryAfterMillis: Schema.NullOr(
    Schema.Union([between(0, 100_000), between(120_001, 1_000_000), between(120_001, 5_000_000)])
  )
})
type Outcome = typeof Outcome.Type

const World = Schema.Struct({
  battles: Schema.Array(Schema.Array(Outcome).check(Schema.isMinLength(1), Schema.isMaxLength(8))).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(4)
  ),
  canary: Schema.Array(Schema.Literals(["Passed", "Failed", "Failed", "Absent"])).check(Schema.isMaxLength(6)),
  attempts: between(1, 6)
})

interface Attempt {
  readonly askedAt: number
  readonly startedAt: number
  readonly gate: GatePhase
  /** How many attempts were under way that had started in this state of the gate. */
  readonly besides: number
  readonly endedAt: number
  readonly outcome: Outcome
}

const A = "http://a/v1"
const WAIT_MILLIS = 3_600_000

const errorIn = ({ kind, retryAfterMillis, takesMillis }: Outcome): RunError | undefined =>
  kind === "completed"
    ? undefined
    : kind === "rate-limited"
    ? busy(retryAfterMillis)
    : errorOf(kind, takesMillis)

const played = (world: typeof World.Type) => {
  let turn = 0
  const canary = Canary.layerTest(() =>
    Effect.delay(
      Effect.sync((): CanaryOutcome => {
        const answer = world.canary[turn++] ?? "Passed"
        return answer === "Passed"
          ? CanaryOutcome.cases.Passed.make({ tokens: 3, stepMillis: 10, binding: "proven" })
          : answer === "Failed"
          ? CanaryOutcome.cases.Failed.make({ why: "no token has come" })
          : CanaryOutcome.cases.Absent.make({})
      }),
      "1 second"
    )
  )
  return Effect.gen(function*() {
    const gate = yield* EngineGate
    const now = Clock.currentTimeMillis
    const active = new Set<number>()
    const playBattle = (outcomes: ReadonlyArray<Outcome>) => {
      const attempts: Array<Attempt> = []
      const attempt = Effect.gen(function*() {
        const askedAt = yield* now
        yield* gate.enter(A)
        const startedAt = yield* now
        const { sinceMillis, state } = yield* gate.state(A)
        const besides = [...active].filter((since) => since === sinceMillis).length
        active.add(sinceMillis)
        const outcome = outcomes[Math.min(attempts.length, outcomes.length - 1)]!
        yield* Effect.sleep(outcome.takesMillis)
        const endedAt = yield* now
        active.delete(sinceMillis)
        attempts.push({ askedAt, startedAt, gate: state, besides, endedAt, outcome })
        const error = errorIn(outcome)
        yield* gate.report(A, error ?? "completed")
        return error === undefined ? undefined : yield* Effect.fail(error)
      })
      return attempt.pipe(
        Effect.scoped,
        Effect.retry(schedule({ attempts: world.attempts, waitMillis: WAIT_MILLIS, engineFaults: ENGINE_FAULTS })),
        Effect.ignore,
        Effect.as(attempts)
      )
    }
    const fiber = yield* Effect.forkChild(Effect.forEach(world.battles, playBattle, { concurrency: "unbounded" }))
    yield* TestClock.adjust(Duration.hours(100))
    assert.isDefined(fiber.pollUnsafe(), "somebody waits for ever")
    return yield* Fiber.join(fiber)
  }).pipe(
    Effect.provide(Layer.fresh(EngineGate.layer().pipe(Layer.provide(canary), Layer.provideMerge(TestClock.layer()))))
  )
}

describe("retries through the gate", () => {
  const seen = { delays: 0, asked: 0, heldBack: 0, probes: 0, gaveUp: 0, caught: 0 }

  it.effect.prop("property 21", [World], ([world]) =>
    Effect.gen(function*() {
      for (const attempts of yield* played(world)) {
        assert.isNotEmpty(attempts)
        const kinds = attempts.map(({ outcome }) => outcome.kind)
        // No attempt after an end that is final, and one that is not retried ends it at the first time.
        for (const kind of kinds.slice(0, -1)) assert.isTrue(kind !== "completed" && rowOfKind(kind).retries !== 0)

        const used = kinds.filter((kind) => !free.includes(kind as RetryKind)).length
        assert.isAtMost(used, world.attempts)
        const caught = kinds.filter((kind) => ofEngine.includes(kind as RetryKind)).length
        assert.isAtMost(caught, ENGINE_FAULTS + 1)
        if (caught > ENGINE_FAULTS) seen.caught++
        const errors = kinds.filter((kind) => kind !== "completed")
        for (const kind of errors) {
          const row = rowOfKind(kind)
          const same = errors.filter((each) => rowOfKind(each) === row).length
          assert.isAtMost(same, (row.retries ?? Infinity) + 1)
        }

        let waited = 0
        attempts.forEach(({ askedAt, besides, gate, startedAt }, index) => {
          assert.isTrue(gate === "closed" || gate === "half-open", gate)
          if (gate === "half-open") {
            seen.probes++
            assert.strictEqual(besides, 0)
          }
          if (startedAt > askedAt) seen.heldBack++
          const before = attempts[index - 1]
          if (before === undefined) return
          const { kind, retryAfterMillis } = before.outcome
          if (kind === "completed") return
          const row = rowOfKind(kind)
          const delay = askedAt - before.endedAt
          const asked = kind === "rate-limited" ? retryAfterMillis ?? 0 : 0
          const most = Math.max(asked, row.mostMillis) * (1 + row.jitter) + 1
          assert.isAtLeast(delay, Math.max(asked, Math.min(row.firstMillis, row.mostMillis)))
          assert.isAtMost(delay, most)
          seen.delays++
          if (asked > row.mostMillis) seen.asked++
          if (!row.usesAttempt) waited += delay
        })
        assert.isAtMost(waited, WAIT_MILLIS * 1.2 + attempts.length)
        if (kinds.at(-1) !== "completed") seen.gaveUp++
      }
    }), runs)

  it("was tried where it matters", () => {
    for (const [what, times] of Object.entries(seen)) assert.isAbove(times, 5, what)
  })
})
