/**
 * What an agent is asked about one task (adapter for the SDK's client): the message, with and without a stream, a
 * subscription, how the task stands, its end.
 *
 * A message that is awaited may take as long as its task: whether that is too long is for the watch to judge. So it has a
 * client of its own, whose answers are bounded in size and not in time; all others are bounded in both. A card and what
 * its agent does about a task have the connections of one rule, and the agent's tokens.
 *
 * Gotchas: the SDK's client sends a message without a stream, silently, where the card says that there is none; so it is
 * asked for a stream only if the card says that there is one. Its codec takes what has a wrong type for absent, so
 * answers are looked at before it reads them (AnswerShape.ts). Its own way from an address to a client fetches a second
 * card where the first one announces it, with credentials that nobody has given, and takes no signal.
 */
import { type AgentCard, Role, type SendMessageRequest, type StreamResponse } from "@a2a-js/sdk"
import {
  type Client,
  ClientFactory,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  type RequestOptions,
  RestTransportFactory
} from "@a2a-js/sdk/client"
import { A2A_ERROR_CODE, isJsonRpcError, TaskNotFoundError, UnsupportedOperationError } from "@a2a-js/sdk/errors"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { a2aErrorOf } from "./AgentFault.ts"
import * as AttemptMetadata from "./AttemptMetadata.ts"
import * as LegacyAppend from "./LegacyAppend.ts"
import { TOKEN_EXTENSION_URI } from "./TokenExtension.ts"
import { textPart } from "./WireTask.ts"

/** How long a cancellation may take before the connection is closed all the same. */
const CANCEL_TIMEOUT = "1 second"

/** What is sent. */
export interface CalledMessage {
  readonly text: string
  readonly contextId?: string
  readonly said?: AttemptMetadata.AttemptMetadata
}

/** Calls reject with what the SDK throws; those that are given up by their signal close their connection. */
export interface AgentCalls {
  /** Sends the message and streams what comes of it. */
  readonly stream: (signal: AbortSignal) => AsyncIterable<StreamResponse>
  /** Sends the message; the answer comes at once, or with the end of its task where it is to be awaited. */
  readonly send: (awaited: boolean, signal: AbortSignal) => Promise<StreamResponse>
  /** Streams what comes of a task that has begun. */
  readonly subscribe: (taskId: string, signal: AbortSignal) => AsyncIterable<StreamResponse>
  /** How a task stands, without its history. */
  readonly task: (taskId: string, signal: AbortSignal) => Promise<StreamResponse>
  /** Asks for the end of a task. The wait for it is bounded, and whether it came is not told. */
  readonly cancel: (taskId: string) => Effect.Effect<void>
}

/** `fetch` for what has a bounded time, for a card, and for what is awaited as long as it takes. */
export interface AgentFetches {
  readonly card: typeof globalThis.fetch
  readonly bounded: typeof globalThis.fetch
  readonly awaiting: typeof globalThis.fetch
}

export interface AgentClients {
  readonly card: AgentCard
  readonly bounded: Client
  readonly awaiting: Client
}

const legacyCompat = { enabled: true }

/** The card at an address, as fetched, and the clients that it leads to; rejects with what the SDK throws. */
export const clientsAt = (url: string, fetches: AgentFetches, signal: AbortSignal): Promise<AgentClients> => {
  const resolver = new DefaultAgentCardResolver({
    fetchImpl: (input, init) => fetches.card(input, { ...init, signal }),
    legacyCompat
  })
  return resolver.resolve(url).then((card) =>
    Promise.all([clientOf(card, fetches.bounded), clientOf(card, fetches.awaiting)]).then(
      ([bounded, awaiting]) => ({ card, bounded, awaiting })
    )
  )
}

const clientOf = (card: AgentCard, fetchImpl: typeof globalThis.fetch): Promise<Client> =>
  new ClientFactory({
    transports: [
      new JsonRpcTransportFactory({ fetchImpl, legacyCompat }),
      new RestTransportFactory({ fetchImpl: LegacyAppend.marking(fetchImpl), legacyCompat })
    ],
    // The card is resolved already, and must not be normalised twice.
    cardResolver: { resolve: () => Promise.resolve(card) }
  }).createFromAgentCard(card)

/** The calls for one message. */
export const make = ({ awaiting, bounded }: AgentClients, message: CalledMessage): AgentCalls => {
  const options = (signal: AbortSignal): RequestOptions => ({ signal, serviceParameters })
  return {
    stream: (signal) => bounded.sendMessageStream(requestOf(message, undefined), options(signal)),
    send: (awaited, signal) =>
      awaiting.sendMessage(requestOf(message, awaited), options(signal)).then((result) => ({
        payload: "messageId" in result ? { $case: "message", value: result } : { $case: "task", value: result }
      })),
    subscribe: (id, signal) => bounded.resubscribeTask({ tenant: "", id }, options(signal)),
    task: (id, signal) =>
      bounded.getTask({ tenant: "", id, historyLength: 0 }, options(signal)).then((value) => ({
        payload: { $case: "task", value }
      })),
    cancel: (id) =>
      Effect.tryPromise((signal) => bounded.cancelTask({ tenant: "", id, metadata: undefined }, { signal })).pipe(
        Effect.timeoutOption(CANCEL_TIMEOUT),
        Effect.ignore
      )
  }
}

const serviceParameters = { "A2A-Extensions": TOKEN_EXTENSION_URI }

const requestOf = (message: CalledMessage, awaited: boolean | undefined): SendMessageRequest => ({
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
  configuration: awaited === undefined ? undefined : {
    acceptedOutputModes: [],
    taskPushNotificationConfig: undefined,
    // Agents that keep every status as a message of the history would send as many as there are tokens.
    historyLength: 0,
    returnImmediately: !awaited
  },
  metadata: undefined
})

/** Whether the agent answered that it does not do what it was asked for, in the words of the protocol. */
export const isUnsupported = (error: unknown): boolean => {
  const fault: unknown = a2aErrorOf(error)
  if (isJsonRpcError(fault) && fault.envelopeCode === A2A_ERROR_CODE.METHOD_NOT_FOUND) return true
  return fault instanceof UnsupportedOperationError
}

/** Whether the agent answered that it does not know the task. */
export const isNotFound = (error: unknown): boolean => a2aErrorOf(error) instanceof TaskNotFoundError
