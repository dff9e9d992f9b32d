/**
 * Our services around a modelled engine: the real evidence, watch, agents and canary rules, without sockets.
 *
 * Real: the scraper (over a `fetch` that answers with the model's metrics), the watch of every hop, what the purple and
 * the green agent do with a message, learning. Modelled: the engine, and the wire between the hops, which hands events
 * and errors on at once.
 *
 * The canary follows the rules of EngineCanary.ts: two tokens within 120 s, within 60 s once one has passed.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { A2aClient, type A2aMessage } from "../../src/a2a/A2aClient.ts"
import { any } from "../../src/a2a/AddressRule.ts"
import type { AgentRequest } from "../../src/a2a/AgentExecutor.ts"
import { Ended, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import * as AnswerExecutor from "../../src/agents/AnswerExecutor.ts"
import * as AssessmentExecutor from "../../src/agents/AssessmentExecutor.ts"
import { byItself } from "../../src/agents/FollowedTask.ts"
import type { Seat } from "../../src/campaign/Seat.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { PatientFetch } from "../../src/engine/PatientFetch.ts"
import * as ScrapedEvidence from "../../src/engine/ScrapedEvidence.ts"
import { WatchedEngine } from "../../src/engine/WatchedEngine.ts"
import { fromTests, type Grade } from "../../src/grading/Grade.ts"
import { CanaryOutcome, knowledgeOf } from "../../src/liveness/Canary.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { Failed, FailReason } from "../../src/liveness/Failed.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Delta, Finish, Signal, type TokenEvent, tokensOf } from "../../src/token/TokenEvent.ts"
import type { Answer } from "./Night.ts"
import type { NightClient, NightEngine, NightState } from "./NightEngine.ts"

/** Requests of the canary begin so. */
export const CANARY = "canary"

/** Who asked a modelled engine. */
export interface ModelClient extends NightClient {
  /** More than a number of tokens: their words. */
  readonly said: (text: string, tokens: number, channel: "content" | "reasoning") => void
  readonly failed: (reason: FailReason) => void
}

/** What stands in for an engine and its server. */
export interface ModelledEngine {
  readonly model: string
  readonly state: NightState
  /** In Prometheus' text format; `undefined` where it does not tell. */
  readonly metrics: () => string | undefined
  /** Gives what closes the request from its client's side. */
  readonly open: (id: string, client: ModelClient) => () => void
}

/** The engine of a night, which gives a request the answer that the night has for it. */
export const nightEngine = (engine: NightEngine, answerOf: (id: string) => Answer): ModelledEngine => ({
  model: "m",
  get state() {
    return engine.state
  },
  metrics: () => engine.metrics(),
  open: (id, client) => {
    const request = engine.open(id, id.startsWith(CANARY) ? canaryAnswer : answerOf(id), client)
    return () => engine.close(request)
  }
})

/** One engine with an agent in front of it. */
export interface NightSeat {
  readonly seat: Seat
  readonly purple: ReturnType<typeof AnswerExecutor.makeExecutor>
  readonly canary: Effect.Effect<CanaryOutcome>
}

const failed = (reason: FailReason) => new Failed({ hop: "engine", tokens: 0, reason })
const refused = (url: string) => failed(FailReason.cases.ConnectError.make({ url, detail: "connection refused" }))
const reset = failed(FailReason.cases.ConnectionLost.make({ detail: "other side closed" }))

/** The modelled engine as our engine service. */
const engineService = (engine: ModelledEngine, baseUrl: string) =>
  Engine.of({
    model: engine.model,
    baseUrl,
    maxTokens: 16_384,
    check: Effect.void,
    models: Effect.succeed([engine.model]),
    stream: ({ requestId }) =>
      Stream.unwrap(Effect.gen(function*() {
        if (engine.state === "down") return Stream.fail(refused(baseUrl))
        const queue = yield* Queue.unbounded<TokenEvent, Failed | Cause.Done>()
        yield* Effect.acquireRelease(
          Effect.sync(() =>
            engine.open(requestId, {
              tokens: (tokens) => Queue.offerUnsafe(queue, Delta.make({ channel: "content", text: "word ", tokens })),
              said: (text, tokens, channel) => Queue.offerUnsafe(queue, Delta.make({ channel, text, tokens })),
              finished: () => {
                Queue.offerUnsafe(queue, Finish.make({ reason: "stop" }))
                Queue.endUnsafe(queue)
              },
              lost: () => Queue.failCauseUnsafe(queue, Cause.fail(reset)),
              failed: (reason) => Queue.failCauseUnsafe(queue, Cause.fail(failed(reason)))
            })
          ),
          (close) => Effect.sync(close)
        )
        return Stream.concat(Stream.make(Signal.make({ signal: "accepted" })), Stream.fromQueue(queue))
      }))
  })

