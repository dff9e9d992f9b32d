/**
 * A chain of three watched hops in one process: engine, purple agent, green agent, runner, in virtual time and without a
 * socket. Every hop has a ticker of its own; what happens at one instant happens in an order drawn by chance.
 *
 * Times are in steps of half a second. A hop further out learns what happened over a wire with a delay, through the
 * JSON of the token extension. A pause is one of the whole machine: nothing ticks, comes or goes meanwhile.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Ended, Heartbeat, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { decodeEvent, encodeEvent } from "../../src/a2a/TokenExtension.ts"
import { watchTask } from "../../src/a2a/watchTask.ts"
import { makeExecutor } from "../../src/agents/AnswerExecutor.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { WatchedEngine } from "../../src/engine/WatchedEngine.ts"
import { EngineEvidence, type EvidenceReader } from "../../src/liveness/EngineEvidence.ts"
import type { Failed } from "../../src/liveness/Failed.ts"
import type { Hop } from "../../src/liveness/Hop.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import type { LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { type Tick, Ticker } from "../../src/liveness/Ticker.ts"
import { Finish, Signal, type TokenEvent, tokensOf } from "../../src/token/TokenEvent.ts"
import { randomOf, sample } from "../liveness/Worlds.ts"
import { agentRequest, said } from "../support/agents.ts"

export const STEP = 500
const SCRAPE_EVERY = 4
/** Seldom enough that heartbeats and two ticks come in between. */
const TALK_EVERY = 14
/** No chain takes longer, in steps. */
const LONGEST = 400

/** What scrapes of the engine show. */
export type Evidence = "moving" | "failed" | "frozen" | "refused"

/** So many steps of silence, with this evidence, and then a token, or not. */
export interface Stretch {
  readonly steps: number
  readonly evidence: Evidence
  readonly token: boolean
}

export type Fault =
  /** The engine says nothing any more; scrapes show this. */
  | { readonly hop: "engine"; readonly evidence: Evidence }
  /**
   * The agent hands on nothing any more. It is silent; or it goes on saying that it lives and how old its last token is;
   * or it writes lines besides.
   */
  | { readonly hop: "purple" | "green"; readonly how: "silent" | "beats" | "talks" }

export interface Chain {
  readonly limits: LivenessLimits
  /** Whether there is evidence of the engine, and it is bound. */
  readonly bound: boolean
  readonly accepted: boolean
  /** The agents say something before they have a token. */
  readonly announces: boolean
  readonly stretches: ReadonlyArray<Stretch>
  /** What comes after the stretches; the answer finishes if nothing does. */
  readonly fault: Fault | undefined
  /** How many steps the wires take, purple to green and green to runner. */
  readonly delays: readonly [number, number]
  /** In which half of a second the hops tick. */
  readonly phases: readonly [number, number, number]
  /** The machine stands still at this step for so many steps. */
  readonly pause: { readonly at: number; readonly steps: number } | undefined
  readonly seed: number
}

/** What reached the runner, and when, in steps since the fault or the finish. */
export interface Outcome {
  readonly exit: Exit.Exit<void, RunError> | undefined
  readonly steps: number
  readonly tokens: number
}

type Sent = TaskEvent | { readonly _tag: "Error"; readonly error: RunError } | { readonly _tag: "End" }

const turns = Effect.repeat(Effect.yieldNow, { times: 4 })

const overTheWire = (event: TaskEvent): TaskEvent =>
  Result.getOrThrow(decodeEvent(JSON.parse(JSON.stringify(encodeEvent(event)))))

