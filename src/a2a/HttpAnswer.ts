/**
 * What a binding of A2A answers to one HTTP request: a document, or a stream of a task's events.
 *
 * A binding decides everything up to the first event and how an event is wrapped. What costs per token is the same for
 * all of them and is not theirs: the handler left the reader of the task in the call's context (TaskFollowing.ts).
 */
import type { ServerCallContext } from "@a2a-js/sdk/server"

/** Whose words events are written in. */
export type Dialect = "1.0" | "0.3"

export type HttpAnswer = JsonAnswer | EventsAnswer

export interface JsonAnswer {
  readonly _tag: "Json"
  readonly status: number
  readonly contentType: string
  readonly json: unknown
  readonly headers: Readonly<Record<string, string>>
}

export interface EventsAnswer {
  readonly _tag: "Events"
  /** The first event, as JSON, in its envelope. */
  readonly first: unknown
  readonly dialect: Dialect
  /** Puts the JSON of a later event into the binding's envelope. */
  readonly envelope: (event: unknown) => unknown
  /** The context that the handler was called with. If it left no reader there, the first event is the only one. */
  readonly context: ServerCallContext
  readonly headers: Readonly<Record<string, string>>
}
