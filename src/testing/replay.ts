/**
 * A world on the real operator: its tokens as a stream, its metrics as `EngineEvidence`, and `Liveness.watch` between,
 * under a clock of their own in which ten minutes pass at once.
 *
 * Where laws ask the reducer, this asks what a program gets: elements, the typed error, and when. Use `replay` with your
 * own element and classifier to see that the classifier tells the watch what it must know; use `streamOf` and
 * `evidenceOf` where your own layers are under test.
 *
 * Laws: the verdicts are those of the reducer for the same world, two looks later at the most: an operator carries out
 * with the next look what `play` does at once, and what comes at the instant of a look may come after it. Nothing of it touches the clock of the program around it.
 *
 * Gotchas: a stream made here sleeps by the clock of who runs it, so under a live clock it takes as long as the world. An
 * element waits until it is asked for, like bytes in a socket.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { EngineEvidence, type EvidenceReader } from "../liveness/EngineEvidence.ts"
import { Failed, FailReason } from "../liveness/Failed.ts"
import { type Ended, type Frame, type LivenessInput, ofTokenEvents } from "../liveness/LivenessInput.ts"
import { defaults, type LivenessLimits } from "../liveness/LivenessLimits.ts"
import * as LivenessWatch from "../liveness/LivenessWatch.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { StallPolicy } from "../liveness/StallPolicy.ts"
import { Ticker } from "../liveness/Ticker.ts"
import type { Verdict } from "../liveness/Verdict.ts"
import { Delta, Finish, Signal, type TokenEvent } from "../token/TokenEvent.ts"
import { horizonOf, inputsOf, type Rhythm, usualRhythm, type World } from "./World.ts"

/** Something that comes in on the stream of a world. */
export interface Arrival {
  /** Since the request was sent, in milliseconds. */
  readonly atMillis: number
  /** The server took the request; tokens; nothing of worth (a comment, an empty delta); or the finish reason. */
  readonly what: "accepted" | "tokens" | "noise" | "finish"
  /** How many tokens; 0 for all but `tokens`. */
  readonly tokens: number
}

const arrivalOf = (input: LivenessInput): ReadonlyArray<Arrival> => {
  switch (input._tag) {
    case "Headers":
      return [{ atMillis: input.at, what: "accepted", tokens: 0 }]
    case "TransportOnly":
      return [{ atMillis: input.at, what: "noise", tokens: 0 }]
    case "Frame":
      return [...arrivalOfFrame(input)]
    default:
      return []
  }
}

const arrivalOfFrame = ({ at, finishReason, tokens }: Frame): ReadonlyArray<Arrival> => [
  ...tokens > 0 ? [{ atMillis: at, what: "tokens", tokens } as const] : [],
  ...finishReason === null ? [] : [{ atMillis: at, what: "finish", tokens: 0 } as const],
  ...tokens === 0 && finishReason === null ? [{ atMillis: at, what: "noise", tokens: 0 } as const] : []
]

/** All that comes in on the stream of a world, in its order. */
export const arrivalsOf = (world: World): ReadonlyArray<Arrival> =>
  inputsOf({ ...world, metrics: "none" }).flatMap(arrivalOf)

/** An arrival as token events: a text of one letter for each token. */
export const tokenEventsOf = ({ tokens, what }: Arrival): ReadonlyArray<TokenEvent> => {
  switch (what) {
    case "accepted":
      return [Signal.make({ signal: "accepted" })]
    case "tokens":
      return [Delta.make({ channel: "content", text: "a".repeat(tokens), tokens })]
    case "noise":
      return [Signal.make({ signal: "keep-alive" })]
    case "finish":
      return [Finish.make({ reason: "stop" })]
  }
}

const now = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

const detail = "in a world of the testing kit"

