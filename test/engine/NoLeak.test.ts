/**
 * Property 20 for the whole engine client with its watch: when runs are over, in whatever way, nothing of them is left.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { runs } from "../support/propertyRuns.ts"
import { play, RunScript } from "./engineRuns.ts"

const Scripts = Schema.Array(RunScript).check(Schema.isMinLength(1), Schema.isMaxLength(4))

describe("property 20", () => {
  it.effect.prop(
    "no fiber, timer, ticker entry, evidence reader or open connection is left",
    [Scripts],
    ([scripts]) =>
      Effect.gen(function*() {
        const { left, runs } = yield* play(scripts)
        for (const { exit } of runs) assert.isDefined(exit)
        assert.deepStrictEqual(left, { fibers: 0, timers: 0, ticks: 0, readers: 0, open: 0 })
      }),
    runs
  )
})
