/**
 * Talks to an agent over A2A: one message out, the events of its task in.
 *
 * How the task is followed depends on what the agent can do, or is forced (ModeChoice.ts), and every stream begins with a
 * `Followed` that says it: an agent is never silently asked in a way that hides its tokens. A stream that ends before its
 * task does is resumed by a subscription, or the task is polled on (TaskStream.ts). Silence never fails it; that is for
 * the guard around it to judge.
 *
 * Agents are not trusted: whatever one answers, the stream ends with what it was or with a `Failed` that says what was
 * wrong with it, and nothing that is kept of it is without bound (BoundedFetch.ts, EventStreamGuard.ts, WireShape.ts,
 * StreamOrder.ts). The SDK's own guards are fewer: it bounds an event, but neither a card, nor an answer, nor their time.
 *
 * When the stream is given up before the task has ended, the task is cancelled and the connection closed, so that
 * nothing goes on generating for nobody. The wait for the cancellation is bounded.
 */
import type { AgentCard } from "@a2a-js/sdk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { Failed, FailReason } from "../liveness/Failed.ts"
import type { Hop } from "../liveness/Hop.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { OpenSpan } from "../telemetry/Spans.ts"
import * as AddressRule from "./AddressRule.ts"
import * as AgentCalls from "./AgentCalls.ts"
import { oneLine, reasonOf } from "./AgentFault.ts"
import { flawOfAnswer } from "./AnswerShape.ts"
import type { AttemptMetadata } from "./AttemptMetadata.ts"
import * as BoundedFetch from "./BoundedFetch.ts"
import { GuardedDispatcher } from "./GuardedDispatcher.ts"
import * as InvokeSpan from "./InvokeSpan.ts"
import * as ModeChoice from "./ModeChoice.ts"
import type { TaskEvent } from "./TaskEvent.ts"
import { taskStream } from "./TaskStream.ts"
import { TOKEN_EXTENSION_URI } from "./TokenExtension.ts"

export type { AttemptMetadata } from "./AttemptMetadata.ts"
export type { FetchLimits } from "./BoundedFetch.ts"
export { DeliveryMode } from "./DeliveryMode.ts"
export type { AgentPromise, AskedMode } from "./ModeChoice.ts"
export { watchTask, type WatchTaskOptions } from "./watchTask.ts"

/** A message to an agent, and how its task is to be followed. */
export interface A2aMessage {
  /** The agent's address, as given to its users. */
  readonly url: string
  /** What the agent is to us; names it in errors. */
  readonly hop: Hop
  /** What the agent is told, as one text part. */
  readonly text: string
  /** The conversation that it belongs to; a new one unless given. */
  readonly contextId?: string
  /** Told once in which conversation the agent answers, if it says so. Synchronous; must not throw. */
  readonly onContext?: ((contextId: string) => void) | undefined
  /** The first attempt, with the agent's own patience, unless given. */
  readonly said?: AttemptMetadata
  /** How it is to be followed; by what the agent can do unless given. */
  readonly mode?: ModeChoice.AskedMode | undefined
  /**
   * Where connections for it may go; anywhere unless given. Connections are kept per rule, told apart by identity, so a
   * rule is to be made once.
   */
  readonly rule?: AddressRule.AddressRule | undefined
  /** The span of the task, where whoever asks has opened one; it gets its own unless given. */
  readonly span?: OpenSpan
}

/** What a client has besides its connections. */
export interface A2aClientOptions {
  /** Bearer tokens by origin, such as `https://agent.example`. Each is sent to its origin and nowhere else. */
  readonly tokens?: ReadonlyMap<string, Redacted.Redacted>
  /** What is taken of an agent's answers, where it is not the default. */
  readonly limits?: Partial<BoundedFetch.FetchLimits>
}

/**
 * A client of A2A agents. `A2aClient.layer` is one over HTTP.
 *
 * @example
 * import { A2aClient } from "a2a-campaign/A2aClient"
 * import * as A2aServer from "a2a-campaign/A2aServer"
 * import { Delta, tokensOf } from "a2a-campaign/TokenEvent"
 * import { isTokenEvent } from "a2a-campaign/TaskEvent"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const program = Effect.gen(function*() {
 *   const { url } = yield* A2aServer.serve({
 *     host: "127.0.0.1",
 *     port: 0,
 *     description: {
 *       name: "greeter",
 *       description: "Greets.",
 *       version: "1",
 *       skill: { id: "greet", name: "greet", description: "Greets.", tags: ["example"] }
 *     },
 *     executor: ({ text }) => Stream.make(Delta.make({ channel: "content", text: `Hello, ${text}!`, tokens: 3 }))
 *   })
 *   const client = yield* A2aClient
 *   const tokens = yield* client.send({ url, hop: "purple", text: "Ada" }).pipe(
 *     Stream.runFold(() => 0, (sum, event) => isTokenEvent(event) ? sum + tokensOf(event) : sum)
 *   )
 *   console.log(`${tokens} tokens`)
 * })
 *
 * await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(A2aClient.layer)))
 * // prints: 3 tokens
 */
