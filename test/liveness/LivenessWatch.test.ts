/** The watch on a stream, in virtual time: what it lets through, when it ends a run, and what it tells of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import {
  type EndpointKnowledge,
  EngineEvidence,
  type EvidenceLink,
  type EvidenceReader
} from "../../src/liveness/EngineEvidence.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import { fromTokenEvents, ofTokenEvents } from "../../src/liveness/LivenessInput.ts"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import * as LivenessWatch from "../../src/liveness/LivenessWatch.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Stalled } from "../../src/liveness/Stalled.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"
import { Delta, Finish, Signal, type TokenEvent } from "../../src/token/TokenEvent.ts"
import { stalled } from "../support/runErrors.ts"
import { sample } from "./Worlds.ts"

/** Silent for more than 10 s, and nobody is in doubt before 5 s. */
const limits: LivenessLimits = {
  ...defaults,
  suspectPriorMillis: 5000,
  silentFloorMillis: 10_000,
  silentCeilingMillis: 10_000,
  firstTokenFloorMillis: 10_000,
  firstTokenCeilingMillis: 10_000
}

const run = { hop: "engine", attempt: 3, endpoint: "http://engine", model: "m" } as const
const token = Delta.make({ channel: "content", text: "a", tokens: 1 })
const finish = Finish.make({ reason: "stop" })

type Element = TokenEvent | "comment"

const inputsOf = (elements: ReadonlyArray<Element>, at: number) => [
  fromTokenEvents(elements.filter((element) => element !== "comment"), at)
]

interface Recorder {
  readonly readers: ReadonlySet<EvidenceReader>
  begun: number
  readonly ended: Array<EndpointKnowledge>
  /** The proof that the engine dropped the request. */
  dropped: Effect.Effect<void>
  readonly layer: Layer.Layer<EngineEvidence>
}

/** A source of evidence that says nothing by itself and notes what it is told. */
const recorder = (known: EndpointKnowledge = { binding: "unproven", longestStepMillis: 0 }) => {
  const readers = new Set<EvidenceReader>()
  const record: Recorder = {
    readers,
    begun: 0,
    ended: [],
    dropped: Effect.never,
    layer: Layer.succeed(EngineEvidence, {
      running: Effect.succeed(null),
      follow: (reader: EvidenceReader) =>
        Effect.as(
          Effect.acquireRelease(
            Effect.sync(() => readers.add(reader)),
            () => Effect.sync(() => readers.delete(reader))
          ),
          {
            known,
            begun: () => {
              record.begun++
            },
            ended: (found) => {
              record.ended.push(found)
            },
            dropped: Effect.suspend(() => record.dropped)
          } satisfies EvidenceLink
        )
    })
  }
  return record
}

interface Watched<E> {
  readonly exit: () => Exit.Exit<void, E> | undefined
  readonly interrupt: Effect.Effect<void>
  readonly verdicts: ReadonlyArray<Verdict>
  readonly tags: () => ReadonlyArray<string>
  readonly seen: ReadonlyArray<Element>
}

/** Runs the stream watched; the consumer takes `think` for each chunk. */
const start = <E>(
  stream: Stream.Stream<Element, E>,
  more: Partial<LivenessWatch.WatchOptions<Element, Element>> = {},
  think: number = 0
): Effect.Effect<Watched<E | RunError>, never, EngineEvidence | Ticker> =>
  Effect.gen(function*() {
    const verdicts: Array<Verdict> = []
    const seen: Array<Element> = []
    const fiber = yield* stream.pipe(
      LivenessWatch.watch<Element, Element>({
        run,
        limits,
        inputsOf,
        onVerdict: (verdict) => verdicts.push(verdict),
        ...more
      }),
      Stream.runForEachArray((elements) => {
        seen.push(...elements)
        return think === 0 ? Effect.void : Effect.sleep(think)
      }),
      Effect.forkChild({ startImmediately: true })
    )
    for (let turn = 0; turn < 10; turn++) yield* Effect.yieldNow
    return {
      exit: () => fiber.pollUnsafe(),
      interrupt: Fiber.interrupt(fiber),
      verdicts,
      seen,
      tags: () => verdicts.map(({ _tag }) => _tag)
    }
  })

