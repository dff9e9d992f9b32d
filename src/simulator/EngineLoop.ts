/**
 * The simulated engine: requests wait in a queue, run, and their outputs are fetched by whoever asked.
 *
 * One fiber runs the loop for all requests, as vLLM's engine core does. In each step it gives every running request the
 * tokens that are due, admits waiting requests in the order of their arrival while there is room, and sleeps until the
 * next token is due or something arrives or leaves. The full scheduler (token budget, chunked prefill, preemption) and
 * the engine faults replace `step` and nothing else; nothing outside this file knows how tokens get their times.
 *
 * Laws: the engine never waits for a slow reader; tokens that were not fetched yet are fetched together (as vLLM's
 * output collector merges them). Token i belongs to exactly one output. The last output, and only it, has a finish
 * reason; it carries the last token (only an empty or aborted answer ends with an output without tokens). Closing the
 * stream of outputs before its end aborts the request at once, in every state, and `abort-honoured` is recorded.
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

export interface EngineRequest {
  readonly id: string
  readonly prompt: string
  readonly answer: Answer
  /** The answer is cut after so many tokens. */
  readonly maxTokens: number
  readonly pace: Pace
  /** Tokens of the next decoding step, at least 1; absent: always 1. More come from speculative decoding. */
  readonly tokensOfStep?: () => number
}

export type FinishReason = "stop" | "length" | "abort"

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
  readonly id: string
  /** The first 80 characters of the prompt. */
  readonly prompt: string
  /** Tokens fetched from the engine so far, to be written to the client. */
  readonly tokens: number
  /** "finished": the engine is done, the client has not been given everything yet. */
  readonly state: "queued" | "prefill" | "decoding" | "finished"
}

export interface EngineLoop {
  /** Submits when the stream starts. Each chunk holds what is waiting, at most 512 outputs. */
  readonly generate: (request: EngineRequest) => Stream.Stream<EngineOutput>
  readonly streams: Effect.Effect<ReadonlyArray<OpenStream>>
  /** Stops the engine; new requests queue until it resumes. Returns when nothing runs, or it resumes; "keep" at once. */
  readonly pause: (mode: PauseMode) => Effect.Effect<void>
  /** Goes on. Frozen requests lose the time of the pause and nothing else. */
  readonly resume: Effect.Effect<void>
}

export interface EngineLoopOptions {
  readonly maxConcurrentRequests: number
  /** Tokens per output; see SimulatorOptions. */
  readonly streamInterval: number
}

// About 100 kB of wire: large enough to be fast, small enough that a slow reader holds little memory.
const outputsPerFetch = 512

interface Entry {
  readonly request: EngineRequest
  /** Tokens this request will get. */
  total: number
  finishReason: FinishReason
  /** Monotonic milliseconds at which the next token is due; only when running. */
  due: number
  state: OpenStream["state"]
  generated: number
  fetched: number
  /** The last output was fetched. */
  ended: boolean
  /** Opened when there may be something to fetch. */
  readonly ready: Latch.Latch
  /** How many tokens were there after each step that made several; an output never ends inside a step. */
  readonly stepEnds: Array<number>
  /** Index of the first of them that is not fetched. */
  nextStep: number
}

const newEntry = (request: EngineRequest): Entry => ({
  request,
  total: Math.min(request.answer.length, request.maxTokens),
  finishReason: request.answer.length > request.maxTokens ? "length" : "stop",
  due: 0,
  state: "queued",
  generated: 0,
  fetched: 0,
  ended: false,
  ready: Latch.makeUnsafe(),
  stepEnds: [],
  nextStep: 0
})

/** The end of the step that made token number `generated`. Asked for in order. */
const endOfStep = (entry: Entry, generated: number): number => {
  while (entry.nextStep < entry.stepEnds.length && entry.stepEnds[entry.nextStep]! < generated) entry.nextStep++
  return entry.stepEnds[entry.nextStep] ?? generated
}

