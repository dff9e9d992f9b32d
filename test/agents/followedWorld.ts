/** An agent, an engine and a tap, each of which says what a test tells them to, around a followed task. */
import { it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { A2aClient, type A2aMessage } from "../../src/a2a/A2aClient.ts"
import { Ended, Heartbeat, TaskEvent } from "../../src/a2a/TaskEvent.ts"
import * as FollowedTask from "../../src/agents/FollowedTask.ts"
import { Failed, FailReason } from "../../src/liveness/Failed.ts"
import type { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import type { UnseenRun, WitnessedEngine } from "../../src/liveness/WitnessedEngine.ts"
import { Delta } from "../../src/token/TokenEvent.ts"

type Events = Queue.Queue<TaskEvent, RunError | Cause.Done>
type Beat = Effect.Success<
  ReturnType<WitnessedEngine["watch"]> extends Stream.Stream<infer A, any> ? Effect.Effect<A> : never
>

export const followed = (exact: boolean): TaskEvent =>
  TaskEvent.make({ _tag: "Followed", hop: "purple", mode: "stream", exact, why: "its card says so" })
export const text = (text: string, tokens = 1) => Delta.make({ channel: "content", text, tokens })
export const counted = (tokens: number) => Delta.make({ channel: "content", text: "", tokens })
export const beat = (phase: "decoding" | "agent-work", engine: "moving" | "unknown" = "unknown") =>
  Heartbeat.make({ phase, tokens: 0, tokenAgeMillis: 0, engine, intervalMillis: 5000 })
export const done = Ended.make({ state: "completed", text: "", error: null })
export const lost = (detail: string) =>
  new Failed({ hop: "engine", tokens: 0, reason: FailReason.cases.ConnectionLost.make({ detail }) })
export const refused = new Failed({
  hop: "purple",
  tokens: 0,
  reason: FailReason.cases.AgentFailed.make({ state: "failed", detail: "504" })
})

/** An agent, an engine and a tap, each of which says what the test tells them to. */
export const world = (
  options: {
    readonly mode?: FollowedTask.Following["mode"]
    readonly with?: ReadonlyArray<"engine" | "tap">
    readonly policy?: "enforce" | "warn" | "off"
    readonly learner?: LimitLearner["Service"]
  } = {}
) =>
  Effect.gen(function*() {
    const agent: Events = yield* Queue.unbounded<TaskEvent, RunError | Cause.Done>()
    const tap: Events = yield* Queue.unbounded<TaskEvent, RunError | Cause.Done>()
    const engine = yield* Queue.unbounded<Beat, any>()
    const asked: Array<A2aMessage> = []
    const battles: Array<string> = []
    let run: (() => UnseenRun) | undefined
    const has = new Set(options.with)
    const following: FollowedTask.Following = {
      mode: options.mode ?? null,
      tap: has.has("tap")
        ? {
          battle: ({ battle }) => {
            battles.push(battle)
            return Stream.fromQueue(tap)
          },
          engineBaseUrl: (battle) => `http://tap/battle/${battle}/v1`
        }
        : null,
      engine: has.has("engine")
        ? {
          watch: (watched) => {
            run = watched.run
            return Stream.fromQueue(engine)
          }
        }
        : null,
      learner: options.learner ?? null
    }
    const seen: Array<TaskEvent> = []
    const fiber = yield* FollowedTask.follow({
      client: A2aClient.of({
        send: (message) => {
          asked.push(message)
          return Stream.fromQueue(agent)
        },
        check: () => Effect.succeed({ name: "agent", streams: true, exact: false })
      }),
      message: { url: "http://agent/", hop: "purple", text: "prompt", said: { attempt: 2, patience: 3 } },
      following,
      watch: {
        run: { hop: "purple", attempt: 2, endpoint: "http://agent/", model: "" },
        policy: options.policy ?? "enforce"
      }
    }).pipe(
      Stream.runForEach((event) => Effect.sync(() => void seen.push(event))),
      Effect.forkChild({ startImmediately: true })
    )
    const settle = Effect.gen(function*() {
      for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
    })
    yield* settle
    const say = (queue: Events, ...events: ReadonlyArray<TaskEvent>) =>
      Effect.andThen(Queue.offerAll(queue, events), settle)
    return {
      asked,
      battles,
      seen,
      settle,
      run: () => run!(),
      isWitnessed: () => run !== undefined,
      agent: (...events: ReadonlyArray<TaskEvent>) => say(agent, ...events),
      tap: (...events: ReadonlyArray<TaskEvent>) => say(tap, ...events),
      engine: (...beats: ReadonlyArray<Beat>) => Effect.andThen(Queue.offerAll(engine, beats), settle),
      agentFails: (error: RunError) => Effect.andThen(Queue.fail(agent, error), settle),
      tapFails: (error: RunError) => Effect.andThen(Queue.fail(tap, error), settle),
      engineFails: (error: RunError) => Effect.andThen(Queue.fail(engine, error), settle),
      agentEnds: Effect.andThen(Queue.end(agent), settle),
      exit: () => fiber.pollUnsafe(),
      stop: Fiber.interrupt(fiber)
    }
  })

export const scenario = (name: string, body: Effect.Effect<void, unknown, Ticker>) =>
  it.effect(name, () => body.pipe(Effect.provide(Ticker.layer())))
