/**
 * What an agent does with a message: the only thing an agent has to bring to the relay.
 *
 * The stream is the task. It may end with its own `Ended` (a green agent that rejects a request does); otherwise its
 * end completes the task and its failure fails it, with the error kept for whoever watches. Interrupting it cancels
 * the task's work.
 */
import type * as Stream from "effect/Stream"
import type { RunError } from "../liveness/RunError.ts"
import type { AttemptMetadata } from "./AttemptMetadata.ts"
import type { TaskEvent } from "./TaskEvent.ts"

export interface AgentRequest {
  readonly taskId: string
  readonly contextId: string
  /** The text parts of the message, joined. */
  readonly text: string
  /** The data parts of the message. */
  readonly data: ReadonlyArray<unknown>
  /** Whether the client reads the token extension. */
  readonly exact: boolean
  readonly said: AttemptMetadata
}

export type AgentExecutor = (request: AgentRequest) => Stream.Stream<TaskEvent, RunError>