/** A wire between two hops, and what may be wrong with the agent in front of it. */
const makeWire = Effect.fnUntraced(function*(delay: number, heartbeatMillis: number) {
  const queue = yield* Queue.unbounded<TaskEvent, RunError | Cause.Done>()
  const pending: Array<{ readonly at: number; readonly sent: Sent }> = []
  let stuck: { readonly since: number; readonly how: "silent" | "beats" | "talks" } | undefined
  let tokens = 0
  let lastToken = 0
  const deliver = (sent: Sent) => {
    if (sent._tag === "End") Queue.endUnsafe(queue)
    else if (sent._tag === "Error") {
      const ended = overTheWire(Ended.make({ state: "failed", text: "", error: sent.error }))
      Queue.failCauseUnsafe(queue, Cause.fail(ended._tag === "Ended" ? ended.error! : sent.error))
    } else Queue.offerUnsafe(queue, overTheWire(sent))
  }
  return {
    stream: Stream.fromQueue(queue),
    send: (at: number, sent: Sent) => {
      if (stuck !== undefined) return
      if ("tokens" in sent && sent._tag !== "Heartbeat" && tokensOf(sent) > 0) {
        tokens += tokensOf(sent)
        lastToken = at
      }
      pending.push({ at: at + delay, sent })
    },
    stick: (since: number, how: "silent" | "beats" | "talks") => {
      stuck = { since, how }
    },
    step: (at: number) => {
      const beats = stuck !== undefined && stuck.how !== "silent"
      if (stuck?.how === "talks" && (at - stuck.since) % TALK_EVERY === 0) {
        pending.push({ at: at + delay, sent: Status.make({ state: "working", text: "still at it" }) })
      }
      if (beats && ((at - stuck!.since) * STEP) % heartbeatMillis === 0) {
        pending.push({
          at: at + delay,
          sent: Heartbeat.make({
            phase: tokens > 0 ? "decoding" : "awaiting",
            tokens,
            tokenAgeMillis: (at - lastToken) * STEP,
            engine: "unknown",
            intervalMillis: heartbeatMillis
          })
        })
      }
      while (pending.length > 0 && pending[0]!.at <= at) deliver(pending.shift()!.sent)
    }
  }
})

