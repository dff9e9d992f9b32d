/**
 * The relay behind the SDK's transport handlers (adapter): twelve methods, over task logs.
 *
 * The SDK brings dispatch, codecs and error mapping of A2A 1.0 and 0.3. What costs per token is ours: a generator of a
 * stream gives the task's snapshot as its first event, and leaves the reader of everything after it in the call's context
 * (TaskFollowing.ts).
 *
 * Tasks belong to a user and a tenant; anybody else's do not exist. Every reader watches the abort signal that the server
 * puts into the call's context, so a client that goes is missed at once.
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
  ContentTypeNotSupportedError,
  PushNotificationNotSupportedError,
  RequestMalformedError,
  TaskNotCancelableError,
  TaskNotFoundError,
  UnsupportedOperationError
} from "@a2a-js/sdk/errors"
import type { A2ARequestHandler, ServerCallContext } from "@a2a-js/sdk/server"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import type { AgentRequest } from "./AgentExecutor.ts"
import * as AttemptMetadata from "./AttemptMetadata.ts"
import { mediaTypeOf, supports } from "./MediaType.ts"
import type { Refusal } from "./Refusal.ts"
import type { Relay } from "./Relay.ts"
import * as ServedSpan from "./ServedSpan.ts"
import * as TaskFollowing from "./TaskFollowing.ts"
import * as TaskList from "./TaskList.ts"
import type { TaskLog, TaskOwner, TaskSnapshot } from "./TaskLog.ts"
import type { TaskReader } from "./TaskReader.ts"
import { TOKEN_EXTENSION_URI } from "./TokenExtension.ts"
import { fromTaskState, textOf, toTask } from "./WireTask.ts"

const ABORT_SIGNAL = "a2a-campaign/abort-signal"

/** Puts the signal that ends a call's readers into its context. */
export const provideAbortSignal = (context: ServerCallContext, signal: AbortSignal): void => {
  context.state.set(ABORT_SIGNAL, signal)
}

const abortSignalOf = (context: ServerCallContext): AbortSignal =>
  (context.state.get(ABORT_SIGNAL) as AbortSignal | undefined) ?? new AbortController().signal

/** Whether the client of a call asked for the token extension. */
const wantsExact = (context: ServerCallContext): boolean =>
  context.requestedExtensions?.includes(TOKEN_EXTENSION_URI) ?? false

const REFUSAL = "a2a-campaign/refusal"

/** Why the call was refused for now; the HTTP status says it too. */
export const refusalOf = (context: ServerCallContext): Refusal | undefined =>
  context.state.get(REFUSAL) as Refusal | undefined

const LEGACY_VERSION = "0.3"

export class RelayRequestHandler implements A2ARequestHandler {
  readonly #card: AgentCard
  readonly #relay: Relay["Service"]
  readonly #run: <A>(effect: Effect.Effect<A>) => Promise<A>

  /** `context` is what the relay's effects run in: the clock and the logger of whoever serves the agent. */
  constructor(card: AgentCard, relay: Relay["Service"], context: Context.Context<never>) {
    this.#card = card
    this.#relay = relay
    this.#run = Effect.runPromiseWith(context)
  }

  async getAgentCard(): Promise<AgentCard> {
    return this.#card
  }

  async getAuthenticatedExtendedAgentCard(): Promise<AgentCard> {
    throw new UnsupportedOperationError({ message: "This agent has no extended card." })
  }

  async sendMessage(params: SendMessageRequest, context: ServerCallContext): Promise<Task> {
    return this.#spanned("SendMessage", context, () => this.#sendMessage(params, context))
  }

