/**
 * The relay behind the SDK's transport handlers (adapter): twelve methods, over task logs.
 *
 * The SDK brings dispatch, codecs and error mapping of A2A 1.0 and 0.3; everything that costs per token is ours: a
 * reader is a cursor into the log, and what waits for it goes out coalesced.
 *
 * Gotcha: a generator that waits for an event cannot be closed from outside (`return()` waits for `next()`), and one that
 * nobody asks for more never ends by itself. So every reader watches the abort signal that the server puts into the
 * call's context.
 */
import {
  type AgentCard,
  type ListTasksRequest,
  type ListTasksResponse,
  type Message,
  type SendMessageRequest,
  type StreamResponse,
  type Task,
  TaskState
} from "@a2a-js/sdk"
import {
  ExtendedAgentCardNotConfiguredError,
  PushNotificationNotSupportedError,
  RequestMalformedError,
  TaskNotCancelableError,
  TaskNotFoundError,
  UnsupportedOperationError
} from "@a2a-js/sdk/errors"
import type { A2ARequestHandler, ServerCallContext } from "@a2a-js/sdk/server"
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { coalesce } from "../token/TokenEvent.ts"
import type { AgentRequest } from "./AgentExecutor.ts"
import * as AttemptMetadata from "./AttemptMetadata.ts"
import type { Relay } from "./Relay.ts"
import { makeEncoder } from "./TaskEventEncoder.ts"
import type { TaskLog, TaskSnapshot } from "./TaskLog.ts"
import { TOKEN_EXTENSION_URI } from "./TokenExtension.ts"
import { ANSWER_ARTIFACT_ID, REASONING_ARTIFACT_ID, textOf, toArtifact, toTaskStatus } from "./WireTask.ts"

const ABORT_SIGNAL = "a2a-campaign/abort-signal"

/** Puts the signal that ends a call's readers into its context. */
export const provideAbortSignal = (context: ServerCallContext, signal: AbortSignal): void => {
  context.state.set(ABORT_SIGNAL, signal)
}

const abortSignalOf = (context: ServerCallContext): AbortSignal =>
  (context.state.get(ABORT_SIGNAL) as AbortSignal | undefined) ?? new AbortController().signal

/** Whether the client of a call asked for the token extension. */
export const wantsExact = (context: ServerCallContext): boolean =>
  context.requestedExtensions?.includes(TOKEN_EXTENSION_URI) ?? false

export class RelayRequestHandler implements A2ARequestHandler {
  readonly #card: AgentCard
  readonly #relay: Relay
  readonly #run: <A>(effect: Effect.Effect<A>) => Promise<A>
  readonly #messages = new WeakMap<TaskLog, Message>()

  /** `context` is what the relay's effects run in: the clock and the logger of whoever serves the agent. */
  constructor(card: AgentCard, relay: Relay, context: Context.Context<never>) {
    this.#card = card
    this.#relay = relay
    this.#run = Effect.runPromiseWith(context)
  }

  async getAgentCard(): Promise<AgentCard> {
    return this.#card
  }

  async getAuthenticatedExtendedAgentCard(): Promise<AgentCard> {
    throw new ExtendedAgentCardNotConfiguredError()
  }

  async sendMessage(params: SendMessageRequest, context: ServerCallContext): Promise<Task> {
    const log = await this.#start(params, context)
    if (params.configuration?.returnImmediately !== true) {
      const signal = abortSignalOf(context)
      const gone = await this.#reading(log, signal)
      while (!log.ended && !signal.aborted) await longer(log, log.length, signal)
      await gone()
    }
    return this.#task(log, params.configuration?.historyLength)
  }

  async *sendMessageStream(
    params: SendMessageRequest,
    context: ServerCallContext
  ): AsyncGenerator<StreamResponse, void, undefined> {
    const log = await this.#start(params, context)
    // From the first event on, however much has happened since: a snapshot does not say how the text came.
    yield* this.#follow(log, context, { snapshot: log.beginning, cursor: 0 })
  }

  async *resubscribe(
    params: { readonly id: string },
    context: ServerCallContext
  ): AsyncGenerator<StreamResponse, void, undefined> {
    const log = this.#find(params.id)
    if (log.ended) {
      throw new UnsupportedOperationError({ message: `Task ${log.taskId} is over; get it with GetTask.` })
    }
    yield* this.#follow(log, context, { snapshot: log.snapshot, cursor: log.length })
  }

  async getTask(params: { readonly id: string; readonly historyLength?: number | undefined }): Promise<Task> {
    return this.#task(this.#find(params.id), params.historyLength)
  }

  async cancelTask(params: { readonly id: string }): Promise<Task> {
    const log = this.#find(params.id)
    if (log.ended && log.snapshot.state !== "canceled") {
      throw new TaskNotCancelableError({ message: `Task ${log.taskId} is ${log.snapshot.state}.` })
    }
    await this.#run(this.#relay.cancel(log.taskId))
    return this.#task(log, 0)
  }

