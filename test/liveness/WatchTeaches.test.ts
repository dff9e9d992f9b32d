// What a run teaches is known by the time its stream has ended, however it ended.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as FinishedRun from "../../src/liveness/FinishedRun.ts"
import * as LivenessWatch from "../../src/liveness/LivenessWatch.ts"
import type { RunState } from "../../src/liveness/RunState.ts"
import { accepted, alone, type Element, finish, inputsOf, limits, run, timed, token } from "./watching.ts"

const ends: Record<string, readonly [Stream.Stream<Element>, FinishedRun.FinishedRun]> = {
  "given up for silence": [accepted(Effect.never), { firstTokenMillis: Infinity, largestGapMillis: null }],
  "completed": [timed([2000, token], [3000, finish]), { firstTokenMillis: 2000, largestGapMillis: 3000 }]
}

describe("a run that ends", () => {
  for (const [how, [stream, taught]] of Object.entries(ends)) {
    it.effect(`teaches before whoever waits for its end goes on: ${how}`, () =>
      Effect.gen(function*() {
        let last: RunState | undefined
        let known: FinishedRun.FinishedRun | undefined
        const fiber = yield* stream.pipe(
          LivenessWatch.watch<Element>({
            run,
            limits,
            inputsOf,
            onEnd: (state) => {
              last = state
            }
          }),
          Stream.ensuring(Effect.sync(() => {
            known = last === undefined ? undefined : FinishedRun.fromState(last)
          })),
          Stream.runDrain,
          Effect.exit,
          Effect.forkChild({ startImmediately: true })
        )
        for (let second = 0; second < 30; second++) yield* TestClock.adjust("1 second")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(known, taught)
      }).pipe(Effect.provide(alone)))
  }
})
