/**
 * What an agent does with a message: the only thing an agent has to bring to the relay.
 *
 * The stream is the task's work on this message. It may end with its own `Ended` (a green agent that rejects a request
 * does), or with a `Status` of `input-required` or `auth-required`: then the task waits, and the client's next message to
 * it comes as a request of its own with `continued`. Otherwise the stream's end completes the task and its failure fails
 * it, with the error kept for whoever watches. Interrupting it cancels the task's work.
 */
import type * as Stream from "effect/Stream"
import type { RunError } from "../liveness/RunError.ts"
import type { AttemptMetadata } from "./AttemptMetadata.ts"
import type { TaskEvent } from "./TaskEvent.ts"

/** A message of a client, as an executor gets it. */
export interface AgentRequest {
  /** The task that it begins, or goes on with. */
  readonly taskId: string
  /** The conversation that the task is part of. */
  readonly contextId: string
  /** Whose tasks these are, as the client says; empty if it says nothing. */
  readonly tenant: string
  /** Who the server knows the client to be; empty if nobody asked. */
  readonly user: string
  /** Whether the task waited for this message. */
  readonly continued: boolean
  /** The text parts of the message, a line each. */
  readonly text: string
  /** The data parts of the message. */
  readonly data: ReadonlyArray<unknown>
  /** Whether the client reads the token extension. */
  readonly exact: boolean
  /** Which attempt it is, and with how much patience; what a campaign says of its battle. */
  readonly said: AttemptMetadata
}

/** `R`: the services that its work needs; they are taken from where the relay is made. */
export type AgentExecutor<R = never> = (request: AgentRequest) => Stream.Stream<TaskEvent, RunError, R>