const alone = Layer.merge(EngineEvidence.layerNone, Ticker.layer())

/** Each element after its gap, in milliseconds. */
const timed = (...elements: ReadonlyArray<readonly [number, Element]>): Stream.Stream<Element> =>
  Stream.fromIterable(elements).pipe(
    Stream.mapEffect(([gap, element]) => Effect.as(Effect.sleep(gap), element))
  )

/** A request that was taken, and what then comes of it. */
const accepted = (effect: Effect.Effect<Element>): Stream.Stream<Element> =>
  Stream.concat(Stream.make(Signal.make({ signal: "accepted" })), Stream.fromEffect(effect))

const reasonsOf = (exit: Exit.Exit<void, unknown> | undefined) =>
  exit?._tag === "Failure" ? exit.cause.reasons.map((reason) => reason) : []

const failureOf = (exit: Exit.Exit<void, unknown> | undefined): unknown => {
  const reasons = reasonsOf(exit)
  assert.deepStrictEqual(reasons.map(({ _tag }) => _tag), ["Fail"])
  return reasons[0]?._tag === "Fail" ? reasons[0].error : undefined
}

/** The last verdict, which must be this one. */
const lastOf = <Tag extends Verdict["_tag"]>(
  verdicts: ReadonlyArray<Verdict>,
  tag: Tag
): Extract<Verdict, { readonly _tag: Tag }> => {
  const last = verdicts.at(-1)
  assert.strictEqual(last?._tag, tag)
  return last as Extract<Verdict, { readonly _tag: Tag }>
}

const stalledOf = (exit: Exit.Exit<void, unknown> | undefined): Stalled => {
  const error = failureOf(exit)
  assert.instanceOf(error, Stalled)
  return error
}

