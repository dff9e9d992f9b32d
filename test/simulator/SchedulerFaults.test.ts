// What others may do to the scheduler between its steps, and in them: hold, release, abort, stop decoding, freeze, pause.
import { assert, describe, it } from "@effect/vitest"
import { outputsAt, pace, start } from "./schedulerHarness.ts"

/** Running and waiting, and how many of these are deferred, as the last step told it. */
const counts = ({ steps }: ReturnType<typeof start>) => {
  const { deferred, running, waiting } = steps.at(-1)!
  return [running, waiting, deferred]
}

describe("Scheduler: hold and release", () => {
  it("lets a queued request wait, and others pass it, until it is released", () => {
    const world = start()
    const { scheduler, steps, submit } = world
    const held = submit("a", 16, 1)
    scheduler.hold(held, "deferred")
    submit("b", 16, 1)
    scheduler.advance(0)
    assert.deepStrictEqual(counts(world), [1, 1, 1])
    assert.strictEqual(scheduler.advance(1000), Infinity)
    assert.deepStrictEqual(counts(world), [0, 1, 1])
    assert.deepStrictEqual(outputsAt(steps), ["100: b1"])
    submit("c", 16, 1, { at: 1000 })
    scheduler.release(held)
    // Before those who have just come, and nobody was preempted.
    scheduler.advance(1000)
    assert.strictEqual(held.scheduledAt, 1000)
    assert.isTrue(held.order < 2)
    scheduler.advance(2000)
    assert.deepStrictEqual(outputsAt(steps).slice(1), ["1100: a1 c1"])
    assert.strictEqual(held.preemptions, 0)
    assert.deepStrictEqual(counts(world), [0, 0, 0])
  })

  it("counts who is held for want of room not as deferred", () => {
    const world = start()
    world.scheduler.hold(world.submit("a", 16, 1), "capacity")
    world.scheduler.hold(world.submit("b", 16, 1), "deferred")
    world.scheduler.hold(world.submit("c", 16, 1), "deferred")
    world.scheduler.advance(0)
    assert.deepStrictEqual(counts(world), [0, 3, 2])
  })

  it("holds neither again, for another reason, who is held, nor who has finished or was never there", () => {
    const world = start()
    const { scheduler, steps, submit } = world
    const held = submit("a", 16, 1)
    const finished = submit("b", 16, 1)
    const gone = submit("c", 16, 1)
    scheduler.hold(held, "deferred")
    scheduler.hold(held, "capacity")
    scheduler.abort(gone)
    scheduler.advance(0)
    scheduler.advance(100)
    const before = steps.length
    scheduler.hold(finished, "capacity")
    scheduler.hold(gone, "capacity")
    scheduler.release(finished)
    scheduler.release(gone)
    assert.strictEqual(scheduler.advance(200), Infinity)
    assert.strictEqual(steps.length, before, "nothing changed, so there is no step")
    assert.deepStrictEqual(counts(world), [0, 1, 1])
  })

  it("takes all from a prompt that is computed in chunks, and computes it again", () => {
    const world = start({ maxNumBatchedTokens: 32, kvCacheTokens: 160 })
    const { scheduler, steps, submit } = world
    const held = submit("a", 96, 2, { times: pace(96) })
    scheduler.advance(0)
    scheduler.advance(40)
    assert.strictEqual(held.computed, 32)
    submit("b", 16, 1, { at: 40 })
    scheduler.hold(held, "capacity")
    scheduler.advance(40)
    // Its place, its blocks, its part of the budget, and its turn.
    assert.deepStrictEqual(counts(world), [1, 1, 0])
    assert.closeTo(steps.at(-1)!.kvCacheUsage, 0.1, 1e-9)
    scheduler.advance(200)
    scheduler.release(held)
    scheduler.advance(200)
    scheduler.advance(1000)
    assert.deepStrictEqual(outputsAt(steps), ["140: b1", "296: a1", "306: a2"])
    assert.strictEqual(held.preemptions, 1)
    assert.strictEqual(held.scheduledAt, 0)
    assert.deepStrictEqual(steps.map(({ prefixCacheQueries }) => prefixCacheQueries).filter((one) => one > 0), [96, 16])
  })

  it("keeps the tokens of one that decodes, and tells of it with its next output", () => {
    const world = start()
    const { scheduler, steps, submit } = world
    const held = submit("a", 16, 4)
    scheduler.advance(0)
    scheduler.advance(110)
    scheduler.hold(held, "deferred")
    scheduler.advance(110)
    assert.deepStrictEqual(counts(world), [0, 1, 1])
    assert.strictEqual(steps.at(-1)!.kvCacheUsage, 0)
    assert.strictEqual(scheduler.advance(5000), Infinity)
    assert.strictEqual(steps.at(-1)!.preemptions, 0)
    scheduler.release(held)
    scheduler.advance(5000)
    assert.deepStrictEqual(counts(world), [1, 0, 0])
    scheduler.advance(6000)
    assert.deepStrictEqual(outputsAt(steps), ["100: a1", "110: a2", "5100: a3", "5110: a4"])
    assert.deepStrictEqual(steps.map(({ preemptions }) => preemptions).filter((one) => one > 0), [1])
    assert.strictEqual(held.previousTokenAt, 5100)
  })

  it("finds one that was preempted, in the middle of the others", () => {
    const world = start({ kvCacheTokens: 96 })
    const { scheduler, submit } = world
    const sequences = ["a", "b", "c"].map((name) => submit(name, 16, 60))
    scheduler.advance(0)
    // With 32 tokens each all blocks are taken; then c loses its place, and at last b.
    for (let now = 0; sequences.some(({ preemptions, state }) => preemptions === 0 && state !== "finished"); now++) {
      scheduler.advance(now)
      if (sequences[1]!.state === "queued") break
    }
    assert.deepStrictEqual(sequences.map(({ state }) => state), ["decoding", "queued", "queued"])
    scheduler.hold(sequences[1]!, "capacity")
    scheduler.advance(1e6)
    assert.deepStrictEqual(sequences.map(({ generated, state }) => [state, generated === 60]), [
      ["finished", true],
      ["queued", false],
      ["finished", true]
    ])
    assert.deepStrictEqual(counts(world), [0, 1, 0])
    assert.isTrue(scheduler.abort(sequences[1]!))
    scheduler.advance(1e6)
    assert.deepStrictEqual(counts(world), [0, 0, 0])
  })

  it("aborts who is held, once, and then there is nobody to release", () => {
    const world = start()
    const held = world.submit("a", 16, 1)
    world.scheduler.hold(held, "deferred")
    assert.isTrue(world.scheduler.abort(held))
    assert.isFalse(world.scheduler.abort(held))
    world.scheduler.release(held)
    world.scheduler.advance(1000)
    assert.deepStrictEqual(outputsAt(world.steps), [])
    assert.deepStrictEqual(counts(world), [0, 0, 0])
  })
})

