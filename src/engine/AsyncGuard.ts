/**
 * Liveness for plain async programs: an async iterable in, an async iterable out, which ends when its run is over,
 * whatever the engine does. No knowledge of Effect is needed.
 *
 * Laws:
 * - The elements are the source's, one for one; nothing is read ahead of whoever asks, and time in which nobody asks is
 *   no silence.
 * - A slow run is never ended. One that is found hung is, with a `StalledError`; the source is closed first.
 * - However the loop is left, by `break`, an error or `signal`, the source is closed, also while it waits for its next
 *   element.
 * - When no guard runs any more there is no timer and no socket of ours, so the program can end.
 *
 * Closing a source that waits takes more than its `return()`, which waits itself: give a function that takes an
 * `AbortSignal`, or a stream that has a `controller` as those of the openai package have, or `abort`.
 *
 * Gotchas: the openai package gives up after ten minutes without headers (`timeout`), and Node's fetch after five without
 * a byte; a queue or a prefill takes longer. Its own retries (`maxRetries`) hide refusals from you. Without `engine` only
 * silence tells, and its limit is long.
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type Classifier, type Classify, started, transport } from "../liveness/Classification.ts"
import type { EngineEvidence } from "../liveness/EngineEvidence.ts"
import { Failed } from "../liveness/Failed.ts"
import type { LimitLearner } from "../liveness/LimitLearner.ts"
import { makeUnsafe, type PolicyInput } from "../liveness/LivenessPolicy.ts"
import { RunError } from "../liveness/RunError.ts"
import type { Ticker } from "../liveness/Ticker.ts"
import type { Verdict } from "../liveness/Verdict.ts"
import { watchWith } from "../liveness/watchWith.ts"
import { asyncIterator, type LoopEnd } from "./AsyncPull.ts"
import { fromRunError } from "./GuardError.ts"
import * as SharedServices from "./SharedServices.ts"
import { thrownFailure } from "./thrownFailure.ts"

export {
  type Classification,
  type Classifier,
  type Classify,
  counted,
  error,
  finish,
  progress,
  type ProgressChannel,
  type ProgressOptions,
  transport
} from "../liveness/Classification.ts"
export type { FailKind } from "../liveness/FailKind.ts"
export type { LimitInForce } from "../liveness/LimitInForce.ts"
export type { PolicyInput } from "../liveness/LivenessPolicy.ts"
export type { Phase } from "../liveness/Phase.ts"
export type { SlowReason } from "../liveness/SlowReason.ts"
export type { Confidence, StallKind } from "../liveness/StallKind.ts"
export type { Circumstances, Verdict } from "../liveness/Verdict.ts"
export { body as chatCompletionBody, chunks as chatCompletionChunks } from "./ChatCompletionClassifier.ts"
export {
  FailedError,
  GuardError,
  isRetryable,
  type RetryChoice,
  retryDelayMillis,
  SlowError,
  StalledError
} from "./GuardError.ts"
export type { SharedEngine } from "./SharedServices.ts"

/** A stream, or a function that asks for one and stops when the signal is aborted. */
export type GuardSource<A> =
  | AsyncIterable<A>
  | ((signal: AbortSignal) => AsyncIterable<A> | PromiseLike<AsyncIterable<A>>)

/** How a stream is guarded. */
export interface GuardOptions<A> {
  /** Tells what an element is; `chatCompletionChunks` for the openai package. Called once for each. */
  readonly classify: Classify<A> | Classifier<A>
  /** What differs from the defaults; see `a2a-campaign/LivenessPolicy`. */
  readonly policy?: PolicyInput
  /**
   * The engine behind the stream, by the address of its API with `/v1`: its `/metrics` and `/health` then prove whether it
   * works. Calls at the same engine share one scrape. Without it only silence tells.
   */
  readonly engine?: string | SharedServices.SharedEngine
  /** Where the stream comes from, if not from `engine`: limits are learned for each. */
  readonly endpoint?: string
  /** The model that answers, for learned limits. */
  readonly model?: string
  /** The most tokens that the request allows, for learned limits. */
  readonly maxTokens?: number
  /** The length of the prompt in characters, for learned limits. */
  readonly promptCharacters?: number
  /** Counted from 1; 1 unless given. */
  readonly attempt?: number
  /** What an end is before an element was the finish: a `FailedError` ("failed") unless given. */
  readonly endWithoutFinish?: "finished" | "failed"
  /** Told of each verdict as it changes. What it throws is an uncaught exception of the program. */
  readonly onVerdict?: (verdict: Verdict) => void
  /** Ends the loop with its reason when it is aborted. */
  readonly signal?: AbortSignal
  /** Closes the source, for one that `return()` cannot close; called again if the stream comes only after that. */
  readonly abort?: () => void
}

