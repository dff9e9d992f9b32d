/**
 * A stream of a task that a client has been promised: who reads it, and how it is to be written.
 *
 * The SDK's transport handlers turn a request into a generator of events. Ours gives the first event through it, which is
 * a snapshot in the words of the client's protocol, and leaves the rest here, in the context of the call, because
 * everything that the SDK does for an event would be done for every token.
 */
import type { ServerCallContext } from "@a2a-js/sdk/server"
import type { TaskLog } from "./TaskLog.ts"
import type { TaskReader } from "./TaskReader.ts"

export interface TaskFollowing {
  readonly log: TaskLog
  readonly reader: TaskReader
  /** Artifacts that the first event had. */
  readonly begun: ReadonlyArray<string>
  readonly exact: boolean
  /** Whether the stream ends where the task begins to wait for its client. */
  readonly endsAtInterruption: boolean
}

const FOLLOWING = "a2a-campaign/following"

export const leave = (context: ServerCallContext, following: TaskFollowing): void => {
  context.state.set(FOLLOWING, following)
}

/** What the handler left; nothing where the call was no stream. */
export const take = (context: ServerCallContext): TaskFollowing | undefined => {
  const following = context.state.get(FOLLOWING) as TaskFollowing | undefined
  context.state.delete(FOLLOWING)
  return following
}