describe("Scheduler: decode", () => {
  it("stops between two tokens, and goes on with a whole gap", () => {
    const world = start({ maxNumBatchedTokens: 16, kvCacheTokens: 160 })
    const { scheduler, steps, submit } = world
    submit("a", 16, 3)
    scheduler.advance(0)
    scheduler.advance(104)
    scheduler.decode(false)
    assert.strictEqual(scheduler.advance(104), Infinity)
    assert.deepStrictEqual(counts(world), [1, 0, 0])
    assert.closeTo(steps.at(-1)!.kvCacheUsage, 0.2, 1e-9, "it keeps its blocks")
    // All of the budget is free for a prompt, which gets its first token and no other.
    submit("b", 16, 2, { at: 1000 })
    assert.strictEqual(scheduler.advance(1000), 1100)
    assert.strictEqual(scheduler.advance(5000), Infinity)
    assert.deepStrictEqual(outputsAt(steps), ["100: a1", "1100: b1"])
    assert.isFalse(scheduler.isIdle())
    scheduler.decode(true)
    scheduler.advance(9000)
    scheduler.advance(9010)
    assert.deepStrictEqual(outputsAt(steps).slice(2), ["9010: a2 b2"])
    scheduler.advance(9020)
    assert.deepStrictEqual(outputsAt(steps).slice(3), ["9020: a3"])
  })

  it("stops nothing but decoding: chunks, queue, finished and preempted ones", () => {
    const world = start({ maxNumBatchedTokens: 32, maxConcurrentRequests: 2 })
    const { scheduler, steps, submit } = world
    submit("done", 16, 1)
    scheduler.advance(0)
    scheduler.advance(100)
    const chunked = submit("a", 96, 2, { at: 100, times: pace(96) })
    scheduler.advance(100)
    const held = submit("b", 1, 5, { at: 100 })
    const queued = submit("c", 1, 1, { at: 100 })
    scheduler.decode(false)
    scheduler.hold(held, "capacity")
    scheduler.advance(10_000)
    assert.deepStrictEqual(outputsAt(steps), ["100: done1", "196: a1", "296: c1"])
    assert.deepStrictEqual([chunked.state, held.state, queued.state], ["decoding", "queued", "finished"])
    scheduler.release(held)
    scheduler.advance(15_000)
    scheduler.advance(20_000)
    assert.strictEqual(held.generated, 1)
    scheduler.decode(false)
    scheduler.decode(true)
    assert.strictEqual(scheduler.advance(20_000), 20_010)
    scheduler.advance(30_000)
    assert.strictEqual(held.generated, 5)
    assert.isTrue(scheduler.isIdle())
  })
})

