/**
 * The simulated engine: requests wait in a queue, run, and their outputs are fetched by whoever asked.
 *
 * One fiber runs the loop for all requests, as vLLM's engine core does: it carries out the steps of the scheduler
 * (Scheduler.ts) that are due, and sleeps until the next one or until something arrives or leaves. Nothing else calls
 * the scheduler's steps, and metrics hear of nothing but steps: while the loop does not turn, requests are accepted,
 * gauges keep their last values, and no token comes.
 *
 * That is what `hang` does. New requests, aborts and pauses reach the engine as messages, which it reads between its
 * steps; so an engine that hangs reads none of them, a client that leaves frees nothing, and when it goes on it takes
 * them in their order. A dead engine reads nothing ever again, its streams end without a last output, and nobody waits
 * for it any longer.
 *
 * A pause is none of that: the engine reads its messages, but makes no steps when nothing runs (or everything is frozen),
 * so that metrics stand still and do not show who comes meanwhile.
 *
 * Laws: the engine never waits for a slow reader; tokens that were not fetched yet are fetched together (as vLLM's
 * output collector merges them). Token i belongs to exactly one output. The last output, and only it, has a finish
 * reason; it carries the last token (only an empty or aborted answer ends with an output without tokens). Closing the
 * stream of outputs before its end aborts the request in every state, at once unless the engine hangs, and
 * `abort-honoured` is recorded when it happens.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Answer } from "./Answers.ts"
import type { Journal } from "./Journal.ts"
import type { Pace } from "./Pacing.ts"
import * as Scheduler from "./Scheduler.ts"
import * as Sequence from "./Sequence.ts"
import type { FinishReason, HoldReason } from "./Sequence.ts"
import { tokenize } from "./Tokenizer.ts"

export interface EngineRequest {
  readonly id: string
  readonly prompt: string
  /** Counted in the prompt if absent. */
  readonly promptTokens?: number
  readonly answer: Answer
  /** The answer is cut after so many tokens. */
  readonly maxTokens: number
  readonly pace: Pace
  /** Tokens of the next decoding step, at least 1; absent: always 1. More come from speculative decoding. */
  readonly tokensOfStep?: () => number
  /** The most tokens of one chunk of its prompt; absent: what the budget leaves. */
  readonly longestChunk?: number
  /** The request waits from its arrival until somebody releases it. */
  readonly heldAs?: HoldReason | undefined
  /** The engine goes on when the client has left. */
  readonly ignoresAbort?: boolean
  /** Numbers ascend, and stand behind the others. */
  readonly alarms?: ReadonlyArray<Alarm>
}

/** What the engine can do to one of its requests. */
export interface RequestControl {
  /** Forgets the request: it holds nothing any more and gets no output, and nobody is told. */
  readonly lose: () => void
  readonly hold: (reason: HoldReason) => void
  readonly release: () => void
}

/** Rings once, in the step that makes it true and after metrics have heard of this step. */
export interface Alarm {
  /** "queued": it is counted in the queue; "admitted": it has its place; a number: it has so many tokens. */
  readonly when: "queued" | "admitted" | number
  readonly ring: (control: RequestControl) => void
}

/** What a pause does to the requests that are open: finish them ("abort"), let those that run end, or freeze them. */
export type PauseMode = "abort" | "wait" | "keep"

/** What the engine emits for one request: one output becomes one chunk on the wire. */
export interface EngineOutput {
  readonly tokens: ReadonlyArray<string>
  /** Tokens up to and including this output. */
  readonly generated: number
  readonly finishReason: FinishReason | undefined
}

/** A request that is open now, as `GET /sim/streams` shows it. */
export interface OpenStream {
  /** The id of the request, as its client sees it. */
  readonly id: string
  /** The first 80 characters of the prompt. */
  readonly prompt: string
  /** Tokens fetched from the engine so far, to be written to the client. */
  readonly tokens: number
  /** "finished": the engine is done, the client has not been given everything yet. */
  readonly state: "queued" | "prefill" | "decoding" | "finished" | "lost"
}

export interface EngineLoop {
  /** Submits when the stream starts. Each chunk holds what is waiting, at most 512 outputs. */
  readonly generate: (request: EngineRequest) => Stream.Stream<EngineOutput>
  readonly streams: Effect.Effect<ReadonlyArray<OpenStream>>
  /** Stops the engine; new requests queue until it resumes. Returns when nothing runs, it resumes or dies; "keep" at once. */
  readonly pause: (mode: PauseMode) => Effect.Effect<void>
  /** Goes on. Frozen requests lose the time of the pause and nothing else. */
  readonly resume: Effect.Effect<void>
  /** Returns when the engine has read the messages before this one, or is dead. */
  readonly answers: Effect.Effect<void>
  /** Stops the loop until what it returns is called; the engine hangs as long as anybody lets it. Synchronous. */
  readonly hang: () => () => void
  /** Whether there are decoding steps; prefill goes on. */
  readonly decode: (decoding: boolean) => void
  /** Ends all streams without a last output; nothing happens here any more. */
  readonly die: () => void
  /** Open requests, and how many of them the engine has not admitted. */
  readonly load: () => { readonly open: number; readonly waiting: number }
}

