/** What the tests of the watch share: evidence that says what a test wants, elements in time, and a run under watch. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import {
  type EndpointKnowledge,
  EngineEvidence,
  type EvidenceLink,
  type EvidenceReader
} from "../../src/liveness/EngineEvidence.ts"
import { fromTokenEvents } from "../../src/liveness/LivenessInput.ts"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import * as LivenessWatch from "../../src/liveness/LivenessWatch.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Stalled } from "../../src/liveness/Stalled.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"
import { Delta, Finish, Signal, type TokenEvent } from "../../src/token/TokenEvent.ts"

/** Silent for more than 10 s, and nobody is in doubt before 5 s. */
export const limits: LivenessLimits = {
  ...defaults,
  suspectPriorMillis: 5000,
  silentFloorMillis: 10_000,
  silentCeilingMillis: 10_000,
  firstTokenFloorMillis: 10_000,
  firstTokenCeilingMillis: 10_000
}

export const run = { hop: "engine", attempt: 3, endpoint: "http://engine", model: "m" } as const
export const token = Delta.make({ channel: "content", text: "a", tokens: 1 })
export const finish = Finish.make({ reason: "stop" })

export type Element = TokenEvent | "comment"

export const inputsOf = (elements: ReadonlyArray<Element>, at: number) => [
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
export const recorder = (known: EndpointKnowledge = { binding: "unproven", longestStepMillis: 0 }) => {
  const readers = new Set<EvidenceReader>()
  const record: Recorder = {
    readers,
    begun: 0,
    ended: [],
    dropped: Effect.never,
    layer: Layer.succeed(EngineEvidence, {
      running: Effect.succeed(null),
      learn: () => Effect.void,
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
export const start = <E>(
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

export const alone = Layer.merge(EngineEvidence.layerNone, Ticker.layer())

/** Each element after its gap, in milliseconds. */
export const timed = (...elements: ReadonlyArray<readonly [number, Element]>): Stream.Stream<Element> =>
  Stream.fromIterable(elements).pipe(
    Stream.mapEffect(([gap, element]) => Effect.as(Effect.sleep(gap), element))
  )

/** A request that was taken, and what then comes of it. */
export const accepted = (effect: Effect.Effect<Element>): Stream.Stream<Element> =>
  Stream.concat(Stream.make(Signal.make({ signal: "accepted" })), Stream.fromEffect(effect))

export const reasonsOf = (exit: Exit.Exit<void, unknown> | undefined) =>
  exit?._tag === "Failure" ? exit.cause.reasons.map((reason) => reason) : []

export const failureOf = (exit: Exit.Exit<void, unknown> | undefined): unknown => {
  const reasons = reasonsOf(exit)
  assert.deepStrictEqual(reasons.map(({ _tag }) => _tag), ["Fail"])
  return reasons[0]?._tag === "Fail" ? reasons[0].error : undefined
}

/** The last verdict, which must be this one. */
export const lastOf = <Tag extends Verdict["_tag"]>(
  verdicts: ReadonlyArray<Verdict>,
  tag: Tag
): Extract<Verdict, { readonly _tag: Tag }> => {
  const last = verdicts.at(-1)
  assert.strictEqual(last?._tag, tag)
  return last as Extract<Verdict, { readonly _tag: Tag }>
}

export const stalledOf = (exit: Exit.Exit<void, unknown> | undefined): Stalled => {
  const error = failureOf(exit)
  assert.instanceOf(error, Stalled)
  return error
}
