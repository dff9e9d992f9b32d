/**
 * Talks to an agent over A2A: one message out, the events of its task in.
 *
 * It streams or refuses: an agent whose card says that it does not stream is `Unsupported`, never silently asked in a
 * way that hides its tokens. A stream that ends before its task does is resumed by a subscription (TaskStream.ts), and
 * fails with `Truncated` where that is not possible. Silence never fails it; that is for the guard around it to judge.
 *
 * Agents are not trusted: whatever one answers, the stream ends with what it was or with a `Failed` that says what was
 * wrong with it, and nothing that is kept of it is without bound (BoundedFetch.ts, EventStreamGuard.ts, WireShape.ts,
 * StreamOrder.ts). The SDK's own guards are fewer: it bounds an event, but neither a card, nor an answer, nor their time.
 *
 * When the stream is given up before the task has ended, the task is cancelled and the connection closed, so that
 * nothing goes on generating for nobody. The wait for the cancellation is bounded.
 */
import { type AgentCard, Role, type SendMessageRequest } from "@a2a-js/sdk"
import {
  type Client,
  ClientFactory,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  RestTransportFactory
} from "@a2a-js/sdk/client"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { Failed, FailReason } from "../liveness/Failed.ts"
import type { Hop } from "../liveness/Hop.ts"
import type { RunError } from "../liveness/RunError.ts"
import * as AddressRule from "./AddressRule.ts"
import { oneLine, reasonOf } from "./AgentFault.ts"
import * as AttemptMetadata from "./AttemptMetadata.ts"
import * as BoundedFetch from "./BoundedFetch.ts"
import { GuardedDispatcher } from "./GuardedDispatcher.ts"
import type { TaskEvent } from "./TaskEvent.ts"
import { taskStream } from "./TaskStream.ts"
import { TOKEN_EXTENSION_URI } from "./TokenExtension.ts"
import { textPart } from "./WireTask.ts"

/** How long a cancellation may take before the connection is closed all the same. */
const CANCEL_TIMEOUT = "1 second"

export interface A2aMessage {
  /** The agent's address, as given to its users. */
  readonly url: string
  /** What the agent is to us; names it in errors. */
  readonly hop: Hop
  readonly text: string
  readonly contextId?: string
  /** The first attempt, with the agent's own patience, unless given. */
  readonly said?: AttemptMetadata.AttemptMetadata
  /**
   * Where connections for it may go; anywhere unless given. Connections are kept per rule, told apart by identity, so a
   * rule is to be made once.
   */
  readonly rule?: AddressRule.AddressRule | undefined
}

export interface A2aClientOptions {
  /** Bearer tokens by origin, such as `https://agent.example`. Each is sent to its origin and nowhere else. */
  readonly tokens?: ReadonlyMap<string, Redacted.Redacted>
  /** What is taken of an agent's answers, where it is not the default. */
  readonly limits?: Partial<BoundedFetch.FetchLimits>
}

export class A2aClient extends Context.Service<A2aClient, {
  /** Sends a message. The stream ends after `Ended` completed; any other end fails with what the agent reported. */
  readonly send: (message: A2aMessage) => Stream.Stream<TaskEvent, RunError>
  /** The agent's name, or why it cannot be used: unreachable, no card, no streaming. */
  readonly check: (message: Pick<A2aMessage, "url" | "hop" | "rule">) => Effect.Effect<string, Failed>
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
    Layer.succeed(A2aClient, { send: () => stream, check: () => Effect.succeed("test") })
}

const serviceParameters = { "A2A-Extensions": TOKEN_EXTENSION_URI }

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
  const connect = Effect.fnUntraced(function*({ hop, rule, url }: Pick<A2aMessage, "url" | "hop" | "rule">) {
    const failed = (reason: FailReason) => withoutTokens(new Failed({ hop, reason, tokens: 0 }))
    const place = AddressRule.placeOf(url)
    if (Result.isFailure(place)) {
      const detail = `the agent's address cannot be requested: ${place.failure}`
      return yield* failed(FailReason.cases.Rejected.make({ status: 400, detail }))
    }
    const fetchImpl = BoundedFetch.make({
      fetch: dispatcher.fetchUnder(rule ?? AddressRule.any),
      tokens,
      limits: { ...BoundedFetch.defaultLimits, ...limits },
      context
    })
    const { card, client } = yield* Effect.tryPromise({
      try: (signal) => clientAt(url.endsWith("/") ? url : `${url}/`, fetchImpl, signal),
      catch: (error) => failed(explainCard(url, error))
    })
    const name = typeof card.name === "string" ? oneLine(card.name) : "an agent without a name"
    if (card.capabilities?.streaming === true) return { client, name }
    return yield* failed(FailReason.cases.Unsupported.make({
      detail: `the card of "${name}" at ${url} says that it does not stream (capabilities.streaming), ` +
        "so its tokens cannot be watched"
    }))
  })

  const send = (message: A2aMessage): Stream.Stream<TaskEvent, RunError> =>
    Stream.unwrap(Effect.gen(function*() {
      const { hop, url } = message
      const { client } = yield* connect(message)
      return taskStream({
        client,
        hop,
        url,
        serviceParameters,
        open: (options) => client.sendMessageStream(requestOf(message), options),
        cancel: (taskId) => cancel(client, taskId)
      }).pipe(Stream.mapError((error) => error._tag === "Failed" ? withoutTokens(error) : error))
    }))

  const check = (message: Pick<A2aMessage, "url" | "hop" | "rule">) => Effect.map(connect(message), ({ name }) => name)

  return A2aClient.of({ send, check })
}

/**
 * The SDK's client of the agent, and its card as fetched. The SDK's own way from one to the other fetches a second card
 * where the first one announces it, with credentials that nobody has given. It
 * takes no signal for the card either.
 */
const clientAt = (
  url: string,
  fetchImpl: typeof globalThis.fetch,
  signal: AbortSignal
): Promise<{ card: AgentCard; client: Client }> => {
  const legacyCompat = { enabled: true }
  const resolver = new DefaultAgentCardResolver({
    fetchImpl: (input, init) => fetchImpl(input, { ...init, signal }),
    legacyCompat
  })
  return resolver.resolve(url).then((card) => {
    const factory = new ClientFactory({
      transports: [
        new JsonRpcTransportFactory({ fetchImpl, legacyCompat }),
        new RestTransportFactory({ fetchImpl, legacyCompat })
      ],
      // The card is resolved already, and must not be normalised twice.
      cardResolver: { resolve: () => Promise.resolve(card) }
    })
    return factory.createFromAgentCard(card).then((client) => ({ card, client }))
  })
}

const cancel = (client: Client, taskId: string): Effect.Effect<void> =>
  Effect.tryPromise((signal) => client.cancelTask({ tenant: "", id: taskId, metadata: undefined }, { signal })).pipe(
    Effect.timeoutOption(CANCEL_TIMEOUT),
    Effect.ignore
  )

const requestOf = (message: A2aMessage): SendMessageRequest => ({
  tenant: "",
  message: {
    messageId: randomUUID(),
    contextId: message.contextId ?? "",
    taskId: "",
    role: Role.ROLE_USER,
    parts: [textPart(message.text)],
    metadata: message.said === undefined ? undefined : AttemptMetadata.encode(message.said),
    extensions: [TOKEN_EXTENSION_URI],
    referenceTaskIds: []
  },
  configuration: undefined,
  metadata: undefined
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