  async listTasks(params: ListTasksRequest): Promise<ListTasksResponse> {
    const pageSize = Math.min(Math.max(params.pageSize ?? 50, 1), 100)
    const all = this.#relay.list()
      .filter((log) => params.contextId === "" || log.contextId === params.contextId)
      .map((log) => this.#task(log, params.historyLength ?? 0))
      .filter((task) =>
        params.status === TaskState.TASK_STATE_UNSPECIFIED || params.status === undefined ||
        task.status?.state === params.status
      )
    const start = Number(params.pageToken === "" ? 0 : params.pageToken)
    if (!Number.isInteger(start) || start < 0) throw new RequestMalformedError("Unknown page token.")
    const end = start + pageSize
    return {
      tasks: all.slice(start, end),
      nextPageToken: end < all.length ? String(end) : "",
      pageSize,
      totalSize: all.length
    }
  }

  async createTaskPushNotificationConfig(): Promise<never> {
    throw new PushNotificationNotSupportedError()
  }

  async getTaskPushNotificationConfig(): Promise<never> {
    throw new PushNotificationNotSupportedError()
  }

  async listTaskPushNotificationConfigs(): Promise<never> {
    throw new PushNotificationNotSupportedError()
  }

  async deleteTaskPushNotificationConfig(): Promise<never> {
    throw new PushNotificationNotSupportedError()
  }

  async #start(params: SendMessageRequest, context: ServerCallContext): Promise<TaskLog> {
    const message = params.message
    if (message === undefined || message.parts.length === 0) {
      throw new RequestMalformedError("A message needs at least one part.")
    }
    if (message.taskId !== "") {
      const log = this.#find(message.taskId)
      throw new UnsupportedOperationError({
        message: `Task ${log.taskId} takes no further message; send one without a task id in the same context.`
      })
    }
    const request: AgentRequest = {
      taskId: randomUUID(),
      contextId: message.contextId === "" ? randomUUID() : message.contextId,
      text: textOf(message.parts),
      data: message.parts.flatMap((part) => part.content?.$case === "data" ? [part.content.value as unknown] : []),
      exact: wantsExact(context),
      said: AttemptMetadata.read(message.metadata)
    }
    const log = await this.#run(this.#relay.start(request))
    this.#messages.set(log, { ...message, taskId: request.taskId, contextId: request.contextId })
    return log
  }

  #find(taskId: string): TaskLog {
    const log = this.#relay.find(taskId)
    if (log === undefined) throw new TaskNotFoundError({ message: `No task ${taskId}.` })
    return log
  }

  /** The task as it was at the cursor, then every event from there on. */
  async *#follow(
    log: TaskLog,
    context: ServerCallContext,
    from: { readonly snapshot: TaskSnapshot; readonly cursor: number }
  ): AsyncGenerator<StreamResponse, void, undefined> {
    const signal = abortSignalOf(context)
    const task = this.#task(log, undefined, from.snapshot)
    let cursor = from.cursor
    const encode = makeEncoder(log, {
      exact: wantsExact(context),
      begun: task.artifacts.map((artifact) => artifact.artifactId),
      timestamp: () => isoTime(log.snapshot.statusAt)
    })
    const gone = await this.#reading(log, signal)
    try {
      yield { payload: { $case: "task", value: task } }
      while (!signal.aborted) {
        const events = log.from(cursor)
        cursor += events.length
        for (const event of coalesce(events)) {
          const response = encode(event)
          if (response !== undefined) yield response
        }
        if (log.ended && cursor === log.length) return
        await longer(log, cursor, signal)
      }
    } finally {
      await gone()
    }
  }

  /**
   * Says that the task is read, until what it gives is called or the signal aborts: a generator that stands at a `yield`
   * when its client goes is never resumed, and would read for ever.
   */
  async #reading(log: TaskLog, signal: AbortSignal): Promise<() => Promise<void>> {
    const scope = Scope.makeUnsafe()
    await this.#run(Scope.provide(this.#relay.reading(log.taskId), scope))
    const gone = () => this.#run(Scope.close(scope, Exit.void))
    if (signal.aborted) await gone()
    else signal.addEventListener("abort", () => void gone(), { once: true })
    return gone
  }

  #task(log: TaskLog, historyLength: number | undefined, snapshot: TaskSnapshot = log.snapshot): Task {
    const { artifacts, state, statusAt, statusText, transcript } = snapshot
    const said = [
      { artifactId: ANSWER_ARTIFACT_ID, text: transcript.content },
      { artifactId: REASONING_ARTIFACT_ID, text: transcript.reasoning }
    ]
    const message = this.#messages.get(log)
    return {
      id: log.taskId,
      contextId: log.contextId,
      status: toTaskStatus(log, state, statusText, isoTime(statusAt)),
      artifacts: [
        ...said.filter(({ text }) => text !== "").map(({ artifactId, text }) =>
          toArtifact(artifactId, artifactId, [{ _tag: "Text", text }])
        ),
        ...artifacts.map((artifact) => toArtifact(artifact.artifactId, artifact.name, artifact.parts))
      ],
      history: message === undefined || historyLength === 0 ? [] : [message],
      metadata: undefined
    }
  }
}

const isoTime = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

/** Waits until the log is longer than the cursor or the signal aborts. */
const longer = (log: TaskLog, cursor: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const settle = () => {
      stop()
      signal.removeEventListener("abort", settle)
      resolve()
    }
    signal.addEventListener("abort", settle)
    let stop = () => {}
    stop = log.onLonger(cursor, settle)
  })