/** Starts the loop; it runs until the scope closes. */
export const make = Effect.fn("EngineLoop.make")(function*(
  options: EngineLoopOptions,
  journal: Journal
): Effect.fn.Return<EngineLoop, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const open = new Set<Entry>()
  // Sets iterate in the order of insertion, which makes `waiting` a queue that can be left anywhere.
  const waiting = new Set<Entry>()
  const running = new Set<Entry>()
  const wake = Latch.makeUnsafe()
  let admitting = true
  /** When the engine was frozen; undefined = it is not. */
  let frozenAt: number | undefined
  /** Opened when nothing runs. */
  const drained = Latch.makeUnsafe()

  /** Tokens that must be there before the next output may leave. */
  const nextBoundary = (entry: Entry) => entry.fetched === 0 ? 1 : entry.fetched + options.streamInterval

  const advance = (entry: Entry, time: number) => {
    while (entry.due <= time && entry.state !== "finished") {
      if (entry.generated < entry.total) {
        const { tokensOfStep } = entry.request
        // There are no drafts to verify before the first token.
        const made = entry.generated === 0 ? 1 : tokensOfStep?.() ?? 1
        entry.generated = Math.min(entry.total, entry.generated + made)
        if (tokensOfStep !== undefined) entry.stepEnds.push(entry.generated)
        entry.state = "decoding"
        entry.due += entry.request.pace.gap()
      }
      if (entry.generated === entry.total) entry.state = "finished"
    }
    if (entry.state === "finished") running.delete(entry)
    if (entry.state === "finished" || entry.generated >= nextBoundary(entry)) entry.ready.openUnsafe()
  }

  /** One round of the engine; returns when the next token is due. */
  const step = (time: number): number => {
    if (frozenAt !== undefined) return Infinity
    for (const entry of running) advance(entry, time)
    for (const entry of waiting) {
      if (!admitting || running.size >= options.maxConcurrentRequests) break
      waiting.delete(entry)
      running.add(entry)
      entry.state = "prefill"
      entry.due = time + entry.request.pace.timeToFirstToken()
      advance(entry, time)
    }
    if (running.size === 0) drained.openUnsafe()
    let next = Infinity
    for (const entry of running) next = Math.min(next, entry.due)
    return next
  }

  yield* Effect.forkScoped(Effect.forever(Effect.suspend(() => {
    // Closed before the step, so that what happens during or after it is not missed.
    wake.closeUnsafe()
    const time = now()
    const next = step(time)
    return next === Infinity ? wake.await : Effect.timeoutOption(wake.await, next - time)
  })))

  const submit = (request: EngineRequest) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const entry = newEntry(request)
        open.add(entry)
        waiting.add(entry)
        wake.openUnsafe()
        return entry
      }),
      (entry) =>
        Effect.sync(() => {
          open.delete(entry)
          if (!waiting.delete(entry) && !running.delete(entry)) return
          journal.record(request.id, "abort-honoured")
          // A place may have become free.
          wake.openUnsafe()
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

  const thaw = () => {
    const frozenFor = frozenAt === undefined ? 0 : now() - frozenAt
    for (const entry of running) entry.due += frozenFor
    frozenAt = undefined
  }

  const finishAborted = (entry: Entry) => {
    entry.total = entry.generated
    entry.finishReason = "abort"
    entry.state = "finished"
    waiting.delete(entry)
    running.delete(entry)
    entry.ready.openUnsafe()
  }

  const pause = (mode: PauseMode) =>
    Effect.suspend(() => {
      admitting = false
      if (mode === "keep") {
        frozenAt ??= now()
        return Effect.void
      }
      thaw()
      if (mode === "abort") {
        for (const entry of [...running, ...waiting]) finishAborted(entry)
      }
      drained.closeUnsafe()
      wake.openUnsafe()
      return drained.await
    })

  const resume = Effect.sync(() => {
    thaw()
    admitting = true
    // Whoever still waits for the engine to stand waits no longer.
    drained.openUnsafe()
    wake.openUnsafe()
  })

  type Outputs = readonly [EngineOutput, ...ReadonlyArray<EngineOutput>]

  const generate = (request: EngineRequest) =>
    Stream.unwrap(
      Effect.map(submit(request), (entry) =>
        Stream.fromPull(Effect.succeed(Effect.suspend(function pull(): Pull.Pull<Outputs> {
          if (entry.ended) {
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
    streams: Effect.sync(() =>
      Array.from(open, (entry) => ({
        id: entry.request.id,
        prompt: entry.request.prompt.slice(0, 80),
        tokens: entry.fetched,
        state: entry.state
      }))
    )
  }
})