/**
 * The stream, guarded. Each loop over it is a run; a function is called anew for each.
 *
 * Throws `InvalidPolicy` at once if the policy contradicts itself. The loop throws `StalledError`, `SlowError` or
 * `FailedError`, the signal's reason, or what the source has thrown if that is none of the engine's failures.
 *
 * @example
 * import { guard, isRetryable, progress, StalledError } from "a2a-campaign/AsyncGuard"
 *
 * // Two words, and then nothing more.
 * async function* words() {
 *   yield "Hello"
 *   yield "world"
 *   await new Promise(() => {})
 * }
 *
 * // A tenth of a second, so that nobody has to wait for a quarter of an hour.
 * const policy = { stallLimitMillis: 100, limits: { tickMillis: 20 } }
 *
 * try {
 *   for await (const word of guard(words(), { classify: () => progress(), policy })) console.log(word)
 * } catch (error) {
 *   if (!(error instanceof StalledError)) throw error
 *   console.log(error.kind, error.confidence, error.tokens, isRetryable(error))
 * }
 *
 * // prints: Hello
 * // prints: world
 * // prints: silent inferred 2 true
 */
export const guard = <A>(source: GuardSource<A>, options: GuardOptions<A>): AsyncIterable<A> => {
  const policy = makeUnsafe(options.policy ?? {})
  const engine = typeof options.engine === "string" ? { baseUrl: options.engine } : options.engine
  const endpoint = engine?.baseUrl ?? options.endpoint
  const { attempt, maxTokens, model, onVerdict, promptCharacters } = options
  return {
    [Symbol.asyncIterator]: () => {
      const upstream = new Upstream<A>(endpoint ?? "its address", source, options)
      const watched = upstream.stream.pipe(
        watchWith<A | Accepted>({
          classify: { start: () => acceptedOr(started(options.classify)) },
          policy,
          ...(endpoint === undefined ? {} : { endpoint }),
          ...(model === undefined ? {} : { model }),
          ...(maxTokens === undefined ? {} : { maxTokens }),
          ...(promptCharacters === undefined ? {} : { promptCharacters }),
          ...(attempt === undefined ? {} : { attempt }),
          ...(options.endWithoutFinish === undefined ? {} : { endWithoutFinish: options.endWithoutFinish }),
          ...(onVerdict === undefined ? {} : { onVerdict: (verdict) => tell(onVerdict, verdict) })
        })
      )
      const open = Effect.gen(function*() {
        const scope = yield* Effect.scope
        const context = yield* SharedServices.services(engine, policy.limits)
        const pull = yield* Effect.provideContext(Channel.toPullScoped(watched.channel, scope), context)
        // The first is what is handed on before all elements.
        yield* Effect.provideContext(pull, context)
        return { pull: pull as unknown as Effect.Effect<readonly [A], Effect.Error<typeof pull>, Services>, context }
      })
      return asyncIterator(open, (cause) => upstream.endOf(cause))
    }
  }
}

/** What the source has thrown that is no failure of the engine. */
class Thrown extends Data.TaggedError("Thrown")<{ readonly error: unknown }> {}

const tell = (onVerdict: (verdict: Verdict) => void, verdict: Verdict): void => {
  const told = Result.try({ try: () => onVerdict(verdict), catch: (error) => error })
  if (Result.isFailure(told)) {
    queueMicrotask(() => {
      throw told.failure
    })
  }
}

/** Handed on before all elements, when there is a stream: the request was taken. */
const ACCEPTED: unique symbol = Symbol("accepted")
type Accepted = typeof ACCEPTED

type Services = EngineEvidence | LimitLearner | Ticker

const isRunError = Schema.is(RunError)

type Pull<A> = Effect.Effect<readonly [A | Accepted], Failed | Thrown | Cause.Done>

/** The source of one run. */
class Upstream<A> {
  readonly #source: GuardSource<A>
  readonly #url: string
  readonly #signal: AbortSignal | undefined
  readonly #abort: (() => void) | undefined
  readonly #controller = new AbortController()
  #iterator: AsyncIterator<A> | undefined
  /** The stream's own controller, if it has one. */
  #own: AbortController | undefined
  #ended = false
  #isClosed = false
  #isAborted = false
  /** Ends what is being waited for, because of the program's signal. */
  #interrupt: (() => void) | undefined
  /** What the client library has thrown. */
  #thrown: { readonly error: unknown } | undefined

  constructor(url: string, source: GuardSource<A>, { abort, signal }: Pick<GuardOptions<A>, "abort" | "signal">) {
    this.#url = url
    this.#source = source
    this.#signal = signal
    this.#abort = abort
  }

