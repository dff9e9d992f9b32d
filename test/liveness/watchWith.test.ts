/** The watch for any elements: the same as for tokens, whatever they are, and what it adds to it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { nothingLearned } from "../../src/liveness/LimitInForce.ts"
import * as Liveness from "../../src/liveness/Liveness.ts"
import * as LivenessPolicy from "../../src/liveness/LivenessPolicy.ts"
import * as LivenessWatch from "../../src/liveness/LivenessWatch.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"
import { Delta, Finish, Signal, type TokenEvent, Usage } from "../../src/token/TokenEvent.ts"

const policy = LivenessPolicy.makeUnsafe({ stallLimitMillis: 10_000 })

/** Token events, as somebody who has never heard of them would tell what they are. */
const classify = (event: TokenEvent): Liveness.Classification => {
  switch (event._tag) {
    case "Delta":
      return Liveness.progress({ tokens: event.tokens, channel: event.text === "" ? null : event.channel })
    case "ToolCallDelta":
      return Liveness.progress({ tokens: event.tokens, channel: "tool-call" })
    case "Usage":
      return Liveness.counted(event.completionTokens)
    case "Finish":
      return Liveness.finish(event.reason)
    case "Signal":
      return Liveness.transport
  }
}

const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 }))
const Event = Schema.Literals(["text", "text", "thought", "hidden", "usage", "role"])
const Schedule = Schema.Struct({
  chunks: Schema.Array(Schema.Struct({
    /** Seconds before it comes, below the limit or beyond it. */
    gap: Schema.Literals([1, 2, 4, 7, 30]),
    events: Schema.NonEmptyArray(Schema.Struct({ event: Event, tokens: Count })).check(Schema.isMaxLength(3))
  })).check(Schema.isMaxLength(4)),
  end: Schema.Literals(["stop", "abort", "eof", "never"])
})
type Schedule = typeof Schedule.Type

const eventOf = ({ event, tokens }: { readonly event: typeof Event.Type; readonly tokens: number }): TokenEvent => {
  switch (event) {
    case "text":
      return Delta.make({ channel: "content", text: "a", tokens })
    case "thought":
      return Delta.make({ channel: "reasoning", text: "b", tokens })
    case "hidden":
      return Delta.make({ channel: "content", text: "", tokens })
    case "usage":
      return Usage.make({ promptTokens: 1, completionTokens: 3 * tokens })
    case "role":
      return Signal.make({ signal: "role" })
  }
}

const streamOf = ({ chunks, end }: Schedule): Stream.Stream<TokenEvent> =>
  Stream.fromIterable(chunks).pipe(
    Stream.mapEffect(({ events, gap }) => Effect.as(Effect.sleep(1000 * gap + 1), events.map(eventOf))),
    Stream.flatMap(Stream.fromArray),
    Stream.concat(
      end === "never" ? Stream.never : end === "eof" ? Stream.empty : Stream.make(Finish.make({ reason: end }))
    )
  )

/** What becomes of a stream in some minutes: its chunks, its verdicts and its end. */
const outcomeOf = <A, E>(
  watched: (onVerdict: (verdict: Verdict) => void) => Stream.Stream<A, E, Layer>,
  millis = 200_000
) =>
  Effect.gen(function*() {
    const verdicts: Array<Verdict> = []
    const chunks: Array<ReadonlyArray<A>> = []
    const fiber = yield* watched((verdict) => verdicts.push(verdict)).pipe(
      Stream.runForEachArray((chunk) => Effect.sync(() => chunks.push(chunk))),
      Effect.forkChild({ startImmediately: true })
    )
    yield* TestClock.adjust(millis)
    const exit = fiber.pollUnsafe()
    yield* Fiber.interrupt(fiber)
    return { verdicts, chunks, exit }
  }).pipe(Effect.provide(Liveness.layer(), { local: true }), Effect.provide(TestClock.layer()))
type Layer = Liveness.EngineEvidence | Liveness.LimitLearner | Liveness.Ticker

const errorOf = (exit: Exit.Exit<void, unknown> | undefined): RunError | undefined =>
  exit !== undefined && Exit.isFailure(exit) && exit.cause.reasons[0]?._tag === "Fail"
    ? exit.cause.reasons[0].error as RunError
    : undefined

const run = { hop: "engine", attempt: 1, endpoint: "", model: "" } as const