/** How a connection ends that ends with an error. */
const reasons: Partial<Record<World["end"], FailReason>> = {
  done: FailReason.cases.DoneWithoutFinish.make({}),
  reset: FailReason.cases.ConnectionLost.make({ detail }),
  error: FailReason.cases.MidStreamError.make({ code: null, detail }),
  malformed: FailReason.cases.Malformed.make({ detail }),
  "connect-error": FailReason.cases.ConnectError.make({ url: "http://engine/v1", detail }),
  "connect-timeout": FailReason.cases.ConnectTimeout.make({ detail }),
  runaway: FailReason.cases.Runaway.make({ detail }),
  unsupported: FailReason.cases.Unsupported.make({ detail }),
  "agent-failed": FailReason.cases.AgentFailed.make({ state: "failed", detail })
} satisfies Partial<Record<"finish" | "open" | Ended["how"], FailReason>>

/**
 * The stream of a world, in any elements: each arrival when it is due, counted from when the stream is first asked. It
 * ends as the world does: cleanly after a finish reason or at an `eof`, never if `open`, else with `Failed`.
 */
export const streamOf = <A>(
  world: World,
  elementsOf: (arrival: Arrival) => ReadonlyArray<A>
): Stream.Stream<A, Failed> =>
  Stream.unwrap(Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const startedAt = now(clock)
    const until = (atMillis: number) =>
      Effect.suspend(() => {
        const left = startedAt + atMillis - now(clock)
        return left > 0 ? Effect.sleep(left) : Effect.void
      })
    const arrivals = Stream.fromIterable(arrivalsOf(world)).pipe(
      Stream.mapEffect((arrival) => Effect.as(until(arrival.atMillis), elementsOf(arrival))),
      Stream.flatMap(Stream.fromIterable)
    )
    const reason = reasons[world.end]
    const end: Stream.Stream<never, Failed> = world.end === "open"
      ? Stream.never
      : Stream.fromEffect(Effect.andThen(
        until(horizonOf(world)),
        reason === undefined ? Effect.void : Effect.fail(new Failed({ hop: "engine", reason, tokens: 0 }))
      )).pipe(Stream.drain)
    return Stream.concat(arrivals, end)
  }))

/**
 * The metrics and the health of a world as a source of evidence: scrapes when they are due, counted from when the first
 * run follows it, told to all runs that do. What runs find out is not kept; a request that is given up is dropped at once.
 */
export const evidenceOf = (world: World, rhythm: Rhythm = usualRhythm): Layer.Layer<EngineEvidence> =>
  Layer.effect(
    EngineEvidence,
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const scope = yield* Effect.scope
      const readers = new Set<EvidenceReader>()
      const due = inputsOf(world, rhythm).flatMap((input) =>
        input._tag === "Scrape" || input._tag === "Health" ? [input] : []
      )
      const told = Effect.fnUntraced(function*(startedAt: number) {
        for (const input of due) {
          const left = startedAt + input.at - now(clock)
          if (left > 0) yield* Effect.sleep(left)
          const at = startedAt + input.at
          const shifted = input._tag === "Scrape"
            ? { ...input, at, askedAt: startedAt + input.askedAt }
            : { ...input, at }
          for (const reader of readers) reader.tell(shifted)
        }
      })
      let begun = false
      return EngineEvidence.of({
        running: Effect.succeed(null),
        learn: () => Effect.void,
        follow: (reader) =>
          Effect.gen(function*() {
            yield* Effect.acquireRelease(
              Effect.sync(() => readers.add(reader)),
              () => Effect.sync(() => readers.delete(reader))
            )
            if (!begun) {
              begun = true
              yield* Effect.forkIn(told(now(clock)), scope)
            }
            return {
              known: {
                binding: world.opened?.binding ?? "unproven",
                longestStepMillis: world.opened?.longestStepMillis ?? 0
              },
              begun: () => {},
              ended: () => {},
              dropped: Effect.void
            }
          })
      })
    })
  )

/** How a world is watched. */
export interface ReplayOptions {
  /** The defaults unless given. */
  readonly limits?: LivenessLimits
  /** Whether a stall ends the stream; "enforce" unless given. */
  readonly policy?: StallPolicy
  /** How often the engine is scraped, in milliseconds; 5000 unless given. */
  readonly scrapeMillis?: number
}

