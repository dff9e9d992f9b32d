// The laws of the scheduler on any schedule, and what a freeze may change: nothing but times.
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { type Chances, runSchedule } from "./scheduleOfChance.ts"

const none: Chances = { hold: false, freeze: false, freezeInSteps: false, decode: false, pause: false, chunks: true }

const settings = {
  seed: Schema.Int,
  maxConcurrentRequests: Schema.Literals([1, 2, 7]),
  maxNumBatchedTokens: Schema.Literals([1, 5, 64]),
  kvCacheTokens: Schema.Literals([48, 128, 1_000_000]),
  timeFactorUnderLoad: Schema.Literals([1, 2])
}

describe("Scheduler: laws", () => {
  for (
    const [what, chances] of [
      ["of arrivals and aborts", none],
      ["with holds and releases", { ...none, hold: true }],
      ["with freezes in steps and between them", { ...none, freeze: true, freezeInSteps: true }],
      ["with all that can happen", {
        hold: true,
        freeze: true,
        freezeInSteps: true,
        decode: true,
        pause: true,
        chunks: true
      }]
    ] as const
  ) {
    it.prop(`hold on any schedule ${what}, and everybody gets exactly his tokens`, settings, ({ seed, ...options }) => {
      const { outputs, submitted } = runSchedule(seed, options, chances)
      for (const [number, one] of submitted.entries()) {
        const own = outputs.filter((line) => line.split(" ")[1] === String(number))
        if (one.state !== "finished") continue
        assert.strictEqual(one.generated, one.total)
        assert.strictEqual(own.filter((line) => line.endsWith("finished")).length, 1)
        assert.isTrue(own.at(-1)!.endsWith(` ${one.total} finished`))
      }
    })
  }

  it.prop("let a freeze change nothing but times", settings, ({ seed, ...options }) => {
    // Whole durations only: sums that are rounded differently would be a difference.
    const whole = { ...options, maxNumBatchedTokens: 8192, timeFactorUnderLoad: 1 }
    const calm = { ...none, chunks: false }
    const { outputs } = runSchedule(seed, whole, { ...calm, freeze: true })
    assert.deepStrictEqual(outputs, runSchedule(seed, whole, calm).outputs)
  })
})
