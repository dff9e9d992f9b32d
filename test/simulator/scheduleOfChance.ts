// A schedule of chance for a scheduler, told by a seed, with all that others may do to it; and its laws, asked after every
// step. What is asked is known from outside, not from what the scheduler reports.
import { assert } from "@effect/vitest"
import * as Scheduler from "../../src/simulator/Scheduler.ts"
import * as SeededRandom from "../../src/simulator/SeededRandom.ts"
import { seedOf } from "../../src/simulator/SeededRandom.ts"
import * as Sequence from "../../src/simulator/Sequence.ts"

export interface Chances {
  readonly hold: boolean
  /** Between steps, when nothing else happens. */
  readonly freeze: boolean
  /** By those who hear of a step, whatever happens meanwhile. */
  readonly freezeInSteps: boolean
  readonly decode: boolean
  readonly pause: boolean
  /** Parts of durations, whose sums are rounded. */
  readonly chunks: boolean
}

/** One that the test knows by its number. */
interface Known extends Sequence.Sequence {
  readonly number: number
  heldAs: Sequence.HoldReason | undefined
  /** Whether it was ever held: then it may be overtaken, or be preempted though it was the first. */
  wasHeld: boolean
  seen: number
}

const law = (holds: boolean, name: string) => {
  if (!holds) assert.fail(name)
}

const sum = (numbers: Iterable<number>) => Array.from(numbers).reduce((total, one) => total + one, 0)

export interface Outcome {
  /** Outputs in their order; times without the time of the freezes. */
  readonly outputs: ReadonlyArray<string>
  readonly submitted: ReadonlyArray<Sequence.Sequence>
}