describe("LivenessWatch", () => {
  it.effect("lets elements through in their chunks", () =>
    Effect.gen(function*() {
      const sizes: Array<number> = []
      const all: Array<Element> = []
      yield* Stream.fromArrays<ReadonlyArray<Array<Element>>>([token, "comment", token], [token], ["comment"], [
        token,
        finish
      ]).pipe(
        LivenessWatch.watch({ run, inputsOf }),
        Stream.runForEachArray((elements) =>
          Effect.sync(() => {
            sizes.push(elements.length)
            all.push(...elements)
          })
        )
      )
      assert.deepStrictEqual(sizes, [3, 1, 1, 2])
      assert.deepStrictEqual(all, [token, "comment", token, token, "comment", token, finish])
    }).pipe(Effect.provide(alone)))

  it.effect("fails a stalled run, after its upstream was interrupted", () =>
    Effect.gen(function*() {
      const order: Array<string> = []
      const silent = Stream.fromEffect(
        Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => order.push("upstream interrupted"))))
      )
      const watched = yield* start(
        Stream.concat(Stream.make(token, token), silent).pipe(
          Stream.ensuring(Effect.sync(() => order.push("upstream closed")))
        )
      )
      yield* TestClock.adjust("10 seconds")
      assert.isUndefined(watched.exit())
      assert.deepStrictEqual(watched.tags(), ["Alive", "Alive", "Slow"])
      // The tick at 11 s condemns it, the next one carries it out.
      yield* TestClock.adjust("2 seconds")
      const stalled = stalledOf(watched.exit())
      assert.deepInclude({ ...stalled }, {
        hop: "engine",
        ...lastOf(watched.verdicts, "Stalled"),
        cancel: "unconfirmed",
        kind: "silent",
        phase: "decoding",
        silentMillis: 12_000,
        limit: { name: "silent", millis: 10_000, origin: "not-learned", learning: null },
        tokens: 2,
        confidence: "inferred"
      })
      assert.deepStrictEqual(watched.tags(), ["Alive", "Alive", "Slow", "Stalled"])
      assert.deepStrictEqual(order, ["upstream interrupted", "upstream closed"])
    }).pipe(Effect.provide(alone)))

  it.effect("hands the error on only when the interrupted upstream has closed, however long that takes", () =>
    Effect.gen(function*() {
      const silent = accepted(Effect.never.pipe(Effect.onInterrupt(() => Effect.sleep("30 seconds"))))
      const watched = yield* start(silent)
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual(watched.tags().at(-1), "Stalled")
      assert.isUndefined(watched.exit())
      yield* TestClock.adjust("3 seconds")
      stalledOf(watched.exit())
    }).pipe(Effect.provide(alone)))

  it.effect("takes no time of the consumer for silence", () =>
    Effect.gen(function*() {
      const elements = [token, token, token, token, finish]
      const watched = yield* start(timed(...elements.map((element) => [7500, element] as const)), {}, 600_000)
      yield* TestClock.adjust("2 hours")
      assert.isTrue(Exit.isSuccess(watched.exit()!))
      assert.deepStrictEqual(watched.seen, elements)
      lastOf(watched.verdicts, "Completed")
      assert.notInclude(watched.tags(), "Stalled")
      const quick = yield* start(timed(...elements.map((element) => [7500, element] as const)))
      yield* TestClock.adjust("2 hours")
      const withoutTimes = (verdicts: ReadonlyArray<Verdict>) =>
        verdicts.map((verdict) => verdict._tag === "Slow" ? [verdict._tag, verdict.reason] : [verdict._tag])
      assert.deepStrictEqual(withoutTimes(watched.verdicts), withoutTimes(quick.verdicts))
      assert.include(quick.tags(), "Slow")
    }).pipe(Effect.provide(alone)))

  it.effect("goes on reading for a consumer that has stopped to wait, and keeps what comes for it", () =>
    Effect.gen(function*() {
      const verdicts: Array<Verdict> = []
      const pull = yield* Stream.toPull(
        LivenessWatch.watch({ run, limits, inputsOf, onVerdict: (verdict) => verdicts.push(verdict) })(
          Stream.concat(timed([5000, token]), Stream.never)
        )
      )
      const left = (after: Duration.Input) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(pull, { startImmediately: true })
          yield* TestClock.adjust(after)
          yield* Fiber.interrupt(fiber)
        })
      yield* left("2 seconds")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* pull, [token])
      assert.deepStrictEqual(verdicts.map(({ _tag }) => _tag), ["Alive", "Alive"])
      yield* left("2 seconds")
      yield* TestClock.adjust("10 seconds")
      // Nothing came, and we were ready to read all the time.
      assert.strictEqual(lastOf(verdicts, "Stalled").silentMillis, 12_000)
      assert.instanceOf(yield* Effect.flip(pull), Stalled)
    }).pipe(Effect.scoped, Effect.provide(alone)))

  it.effect("finds a stall also behind a slow consumer", () =>
    Effect.gen(function*() {
      const watched = yield* start(Stream.concat(Stream.make(token), Stream.never), {}, 600_000)
      yield* TestClock.adjust(611_000)
      assert.isUndefined(watched.exit())
      yield* TestClock.adjust(1000)
      assert.strictEqual(stalledOf(watched.exit()).silentMillis, 12_000)
    }).pipe(Effect.provide(alone)))

  it.effect("with policy \"warn\" tells a stall and ends nothing", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const watched = yield* start(timed([100, token], [60_000, token], [100, finish]), { policy: "warn" }).pipe(
        Effect.provide(evidence.layer)
      )
      yield* TestClock.adjust("30 seconds")
      assert.isUndefined(watched.exit())
      assert.strictEqual(watched.tags().at(-1), "Stalled")
      yield* TestClock.adjust("1 hour")
      assert.isTrue(Exit.isSuccess(watched.exit()!))
      assert.deepStrictEqual(watched.seen, [token, token, finish])
      assert.strictEqual(watched.tags().filter((tag) => tag === "Stalled").length, 1)
      assert.strictEqual(watched.tags().at(-1), "Stalled")
      assert.lengthOf(evidence.ended, 1)
    }).pipe(Effect.provide(alone)))

  it.effect("with policy \"off\" looks at nothing", () =>
    Effect.gen(function*() {
      let looks = 0
      const evidence = recorder()
      const stream = timed([100, token], [60_000, finish])
      const options: LivenessWatch.WatchOptions<Element, never> = {
        run,
        limits,
        policy: "off",
        inputsOf: () => {
          looks++
          return []
        },
        onVerdict: () => void looks++
      }
      assert.strictEqual(LivenessWatch.watch(options)(stream), stream)
      const watched = yield* start(stream, options).pipe(Effect.provide(evidence.layer))
      assert.strictEqual(evidence.readers.size, 0)
      yield* TestClock.adjust("2 minutes")
      assert.isTrue(Exit.isSuccess(watched.exit()!))
      assert.strictEqual(looks, 0)
    }).pipe(Effect.provide(alone)))

  for (const noise of ["comment", Signal.make({ signal: "role" }), Signal.make({ signal: "empty" })] as const) {
    it.effect(`${noise === "comment" ? noise : noise.signal} every second does not postpone a stall`, () =>
      Effect.gen(function*() {
        const noisy = Stream.merge(
          Stream.concat(Stream.make<Array<Element>>(token), Stream.never),
          Stream.tick("900 millis").pipe(Stream.map((): Element => noise))
        )
        const watched = yield* start(noisy)
        yield* TestClock.adjust("11 seconds")
        assert.isUndefined(watched.exit())
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(stalledOf(watched.exit()).tokens, 1)
      }).pipe(Effect.provide(alone)))
  }

  it.effect("interruption from downstream closes the upstream and is told as Cancelled", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      let closed = 0
      const watched = yield* start(
        Stream.concat(Stream.make(token), Stream.never).pipe(Stream.ensuring(Effect.sync(() => closed++)))
      ).pipe(Effect.provide(evidence.layer))
      assert.strictEqual(evidence.readers.size, 1)
      yield* TestClock.adjust("3 seconds")
      yield* watched.interrupt
      assert.strictEqual(closed, 1)
      const last = lastOf(watched.verdicts, "Cancelled")
      assert.strictEqual(last.by, "downstream-gone")
      assert.strictEqual(last.circumstances.atMillis, 3000)
      assert.lengthOf(evidence.ended, 1)
      assert.strictEqual(evidence.readers.size, 0)
      const told = watched.verdicts.length
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(watched.verdicts, told)
    }).pipe(Effect.provide(alone)))

  it.effect("a consumer that has enough is told as Cancelled", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const verdicts: Array<Verdict> = []
      yield* Stream.make(token, token, finish).pipe(
        Stream.rechunk(1),
        LivenessWatch.watch({
          run,
          inputsOf: ofTokenEvents,
          onVerdict: (verdict) => verdicts.push(verdict)
        }),
        Stream.take(1),
        Stream.runDrain,
        Effect.provide(evidence.layer)
      )
      assert.strictEqual(verdicts.at(-1)?._tag, "Cancelled")
      assert.lengthOf(evidence.ended, 1)
    }).pipe(Effect.provide(alone)))

  it.effect("passes an error on unchanged; a failure of this hop gets its verdict on the way", () =>
    Effect.gen(function*() {
      const failed = new Failed({ hop: "engine", reason: { _tag: "Malformed", detail: "{" }, tokens: 1 })
      const inner = new Failed({ hop: "purple", reason: { _tag: "Truncated" }, tokens: 1 })
      for (
        const [error, kind] of [
          [new Error("broken"), "connection-lost"],
          [failed, "malformed"],
          [inner, "agent-failed"],
          [stalled({ hop: "purple" }), "agent-failed"]
        ] as const
      ) {
        const evidence = recorder()
        const watched = yield* start(Stream.concat(Stream.make(token), Stream.fail(error))).pipe(
          Effect.provide(evidence.layer)
        )
        const last = lastOf(watched.verdicts, "Failed")
        assert.strictEqual(last.kind, kind)
        assert.strictEqual(last.tokens, 1)
        assert.deepStrictEqual(last.circumstances.run, run)
        const given = failureOf(watched.exit())
        if (error === failed) {
          assert.instanceOf(given, Failed)
          assert.deepStrictEqual({ ...given }, { ...failed, verdict: last })
        } else {
          assert.strictEqual(given, error)
        }
        assert.lengthOf(evidence.ended, 1)
      }
    }).pipe(Effect.provide(alone)))

  it.effect("does not blame the consumer for a defect of the upstream", () =>
    Effect.gen(function*() {
      const watched = yield* start(Stream.concat(Stream.make(token), Stream.die("a bug")))
      assert.deepStrictEqual(reasonsOf(watched.exit()).map(({ _tag }) => _tag), ["Die"])
      const { detail, kind } = lastOf(watched.verdicts, "Failed")
      assert.deepStrictEqual([kind, detail], ["connection-lost", "a bug"])
    }).pipe(Effect.provide(alone)))

  it.effect("is completed by the end after the finish, truncated by one without", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const whole = yield* start(timed([100, token], [100, finish])).pipe(Effect.provide(evidence.layer))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isSuccess(whole.exit()!))
      assert.deepStrictEqual(whole.verdicts.at(-1), {
        _tag: "Completed",
        finishReason: "stop",
        closed: "eof",
        tokens: 1,
        degenerate: null
      })
      assert.lengthOf(evidence.ended, 1)
      const cut = yield* start(timed([100, token]))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isSuccess(cut.exit()!))
      assert.strictEqual(lastOf(cut.verdicts, "Failed").kind, "truncated")
    }).pipe(Effect.provide(alone)))

  it.effect("tells the evidence once that the run has begun, with the first token", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const watched = yield* start(
        timed([100, Signal.make({ signal: "accepted" })], [100, "comment"], [800, token], [1000, token], [1000, finish])
      ).pipe(Effect.provide(evidence.layer))
      yield* TestClock.adjust(900)
      assert.strictEqual(evidence.begun, 0)
      yield* TestClock.adjust(100)
      assert.strictEqual(evidence.begun, 1)
      assert.lengthOf(evidence.ended, 0)
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(Exit.isSuccess(watched.exit()!))
      assert.strictEqual(evidence.begun, 1)
      assert.deepStrictEqual(evidence.ended, [{ binding: "unproven", longestStepMillis: 0 }])
    }).pipe(Effect.provide(alone)))

  it.effect("tells the evidence of its end with the finish, whatever the connection does", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const stream = Stream.concat(timed([100, token], [100, finish]), Stream.never)
      const watched = yield* start(stream).pipe(Effect.provide(evidence.layer))
      yield* TestClock.adjust(150)
      assert.lengthOf(evidence.ended, 0)
      yield* TestClock.adjust(100)
      assert.lengthOf(evidence.ended, 1)
      assert.isUndefined(watched.exit())
      yield* watched.interrupt
      assert.lengthOf(evidence.ended, 1)
      // Who leaves then has a complete answer.
      assert.strictEqual(watched.verdicts.at(-1)?._tag, "Completed")
    }).pipe(Effect.provide(alone)))

  it.effect("tells the evidence of its end once when it was stalled", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const watched = yield* start(accepted(Effect.never)).pipe(Effect.provide(evidence.layer))
      yield* TestClock.adjust("1 minute")
      stalledOf(watched.exit())
      assert.lengthOf(evidence.ended, 1)
      assert.strictEqual(evidence.begun, 0)
      assert.strictEqual(evidence.readers.size, 0)
    }).pipe(Effect.provide(alone)))

  it.effect("begins with what is known of the endpoint and hands back what it found", () =>
    Effect.gen(function*() {
      const evidence = recorder({ binding: "proven", longestStepMillis: 1234 })
      const watched = yield* start(Stream.never).pipe(Effect.provide(evidence.layer))
      assert.isFalse([...evidence.readers][0]!.isSuspect())
      yield* TestClock.adjust("7 seconds")
      assert.isTrue([...evidence.readers][0]!.isSuspect())
      yield* watched.interrupt
      assert.deepStrictEqual(evidence.ended, [{ binding: "inherited", longestStepMillis: 1234 }])
    }).pipe(Effect.provide(alone)))

  it.effect("believes the evidence: a moving engine vouches for a silent run, a gone one ends it", () =>
    Effect.gen(function*() {
      const evidence = recorder({ binding: "proven", longestStepMillis: 0 })
      const watched = yield* start(Stream.concat(Stream.make(token), Stream.never)).pipe(Effect.provide(evidence.layer))
      const clock = yield* Clock.Clock
      const tell = (outcome: ReturnType<typeof sample> | "refused") => {
        const at = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
        for (const reader of evidence.readers) {
          reader.tell({ _tag: "Scrape", at, askedAt: at, outcome, openStreams: 1, modelServed: null })
        }
      }
      for (let turn = 0; turn < 60; turn++) {
        tell(sample({ heartbeat: `${turn}`, running: 1, decodeOutputs: turn }))
        yield* TestClock.adjust("5 seconds")
      }
      assert.isUndefined(watched.exit())
      tell("refused")
      tell("refused")
      yield* TestClock.adjust("2 seconds")
      const stalled = stalledOf(watched.exit())
      assert.deepStrictEqual([stalled.kind, stalled.confidence], ["engine-dead", "proved"])
    }).pipe(Effect.provide(alone)))

  it.effect("knows which run it is also where the evidence speaks at once", () =>
    Effect.gen(function*() {
      const eager = Layer.succeed(EngineEvidence, {
        running: Effect.succeed(null),
        follow: (reader) =>
          Effect.sync(() => {
            reader.tell({ _tag: "Scrape", at: 0, askedAt: 0, outcome: "failed", openStreams: 0, modelServed: null })
            return {
              known: { binding: "proven", longestStepMillis: 9 },
              begun: () => {},
              ended: () => {},
              dropped: Effect.never
            }
          })
      })
      const watched = yield* start(Stream.never).pipe(Effect.provide(eager))
      yield* watched.interrupt
      const last = lastOf(watched.verdicts, "Cancelled")
      assert.deepStrictEqual(last.circumstances.run, run)
      assert.strictEqual(last.circumstances.evidence.binding, "inherited")
    }).pipe(Effect.provide(alone)))

  it.effect("needs one timer for a hundred runs", () =>
    Effect.gen(function*() {
      const testClock = yield* Clock.Clock
      let sleeping = 0
      let most = 0
      const clock: Clock.Clock = {
        ...testClock,
        sleep: (duration) =>
          Effect.suspend(() => {
            most = Math.max(most, ++sleeping)
            return Effect.ensuring(testClock.sleep(duration), Effect.sync(() => sleeping--))
          })
      }
      yield* Effect.gen(function*() {
        const all = yield* Effect.forEach(Array.from({ length: 100 }), () =>
          start(Stream.concat(Stream.make(token), Stream.never)))
        yield* TestClock.adjust("7 seconds")
        assert.strictEqual(most, 1)
        assert.strictEqual(sleeping, 1)
        for (const { verdicts } of all) {
          lastOf(verdicts, "Slow")
        }
        yield* TestClock.adjust("10 seconds")
        for (const { exit } of all) {
          stalledOf(exit())
        }
        assert.strictEqual(sleeping, 0)
      }).pipe(Effect.provide(alone), Effect.provideService(Clock.Clock, clock))
    }))
})