/** Elements of your own, and what they are to the watch. */
export interface OwnElements<A> {
  /** The elements that an arrival is made of. */
  readonly elementsOf: (arrival: Arrival) => ReadonlyArray<A>
  /** What elements that came in together are to the reducer: the classifier under test. */
  readonly inputsOf: (elements: ReadonlyArray<A>, at: number) => ReadonlyArray<LivenessInput>
}

/** What became of a world under watch. */
export interface Replayed<A> {
  /** Every verdict that was told, with the milliseconds since the request. */
  readonly verdicts: ReadonlyArray<{ readonly atMillis: number; readonly verdict: Verdict }>
  /** The last of them. */
  readonly verdict: Verdict | undefined
  /** How the stream ended; `undefined` if it had not when the world did. */
  readonly exit: Exit.Exit<void, RunError> | undefined
  /** When it ended, in milliseconds since the request; likewise. */
  readonly endedAt: number | undefined
  /** What came through. */
  readonly elements: ReadonlyArray<A>
}

/** Looks at a world that go on after its end, so that whatever is found at its last moment is carried out. */
const LOOKS_AFTER = 10

/** A world with elements of your own. */
export const replayWith = <A>(
  world: World,
  { elementsOf, inputsOf }: OwnElements<A>,
  { limits = defaults, policy = "enforce", scrapeMillis = usualRhythm.scrapeMillis }: ReplayOptions = {}
): Effect.Effect<Replayed<A>> => {
  const rhythm = { tickMillis: limits.tickMillis, scrapeMillis }
  const virtual = Layer.provideMerge(
    Layer.mergeAll(Layer.fresh(Ticker.layer(limits.tickMillis)), Layer.fresh(evidenceOf(world, rhythm))),
    Layer.fresh(TestClock.layer())
  )
  return Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const startedAt = now(clock)
    const verdicts: Array<{ readonly atMillis: number; readonly verdict: Verdict }> = []
    const elements: Array<A> = []
    let endedAt: number | undefined
    const { at: _at, binding: _binding, longestStepMillis: _step, run, ...opened } = {
      at: 0,
      run: { hop: "engine", attempt: 1, endpoint: "http://engine/v1", model: "m" } as const,
      ...world.opened
    }
    const fiber = yield* streamOf(world, elementsOf).pipe(
      LivenessWatch.watch<A>({
        run,
        limits,
        policy,
        inputsOf,
        opened,
        onVerdict: (verdict) => verdicts.push({ atMillis: now(clock) - startedAt, verdict })
      }),
      Stream.runForEachArray((some) =>
        Effect.sync(() => {
          elements.push(...some)
        })
      ),
      Effect.ensuring(Effect.sync(() => {
        endedAt ??= now(clock) - startedAt
      })),
      Effect.forkChild({ startImmediately: true })
    )
    yield* TestClock.adjust(horizonOf(world) + LOOKS_AFTER * limits.tickMillis)
    const exit = fiber.pollUnsafe()
    const ended = exit === undefined ? undefined : endedAt
    const last = verdicts.at(-1)?.verdict
    yield* Fiber.interrupt(fiber)
    return { verdicts, verdict: last, exit, endedAt: ended, elements }
  }).pipe(Effect.provide(virtual))
}

/**
 * A world in token events under `Liveness.watch`, in no time.
 *
 * @example
 * import * as Testing from "a2a-campaign/testing"
 * import * as Effect from "effect/Effect"
 *
 * const world: Testing.World = {
 *   stretches: [
 *     { kind: "prefill", millis: 2000 },
 *     { kind: "tokens", millis: 10_000, gapMillis: 50 },
 *     { kind: "frozen", millis: 300_000 }
 *   ],
 *   end: "open",
 *   opened: { binding: "proven" }
 * }
 *
 * const { endedAt, verdict } = await Effect.runPromise(Testing.replay(world))
 * console.log(verdict?._tag === "Stalled" ? verdict.kind : verdict?._tag, "after", Number(endedAt) / 1000, "s")
 * // prints: engine-hung after 76 s
 */
export const replay = (world: World, options: ReplayOptions = {}): Effect.Effect<Replayed<TokenEvent>> =>
  replayWith(world, { elementsOf: tokenEventsOf, inputsOf: ofTokenEvents }, options)