describe("Scheduler: freeze", () => {
  it("stops works where they are, and there are no steps for whatever else happens", () => {
    const world = start({ maxConcurrentRequests: 2 })
    const { scheduler, steps, submit } = world
    submit("a", 16, 3)
    scheduler.advance(0)
    scheduler.advance(105)
    scheduler.freeze(105)
    scheduler.freeze(900)
    const before = steps.length
    assert.strictEqual(scheduler.advance(1000), Infinity)
    const late = submit("b", 16, 1, { at: 200 })
    const leaver = submit("c", 16, 1, { at: 200 })
    scheduler.abort(leaver)
    scheduler.decode(true)
    scheduler.admit(true)
    assert.strictEqual(scheduler.advance(1000), Infinity)
    assert.strictEqual(steps.length, before)
    assert.isFalse(scheduler.isIdle())
    scheduler.thaw(1105)
    scheduler.thaw(5000)
    assert.strictEqual(scheduler.advance(1105), 1110)
    assert.strictEqual(late.scheduledAt, 1105)
    scheduler.advance(3000)
    assert.deepStrictEqual(outputsAt(steps), ["100: a1", "1110: a2", "1120: a3", "1205: b1"])
  })

  it("is not idle while it is frozen, though nothing runs", () => {
    const { scheduler } = start()
    assert.isTrue(scheduler.isIdle())
    scheduler.freeze(0)
    assert.isFalse(scheduler.isIdle())
    scheduler.thaw(0)
    assert.isTrue(scheduler.isIdle())
  })

  it("can begin in a step, and then what is due comes later", () => {
    const world = start({}, ({ outputs }) => {
      if (outputs.includes("a2")) world.scheduler.freeze(1000)
    })
    const { scheduler, steps, submit } = world
    submit("a", 16, 4)
    scheduler.advance(0)
    // Carried out late: at 1000 all is due, but the second token freezes the rest.
    assert.strictEqual(scheduler.advance(1000), Infinity)
    assert.deepStrictEqual(outputsAt(steps), ["100: a1", "110: a2"])
    scheduler.thaw(3000)
    scheduler.advance(3000)
    assert.deepStrictEqual(outputsAt(steps).slice(2), ["2120: a3", "2130: a4"])
  })

  it("aborts in a freeze free the place when it goes on", () => {
    const world = start({ maxConcurrentRequests: 1 })
    const first = world.submit("a", 16, 3)
    world.submit("b", 16, 1)
    world.scheduler.advance(0)
    world.scheduler.freeze(50)
    assert.isTrue(world.scheduler.abort(first))
    world.scheduler.thaw(500)
    world.scheduler.advance(1000)
    world.scheduler.advance(2000)
    assert.deepStrictEqual(outputsAt(world.steps), ["1100: b1"])
  })
})