/** Answers as the API server of the modelled engine does. */
const fetchOf = (engine: ModelledEngine): typeof globalThis.fetch => (input) => {
  if (engine.state === "down") {
    const cause = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })
    return Promise.reject(Object.assign(new TypeError("fetch failed"), { cause }))
  }
  const text = String(input).endsWith("/metrics") ? engine.metrics() : ""
  return Promise.resolve(text === undefined ? new Response("", { status: 404 }) : new Response(text))
}

const canaryAnswer: Answer = { seconds: 1, prefillSeconds: 0, unseen: undefined, lostAt: undefined }

const FIRST_PATIENCE = "120 seconds"
const PATIENCE = "60 seconds"

const canaryOf = (engine: Engine["Service"], evidence: EngineEvidence["Service"]): Effect.Effect<CanaryOutcome> => {
  const { Failed, Passed } = CanaryOutcome.cases
  let asked = 0
  let hasPassed = false
  return Effect.suspend(() => {
    let tokens = 0
    return engine.stream({ messages: [], requestId: `${CANARY}-${++asked}` }).pipe(
      Stream.runForEach((event) =>
        Effect.sync(() => {
          tokens += tokensOf(event)
        })
      ),
      Effect.timeoutOption(hasPassed ? PATIENCE : FIRST_PATIENCE),
      Effect.andThen(Effect.suspend((): Effect.Effect<CanaryOutcome> => {
        if (tokens < 2) return Effect.succeed(Failed.make({ why: "the canary has not passed: no token has come" }))
        hasPassed = true
        const passed = Passed.make({ tokens, stepMillis: 33, binding: "proven" })
        return Effect.as(evidence.learn(knowledgeOf(passed)), passed)
      })),
      Effect.catch(({ message }) => Effect.succeed(Failed.make({ why: `the canary has not passed: ${message}` })))
    )
  })
}

/** An engine's seat, with all that watches it. Ends with the scope. */
export const seatOf = Effect.fn("nightServices.seatOf")(function*(
  name: string,
  engine: ModelledEngine
) {
  const baseUrl = `http://${name}/v1`
  const model = engineService(engine, baseUrl)
  const connections = PatientFetch.of({
    fetch: fetchOf(engine),
    dispatcher: { dispatch: () => false }
  })
  const services = yield* Layer.build(
    WatchedEngine.layer().pipe(
      Layer.provide(Layer.succeed(Engine, model)),
      Layer.provide(LimitLearner.layerMemory()),
      Layer.provideMerge(
        ScrapedEvidence.layerNoDeps({ baseUrl }).pipe(Layer.provide(Layer.succeed(PatientFetch, connections)))
      )
    )
  )
  const seat: NightSeat = {
    seat: {
      greenUrl: "http://green/",
      participants: { agent: `http://${name}/` },
      endpoint: baseUrl,
      sandbox: null,
      following: byItself
    },
    purple: AnswerExecutor.makeExecutor(Context.get(services, WatchedEngine)),
    canary: canaryOf(model, Context.get(services, EngineEvidence))
  }
  return seat
})

const requestOf = (message: A2aMessage, taskId: string): AgentRequest => ({
  taskId,
  contextId: taskId,
  tenant: "",
  user: "",
  continued: false,
  text: message.text,
  data: [],
  exact: true,
  said: message.said ?? { attempt: 1, patience: 1 }
})

const completed = Ended.make({ state: "completed", text: "", error: null })
const passed = fromTests([{ outcome: "passed" }])

/**
 * A client in front of a green agent and of the purple agents of these seats, with nothing between them. `nameOf` gives
 * a purple agent's message the id that its request to the engine has, `gradeOf` an answer its grade.
 */
export const clientOf = (
  seats: ReadonlyArray<NightSeat>,
  nameOf: (message: A2aMessage) => string,
  gradeOf: (answer: string) => Grade = () => passed
) =>
  Layer.effect(
    A2aClient,
    Effect.gen(function*() {
      const ticker = yield* Ticker
      const purples = new Map(seats.map(({ purple, seat }) => [seat.participants["agent"]!, purple]))
      let asked = 0
      const client: A2aClient["Service"] = A2aClient.of({
        check: () => Effect.succeed({ name: "agent", streams: true, exact: true }),
        send: (message): Stream.Stream<TaskEvent, RunError> => {
          const executor = purples.get(message.url) ?? green
          return Stream.suspend(() => {
            const id = executor === green ? `assessment-${++asked}` : nameOf(message)
            return Stream.concat(executor(requestOf(message, id)), Stream.make<ReadonlyArray<TaskEvent>>(completed))
          })
        }
      })
      const green = AssessmentExecutor.makeExecutor({
        client,
        ticker,
        grading: { refusal: () => Effect.undefined, grade: (_task, answer) => Effect.succeed(gradeOf(answer)) },
        settings: {},
        rule: any
      })
      return client
    })
  )
