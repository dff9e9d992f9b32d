/**
 * Runs of the whole engine client, watched, in virtual time and without a socket: what a script of a server, of its
 * evidence and of a consumer makes of them, and what is left when they are over.
 *
 * Everything the client could leave behind is counted: fibers, sleeping timers, ticker entries, evidence readers, open
 * connections. Times of scripts are in steps of 100 ms; the limits are as small.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Engine } from "../../src/engine/Engine.ts"
import { WatchedEngine } from "../../src/engine/WatchedEngine.ts"
import { EngineEvidence, type EvidenceReader } from "../../src/liveness/EngineEvidence.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"
import { type Body, type Connection, fakeEngine } from "../support/fakeEngine.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

export const RunScript = Schema.Struct({
  /** When the headers come; 30 is later than anybody waits. */
  headers: Schema.Literals([0, 0, 2, 30]),
  steps: Schema.Array(Schema.Tuple([between(0, 14), Schema.Literals(["token", "token", "comment", "empty", "tokens"])]))
    .check(Schema.isMaxLength(5)),
  end: Schema.Literals([
    "finish",
    "finish and [DONE]",
    "finish, then open",
    "[DONE], then open",
    "finish, then reset",
    "end",
    "reset",
    "error",
    "hang",
    "hang"
  ]),
  /** What the consumer takes for each chunk. */
  slow: Schema.Literals([0, 0, 0, 2, 13]),
  /** When the consumer is interrupted. */
  interrupt: Schema.NullOr(between(0, 60)),
  /** The consumer has enough after so many chunks. */
  take: Schema.NullOr(between(1, 5)),
  /** From when on scrapes of the engine are refused. */
  dead: Schema.NullOr(between(0, 60)),
  /** Whether the engine proves that it dropped a request that was given up. */
  drops: Schema.Boolean
})
export type RunScript = typeof RunScript.Type

const STEP = 100
const limits = {
  ...defaults,
  tickMillis: STEP,
  localPauseMillis: 500,
  headersMillis: 2000,
  finishGraceMillis: 500,
  suspectFloorMillis: 300,
  suspectPriorMillis: 300,
  suspectCeilingMillis: 600,
  silentFloorMillis: 1000,
  silentCeilingMillis: 1000,
  firstTokenFloorMillis: 1500,
  firstTokenCeilingMillis: 1500,
  cancelProofMillis: 3000
}
/** Nobody is silent for longer than this without an end to it. */
const LONGEST = 300

export interface PlayedRun {
  readonly script: RunScript
  readonly connections: Array<Connection>
  /** When the client closed, in milliseconds. */
  readonly closedAt: Array<number>
  /** Final verdicts and when they were told. */
  readonly finals: Array<{ readonly at: number; readonly verdict: Verdict }>
  interruptedAt: number | undefined
  exit: Exit.Exit<void, RunError> | undefined
  endedAt: number
}

export interface Left {
  readonly fibers: number
  readonly timers: number
  readonly ticks: number
  readonly readers: number
  readonly open: number
}

