/**
 * What is seen behind an agent while it answers: the tokens that its engine makes, by the engine's own counters or by a
 * tap in between. Whoever compares that with what arrives here knows which hop holds tokens back.
 *
 * Laws: watching never fails; what cannot be read is not there. A layer for "nothing to see", so that nobody asks.
 *
 * Gotcha: an engine's counters are those of everybody. `shared` says that others were at work before; then numbers of
 * tokens are too large, and only their movement tells something.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { isTokenEvent, type TaskEvent } from "../a2a/TaskEvent.ts"
import * as MetricsScrape from "../engine/MetricsScrape.ts"
import { PatientFetch } from "../engine/PatientFetch.ts"
import { type EngineSample, rise } from "../liveness/EngineSample.ts"
import type { RunError } from "../liveness/RunError.ts"
import { TapClient } from "../tap/TapClient.ts"
import { tokensOf } from "../token/TokenEvent.ts"
import type { UpstreamKind, UpstreamMeasurement } from "./AgentMeasurements.ts"

/** What has been seen since a watch began; times are of the monotonic clock, in milliseconds. */
export interface Upstream {
  readonly tokens: number
  readonly firstAt: number | null
  readonly lastAt: number | null
  /** Requests in the engine now; null where it does not say. */
  readonly running: number | null
  readonly promptTokens: number | null
  readonly finished: number | null
  readonly shared: boolean
  /** Looks so far; nothing is known before the second. */
  readonly looks: number
}

export interface UpstreamView {
  /** What has been seen so far. */
  readonly seen: Effect.Effect<Upstream>
  /** The same after one more look. */
  readonly now: Effect.Effect<Upstream>
}

const unseen: Upstream = {
  tokens: 0,
  firstAt: null,
  lastAt: null,
  running: null,
  promptTokens: null,
  finished: null,
  shared: false,
  looks: 0
}

/** A tap tells tokens every half second (Pulse.ts), and that takes a moment. */
const TAP_LAG_MILLIS = 600

/** How long a tap may take to open a battle. */
const OPENING = "5 seconds"

/** Nothing can be seen there, because nobody answers. */
export class UpstreamUnreachable extends Data.TaggedError("UpstreamUnreachable")<{ readonly message: string }> {}

export class UpstreamWatch extends Context.Service<UpstreamWatch, {
  readonly kind: UpstreamKind
  /** How late it may be seen that a token was made, in milliseconds. */
  readonly lagMillis: number
  /** One look: what cannot be seen there, if so. */
  readonly check: Effect.Effect<string | null, UpstreamUnreachable>
  /** Waits until what was begun before is over, at most so many milliseconds: its tokens would be taken for later ones. */
  readonly quiet: (mostMillis: number) => Effect.Effect<void>
  /** Watches until the scope ends. */
  readonly begin: Effect.Effect<UpstreamView, never, Scope.Scope>
}>()("a2a-campaign/UpstreamWatch") {
  /** Nothing to see. */
  static readonly layerNone = Layer.succeed(UpstreamWatch, {
    kind: "none",
    lagMillis: 0,
    check: Effect.succeed(null),
    quiet: () => Effect.void,
    begin: Effect.succeed({ seen: Effect.succeed(unseen), now: Effect.succeed(unseen) })
  })

  /** By the counters of the engine's `/metrics`, looked at so often. */
  static readonly layerEngine = (options: {
    /** With its `/v1`. */
    readonly baseUrl: string
    readonly every: Duration.Input
  }) =>
    Layer.effect(
      UpstreamWatch,
      Effect.gen(function*() {
        const { fetch } = yield* PatientFetch
        const { sample } = MetricsScrape.make(fetch, { baseUrl: options.baseUrl, patience: "2 seconds" })
        const check = Effect.flatMap(sample, (outcome) =>
          outcome === "refused"
            ? new UpstreamUnreachable({
              message: `nobody listens at ${options.baseUrl}; is this the engine's address?`
            })
            : Effect.succeed(
              outcome === "failed"
                ? `the engine at ${options.baseUrl} tells no counters in /metrics, so nothing is known of it`
                : null
            ))
        const isBusy = Effect.map(sample, (outcome) => typeof outcome !== "string" && (outcome.running ?? 0) > 0)
        const quiet = (mostMillis: number) =>
          Effect.sleep(options.every).pipe(
            Effect.andThen(isBusy),
            Effect.repeat({ while: (busy) => busy }),
            Effect.timeoutOption(mostMillis),
            Effect.asVoid
          )
        return UpstreamWatch.of({
          kind: "engine",
          lagMillis: 0,
          check,
          quiet,
          begin: watchCounters(sample, options.every)
        })
      })
    ).pipe(Layer.provide(PatientFetch.layer))

  /** By a tap between the agent and its engine: every answer is a battle there, and the only one that is open. */
  static readonly layerTap = (options: {
    readonly tapUrl: string
    readonly token?: Redacted.Redacted | undefined
    /** Where the tap tells tokens sooner than ours does. */
    readonly lagMillis?: number
  }) =>
    Layer.effect(
      UpstreamWatch,
      Effect.gen(function*() {
        const client = yield* TapClient
        const battle = Effect.sync(() =>
          client.battle({ ...options, battle: `probe-${randomUUID()}`, agent: "probe", attempt: 1, patience: 1 })
        )
        const check = Effect.flatMap(battle, (events) => Stream.runDrain(Stream.take(events, 1))).pipe(
          Effect.as(null),
          Effect.mapError(({ message }) => new UpstreamUnreachable({ message })),
          Effect.timeoutOrElse({
            duration: OPENING,
            orElse: () => new UpstreamUnreachable({ message: `the tap at ${options.tapUrl} does not answer` })
          })
        )
        // The calls of a battle are closed with it.
        const quiet = () => Effect.void
        return UpstreamWatch.of({
          kind: "tap",
          lagMillis: options.lagMillis ?? TAP_LAG_MILLIS,
          check,
          quiet,
          begin: Effect.flatMap(battle, watchBattle)
        })
      })
    ).pipe(Layer.provide(TapClient.layer))
}