describe("Scheduler: pauses", () => {
  it("finishes all requests in every state, in one step, and only once", () => {
    const world = start({ maxConcurrentRequests: 3, maxNumBatchedTokens: 32, kvCacheTokens: 320 })
    const { scheduler, steps, submit } = world
    const decoding = submit("decoding", 1, 9)
    const finished = submit("finished", 1, 1)
    scheduler.advance(0)
    scheduler.advance(100)
    const held = submit("held", 1, 9, { at: 100 })
    scheduler.hold(held, "deferred")
    const released = submit("released", 1, 9, { at: 100 })
    scheduler.hold(released, "capacity")
    const chunked = submit("chunked", 96, 9, { at: 100 })
    scheduler.advance(100)
    scheduler.release(released)
    const queued = submit("queued", 1, 9, { at: 105 })
    scheduler.admit(false)
    scheduler.abortAll(105)
    assert.deepStrictEqual(outputsAt(steps).slice(1), ["105: decoding1 chunked0 released0 queued0 held0"])
    assert.deepStrictEqual(counts(world), [0, 0, 0])
    assert.strictEqual(steps.at(-1)!.kvCacheUsage, 0)
    for (const sequence of [decoding, held, released, chunked, queued]) {
      assert.deepInclude(sequence, { state: "finished", finishReason: "abort", made: 0, total: sequence.generated })
      assert.isFalse(scheduler.abort(sequence))
    }
    assert.strictEqual(finished.finishReason, "stop")
    assert.strictEqual(scheduler.advance(150), Infinity)
    const before = steps.length
    scheduler.abortAll(150)
    assert.strictEqual(scheduler.advance(200), Infinity)
    assert.strictEqual(steps.length, before, "there is nobody left to abort")
  })

  it("lets who runs go on and admits nobody; steps end with the last one", () => {
    const world = start({ kvCacheTokens: 64 })
    const { scheduler, steps, submit } = world
    submit("a", 16, 40)
    const second = submit("b", 16, 20)
    scheduler.advance(0)
    scheduler.admit(false)
    scheduler.advance(0)
    assert.strictEqual(steps.length, 1, "that nobody is admitted changes nothing yet")
    submit("c", 1, 1, { at: 1 })
    scheduler.advance(1)
    assert.deepStrictEqual(counts(world), [2, 1, 0])
    assert.strictEqual(scheduler.advance(10_000), Infinity)
    // Who was preempted gets no place again.
    assert.strictEqual(second.state, "queued")
    assert.deepStrictEqual(counts(world), [0, 2, 0])
    const before = steps.length
    const leaver = submit("d", 1, 1, { at: 10_000 })
    assert.strictEqual(scheduler.advance(10_000), Infinity)
    scheduler.admit(false)
    assert.strictEqual(scheduler.advance(11_000), Infinity)
    assert.strictEqual(steps.length, before, "nobody is told of who arrives")
    scheduler.abort(leaver)
    scheduler.advance(12_000)
    assert.strictEqual(steps.length, before + 1, "who leaves costs one step")
    scheduler.admit(true)
    scheduler.advance(12_000)
    assert.deepStrictEqual(counts(world), [2, 0, 0])
    scheduler.advance(20_000)
    assert.strictEqual(second.generated, 20)
  })

  it("aborts no earlier than the last step, which may be a microsecond early", () => {
    const { scheduler, steps, submit } = start()
    submit("a", 16, 2, { times: pace(100.0005) })
    scheduler.advance(0)
    scheduler.advance(100)
    scheduler.abortAll(100)
    assert.deepStrictEqual(outputsAt(steps), ["100.0005: a1", "100.0005: a1"])
  })

  it("shows when the last one that runs is held", () => {
    const world = start()
    const sequence = world.submit("a", 16, 2)
    world.scheduler.advance(0)
    world.scheduler.admit(false)
    world.scheduler.hold(sequence, "capacity")
    world.scheduler.advance(1)
    assert.deepStrictEqual(counts(world), [0, 1, 0])
  })
})

describe("Scheduler: small chunks", () => {
  it("lets others in beside a prompt with a longest chunk, but not beside one without", () => {
    for (
      const [longestChunk, expected] of [[8, ["400: b1", "800: a1"]], [Infinity, ["800: a1", "1200: b1"]]] as const
    ) {
      const { scheduler, steps, submit } = start({ maxNumBatchedTokens: 16, kvCacheTokens: 320 })
      const chunked = submit("a", 64, 1, { longestChunk, times: pace(800) })
      submit("b", 8, 1, { times: pace(400) })
      scheduler.advance(0)
      assert.strictEqual(chunked.inFlight, Math.min(16, longestChunk))
      scheduler.advance(5000)
      assert.deepStrictEqual(outputsAt(steps), [...expected])
    }
  })

  it("moves the KV cache with every chunk", () => {
    const { scheduler, steps, submit } = start({ kvCacheTokens: 160 })
    submit("a", 64, 1, { longestChunk: 16 })
    scheduler.advance(1000)
    assert.deepStrictEqual(steps.map(({ kvCacheUsage, time }) => [time, Math.round(kvCacheUsage * 10)]), [
      [1000, 1]
    ])
    scheduler.advance(2000)
    assert.deepStrictEqual(steps.map(({ kvCacheUsage, time }) => [time, Math.round(kvCacheUsage * 10)]), [
      [1000, 1],
      [1025, 2],
      [1050, 3],
      [1075, 4],
      [1100, 0]
    ])
  })

  it("waits for the budget with small chunks, too", () => {
    const { scheduler, submit } = start({ maxNumBatchedTokens: 4 })
    const first = submit("a", 8, 1, { longestChunk: 3 })
    const second = submit("b", 8, 1, { longestChunk: 3 })
    scheduler.advance(0)
    assert.deepStrictEqual([first.inFlight, second.inFlight], [3, 1])
    scheduler.advance(10_000)
    assert.deepStrictEqual([first.state, second.state], ["finished", "finished"])
  })
})
