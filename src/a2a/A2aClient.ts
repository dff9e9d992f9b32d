/**
 * Talks to an agent over A2A: one message out, the events of its task in.
 *
 * It streams or refuses: an agent whose card says that it does not stream is `Unsupported`, never silently asked in a
 * way that hides its tokens. A stream that ends before its task does fails with `Truncated`. Silence never fails it;
 * that is for the guard around it to judge.
 *
 * When the stream is given up before the task has ended, the task is cancelled and the connection closed, so that
 * nothing goes on generating for nobody. The wait for the cancellation is bounded.
 */
import { Role, type SendMessageRequest } from "@a2a-js/sdk"
import {
  type Client,
  ClientFactory,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  type RequestOptions,
  RestTransportFactory
} from "@a2a-js/sdk/client"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import * as EngineFailure from "../engine/EngineFailure.ts"
import { PatientFetch } from "../engine/PatientFetch.ts"
import { Failed, FailReason } from "../liveness/Failed.ts"
import type { Hop } from "../liveness/Hop.ts"
import type { RunError } from "../liveness/RunError.ts"
import { tokensOf } from "../token/TokenEvent.ts"
import { fromAsyncIterable } from "./AsyncIterableStream.ts"
import * as AttemptMetadata from "./AttemptMetadata.ts"
import { type Ended, isTokenEvent, type TaskEvent } from "./TaskEvent.ts"
import { makeDecoder } from "./TaskEventDecoder.ts"
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
}

export class A2aClient extends Context.Service<A2aClient, {
  /** Sends a message. The stream ends after `Ended` completed; any other end fails with what the agent reported. */
  readonly send: (message: A2aMessage) => Stream.Stream<TaskEvent, RunError>
  /** The agent's name, or why it cannot be used: unreachable, no card, no streaming. */
  readonly check: (message: Pick<A2aMessage, "url" | "hop">) => Effect.Effect<string, Failed>
}>()("a2a-campaign/A2aClient") {
  static readonly layerNoDeps = Layer.effect(A2aClient, Effect.map(PatientFetch, ({ fetch }) => make(fetch)))

  /** Over HTTP, with connections of its own. */
  static readonly layer = A2aClient.layerNoDeps.pipe(Layer.provide(PatientFetch.layer))

  /** A client that gets the same stream from every agent. */
  static readonly layerTest = (stream: Stream.Stream<TaskEvent, RunError>) =>
    Layer.succeed(A2aClient, { send: () => stream, check: () => Effect.succeed("test") })
}

const serviceParameters: RequestOptions["serviceParameters"] = { "A2A-Extensions": TOKEN_EXTENSION_URI }

const make = (fetch: typeof globalThis.fetch): A2aClient["Service"] => {
  const legacyCompat = { enabled: true }
  const factory = new ClientFactory({
    transports: [
      new JsonRpcTransportFactory({ fetchImpl: fetch, legacyCompat }),
      new RestTransportFactory({ fetchImpl: fetch, legacyCompat })
    ],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl: fetch, legacyCompat })
  })

  const connect = Effect.fnUntraced(function*({ hop, url }: Pick<A2aMessage, "url" | "hop">) {
    const client = yield* Effect.tryPromise({
      try: () => factory.createFromUrl(url.endsWith("/") ? url : `${url}/`),
      catch: (error) => new Failed({ hop, reason: explainCard(url, error), tokens: 0 })
    })
    const card = yield* Effect.promise(() => client.getAgentCard())
    if (card.capabilities?.streaming === true) return { client, card }
    return yield* new Failed({
      hop,
      tokens: 0,
      reason: FailReason.cases.Unsupported.make({
        detail: `the card of "${card.name}" at ${url} says that it does not stream (capabilities.streaming), ` +
          "so its tokens cannot be watched"
      })
    })
  })

  const send = (message: A2aMessage): Stream.Stream<TaskEvent, RunError> =>
    Stream.unwrap(Effect.gen(function*() {
      const { hop, url } = message
      const { client } = yield* connect(message)
      const decoder = makeDecoder()
      let tokens = 0
      let ended: Ended | undefined
      yield* Effect.addFinalizer(() => ended === undefined ? cancel(client, decoder.taskId()) : Effect.void)
      const failed = (reason: FailReason) => new Failed({ hop, reason, tokens })
      return fromAsyncIterable({
        open: (signal) => client.sendMessageStream(requestOf(message), { signal, serviceParameters }),
        expand: (response) => {
          if (ended !== undefined) return []
          const events = decoder.decode(response)
          for (const event of events) {
            if (event._tag === "Ended") ended = event
            else if (isTokenEvent(event)) tokens += tokensOf(event)
          }
          return events
        },
        onError: (error) => failed(explainStream(url, error))
      }).pipe(
        // What comes after the end of the task, such as a connection that breaks, changes nothing.
        Stream.takeUntil((event) => event._tag === "Ended"),
        Stream.concat(Stream.suspend(() => {
          if (ended === undefined) return Stream.fail(failed(FailReason.cases.Truncated.make({})))
          return ended.state === "completed" ? Stream.empty : Stream.fail(ended.error ?? failed(agentFailed(ended)))
        }))
      )
    }))

  const check = (message: Pick<A2aMessage, "url" | "hop">) => Effect.map(connect(message), ({ card }) => card.name)

  return A2aClient.of({ send, check })
}

const cancel = (client: Client, taskId: string | undefined): Effect.Effect<void> =>
  taskId === undefined
    ? Effect.void
    : Effect.tryPromise((signal) => client.cancelTask({ tenant: "", id: taskId, metadata: undefined }, { signal }))
      .pipe(
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

const agentFailed = (ended: Ended): FailReason =>
  FailReason.cases.AgentFailed.make({ state: ended.state, detail: ended.text === "" ? "no reason given" : ended.text })

/** The reason behind a card that could not be had. */
const explainCard = (url: string, error: unknown): FailReason => {
  const transport = EngineFailure.fromTransport(url, error)
  if (transport._tag !== "ConnectionLost") return transport
  return FailReason.cases.Unsupported.make({
    detail: `no usable agent card at ${url}: ${transport.detail}; is this the address of an A2A agent?`
  })
}

/** The reason behind a stream that broke. The SDK throws plain errors for error frames, with the A2A error as cause. */
const explainStream = (url: string, error: unknown): FailReason => {
  if (error instanceof Error && isA2aError(error.cause ?? error)) {
    return FailReason.cases.MidStreamError.make({ code: null, detail: error.message })
  }
  return EngineFailure.fromTransport(url, error)
}

const isA2aError = (error: unknown): boolean => error instanceof Error && "toErrorInfo" in error