export class A2aClient extends Context.Service<A2aClient, {
  /** Sends a message. The stream ends after `Ended` completed; any other end fails with what the agent reported. */
  readonly send: (message: A2aMessage) => Stream.Stream<TaskEvent, RunError>
  /** What the agent's card says, or why it cannot be used: unreachable, no card, not in the mode that is wanted. */
  readonly check: (
    message: Pick<A2aMessage, "url" | "hop" | "rule" | "mode">
  ) => Effect.Effect<ModeChoice.AgentPromise, Failed>
}>()("a2a-campaign/A2aClient") {
  /** Over HTTP, with connections of its own, and with tokens or other limits. */
  static readonly layerWith = (options: A2aClientOptions) =>
    Layer.effect(
      A2aClient,
      Effect.gen(function*() {
        return make(yield* GuardedDispatcher, options, yield* Effect.context<never>())
      })
    ).pipe(Layer.provide(GuardedDispatcher.layer))

  /** Over HTTP, with connections of its own. */
  static readonly layer = A2aClient.layerWith({})

  /** A client that gets the same stream from every agent. */
  static readonly layerTest = (stream: Stream.Stream<TaskEvent, RunError>) =>
    Layer.succeed(A2aClient, {
      send: () => stream,
      check: () => Effect.succeed({ name: "test", streams: true, exact: true })
    })
}

const make = (
  dispatcher: GuardedDispatcher["Service"],
  { limits, tokens = new Map() }: A2aClientOptions,
  context: Context.Context<never>
): A2aClient["Service"] => {
  /** The error without our tokens, should an agent have quoted one. */
  const withoutTokens = (error: Failed): Failed => {
    const { reason } = error
    const secret = "detail" in reason &&
      [...tokens.values()].map(Redacted.value).find((token) => reason.detail.includes(token))
    return secret
      ? new Failed({ ...error, reason: { ...reason, detail: reason.detail.replaceAll(secret, "<token>") } })
      : error
  }

  /** A client of one task, or why there is none. */
  const connect = Effect.fnUntraced(function*(
    { hop, rule, url }: Pick<A2aMessage, "url" | "hop" | "rule">,
    headers: Readonly<Record<string, string>> = {}
  ) {
    const failed = (reason: FailReason) => withoutTokens(new Failed({ hop, reason, tokens: 0 }))
    const place = AddressRule.placeOf(url)
    if (Result.isFailure(place)) {
      const detail = `the agent's address cannot be requested: ${place.failure}`
      return yield* failed(FailReason.cases.Rejected.make({ status: 400, detail }))
    }
    const fetchWith = (more: Partial<BoundedFetch.FetchLimits>, flawOf?: (json: unknown) => string | undefined) =>
      BoundedFetch.make({
        fetch: dispatcher.fetchUnder(rule ?? AddressRule.any),
        tokens,
        headers,
        limits: { ...BoundedFetch.defaultLimits, ...limits, ...more },
        ...(flawOf === undefined ? {} : { flawOf }),
        context
      })
    const fetches: AgentCalls.AgentFetches = {
      card: fetchWith({}),
      bounded: fetchWith({}, flawOfAnswer),
      awaiting: fetchWith({ answerTime: Duration.infinity }, flawOfAnswer)
    }
    const clients = yield* Effect.tryPromise({
      try: (signal) => AgentCalls.clientsAt(url.endsWith("/") ? url : `${url}/`, fetches, signal),
      catch: (error) => failed(explainCard(url, error))
    })
    return { clients, promise: promiseOf(clients.card) }
  })

  const send = (message: A2aMessage): Stream.Stream<TaskEvent, RunError> =>
    InvokeSpan.stream(message, (span) =>
      Stream.unwrap(Effect.gen(function*() {
        const { hop, mode: forced, url } = message
        const { clients, promise } = yield* connect(message, span.headers)
        const told = InvokeSpan.tell(span, promise, message)
        return taskStream({ calls: AgentCalls.make(clients, message), hop, url, promise, forced, ...told }).pipe(
          Stream.mapError((error) => error._tag === "Failed" ? withoutTokens(error) : error)
        )
      })))

  const check: A2aClient["Service"]["check"] = Effect.fnUntraced(function*(message) {
    const { hop, mode, url } = message
    const { promise } = yield* connect(message)
    const choice = ModeChoice.begin(promise, mode, ModeChoice.inWords(promise, url))
    if (Result.isFailure(choice)) return yield* new Failed({ hop, reason: choice.failure, tokens: 0 })
    return promise
  })

  return A2aClient.of({ send, check })
}

/** What a card says; it may be of any shape where nothing else depends on it. */
const promiseOf = ({ capabilities, name }: AgentCard): ModeChoice.AgentPromise => ({
  name: typeof name === "string" ? oneLine(name) : "an agent without a name",
  streams: capabilities?.streaming === true,
  exact: capabilities?.extensions?.some((extension) => extension?.uri === TOKEN_EXTENSION_URI) === true
})

/** The reason behind a card that could not be had. */
const explainCard = (url: string, error: unknown): FailReason => {
  const reason = reasonOf(url, error)
  const isNoCard = reason._tag === "ConnectionLost" || reason._tag === "Malformed" ||
    reason._tag === "MidStreamError" ||
    (reason._tag === "Rejected" && reason.status === 404)
  return isNoCard
    ? FailReason.cases.Unsupported.make({
      detail: `no usable agent card at ${url}: ${reason.detail}; is this the address of an A2A agent?`
    })
    : reason
}
