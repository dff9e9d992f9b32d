/**
 * The scheduler of the simulated engine: which request works on how many tokens, and until when. It has no clock and no
 * fiber; EngineLoop.ts tells it the time, and the same calls always have the same results.
 *
 * As in vLLM, requests wait until there is a place (max-num-seqs), tokens in the budget of a step and room in the KV
 * cache; prompts are computed in chunks of what the budget leaves; each decode makes one token, or several with
 * speculative decoding; when the KV cache is full, the request that was admitted last loses its place, keeps what was
 * generated, and is computed again later. The requests themselves are in Sequence.ts.
 *
 * The difference: in vLLM all requests of a step end together, while here each work has a duration of its own, drawn
 * from its request's pace, so that a request alone takes exactly the times it was given. Works overlap, the budget
 * limits the tokens in flight, and a step is the instant at which some of them end and the next ones begin.
 *
 * For faults a request can be held: it waits, whatever is free, until it is released, and others pass it; and decoding
 * can be stopped while prompts are still computed.
 *
 * While nobody is admitted and nobody runs there are no steps, as in vLLM's pauses: who arrives then is in the queue,
 * but no report shows it until somebody is admitted again, or leaves.
 *
 * Laws: tokens in flight <= budget; running <= max-num-seqs; blocks held <= blocks there are; nobody overtakes in the
 * queue (but those who are held), and a prompt is scheduled to its end before the next request is admitted; the request admitted first is never
 * preempted, so that there is always progress; every step reports once, after it has scheduled; while it is frozen there
 * are no steps, and afterwards everything goes on where it was.
 */
import * as DueQueue from "./DueQueue.ts"
import { blocksOf, blockTokens, type HoldReason, type SchedulerOptions, type Sequence } from "./Sequence.ts"

/** What one step did; valid only until the listener returns. */
export interface StepReport<S extends Sequence = Sequence> {
  readonly time: number
  readonly running: number
  readonly waiting: number
  /** How many of `waiting` are held as "deferred". */
  readonly deferred: number
  /** Part of the KV cache that is held, 0 to 1. */
  readonly kvCacheUsage: number
  /** Prompt tokens of requests that were admitted for the first time. */
  readonly prefixCacheQueries: number
  /** Preemptions that those with an output had since their output before. */
  readonly preemptions: number
  /** Who got tokens or finished; empty when only chunks of prompts ended, or nothing did. */
  readonly outputs: ReadonlyArray<S>
}

export interface Scheduler<S extends Sequence> {
  /** Puts a new sequence at the end of the queue; it is considered in the next step. */
  readonly submit: (sequence: S) => void
  /** Lets a sequence wait until it is released; one that runs is preempted. Does nothing if it is finished. */
  readonly hold: (sequence: S, reason: HoldReason) => void
  /** Lets a held sequence wait before all others. Does nothing if it is not held. */
  readonly release: (sequence: S) => void
  /** Takes a sequence out, in any state; false if it was finished (or never there). */
  readonly abort: (sequence: S) => boolean
  /**
   * Carries out all steps up to and including `now`, and returns the time of the next one (Infinity: none without an
   * arrival). After `stepsPerAdvance` steps it returns early, with a time that has passed.
   */
  readonly advance: (now: number) => number
  /** Finishes all sequences with "abort", in any state, and reports them at once in a step. Not while it is frozen. */
  readonly abortAll: (now: number) => void
  /** Whether who waits gets a place, also after a preemption. At first true. */
  readonly admit: (admitting: boolean) => void
  /** Whether there are decoding steps; prompts are computed, with their first tokens, in any case. At first true. */
  readonly decode: (decoding: boolean) => void
  /** Stops all works where they are; no steps until `thaw`. Freezing what is frozen does nothing. */
  readonly freeze: (now: number) => void
  /** Goes on; works in flight end later by the time that passed. Does nothing if not frozen. */
  readonly thaw: (now: number) => void
  /** Nothing runs, and nothing is frozen. */
  readonly isIdle: () => boolean
}

// About 20 ms; answers without any gap would else keep the process from everything else.
const stepsPerAdvance = 65_536

// Sums of durations and readings of a clock are rounded differently: a microsecond's difference is none. Without this
// the loop would wake a fraction of a nanosecond early and, under a virtual clock, for ever.
const toleranceMillis = 0.001