/** The first heartbeat is awaited: what is sent before it might belong to no battle. */
const watchBattle = Effect.fnUntraced(function*(events: Stream.Stream<TaskEvent, RunError>) {
  const seen = yield* Ref.make(unseen)
  const opened = yield* Deferred.make<void>()
  yield* events.pipe(
    Stream.runForEachArray((some) =>
      Effect.gen(function*() {
        const at = Number(yield* Clock.monotonicTimeNanos) / 1e6
        const tokens = some.reduce((sum, event) => isTokenEvent(event) ? sum + tokensOf(event) : sum, 0)
        yield* Ref.update(seen, (before) => stepTokens(before, tokens, at))
        yield* Deferred.succeed(opened, undefined)
      })
    ),
    Effect.ignore,
    Effect.andThen(Deferred.succeed(opened, undefined)),
    Effect.forkScoped
  )
  yield* Effect.timeoutOption(Deferred.await(opened), OPENING)
  // Every moment at which nothing was told is a look as well.
  const now = Ref.updateAndGet(seen, (before) => before.looks === 0 ? before : stepTokens(before, 0, 0))
  return { seen: Ref.get(seen), now }
})

const stepTokens = (before: Upstream, tokens: number, at: number): Upstream => ({
  ...before,
  tokens: before.tokens + tokens,
  firstAt: before.firstAt ?? (tokens > 0 ? at : null),
  lastAt: tokens > 0 ? at : before.lastAt,
  looks: before.looks + 1
})

const watchCounters = Effect.fnUntraced(function*(
  sample: MetricsScrape.MetricsScrape["sample"],
  every: Duration.Input
) {
  const seen = yield* Ref.make(unseen)
  let first: EngineSample | undefined
  const look = Effect.gen(function*() {
    const outcome = yield* sample
    if (typeof outcome === "string") return
    const at = Number(yield* Clock.monotonicTimeNanos) / 1e6
    first ??= outcome
    yield* Ref.update(seen, (before) => step(before, first!, outcome, at))
  })
  yield* look
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(every), look)))
  return { seen: Ref.get(seen), now: Effect.andThen(look, Ref.get(seen)) }
})

/** What is known after one more sample. */
export const step = (before: Upstream, first: EngineSample, now: EngineSample, at: number): Upstream => {
  const tokens = rise(first.generationTokens, now.generationTokens)
  const grew = tokens > before.tokens
  return {
    tokens: Math.max(tokens, before.tokens),
    firstAt: before.firstAt ?? (grew ? at : null),
    lastAt: grew ? at : before.lastAt,
    running: now.running,
    promptTokens: now.promptTokens === null ? null : rise(first.promptTokens, now.promptTokens),
    finished: now.finished === null ? null : rise(first.finished, now.finished),
    shared: before.shared || (before.looks === 0 && (now.running ?? 0) > 0),
    looks: before.looks + 1
  }
}

/** As it is reported; null where there was nothing to see. */
export const measuredOf = (seen: Upstream, startedAt: number): UpstreamMeasurement | null =>
  seen.looks < 2 ? null : {
    tokens: seen.tokens,
    firstMillis: seen.firstAt === null ? null : seen.firstAt - startedAt,
    lastMillis: seen.lastAt === null ? null : seen.lastAt - startedAt,
    promptTokens: seen.promptTokens,
    finished: seen.finished,
    shared: seen.shared
  }