const bytesOf = (text: string) => new TextEncoder().encode(text)
const chunk = (content: string, finish: string | null = null) =>
  bytesOf(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`)
const finishChunk = chunk("!", "stop")
const done = bytesOf("data: [DONE]\n\n")
const said = {
  token: [chunk("a")],
  tokens: [chunk("a"), chunk("b")],
  comment: [bytesOf(": keep-alive\n\n")],
  empty: [chunk("")]
}

const endings: Record<RunScript["end"], (body: Body) => void> = {
  "finish": (body) => {
    body.send(finishChunk)
    body.end()
  },
  "finish and [DONE]": (body) => {
    body.send(finishChunk)
    body.send(done)
    body.end()
  },
  "finish, then open": (body) => body.send(finishChunk),
  "[DONE], then open": (body) => {
    body.send(finishChunk)
    body.send(done)
  },
  "finish, then reset": (body) => {
    body.send(finishChunk)
    body.reset()
  },
  "end": (body) => body.end(),
  "reset": (body) => body.reset(),
  "error": (body) => {
    body.send(bytesOf("data: {\"error\":{\"message\":\"died\",\"code\":500}}\n\n"))
    body.send(done)
  },
  "hang": () => {}
}

const turns = Effect.repeat(Effect.yieldNow, { times: 5 })

/** Plays the runs at once, all at one engine, until each of them is over. */
export const play = (scripts: ReadonlyArray<RunScript>) =>
  Effect.gen(function*() {
    const serverContext = yield* Effect.context<never>()
    const clock = yield* TestClock.testClockWith(Effect.succeed)
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const runs = scripts.map((script): PlayedRun => ({
      script,
      connections: [],
      closedAt: [],
      finals: [],
      interruptedAt: undefined,
      exit: undefined,
      endedAt: 0
    }))

    let fibers = 0
    let timers = 0
    let ticks = 0
    const readers = new Set<{ readonly reader: EvidenceReader; readonly script: RunScript }>()
    const counted = <A>(add: (by: number) => void, effect: Effect.Effect<A>) =>
      Effect.acquireUseRelease(Effect.sync(() => add(1)), () => effect, () => Effect.sync(() => add(-1)))

    return yield* Effect.gen(function*() {
      const ticker = yield* Ticker
      const pull = (run: PlayedRun) => {
        const { script } = run
        const server = fakeEngine(({ accept }) => {
          Effect.runForkWith(serverContext)(Effect.gen(function*() {
            yield* Effect.sleep(script.headers * STEP)
            const body = accept()
            if (body === undefined) return
            for (const [gap, what] of script.steps) {
              yield* Effect.sleep(gap * STEP)
              for (const bytes of said[what]) body.send(bytes)
            }
            endings[script.end](body)
          }))
        }, () => run.closedAt.push(now()))
        Object.assign(run, { connections: server.connections })
        const evidence = Layer.succeed(EngineEvidence, {
          running: Effect.succeed(null),
          learn: () => Effect.void,
          follow: (reader: EvidenceReader) =>
            Effect.as(
              Effect.acquireRelease(
                Effect.sync(() => {
                  const entry = { reader, script }
                  readers.add(entry)
                  return entry
                }),
                (entry) => Effect.sync(() => readers.delete(entry))
              ),
              {
                known: { binding: "proven" as const, longestStepMillis: 0 },
                begun: () => {},
                ended: () => {},
                dropped: script.drops ? Effect.void : Effect.never
              }
            )
        })
        return WatchedEngine.pipe(
          Effect.flatMap((engine) => {
            const answer = engine.stream({
              messages: [{ role: "user", content: "hi" }],
              requestId: "1",
              onVerdict: (verdict) => {
                if (verdict._tag !== "Alive" && verdict._tag !== "Slow") run.finals.push({ at: now(), verdict })
              }
            })
            return (script.take === null ? answer : Stream.take(answer, script.take)).pipe(
              Stream.runForEachArray(() => script.slow === 0 ? Effect.void : Effect.sleep(script.slow * STEP))
            )
          }),
          Effect.provide(
            WatchedEngine.layer({ limits }).pipe(Layer.provide([
              Engine.layerNoDeps({ baseUrl: "http://engine/v1", model: "m", finishGrace: 500 }).pipe(
                Layer.provide(server.layer)
              ),
              evidence,
              Layer.succeed(Ticker, ticker),
              LimitLearner.layerMemory()
            ]))
          ),
          Effect.onExit((exit) =>
            Effect.sync(() => {
              run.exit = exit
              run.endedAt = now()
            })
          )
        )
      }

      const before = fibers
      const consumers = yield* Effect.forEach(runs, (run) => Effect.forkChild(pull(run), { startImmediately: true }))
      for (let step = 0; step < LONGEST && runs.some(({ exit }) => exit === undefined); step++) {
        yield* turns
        for (const [index, run] of runs.entries()) {
          if (run.script.interrupt !== step || run.exit !== undefined) continue
          run.interruptedAt = now()
          consumers[index]!.interruptUnsafe()
        }
        for (const { reader, script } of readers) {
          if (script.dead === null || step < script.dead || step % 2 === 1) continue
          reader.tell({
            _tag: "Scrape",
            at: now(),
            askedAt: now(),
            outcome: "refused",
            openStreams: null,
            modelServed: null
          })
        }
        yield* TestClock.adjust(STEP)
      }
      const open = runs.flatMap(({ connections }) => connections)
        .filter(({ state }) => state === "requested" || state === "open").length
      // The one tick that was under way when the last run went.
      yield* TestClock.adjust(STEP)
      yield* turns
      const left: Left = { fibers: fibers - before, timers, ticks, readers: readers.size, open }
      return { runs, left }
    }).pipe(
      Effect.provide(
        Layer.effect(
          Ticker,
          Effect.map(Ticker, (ticker) => ({
            add: (tick) =>
              Effect.andThen(
                Effect.acquireRelease(Effect.sync(() => ticks++), () => Effect.sync(() => ticks--)),
                ticker.add(tick)
              )
          }))
        ).pipe(Layer.provide(Ticker.layer(STEP)))
      ),
      Effect.provideService(Clock.Clock, {
        ...clock,
        sleep: (duration) => counted((by) => timers += by, clock.sleep(duration))
      }),
      Effect.provideService(Metric.FiberRuntimeMetrics, {
        recordFiberStart: () => fibers++,
        recordFiberEnd: () => fibers--
      })
    )
  })