describe("a watch with a classifier", () => {
  it.effect.prop(
    "judges as the watch of token events does, with the elements in their chunks",
    [Schedule],
    ([schedule]) =>
      Effect.gen(function*() {
        const ours = yield* outcomeOf((onVerdict) =>
          streamOf(schedule).pipe(Liveness.watchWith({ classify, policy, onVerdict, endWithoutFinish: "failed" }))
        )
        const theirs = yield* outcomeOf((onVerdict) =>
          streamOf(schedule).pipe(LivenessWatch.watch({
            run,
            inputsOf: Liveness.ofTokenEvents,
            limits: policy.limits,
            opened: { learned: nothingLearned },
            endWithoutFinish: "failed",
            onVerdict
          }))
        )
        assert.deepStrictEqual(ours, theirs)
        const bare = yield* outcomeOf(() => streamOf(schedule))
        assert.deepStrictEqual(ours.chunks, bare.chunks.slice(0, ours.chunks.length))
      }),
    { arbitrary: { runs: 100 } }
  )

  it.effect.prop("asks the classifier once for each element, in their order, and anew for each stream", [
    Schema.Array(Schema.NonEmptyArray(Schema.Int).check(Schema.isMaxLength(4))).check(Schema.isMaxLength(5))
  ], ([chunks]) =>
    Effect.gen(function*() {
      const asked: Array<Array<number>> = []
      const watched = Stream.fromArrays(...chunks).pipe(Liveness.watchWith({
        classify: {
          start: () => {
            const mine: Array<number> = []
            asked.push(mine)
            return (element: number) => {
              mine.push(element)
              return Liveness.progress()
            }
          }
        },
        endWithoutFinish: "finished"
      }))
      for (let time = 0; time < 2; time++) {
        const { chunks: seen, exit } = yield* outcomeOf(() => watched, 0)
        assert.deepStrictEqual<ReadonlyArray<ReadonlyArray<number>>>(seen, chunks)
        assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
      }
      assert.deepStrictEqual(asked, [chunks.flat(), chunks.flat()])
    }), { arbitrary: { runs: 100 } })

  const words = (...words: ReadonlyArray<string>) => (onVerdict: (verdict: Verdict) => void) =>
    Stream.fromIterable(words).pipe(Liveness.watchWith({
      onVerdict,
      policy,
      classify: (word: string) => {
        if (word === "bug") return (undefined as unknown as { readonly of: () => Liveness.Classification }).of()
        if (word.startsWith("error")) return Liveness.error("overloaded", { code: Number(word.slice(5)) })
        return word === "end" ? Liveness.finish() : word === "abort" ? Liveness.finish("abort") : Liveness.progress()
      }
    }))

  it.effect("fails with what an element says, behind all that came with it", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string, RegExp]> = [
        [["a", "error500", "b"], "MidStreamError", /error inside the stream \(500\): overloaded \(after 1 tokens\)/],
        [["error503"], "Unavailable", /not available \(503\): overloaded/],
        [["error429"], "RateLimited", /too many requests \(429\)/],
        [["a", "abort"], "AbortedByServer", /aborted the request/],
        [["a"], "Truncated", /ended without a finish reason \(after 1 tokens\)/]
      ]
      for (const [elements, reason, message] of cases) {
        const { chunks, exit, verdicts } = yield* outcomeOf(words(...elements), 0)
        const error = errorOf(exit)
        assert.strictEqual<unknown>(error?._tag === "Failed" ? error.reason._tag : error, reason)
        assert.match(String(error?.message), message)
        assert.deepStrictEqual(chunks.flat(), elements)
        assert.strictEqual(verdicts.at(-1)?._tag, "Failed")
      }
      const { exit, verdicts } = yield* outcomeOf(words("a", "end", "error500"), 0)
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
      assert.strictEqual(verdicts.at(-1)?._tag, "Completed")
    }))

  it.effect("dies of a classifier that throws, and names it", () =>
    Effect.gen(function*() {
      const { exit, verdicts } = yield* outcomeOf(words("a", "bug"), 0)
      const reason = exit !== undefined && Exit.isFailure(exit) ? exit.cause.reasons[0] : undefined
      assert.match(
        String(reason?._tag === "Die" ? (reason.defect as Error).message : reason),
        /^the classifier of the watched stream has thrown: TypeError: /
      )
      assert.strictEqual(verdicts.at(-1)?._tag, "Failed")
    }))

  it.effect("ends a stream that stays open after its finish, after the grace, and closes it", () =>
    Effect.gen(function*() {
      let closed = false
      const open = Stream.make("a", "end").pipe(
        Stream.concat(Stream.never),
        Stream.ensuring(Effect.sync(() => {
          closed = true
        }))
      )
      const watched = (onVerdict: (verdict: Verdict) => void) =>
        open.pipe(Liveness.watchWith({
          onVerdict,
          classify: (word: string) => word === "end" ? Liveness.finish() : Liveness.progress()
        }))
      assert.isUndefined((yield* outcomeOf(watched, 4000)).exit)
      closed = false
      const { exit, verdicts } = yield* outcomeOf(watched, 8000)
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
      assert.isTrue(closed)
      const last = verdicts.at(-1)
      assert.strictEqual(last?._tag === "Completed" ? last.closed : last, "grace")
    }))

  it.effect("tells and ends nothing where the policy is to warn", () =>
    Effect.gen(function*() {
      const warn = LivenessPolicy.makeUnsafe({ stallLimitMillis: 10_000, stallPolicy: "warn" })
      const { exit, verdicts } = yield* outcomeOf((onVerdict) =>
        Stream.concat(Stream.make("a"), Stream.never).pipe(
          Liveness.watchWith({ classify: () => Liveness.progress(), policy: warn, onVerdict })
        )
      )
      assert.isUndefined(exit)
      assert.strictEqual(verdicts.filter(({ _tag }) => _tag === "Stalled").length, 1)
      const { exit: ended } = yield* outcomeOf(() =>
        Stream.make("a").pipe(Liveness.watchWith({ classify: () => Liveness.progress(), policy: warn }))
      )
      assert.isTrue(ended !== undefined && Exit.isSuccess(ended))
    }))

  it.effect("learns from the runs at an endpoint, and from none without one", () =>
    Effect.gen(function*() {
      const eager = LivenessPolicy.makeUnsafe({ limits: { learnedFalseAlarms: 0.5, learnedRuns: 4 } })
      const once = (endpoint: string | undefined) =>
        Stream.make("a").pipe(
          Liveness.watchWith({
            classify: () => Liveness.finish("stop", { tokens: 1 }),
            policy: eager,
            ...(endpoint === undefined ? {} : { endpoint, model: "m", maxTokens: 8 })
          }),
          Stream.runDrain
        )
      for (const endpoint of ["http://one", "http://one", undefined]) yield* once(endpoint)
      const [first, ...others] = yield* (yield* Liveness.LimitLearner).everything
      assert.deepStrictEqual(others, [])
      assert.strictEqual(first?.key.endpoint, "http://one")
      assert.strictEqual(first?.key.shape.maxTokens, 16)
      assert.strictEqual(first?.learned.learning?.firstToken.runs, 2)
    }).pipe(Effect.provide(Liveness.layer())))
})

