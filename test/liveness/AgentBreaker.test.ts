/** An agent that is gone is waited for, one that fails again and again is left alone, and its engine's faults are not its. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { AgentBreaker } from "../../src/liveness/AgentBreaker.ts"
import { Canary, CanaryOutcome } from "../../src/liveness/Canary.ts"
import { Failed, type FailReason } from "../../src/liveness/Failed.ts"
import { errorOf } from "../support/runErrors.ts"

const there = CanaryOutcome.cases.Passed.make({ tokens: 0, stepMillis: 0, binding: "unproven" })
const gone = CanaryOutcome.cases.Failed.make({ why: "nobody there" })
const ofPurple = (reason: FailReason) => new Failed({ hop: "purple", tokens: 0, reason })
const refused = ofPurple({ _tag: "ConnectError", url: "http://a/", detail: "refused" })
const failed = ofPurple({ _tag: "AgentFailed", state: "failed", detail: "no" })

/** With an agent whose card answers as `isThere` says. */
const withAgent = <A>(
  body: (breaker: AgentBreaker["Service"], card: { isThere: boolean }) => Effect.Effect<A>
): Effect.Effect<A> => {
  const card = { isThere: true }
  const canary = Canary.layerTest(() => Effect.sync(() => card.isThere ? there : gone))
  return Effect.flatMap(AgentBreaker, (breaker) => body(breaker, card)).pipe(
    Effect.provide(Layer.fresh(AgentBreaker.layer({ failures: 3 }).pipe(Layer.provide(canary))))
  )
}

const stateOf = (breaker: AgentBreaker["Service"], agent = "a") =>
  Effect.map(breaker.state(agent), ({ state }) => state)

describe("AgentBreaker", () => {
  it.effect("shuts at once when nobody is there, and opens when the card is back", () =>
    withAgent((breaker, card) =>
      Effect.gen(function*() {
        card.isThere = false
        yield* breaker.report("a", refused)
        const waiting = yield* Effect.forkChild(Effect.scoped(breaker.enter("a")), { startImmediately: true })
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(yield* stateOf(breaker), "open")
        assert.isUndefined(waiting.pollUnsafe())
        assert.isTrue((yield* breaker.state("b")).admits)
        card.isThere = true
        yield* TestClock.adjust("2 minutes")
        yield* Fiber.join(waiting)
        assert.strictEqual(yield* stateOf(breaker), "half-open")
        yield* breaker.report("a", "completed")
        assert.strictEqual(yield* stateOf(breaker), "closed")
      })
    ))

  it.effect("shuts after so many failures in a row, lets one battle try, and waits longer each time", () =>
    withAgent((breaker) =>
      Effect.gen(function*() {
        for (const outcome of [failed, failed, "completed", failed, failed] as const) {
          yield* breaker.report("a", outcome)
        }
        assert.strictEqual(yield* stateOf(breaker), "closed")
        yield* breaker.report("a", failed)
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(yield* stateOf(breaker), "half-open")
        const waits: Array<string> = []
        for (let round = 0; round < 3; round++) {
          yield* Effect.scoped(Effect.andThen(breaker.enter("a"), breaker.report("a", failed)))
          waits.push(yield* stateOf(breaker))
          yield* TestClock.adjust(2000 * 2 ** round - 1)
          waits.push(yield* stateOf(breaker))
          yield* TestClock.adjust("1 millis")
        }
        assert.deepStrictEqual(waits, Array(6).fill("open"))
        assert.strictEqual(yield* stateOf(breaker), "half-open")
      })
    ))

  it.effect("does not hold against an agent what its engine did, or that it is busy", () =>
    withAgent((breaker) =>
      Effect.gen(function*() {
        const busy = ofPurple({ _tag: "Unavailable", status: 503, retryAfterMillis: null, detail: "" })
        for (const error of [errorOf("engine-hung"), errorOf("mid-stream-error 5xx"), errorOf("connect-error"), busy]) {
          for (let times = 0; times < 5; times++) yield* breaker.report("a", error)
        }
        assert.strictEqual(yield* stateOf(breaker), "closed")
      })
    ))
})
