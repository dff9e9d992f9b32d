/**
 * Runs under the watch in virtual time, written down as plain data: what the upstream does, how slow its consumer is and
 * what the engine shows meanwhile. For the properties of the operator.
 *
 * The upstream makes its next element when it is asked for one, as a paused socket does. The engine is scraped every
 * five seconds of the clock, whatever the run does.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { EngineEvidence, type EvidenceReader } from "../../src/liveness/EngineEvidence.ts"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import * as LivenessWatch from "../../src/liveness/LivenessWatch.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"
import { type Element, finish, inputsOf, token } from "./watching.ts"
import { sample, SCRAPE } from "./Worlds.ts"

/** Silent without evidence for 10 s; with it, hung after a standstill of 10 s. */
const limits: LivenessLimits = {
  ...defaults,
  suspectPriorMillis: 5000,
  silentFloorMillis: 10_000,
  silentCeilingMillis: 10_000,
  silentGapFactor: 1,
  firstTokenFloorMillis: 10_000,
  firstTokenCeilingMillis: 10_000,
  frozenFloorMillis: 10_000,
  frozenGapFactor: 1
}

const engines = ["none", "works", "stands still with the stream"] as const

export const Upstream = Schema.Struct({
  /** Before each element, in steps of 4 ms: below every limit, or long beyond all of them. */
  gaps: Schema.Array(Schema.Union([
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1200 })),
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1200 })),
    Schema.Int.check(Schema.isBetween({ minimum: 6000, maximum: 6500 }))
  ])).check(Schema.isMaxLength(3)),
  /** Every second element is a comment. */
  comments: Schema.Boolean,
  end: Schema.Literals(["finish", "eof", "error", "defect", "never"]),
  engine: Schema.Literals(engines)
})
export type Upstream = typeof Upstream.Type

/** The elements of an upstream; `emitted` is told of each token as it is made. */
export const streamOf = (
  { comments, end, gaps }: Upstream,
  emitted: () => void = () => {}
): Stream.Stream<Element, "broken"> => {
  const elements: Stream.Stream<Element> = Stream.fromIterable([...gaps.entries()]).pipe(
    Stream.mapEffect(([index, gap]) =>
      // A millisecond aside, so that nothing arrives at the instant of a tick or a scrape.
      Effect.map(Effect.sleep(4 * gap + (index === 0 ? 1 : 0)), (): Element => {
        if (comments && index % 2 === 1) return "comment"
        emitted()
        return token
      })
    )
  )
  switch (end) {
    case "finish":
      return Stream.concat(elements, Stream.make(finish))
    case "eof":
      return elements
    case "error":
      return Stream.concat(elements, Stream.fail("broken"))
    case "defect":
      return Stream.concat(elements, Stream.die("a bug"))
    case "never":
      return Stream.concat(elements, Stream.never)
  }
}

/** A source of evidence that counts who follows it; it scrapes while the scope is open. */
export const scraped = Effect.fnUntraced(function*(engine: Upstream["engine"], tokens: () => number) {
  const clock = yield* Clock.Clock
  const readers = new Set<EvidenceReader>()
  const ended: Array<string> = []
  const evidence = EngineEvidence.of({
    follow: (reader) =>
      Effect.as(
        Effect.acquireRelease(
          Effect.sync(() => readers.add(reader)),
          () => Effect.sync(() => readers.delete(reader))
        ),
        {
          known: { binding: "proven", longestStepMillis: 0 },
          begun: () => {},
          ended: ({ binding }) => {
            ended.push(binding)
          },
          dropped: Effect.never
        }
      ),
    running: Effect.succeed(null),
    learn: () => Effect.void
  })
  let turn = 0
  if (engine !== "none") {
    yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
      const at = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const moved = engine === "works" ? turn++ : tokens()
      const outcome = sample({ heartbeat: `${moved}`, generationTokens: moved, decodeOutputs: moved })
      const scrape: Input.Scrape = { _tag: "Scrape", at, askedAt: at, outcome, openStreams: 1, modelServed: null }
      for (const reader of readers) reader.tell(scrape)
      yield* Effect.sleep(SCRAPE)
    })))
  }
  return { evidence, readers, ended }
})

export interface Consumer {
  /** How long it thinks about each chunk, in milliseconds; the last one holds for the rest. */
  readonly thinks: ReadonlyArray<number>
  readonly policy?: "warn" | "enforce"
  /** It leaves then, or after so many chunks. */
  readonly leavesAtMillis?: number
  readonly takes?: number
}

export interface Watched {
  readonly exit: Exit.Exit<void, RunError | "broken">
  readonly verdicts: ReadonlyArray<Verdict>
  readonly elements: number
}

/** Runs one upstream watched, to its end. */
export const watched = (
  stream: Stream.Stream<Element, "broken">,
  { leavesAtMillis, policy = "enforce", takes = Infinity, thinks }: Consumer
): Effect.Effect<Watched, never, EngineEvidence | Ticker> =>
  Effect.gen(function*() {
    const verdicts: Array<Verdict> = []
    let elements = 0
    let chunks = 0
    const fiber = yield* stream.pipe(
      LivenessWatch.watch<Element>({
        run: { hop: "engine", attempt: 1, endpoint: "http://engine", model: "m" },
        limits,
        policy,
        inputsOf,
        onVerdict: (verdict) => verdicts.push(verdict)
      }),
      Stream.take(takes),
      Stream.runForEachArray((chunk) => {
        elements += chunk.length
        const think = thinks[Math.min(chunks++, thinks.length - 1)] ?? 0
        return think === 0 ? Effect.void : Effect.sleep(think)
      }),
      Effect.forkChild({ startImmediately: true })
    )
    if (leavesAtMillis !== undefined) {
      yield* Effect.sleep(leavesAtMillis)
      yield* Fiber.interrupt(fiber)
    }
    const exit = yield* Fiber.await(fiber)
    return { exit, verdicts, elements }
  })

/** Lets so much virtual time pass for an effect that it must end, under a clock and a ticker of its own. */
export const within = <A>(
  millis: number,
  effect: Effect.Effect<A, never, Ticker>
): Effect.Effect<A | undefined> =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    for (let turn = 0; turn < 10; turn++) yield* Effect.yieldNow
    yield* TestClock.adjust(millis)
    const exit = fiber.pollUnsafe()
    if (exit === undefined) yield* Fiber.interrupt(fiber)
    return exit !== undefined && Exit.isSuccess(exit) ? exit.value : undefined
  }).pipe(Effect.provide(Layer.provideMerge(Layer.fresh(Ticker.layer()), Layer.fresh(TestClock.layer()))))
