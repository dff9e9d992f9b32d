// The scheduler alone, told the time by the test: places, budget, chunks, preemption, load.
import { assert, describe, it } from "@effect/vitest"
import * as Pacing from "../../src/simulator/Pacing.ts"
import * as SeededRandom from "../../src/simulator/SeededRandom.ts"
import { outputsAt, start } from "./schedulerHarness.ts"

/** Without jitter: 10 ms and 1 ms per token to compute, 2 ms per token to transfer, then 10 ms per token. */
const perToken = (remotePrefill = false) =>
  Pacing.make(
    {
      latencyCalculator: "per-token",
      timeToFirstTokenMillis: 400,
      interTokenMillis: 10,
      jitterCoefficient: 0,
      prefillOverheadMillis: 10,
      prefillMillisPerToken: 1,
      kvCacheTransferMillisPerToken: 2
    },
    SeededRandom.make(1),
    remotePrefill
  )

describe("Scheduler", () => {
  it("gives a request alone exactly the times of its pace, whatever the chunks", () => {
    for (const maxNumBatchedTokens of [8192, 100, 50]) {
      const { scheduler, steps, submit } = start({ maxNumBatchedTokens })
      submit("a", 200, 3)
      assert.strictEqual(scheduler.advance(0), 100 * Math.min(1, maxNumBatchedTokens / 200))
      assert.strictEqual(scheduler.advance(1000), Infinity)
      assert.deepStrictEqual(outputsAt(steps), ["100: a1", "110: a2", "120: a3"])
    }
  })

  it("carries out late what was due, at the times at which it was due", () => {
    const { scheduler, steps, submit } = start({ maxConcurrentRequests: 1 })
    submit("a", 5, 2)
    submit("b", 5, 2)
    scheduler.advance(0)
    submit("c", 5, 1, { at: 215 })
    assert.strictEqual(scheduler.advance(1000), Infinity)
    assert.deepStrictEqual(outputsAt(steps), ["100: a1", "110: a2", "210: b1", "220: b2", "320: c1"])
  })

  it("computes long prompts in chunks, which move the KV cache but are no outputs", () => {
    const { scheduler, steps, submit } = start({ maxNumBatchedTokens: 64, kvCacheTokens: 640 })
    submit("long", 160, 1)
    submit("short", 16, 1)
    scheduler.advance(0)
    scheduler.advance(80)
    assert.deepStrictEqual(
      steps.map(({ kvCacheUsage, outputs, running, time, waiting }) => [
        time,
        running,
        waiting,
        Math.round(kvCacheUsage * 640),
        outputs.length
      ]),
      [[0, 1, 1, 64, 0], [40, 1, 1, 128, 0], [80, 2, 0, 176, 0]]
    )
    scheduler.advance(1000)
    assert.deepStrictEqual(outputsAt(steps), ["100: long1", "180: short1"])
  })

  it("keeps decoding while the budget delays prompts", () => {
    const { scheduler, steps, submit } = start({ maxNumBatchedTokens: 11 })
    submit("a", 1, 30)
    scheduler.advance(0)
    scheduler.advance(100)
    submit("b", 20, 2, { at: 100 })
    scheduler.advance(100)
    scheduler.advance(260)
    assert.deepStrictEqual(
      outputsAt(steps).filter((line) => line.includes("b")),
      ["200: a11 b1", "210: a12 b2"]
    )
    assert.strictEqual(outputsAt(steps).length, 17)
  })

  it("preempts the last one when the KV cache is full, computes it again and keeps its tokens", () => {
    const { scheduler, steps, submit } = start({ kvCacheTokens: 64 })
    const first = submit("a", 16, 40)
    const second = submit("b", 16, 20)
    scheduler.advance(0)
    scheduler.advance(10_000)
    assert.strictEqual(first.generated, 40)
    assert.strictEqual(second.generated, 20)
    assert.strictEqual(second.preemptions, 1)
    const preempted = steps.find(({ waiting }) => waiting === 1)
    // At 270 a has 18 tokens and needs a third block, as b does.
    assert.deepInclude(preempted, { time: 260, running: 1 })
    const continued = outputsAt(steps).filter((line) => line.includes("b"))
    assert.strictEqual(continued.length, 20)
    assert.strictEqual(steps.at(-1)?.kvCacheUsage, 0)
    assert.deepStrictEqual(steps.map((step) => step.prefixCacheQueries).filter((queries) => queries > 0), [32])
  })

  it("cuts an answer where the KV cache ends, and answers a prompt that does not fit with nothing", () => {
    const { scheduler, submit } = start({ kvCacheTokens: 40 })
    const cut = submit("a", 20, 100)
    const tooLong = submit("b", 100, 5)
    scheduler.advance(0)
    scheduler.advance(10_000)
    assert.deepInclude(cut, { state: "finished", generated: 12, finishReason: "length" })
    assert.deepInclude(tooLong, { state: "finished", generated: 0, finishReason: "length" })
  })

  it("takes longer under load, linearly up to the factor", () => {
    const { scheduler, steps, submit } = start({ maxConcurrentRequests: 3, timeFactorUnderLoad: 3 })
    for (const name of ["a", "b", "c"]) submit(name, 1, 1)
    scheduler.advance(0)
    scheduler.advance(1000)
    assert.deepStrictEqual(outputsAt(steps), ["100: a1", "200: b1", "300: c1"])
  })

  it("computes prompt and answer so far after a preemption, token by token and in chunks", () => {
    for (const maxNumBatchedTokens of [8192, 20]) {
      const { scheduler, steps, submit } = start({ kvCacheTokens: 64, maxNumBatchedTokens })
      submit("a", 16, 40, { times: perToken() })
      const second = submit("b", 16, 20, { times: perToken() })
      scheduler.advance(0)
      scheduler.advance(10_000)
      assert.strictEqual(second.preemptions, 1)
      const sent = steps.flatMap(({ outputs, time }) => outputs.map((output) => ({ output, time })))
      const at = (output: string) => sent.find((one) => one.output === output)!.time
      assert.strictEqual(at("a1"), 10 + 16)
      const done = Math.max(at("a40"), ...steps.filter((step) => step.waiting === 1).map((step) => step.time))
      // It gets its place again when a is done, and then there is everything to compute that it had.
      const kept = sent.filter(({ output, time }) => output.startsWith("b") && time < done).length
      assert.isAbove(kept, 1)
      assert.closeTo(at(`b${kept + 1}`) - done, 10 + 16 + kept, 0.01)
      assert.closeTo(at(`b${kept + 2}`) - at(`b${kept + 1}`), 10, 0.01)
    }
  })

  it("makes computing slower under load, and transfers not", () => {
    const { scheduler, steps, submit } = start({ maxConcurrentRequests: 3, timeFactorUnderLoad: 3 })
    submit("here", 90, 9, { times: perToken() })
    submit("there", 90, 2, { times: perToken(true) })
    scheduler.advance(0)
    scheduler.advance(190)
    // The first begins alone, the second with a load of two in three; decoding is slower for both.
    assert.deepStrictEqual(outputsAt(steps), [
      "100: here1",
      "120: here2",
      "140: here3",
      "160: here4",
      "180: here5 there1"
    ])
    scheduler.advance(1000)
    assert.deepStrictEqual(outputsAt(steps).slice(5, 7), ["200: here6 there2", "210: here7"])
  })
})