/** See SimulatorOptions. What is left out limits nothing. */
export interface EngineLoopOptions extends Partial<Sequence.SchedulerOptions> {
  readonly maxConcurrentRequests: number
  /** Tokens per output. */
  readonly streamInterval: number
  /** The factor under load as it is now; it wins over `timeFactorUnderLoad`. */
  readonly timeFactor?: () => number
}

// About 100 kB of wire: large enough to be fast, small enough that a slow reader holds little memory.
const outputsPerFetch = 512

interface Entry extends Sequence.Sequence {
  readonly request: EngineRequest
  fetched: number
  /** The last output was fetched. */
  ended: boolean
  /** Opened when there may be something to fetch. */
  readonly ready: Latch.Latch
  /** How many tokens were there after each step that made several; an output never ends inside a step. */
  readonly stepEnds: Array<number>
  /** Index of the first of them that is not fetched. */
  nextStep: number
  /** Index of the first alarm that has not rung. */
  nextAlarm: number
  lost: boolean
}

/** The end of the step that made token number `generated`. Asked for in order. */
const endOfStep = (entry: Entry, generated: number): number => {
  while (entry.nextStep < entry.stepEnds.length && entry.stepEnds[entry.nextStep]! < generated) entry.nextStep++
  return entry.stepEnds[entry.nextStep] ?? generated
}