/** An idle scheduler; `report` hears of every step. */
export const make = <S extends Sequence>(
  options: SchedulerOptions,
  report: (step: StepReport<S>) => void
): Scheduler<S> => {
  const blocks = blocksOf(options)
  /** Blocks that nobody holds, tokens of the budget that are not in flight. */
  const free = { blocks, budget: options.maxNumBatchedTokens }
  // Sets iterate in the order of insertion: the order of admission here, the order of arrival in `arrived`.
  const running = new Set<S>()
  const arrived = new Set<S>()
  /** Waiting before all that arrived, the last one first. */
  const preempted: Array<S> = []
  /** Running without work in flight. */
  const idle = new Set<S>()
  /** Running with a part of the prompt that is not even in flight. */
  const partial = new Set<S>()
  const inFlight = DueQueue.make<S>()
  let admissions = 0
  /** Since the last step something arrived, or may begin; somebody left his place or the queue. */
  let came = false
  let left = false
  let lastStep = -Infinity
  const held = new Map<S, HoldReason>()
  let admitting = true
  let decoding = true
  let frozenAt: number | undefined

  const load = () => {
    const { maxConcurrentRequests: places, timeFactorUnderLoad: factor } = options
    return places === 1 ? 1 : 1 + (factor - 1) * (running.size - 1) / (places - 1)
  }

  const begin = (sequence: S, tokens: number, time: number, millis: number) => {
    idle.delete(sequence)
    free.budget -= tokens
    sequence.inFlight = tokens
    // The network is as fast as ever.
    sequence.due = time + millis * (sequence.state === "prefill" && sequence.pace.isTransfer?.() === true ? 1 : load())
    inFlight.push(sequence)
  }

  /** Takes away all that a running sequence holds. */
  const takeAway = (sequence: S) => {
    running.delete(sequence)
    idle.delete(sequence)
    partial.delete(sequence)
    inFlight.remove(sequence)
    free.budget += sequence.inFlight
    free.blocks += sequence.blocks
    sequence.inFlight = 0
    sequence.blocks = 0
  }

  const preempt = (sequence: S) => {
    takeAway(sequence)
    sequence.state = "queued"
    sequence.preemptions++
  }

  /** Gets blocks for so many tokens, at the cost of those admitted last; false if that was the sequence itself. */
  const allocate = (sequence: S, tokens: number): boolean => {
    const missing = Math.ceil(tokens / blockTokens) - sequence.blocks
    if (missing <= 0) return true
    while (missing > free.blocks) {
      let last = sequence
      for (const other of running) last = other
      preempt(last)
      preempted.push(last)
      if (last === sequence) return false
    }
    free.blocks -= missing
    sequence.blocks += missing
    return true
  }

  const beginDecode = (sequence: S, time: number) => {
    // A new token's own keys and values are computed when it is read, which is when the next one is made.
    if (allocate(sequence, sequence.promptTokens + sequence.generated)) begin(sequence, 1, time, sequence.pace.gap())
  }

  const beginChunk = (sequence: S, time: number) => {
    const tokens = Math.min(free.budget, sequence.longestChunk, sequence.prefillTokens - sequence.computed)
    if (tokens === 0 || !allocate(sequence, sequence.computed + tokens)) return
    if (sequence.computed + tokens === sequence.prefillTokens) partial.delete(sequence)
    begin(sequence, tokens, time, sequence.prefillMillis * (tokens / sequence.prefillTokens))
  }

  /** True if the sequence has an output. */
  const end = (sequence: S, time: number): boolean => {
    inFlight.remove(sequence)
    free.budget += sequence.inFlight
    if (sequence.state === "prefill") sequence.computed += sequence.inFlight
    sequence.inFlight = 0
    idle.add(sequence)
    if (sequence.state === "prefill" && sequence.computed < sequence.prefillTokens) return false
    sequence.made = 0
    if (sequence.generated < sequence.total) {
      // There are no drafts to verify where a prompt ends.
      const most = sequence.state === "prefill" ? 1 : sequence.tokensOfStep?.() ?? 1
      sequence.made = Math.min(most, sequence.total - sequence.generated)
      const isFirst = sequence.generated === 0
      sequence.generated += sequence.made
      sequence.state = "decoding"
      sequence.previousTokenAt = sequence.lastTokenAt
      sequence.lastTokenAt = time
      if (isFirst) sequence.firstTokenAt = time
    }
    if (sequence.generated === sequence.total) {
      sequence.state = "finished"
      takeAway(sequence)
    }
    return true
  }

  /** Admits while there is room; returns the tokens that were looked up in the prefix cache. */
  const admit = (time: number): number => {
    let queries = 0
    if (!admitting) return queries
    while (partial.size === 0 && free.budget > 0 && running.size < options.maxConcurrentRequests) {
      const sequence = preempted.at(-1) ?? arrived.values().next().value
      if (sequence === undefined) break
      // At least one token, at most what fits: a prompt without tokens, or with too many, must not wait for ever.
      const prefillTokens = Math.min(Math.max(1, sequence.promptTokens + sequence.generated), blocks * blockTokens)
      if (Math.ceil(Math.min(free.budget, prefillTokens) / blockTokens) > free.blocks) break
      if (preempted.pop() === undefined) arrived.delete(sequence)
      // Steps are carried out when the loop wakes, maybe later than they are due and after this arrival.
      const start = Math.max(time, sequence.arrivedAt)
      if (Number.isNaN(sequence.scheduledAt)) {
        sequence.scheduledAt = start
        queries += sequence.promptTokens
      }
      sequence.order = admissions++
      sequence.state = "prefill"
      sequence.prefillTokens = prefillTokens
      sequence.computed = 0
      sequence.prefillMillis = sequence.pace.timeToFirstToken(prefillTokens)
      running.add(sequence)
      // Who is computed in small chunks leaves room in the budget for others.
      if (sequence.longestChunk === Infinity) partial.add(sequence)
      beginChunk(sequence, start)
    }
    return queries
  }

  /** `aborted`: finished just before, and to be reported. */
  const step = (time: number, aborted: ReadonlyArray<S> = []) => {
    came = false
    left = false
    lastStep = time
    const outputs: Array<S> = []
    let preemptions = 0
    const output = (sequence: S) => {
      outputs.push(sequence)
      preemptions += sequence.preemptions - sequence.reportedPreemptions
      sequence.reportedPreemptions = sequence.preemptions
    }
    for (const sequence of aborted) output(sequence)
    let next = inFlight.first()
    // Only what was in flight before this step: works without duration that begin in it end in the next one.
    while (next !== undefined && next.due === time) {
      if (end(next, time)) output(next)
      next = inFlight.first()
    }
    const waitingBefore = preempted.length
    if (decoding) {
      // Prompts may have taken what decoding left of the budget while it was stopped.
      for (const sequence of idle) if (sequence.state === "decoding" && free.budget > 0) beginDecode(sequence, time)
    }
    for (const sequence of idle) if (sequence.state === "prefill") beginChunk(sequence, time)
    // What a preemption set free belongs to those who run.
    const prefixCacheQueries = preempted.length > waitingBefore ? 0 : admit(time)
    report({
      time,
      running: running.size,
      waiting: arrived.size + preempted.length + held.size,
      deferred: held.size === 0 ? 0 : Array.from(held.values()).filter((reason) => reason === "deferred").length,
      kvCacheUsage: blocks === Infinity ? 0 : 1 - free.blocks / blocks,
      prefixCacheQueries,
      preemptions,
      outputs
    })
  }

  return {
    submit: (sequence) => {
      arrived.add(sequence)
      came = true
    },
    hold: (sequence, reason) => {
      if (running.has(sequence)) preempt(sequence)
      else if (preempted.includes(sequence)) preempted.splice(preempted.indexOf(sequence), 1)
      else if (!arrived.delete(sequence)) return
      held.set(sequence, reason)
      left = true
    },
    release: (sequence) => {
      if (!held.delete(sequence)) return
      preempted.push(sequence)
      came = true
    },
    decode: (whether) => {
      decoding = whether
      came = true
      if (decoding) return
      for (const sequence of running) {
        if (sequence.state !== "decoding") continue
        inFlight.remove(sequence)
        free.budget += sequence.inFlight
        sequence.inFlight = 0
        idle.add(sequence)
      }
    },
    abort: (sequence) => {
      const place = preempted.indexOf(sequence)
      if (place >= 0) preempted.splice(place, 1)
      const open = running.has(sequence) || place >= 0 || arrived.delete(sequence) || held.delete(sequence)
      takeAway(sequence)
      left ||= open
      return open
    },
    abortAll: (now) => {
      const aborted = [...running, ...preempted.splice(0), ...arrived, ...held.keys()]
      arrived.clear()
      held.clear()
      for (const sequence of aborted) {
        takeAway(sequence)
        sequence.state = "finished"
        sequence.total = sequence.generated
        sequence.finishReason = "abort"
        sequence.made = 0
      }
      if (aborted.length > 0) step(Math.max(now, lastStep), aborted)
    },
    admit: (whether) => {
      admitting = whether
      came ||= whether
    },
    freeze: (now) => {
      frozenAt ??= now
    },
    thaw: (now) => {
      if (frozenAt !== undefined) inFlight.shift(now - frozenAt)
      frozenAt = undefined
    },
    isIdle: () => frozenAt === undefined && running.size === 0,
    advance: (now) => {
      for (let steps = 0; steps < stepsPerAdvance; steps++) {
        // Whoever hears of a step may freeze what comes after it.
        if (frozenAt !== undefined) return Infinity
        const next = inFlight.first()?.due ?? Infinity
        if (next <= now + toleranceMillis) step(next)
        else if (left || (came && (admitting || running.size > 0))) step(Math.max(now, lastStep))
        else return next
      }
      return inFlight.first()?.due ?? now
    }
  }
}