  /** What the loop gets of an end: where the program itself has aborted, the reason of its signal, or just an end. */
  endOf(cause: Cause.Cause<RunError | Thrown | Cause.Done>): LoopEnd {
    const thrown = (error: unknown): LoopEnd => ({ _tag: "Thrown", error })
    if (this.#signal?.aborted === true) return thrown(this.#signal.reason)
    if (this.#isAborted) return { _tag: "Done" }
    const error = Cause.squash(cause)
    if (Cause.isDone(error)) return { _tag: "Done" }
    if (error instanceof Thrown) return thrown(error.error)
    return thrown(isRunError(error) ? fromRunError(error, this.#thrown) : error)
  }

  readonly stream: Stream.Stream<A | Accepted, Failed | Thrown> = Stream.unwrap(Effect.suspend(() =>
    Effect.as(
      Effect.acquireRelease(
        Effect.sync(() => this.#signal?.addEventListener("abort", this.#onAbort, { once: true })),
        () => this.#close
      ),
      Stream.fromPull(Effect.succeed(this.#pull))
    )
  ))

  readonly #onAbort = () => this.#interrupt?.()

  readonly #pull: Pull<A> = Effect.suspend((): Pull<A> => {
    const iterator = this.#iterator
    return iterator === undefined
      ? this.#open
      : Effect.flatMap(this.#settled(() => iterator.next()), ({ done, value }) => {
        if (done !== true) return Effect.succeed([value] as const)
        this.#ended = true
        // Who aborts a stream of the openai package by its own controller gets an end, and no error.
        this.#isAborted = this.#own?.signal.aborted === true
        return this.#isAborted ? Effect.interrupt : Cause.done()
      })
  })

  readonly #open = Effect.suspend(() => {
    const source = this.#source
    const ask = () => typeof source === "function" ? source(this.#controller.signal) : source
    return Effect.as(this.#settled(() => Promise.resolve(ask()).then(this.#take)), [ACCEPTED] as const)
  })

  /** A stream that comes when nobody waits for it any more is closed at once. */
  readonly #take = (iterable: AsyncIterable<A>) => {
    this.#own = controllerOf(iterable)
    this.#iterator = iterable[Symbol.asyncIterator]()
    if (this.#isClosed) Effect.runFork(this.#letGo)
  }

  /** Waits for what the source gives, until the program's signal is aborted. */
  #settled<B>(ask: () => B | PromiseLike<B>): Effect.Effect<B, Failed | Thrown> {
    return Effect.callback((resume) => {
      if (this.#signal?.aborted === true) return resume(Effect.interrupt)
      const fail = (error: unknown) => resume(this.#failure(error))
      const asked = Result.try({ try: ask, catch: (error) => error })
      if (Result.isFailure(asked)) return fail(asked.failure)
      this.#interrupt = () => resume(Effect.interrupt)
      Promise.resolve(asked.success).then((value) => resume(Effect.succeed(value)), fail)
    })
  }

  #failure(error: unknown): Effect.Effect<never, Failed | Thrown> {
    this.#ended = true
    if (this.#signal?.aborted === true) return Effect.interrupt
    const reason = thrownFailure(this.#url, error)
    if (reason === undefined) return Effect.fail(new Thrown({ error }))
    this.#thrown = { error }
    return Effect.fail(new Failed({ hop: "engine", reason, tokens: 0 }))
  }

  /** A source that waits does not heed its `return()` before it has been aborted, and mostly not then. */
  readonly #letGo = Effect.suspend(() => {
    const iterator = this.#iterator
    this.#controller.abort()
    this.#own?.abort()
    const aborted = Effect.ignore(Effect.tryPromise(() => Promise.resolve(this.#abort?.())))
    const closed = Effect.andThen(
      aborted,
      Effect.ignore(Effect.tryPromise(() => Promise.resolve(iterator?.return?.())))
    )
    return Effect.asVoid(Effect.timeoutOption(closed, CLOSE_PATIENCE))
  })

  readonly #close = Effect.suspend(() => {
    this.#isClosed = true
    this.#signal?.removeEventListener("abort", this.#onAbort)
    return this.#ended ? Effect.void : this.#letGo
  })
}

/** How long a source may take to close before the loop goes on without it. */
const CLOSE_PATIENCE = "100 millis"

const controllerOf = (iterable: object): AbortController | undefined =>
  "controller" in iterable && iterable.controller instanceof AbortController ? iterable.controller : undefined

const acceptedOr = <A>(classify: Classify<A>): Classify<A | Accepted> => (element) =>
  element === ACCEPTED ? transport : classify(element)