/** Starts the loop; it runs until the scope closes. `report` hears of every step of the scheduler, synchronously. */
export const make = Effect.fn("EngineLoop.make")(function*(
  options: EngineLoopOptions,
  journal: Journal,
  report: (step: Scheduler.StepReport) => void = () => {}
): Effect.fn.Return<EngineLoop, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const limits = {
    maxNumBatchedTokens: Infinity,
    kvCacheTokens: Infinity,
    ...options,
    get timeFactorUnderLoad() {
      return options.timeFactor?.() ?? options.timeFactorUnderLoad ?? 1
    }
  }
  const open = new Set<Entry>()
  const wake = Latch.makeUnsafe()
  /** Opened when nothing runs. */
  const drained = Latch.makeUnsafe()

  /** Tokens that must be there before the next output may leave. */
  const nextBoundary = (entry: Entry) => entry.fetched === 0 ? 1 : entry.fetched + options.streamInterval

  /** What the engine was told while it hung. */
  const messages: Array<() => void> = []
  let hangs = 0
  let dead = false
  let asleep = false
  const death = Latch.makeUnsafe()
  const unlessDead = (effect: Effect.Effect<void>) => Effect.raceFirst(effect, death.await)
  const send = (message: () => void) => {
    if (dead) return
    if (hangs > 0) messages.push(message)
    else message()
  }

  const controlOf = (entry: Entry): RequestControl => ({
    lose: () => {
      entry.lost = scheduler.abort(entry)
      wake.openUnsafe()
    },
    hold: (reason) => {
      scheduler.hold(entry, reason)
      wake.openUnsafe()
    },
    release: () => {
      scheduler.release(entry)
      wake.openUnsafe()
    }
  })
  const rang = (entry: Entry, when: Alarm["when"]) =>
    typeof when === "number" ? entry.generated >= when : when === "queued" || entry.state !== "queued"
  /** Have alarms that do not wait for a token. */
  const beforeTokens = new Set<Entry>()
  const ringAlarms = (entry: Entry) => {
    const alarms = entry.request.alarms ?? []
    for (let alarm = alarms[entry.nextAlarm]; alarm !== undefined; alarm = alarms[entry.nextAlarm]) {
      // Those that wait for a token are heard of when there is one.
      if (typeof alarm.when === "number") beforeTokens.delete(entry)
      if (!rang(entry, alarm.when)) return
      entry.nextAlarm++
      alarm.ring(controlOf(entry))
    }
    beforeTokens.delete(entry)
  }

  // Readers may run the moment their latch opens; that must not be in the middle of a step.
  const readable = new Set<Entry>()
  const scheduler = Scheduler.make<Entry>(limits, (step) => {
    for (const entry of step.outputs) {
      if (entry.tokensOfStep !== undefined) entry.stepEnds.push(entry.generated)
      if (entry.state === "finished" || entry.generated >= nextBoundary(entry)) readable.add(entry)
    }
    report(step)
    for (const entry of beforeTokens) ringAlarms(entry)
    for (const entry of step.outputs) if (entry.request.alarms !== undefined) ringAlarms(entry)
  })

  yield* Effect.forkScoped(Effect.forever(Effect.suspend(() => {
    // Closed before the steps, so that what happens during or after them is not missed.
    wake.closeUnsafe()
    const time = now()
    const next = scheduler.advance(time)
    const woken = Array.from(readable)
    readable.clear()
    for (const entry of woken) entry.ready.openUnsafe()
    if (scheduler.isIdle()) drained.openUnsafe()
    if (next <= time) return Effect.yieldNow
    return next === Infinity ? wake.await : Effect.timeoutOption(wake.await, next - time)
  })))

  const newEntry = (request: EngineRequest): Entry => ({
    ...Sequence.newSequence(limits, {
      promptTokens: request.promptTokens ?? tokenize(request.prompt).length,
      answerTokens: request.answer.length,
      maxTokens: request.maxTokens,
      pace: request.pace,
      tokensOfStep: request.tokensOfStep,
      longestChunk: request.longestChunk
    }, now()),
    request,
    fetched: 0,
    ended: false,
    ready: Latch.makeUnsafe(),
    stepEnds: [],
    nextStep: 0,
    nextAlarm: 0,
    lost: false
  })

  const submit = (request: EngineRequest) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const entry = newEntry(request)
        open.add(entry)
        if (typeof request.alarms?.[0]?.when === "string") beforeTokens.add(entry)
        send(() => {
          scheduler.submit(entry)
          if (request.heldAs !== undefined) scheduler.hold(entry, request.heldAs)
          wake.openUnsafe()
        })
        return entry
      }),
      (entry) =>
        Effect.sync(() => {
          open.delete(entry)
          if (dead || entry.state === "finished") return
          if (request.ignoresAbort === true) return journal.record(request.id, "abort-ignored")
          send(() => {
            beforeTokens.delete(entry)
            if (!scheduler.abort(entry)) return
            journal.record(request.id, "abort-honoured")
            // A place may have become free.
            wake.openUnsafe()
          })
        })
    )

  const fetch = (entry: Entry): ReadonlyArray<EngineOutput> => {
    const outputs: Array<EngineOutput> = []
    while (!entry.ended && outputs.length < outputsPerFetch) {
      const boundary = nextBoundary(entry)
      if (boundary > entry.generated && entry.state !== "finished") break
      const until = endOfStep(entry, Math.min(boundary, entry.generated))
      const tokens: Array<string> = []
      for (let index = entry.fetched; index < until; index++) tokens.push(entry.request.answer.token(index))
      entry.fetched = until
      entry.ended = entry.state === "finished" && until === entry.total
      outputs.push({ tokens, generated: until, finishReason: entry.ended ? entry.finishReason : undefined })
    }
    return outputs
  }

  const pause = (mode: PauseMode) =>
    Effect.suspend(() => {
      drained.closeUnsafe()
      send(() => {
        scheduler.admit(false)
        asleep = mode === "keep"
        if (asleep) {
          scheduler.freeze(now())
          drained.openUnsafe()
        } else scheduler.thaw(now())
        if (mode === "abort") scheduler.abortAll(now())
        wake.openUnsafe()
      })
      return unlessDead(drained.await)
    })

  const resume = Effect.sync(() =>
    send(() => {
      asleep = false
      scheduler.thaw(now())
      scheduler.admit(true)
      // Whoever still waits for the engine to stand waits no longer.
      drained.openUnsafe()
      wake.openUnsafe()
    })
  )

  const hang = () => {
    hangs++
    scheduler.freeze(now())
    let hanging = true
    return () => {
      if (!hanging) return
      hanging = false
      if (--hangs > 0 || dead) return
      if (!asleep) scheduler.thaw(now())
      for (const message of messages.splice(0)) message()
      wake.openUnsafe()
    }
  }

  type Outputs = readonly [EngineOutput, ...ReadonlyArray<EngineOutput>]

  const generate = (request: EngineRequest) =>
    Stream.unwrap(
      Effect.map(submit(request), (entry) =>
        Stream.fromPull(Effect.succeed(Effect.suspend(function pull(): Pull.Pull<Outputs> {
          if (entry.ended || dead) {
            return Cause.done()
          }
          const [first, ...others] = fetch(entry)
          if (first !== undefined) {
            return Effect.succeed([first, ...others] as const)
          }
          entry.ready.closeUnsafe()
          return Effect.flatMap(entry.ready.await, pull)
        }))))
    )

  return {
    generate,
    pause,
    resume,
    hang,
    answers: unlessDead(Effect.callback<void>((resumeAsker) => send(() => resumeAsker(Effect.void)))),
    decode: (decoding) => {
      scheduler.decode(decoding)
      wake.openUnsafe()
    },
    die: () => {
      dead = true
      // Also the steps that are due and not made yet.
      scheduler.freeze(now())
      death.openUnsafe()
      for (const entry of open) entry.ready.openUnsafe()
      wake.openUnsafe()
    },
    load: () => {
      let waiting = 0
      for (const entry of open) if (entry.state === "queued") waiting++
      return { open: open.size, waiting }
    },
    streams: Effect.sync(() =>
      Array.from(open, (entry) => ({
        id: entry.request.id,
        prompt: entry.request.prompt.slice(0, 80),
        tokens: entry.fetched,
        state: entry.lost ? "lost" : entry.state
      }))
    )
  }
})