describe("a stream that has begun", () => {
  it.effect("is whole, in its chunks, and what failed before its first element is closed and may be tried again", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      let attempt = 0
      const source = Stream.suspend(() => {
        const mine = ++attempt
        return Stream.unwrap(Effect.as(
          Effect.acquireRelease(
            Effect.sync(() => log.push(`open ${mine}`)),
            () => Effect.sync(() => log.push(`close ${mine}`))
          ),
          mine < 3 ? Stream.fail("not yet") : Stream.fromArrays([1, 2], [3])
        ))
      })
      const tried = Effect.retry(Liveness.begun(source), { times: 5 })
      const chunks = yield* Effect.scoped(Effect.gen(function*() {
        const stream = yield* tried
        assert.deepStrictEqual(log, ["open 1", "close 1", "open 2", "close 2", "open 3"])
        const seen: Array<ReadonlyArray<number>> = []
        yield* Stream.runForEachArray(stream, (chunk) => Effect.sync(() => seen.push(chunk)))
        return seen
      }))
      assert.deepStrictEqual(chunks, [[1, 2], [3]])
      assert.deepStrictEqual(log.at(-1), "close 3")
      const empty = yield* Effect.scoped(Effect.flatMap(Liveness.begun(Stream.empty), Stream.runCollect))
      assert.deepStrictEqual(empty, [])
    }))
})
