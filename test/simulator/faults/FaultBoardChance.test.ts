// How often faults happen that happen by chance, or only so many times.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as FaultBoard from "../../../src/simulator/faults/FaultBoard.ts"
import * as FaultSpecification from "../../../src/simulator/faults/FaultSpecification.ts"
import * as Journal from "../../../src/simulator/Journal.ts"

const start = Effect.gen(function*() {
  const board = yield* FaultBoard.make({
    seed: 1,
    openRequests: () => 1,
    journal: yield* Journal.make,
    perform: () => Effect.void
  })
  let count = 0
  const request = () => board.forRequest({ id: `r${++count}`, draw: `prompt ${count}`, own: [] }).actions
  return { request, add: (text: string) => board.add(Result.getOrThrow(FaultSpecification.read(text))) }
})

describe("FaultBoard: chances", () => {
  it.effect("are independent for two faults", () =>
    Effect.gen(function*() {
      const { add, request } = yield* start
      yield* add("crlf:probability=0.5; garbage:probability=0.5")
      const seen = Array.from({ length: 1000 }, request)
      const both = seen.filter((actions) => actions.length === 3).length
      assert.closeTo(both / 1000, 0.25, 0.06)
    }))

  const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
  it.effect.prop(
    "never more than `times`, whatever else",
    [between(1, 5), Schema.Literals([0.2, 0.8, 1]), between(1, 5), between(0, 20), between(0, 30)],
    ([times, probability, first, more, requests]) =>
      Effect.scoped(Effect.gen(function*() {
        const { add, request } = yield* start
        yield* add(`crlf:times=${times},probability=${probability},request=${first}-${first + more}`)
        const hit = Array.from({ length: requests }, () => request().length > 0)
        assert.isAtMost(hit.filter((one) => one).length, times)
        assert.isTrue(hit.every((one, index) => !one || (index + 1 >= first && index + 1 <= first + more)))
        const inRange = Math.max(0, Math.min(requests, first + more) - first + 1)
        if (probability === 1) assert.strictEqual(hit.filter((one) => one).length, Math.min(times, inRange))
      }))
  )
})