  async #sendMessage(params: SendMessageRequest, context: ServerCallContext): Promise<Task> {
    const historyLength = params.configuration?.historyLength
    if (params.configuration?.returnImmediately === true) {
      return this.#task(await this.#send(params, context, () => {}), context, historyLength)
    }
    const signal = abortSignalOf(context)
    const scope = Scope.makeUnsafe()
    const gone = () => this.#run(Scope.close(scope, Exit.void))
    signal.addEventListener("abort", () => void gone(), { once: true })
    let reading = Promise.resolve()
    const log = await this.#send(params, context, (log) => {
      reading = this.#run(Scope.provide(this.#relay.reading(log), scope))
    })
    await reading
    if (signal.aborted) await gone()
    await settled(log, signal)
    await gone()
    return this.#task(log, context, historyLength)
  }

  async *sendMessageStream(
    params: SendMessageRequest,
    context: ServerCallContext
  ): AsyncGenerator<StreamResponse, void, undefined> {
    let following: { readonly reader: TaskReader; readonly snapshot: TaskSnapshot } | undefined
    const log = await this.#spannedOn("SendStreamingMessage", context, () =>
      this.#send(params, context, (log) => {
        // A new task is read from its first event on: a snapshot does not say how the text came.
        following = log.generation === 0 ? { reader: log.readAll(), snapshot: log.snapshot } : log.readOn()
      }))
    yield* this.#follow(log, context, following!, true)
  }

  async *resubscribe(
    params: { readonly id: string },
    context: ServerCallContext
  ): AsyncGenerator<StreamResponse, void, undefined> {
    const log = await this.#spannedOn("SubscribeToTask", context, async () => {
      const log = await this.#find(params.id, context)
      ServedSpan.tellTask(context, log)
      if (!log.ended) return log
      throw new UnsupportedOperationError({ message: `Task ${log.taskId} is over; get it with GetTask.` })
    })
    // A stream of 0.3 ends with an event that says so, and there it is said where the task begins to wait.
    yield* this.#follow(log, context, log.readOn(), context.requestedVersion === LEGACY_VERSION)
  }

  async getTask(
    params: { readonly id: string; readonly historyLength?: number | undefined },
    context: ServerCallContext
  ): Promise<Task> {
    return this.#task(await this.#find(params.id, context), context, params.historyLength)
  }

  async cancelTask(params: { readonly id: string }, context: ServerCallContext): Promise<Task> {
    return this.#spanned("CancelTask", context, async () => {
      const log = await this.#find(params.id, context)
      ServedSpan.tellTask(context, log)
      if (log.ended) {
        throw new TaskNotCancelableError({ message: `Task ${log.taskId} cannot be canceled: it is ${log.state}.` })
      }
      await this.#run(this.#relay.cancel(log))
      return this.#task(log, context, undefined)
    })
  }

  async listTasks(params: ListTasksRequest, context: ServerCallContext): Promise<ListTasksResponse> {
    const logs = await this.#run(this.#relay.list(ownerOf(context)))
    const page = TaskList.page([...logs].filter((log) => owns(log, context)), {
      contextId: params.contextId,
      state: params.status === TaskState.TASK_STATE_UNSPECIFIED ? undefined : fromTaskState(params.status),
      statusTimestampAfter: params.statusTimestampAfter,
      pageSize: params.pageSize,
      pageToken: params.pageToken
    })
    if (page === undefined) throw new RequestMalformedError("The page token is none that this agent gave.")
    return {
      tasks: page.logs.map((log) => {
        const task = this.#task(log, context, params.historyLength)
        return params.includeArtifacts === true ? task : { ...task, artifacts: [] }
      }),
      nextPageToken: page.nextPageToken,
      pageSize: page.pageSize,
      totalSize: page.totalSize
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

  /** In a span that ends with the answer. */
  async #spanned<A>(method: string, context: ServerCallContext, answer: () => Promise<A>): Promise<A> {
    await this.#run(ServedSpan.open(method, context))
    return ServedSpan.answered(context, answer())
  }

  /** In a span that ends with the request, if what it asks for is begun at all. */
  async #spannedOn<A>(method: string, context: ServerCallContext, begin: () => Promise<A>): Promise<A> {
    await this.#run(ServedSpan.open(method, context))
    return ServedSpan.begun(context, begin(), abortSignalOf(context))
  }

  /** Begins a task, or goes on with one. `attach` is called with its log before the message does anything. */
  async #send(
    params: SendMessageRequest,
    context: ServerCallContext,
    attach: (log: TaskLog) => void
  ): Promise<TaskLog> {
    const message = params.message
    if (message === undefined || message.parts.length === 0) {
      throw new RequestMalformedError("A message needs at least one part.")
    }
    if (params.configuration?.taskPushNotificationConfig !== undefined) throw new PushNotificationNotSupportedError()
    const waiting = message.taskId === "" ? undefined : await this.#find(message.taskId, context)
    // From here on nothing else comes in between: whoever is found to wait still waits when the relay is told.
    if (waiting !== undefined) checkWaiting(waiting, message)
    this.#checkMediaTypes(message)
    const identity = {
      taskId: waiting?.taskId ?? randomUUID(),
      contextId: waiting?.contextId ?? (message.contextId || randomUUID()),
      ...ownerOf(context)
    }
    const request: AgentRequest = {
      ...identity,
      continued: waiting !== undefined,
      text: textOf(message.parts, "\n"),
      data: message.parts.flatMap((part) => part.content?.$case === "data" ? [part.content.value as unknown] : []),
      exact: wantsExact(context),
      said: AttemptMetadata.read(message.metadata)
    }
    const { contextId, taskId } = identity
    ServedSpan.tellRequest(context, message.messageId, identity)
    const turn = { request, message: { ...message, taskId, contextId }, attach }
    const begun = waiting === undefined ? this.#relay.start(turn) : this.#relay.proceed(waiting, turn)
    // Its work belongs to the span of this request, which it may outlive.
    const result = await this.#run(ServedSpan.under(context, Effect.result(begun)))
    if (result._tag === "Success") {
      ServedSpan.tellTask(context, result.success)
      return result.success
    }
    context.state.set(REFUSAL, result.failure)
    throw result.failure
  }

  #checkMediaTypes(message: Message): void {
    for (const part of message.parts) {
      const mediaType = mediaTypeOf(part)
      if (supports(this.#card.defaultInputModes, mediaType)) continue
      throw new ContentTypeNotSupportedError({
        message: `This agent takes ${this.#card.defaultInputModes.join(" and ")}, not ${mediaType}.`
      })
    }
  }

  async #find(taskId: string, context: ServerCallContext): Promise<TaskLog> {
    const log = await this.#run(this.#relay.find(taskId))
    if (log === undefined || !owns(log, context)) {
      throw new TaskNotFoundError({ message: `Task not found: ${taskId}` })
    }
    return log
  }

  /** Gives the first event, and leaves the reader of the others. */
  async *#follow(
    log: TaskLog,
    context: ServerCallContext,
    { reader, snapshot }: { readonly reader: TaskReader; readonly snapshot: TaskSnapshot },
    endsAtInterruption: boolean
  ): AsyncGenerator<StreamResponse, void, undefined> {
    const signal = abortSignalOf(context)
    const scope = Scope.makeUnsafe()
    await this.#run(Scope.provide(this.#relay.reading(log), scope))
    const gone = () => {
      reader.close()
      void this.#run(Scope.close(scope, Exit.void))
    }
    if (signal.aborted) gone()
    else signal.addEventListener("abort", gone, { once: true })
    const exact = wantsExact(context)
    const task = toTask(log, snapshot, { exact })
    TaskFollowing.leave(context, {
      log,
      reader,
      begun: task.artifacts.map((artifact) => artifact.artifactId),
      exact,
      endsAtInterruption
    })
    yield { payload: { $case: "task", value: task } }
  }

  #task(log: TaskLog, context: ServerCallContext, historyLength: number | undefined): Task {
    return toTask(log, log.snapshot, { exact: wantsExact(context), historyLength })
  }
}

const ownerOf = (context: ServerCallContext): TaskOwner => ({
  tenant: context.tenant ?? "",
  user: context.user?.userName ?? ""
})

const owns = (log: TaskLog, context: ServerCallContext): boolean => {
  const { tenant, user } = ownerOf(context)
  return log.tenant === tenant && log.user === user
}

/** Throws unless the task waits for the message. */
const checkWaiting = (log: TaskLog, message: Message): void => {
  if (message.contextId !== "" && message.contextId !== log.contextId) {
    throw new RequestMalformedError(`Task ${log.taskId} is not of context ${message.contextId}.`)
  }
  if (log.interrupted) return
  throw new UnsupportedOperationError({
    message: log.ended
      ? `Task ${log.taskId} is ${log.state} and takes no further message; send one without a task id in its context.`
      : `Task ${log.taskId} is at work and takes no further message before it asks for one.`
  })
}

/** Waits until the task has ended or waits for its client, or the signal aborts. */
const settled = (log: TaskLog, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    let stop = () => {}
    const settle = () => {
      stop()
      signal.removeEventListener("abort", settle)
      resolve()
    }
    signal.addEventListener("abort", settle)
    stop = log.onSettled(settle)
  })
