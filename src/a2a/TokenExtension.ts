/**
 * The A2A extension that makes a task's event stream an exact encoding of a token stream.
 *
 * It is declared on the agent card as optional and activated by the `A2A-Extensions` header. Its data stands under
 * `metadata[TOKEN_EXTENSION_URI]` of status and artifact updates: the task event itself, without the text that the
 * update's own parts carry. A client that does not ask for it sees a plain A2A stream: artifact updates that append the
 * answer, status updates with text.
 */
import * as Schema from "effect/Schema"
import { TaskEvent } from "./TaskEvent.ts"

export const TOKEN_EXTENSION_URI = "urn:a2a-campaign:extension:token-liveness:v1"

/** What the agent card says of it. */
export const tokenExtension = {
  uri: TOKEN_EXTENSION_URI,
  description: "Token counts, channels, usage, finish reason and structured errors for every event of a task.",
  required: false,
  params: undefined
}

/** The JSON form of an event. */
export const encodeEvent: (event: TaskEvent) => unknown = Schema.encodeSync(TaskEvent)

/** The event a JSON form stands for, or a failure if it is none. */
export const decodeEvent = Schema.decodeUnknownResult(TaskEvent)