/** Runs it until everything is released and nothing is left to do. Throws when a law is broken. */
export const runSchedule = (seed: number, options: Sequence.SchedulerOptions, chances: Chances): Outcome => {
  // What happens and what faults happen are drawn apart, so that the same happens with and without them.
  const random = SeededRandom.make(seed)
  const faults = SeededRandom.make(seedOf(seed, "faults"))
  const submitted: Array<Known> = []
  const open = new Set<Known>()
  const outputs: Array<string> = []
  const blocks = Sequence.blocksOf(options)
  let now = 0
  let lost = 0
  let frozen = false
  let over = false
  let admitting = true
  let decoding = true
  let lastTime = 0
  let first: Known | undefined
  let firstPreemptions = 0
  const runs = ({ state }: Known) => state === "prefill" || state === "decoding"

  const checkQueue = (running: ReadonlyArray<Known>, waiting: ReadonlyArray<Known>) => {
    const never = waiting.filter((one) => !one.wasHeld && Number.isNaN(one.scheduledAt))
    for (const one of running) {
      law(one.wasHeld || never.every(({ number }) => number > one.number), "nobody overtakes")
    }
    const partial = running.filter((one) =>
      one.state === "prefill" && one.longestChunk === Infinity && one.computed + one.inFlight < one.prefillTokens
    )
    law(partial.length <= 1, "prompts are computed one after the other")
    for (const one of partial) law(running.every(({ order }) => order <= one.order), "before the next one is admitted")
  }

  const checkOne = (one: Known) => {
    if (!runs(one)) return law(one.inFlight === 0 && one.blocks === 0, "who waits has nothing")
    // The tokens of a step get their blocks when the next one begins.
    const computed = one.state === "prefill" ? one.computed : one.promptTokens + one.generated - one.made
    law(one.blocks * Sequence.blockTokens >= computed, "what is computed is kept")
    law(one.inFlight <= one.longestChunk && one.generated <= one.total, "a request stays in its limits")
  }

  const checkWork = (running: ReadonlyArray<Known>, waiting: number, held: number, flying: number) => {
    const prefilling = running.some(({ state }) => state === "prefill")
    law(running.length === 0 || !(decoding || prefilling) || flying > 0, "whoever runs, somebody works")
    law(!admitting || running.length > 0 || waiting === held, "nobody waits for nothing")
    if (first !== undefined && open.has(first) && runs(first)) {
      law(first.preemptions === firstPreemptions, "the first one is never preempted")
    }
    first = running.toSorted((left, right) => left.order - right.order)[0]
    firstPreemptions = first?.preemptions ?? 0
  }

  const check = (step: Scheduler.StepReport<Known>) => {
    law(!frozen, "no steps while it is frozen")
    law(step.time >= lastTime, "time goes on")
    lastTime = step.time
    for (const one of step.outputs) {
      law(one.generated - one.seen === one.made, "every token is told once")
      one.seen = one.generated
      if (one.state === "finished") open.delete(one)
      outputs.push(`${step.time - lost}: ${one.number} ${one.generated} ${one.state}`)
    }
    const all = Array.from(open)
    const running = all.filter(runs)
    const held = all.filter(({ heldAs }) => heldAs !== undefined)
    const flying = sum(all.map(({ inFlight }) => inFlight))
    const taken = sum(all.map((one) => one.blocks))
    law(step.running === running.length && step.waiting === all.length - running.length, "who is open runs or waits")
    law(step.deferred === held.filter(({ heldAs }) => heldAs === "deferred").length, "the deferred are those held so")
    law(step.running <= options.maxConcurrentRequests, "places")
    law(flying <= options.maxNumBatchedTokens, "budget")
    law(taken <= blocks, "blocks")
    law(Math.abs(step.kvCacheUsage - taken / blocks) < 1e-9, "the KV cache holds what they hold")
    for (const one of all) checkOne(one)
    checkQueue(running, all.filter((one) => !runs(one)))
    checkWork(running, step.waiting, held.length, flying)
  }

  const scheduler = Scheduler.make<Known>(options, (step) => {
    check(step)
    if (!chances.freezeInSteps || over || faults.uniform() > 0.05) return
    frozen = true
    scheduler.freeze(now)
  })
  const pick = (among: ReadonlyArray<Known>, by: SeededRandom.SeededRandom) => among[by.integer(among.length)]

  const submit = () => {
    const own = SeededRandom.make(seedOf(seed, submitted.length))
    const one: Known = {
      ...Sequence.newSequence(options, {
        promptTokens: own.integer(60),
        answerTokens: own.integer(40),
        maxTokens: 1 + own.integer(60),
        pace: { timeToFirstToken: () => own.integer(50), gap: () => own.integer(5) },
        tokensOfStep: own.uniform() < 0.3 ? () => 1 + own.integer(4) : undefined,
        longestChunk: chances.chunks && own.uniform() < 0.2 ? 1 + own.integer(20) : undefined
      }, now),
      number: submitted.length,
      heldAs: undefined,
      wasHeld: false,
      seen: 0
    }
    submitted.push(one)
    open.add(one)
    scheduler.submit(one)
  }

  const abort = () => {
    const one = pick(Array.from(open), random)
    if (one === undefined) return
    open.delete(one)
    assert.isTrue(scheduler.abort(one))
    assert.isFalse(scheduler.abort(one))
    law(one.inFlight === 0 && one.blocks === 0, "who left holds nothing")
  }

  const release = (one: Known) => {
    one.heldAs = undefined
    scheduler.release(one)
  }

  const holdOrRelease = () => {
    const held = Array.from(open).filter(({ heldAs }) => heldAs !== undefined)
    if (faults.uniform() < 0.5 && held.length > 0) return release(pick(held, faults)!)
    const one = pick(submitted, faults)
    if (one === undefined) return
    const reason = faults.uniform() < 0.5 ? "capacity" : "deferred"
    scheduler.hold(one, reason)
    if (!open.has(one) || one.heldAs !== undefined) return
    one.heldAs = reason
    one.wasHeld = true
    first = undefined
  }

  const thaw = () => {
    if (!frozen) return
    frozen = false
    scheduler.thaw(now)
  }

  /** Nothing happens in a freeze but its end, so that what comes later comes as late as without it. */
  const freeze = () => {
    scheduler.freeze(now)
    frozen = true
    const millis = faults.integer(100)
    assert.strictEqual(scheduler.advance(now + millis), Infinity)
    now += millis
    lost += millis
    thaw()
  }

  for (let event = 0; event < 60; event++) {
    now += random.integer(3) * random.integer(20)
    if (random.uniform() < 0.75) submit()
    else abort()
    if (chances.hold && faults.uniform() < 0.3) holdOrRelease()
    if (chances.decode && faults.uniform() < 0.15) scheduler.decode(decoding = !decoding)
    if (chances.pause && faults.uniform() < 0.15) scheduler.admit(admitting = !admitting)
    scheduler.advance(now)
    if (chances.freeze && !frozen && faults.uniform() < 0.3) freeze()
    else if (frozen && faults.uniform() < 0.5) thaw()
    scheduler.advance(now)
  }
  over = true
  thaw()
  for (const one of open) if (one.heldAs !== undefined) release(one)
  scheduler.admit(admitting = true)
  scheduler.decode(decoding = true)
  scheduler.advance(now)
  assert.strictEqual(scheduler.advance(1e9), Infinity)
  assert.strictEqual(open.size, 0, "nothing is stuck")
  return { outputs, submitted }
}