/** Plays a chain until something has reached the runner. */
export const play = (chain: Chain): Effect.Effect<Outcome> =>
  Effect.gen(function*() {
    const { fault, limits, pause } = chain
    const random = randomOf(chain.seed)
    const clock = yield* TestClock.testClockWith(Effect.succeed)
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    let at = 0

    const tickers = [new Set<Tick>(), new Set<Tick>(), new Set<Tick>()] as const
    const tickerOf = (ticks: Set<Tick>) =>
      Ticker.of({
        add: (tick) =>
          Effect.asVoid(
            Effect.acquireRelease(Effect.sync(() => ticks.add(tick)), () => Effect.sync(() => ticks.delete(tick)))
          )
      })

    const readers = new Set<EvidenceReader>()
    let begun = false
    const evidence = EngineEvidence.of({
      running: Effect.succeed(null),
      learn: () => Effect.void,
      follow: (reader) =>
        Effect.as(
          Effect.acquireRelease(
            Effect.sync(() => readers.add(reader)),
            () => Effect.sync(() => readers.delete(reader))
          ),
          {
            known: { binding: "proven" as const, longestStepMillis: 0 },
            begun: () => {
              begun = true
            },
            ended: () => {},
            dropped: Effect.never
          }
        )
    })

    const engineSays = yield* Queue.unbounded<TokenEvent, Failed | Cause.Done>()
    const engine = yield* Effect.provide(
      WatchedEngine,
      yield* Layer.build(
        WatchedEngine.layer({ limits }).pipe(Layer.provide([
          Engine.layerTest(Stream.fromQueue(engineSays)),
          chain.bound ? Layer.succeed(EngineEvidence, evidence) : EngineEvidence.layerNone,
          LimitLearner.layerNone,
          Layer.succeed(Ticker, tickerOf(tickers[0]))
        ]))
      )
    )
    const wires = [
      yield* makeWire(chain.delays[0], limits.heartbeatMillis),
      yield* makeWire(chain.delays[1], limits.heartbeatMillis)
    ] as const
    const watched = (wire: typeof wires[number], hop: Hop, ticks: Set<Tick>) =>
      wire.stream.pipe(
        watchTask({ run: { hop, attempt: 1, endpoint: hop, model: "" }, limits }),
        Stream.provideService(Ticker, tickerOf(ticks))
      )
    const into = (wire: typeof wires[number], stream: Stream.Stream<TaskEvent, RunError>) =>
      stream.pipe(
        Stream.runForEachArray((events) => Effect.sync(() => events.forEach((event) => wire.send(at, event)))),
        Effect.match({
          onSuccess: () => wire.send(at, { _tag: "End" }),
          onFailure: (error) => wire.send(at, { _tag: "Error", error })
        }),
        Effect.forkChild({ startImmediately: true })
      )

    const working = (text: string) => Stream.make(Status.make({ state: "working", text }))
    const answer = makeExecutor(engine)(agentRequest())
    yield* into(wires[0], chain.announces ? Stream.concat(working(""), answer) : answer)
    const assessment = watched(wires[0], "purple", tickers[1])
    yield* into(wires[1], chain.announces ? Stream.concat(working("task"), assessment) : assessment)
    let tokens = 0
    const runner = yield* watched(wires[1], "green", tickers[2]).pipe(
      Stream.runForEachArray((events) =>
        Effect.sync(() => {
          for (const event of events) if (event._tag === "Delta") tokens += event.tokens
        })
      ),
      Effect.forkChild({ startImmediately: true })
    )
    yield* turns

    const script = chain.stretches.flatMap(({ evidence, steps, token }) => [
      ...Array.from({ length: steps }, () => ({ evidence, token: false })),
      { evidence, token }
    ])
    let moved = 0
    const engineActs = () => {
      const act = script[at]
      if (at === 0 && chain.accepted) Queue.offerUnsafe(engineSays, Signal.make({ signal: "accepted" }))
      if (act?.token === true) Queue.offerUnsafe(engineSays, said("x"))
      if (act !== undefined) return
      if (fault === undefined) {
        if (at === script.length) {
          Queue.offerUnsafe(engineSays, Finish.make({ reason: "stop" }))
          Queue.endUnsafe(engineSays)
        }
      } else if (fault.hop !== "engine") {
        if (at === script.length) wires[fault.hop === "purple" ? 0 : 1].stick(at, fault.how)
        Queue.offerUnsafe(engineSays, said("x"))
      }
    }
    const evidenceActs = () => {
      if (at % SCRAPE_EVERY !== 0) return
      const shown = script[at]?.evidence ?? (fault?.hop === "engine" ? fault.evidence : "moving")
      if (shown === "moving") moved++
      const outcome = shown === "failed" || shown === "refused" ? shown : sample({
        heartbeat: String(moved),
        decodeOutputs: moved * 10,
        generationTokens: moved * 10
      })
      for (const reader of readers) {
        reader.tell({
          _tag: "Scrape",
          at: now(),
          askedAt: now(),
          outcome,
          openStreams: begun ? 1 : 0,
          modelServed: null
        })
      }
    }
    const ticks = (hop: 0 | 1 | 2) => () => {
      if ((at + chain.phases[hop]) % 2 === 0) { for (const tick of tickers[hop]) tick(now()) }
    }
    const actions = [
      engineActs,
      evidenceActs,
      () => wires[0].step(at),
      () => wires[1].step(at),
      ticks(0),
      ticks(1),
      ticks(2)
    ]
    for (; at < LONGEST; at++) {
      const order = actions.map((action) => ({ action, order: random() })).toSorted((a, b) => a.order - b.order)
      const half = Math.floor(random() * actions.length)
      for (const [index, { action }] of order.entries()) {
        if (index === half) yield* turns
        action()
      }
      yield* turns
      if (runner.pollUnsafe() !== undefined) break
      yield* TestClock.adjust(STEP * (pause?.at === at ? 1 + pause.steps : 1))
    }
    return { exit: runner.pollUnsafe(), steps: at - script.length, tokens }
  }).pipe(Effect.scoped)
