/** What the client in the context gets from an agent: every event, and how the stream ended. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { A2aClient, type A2aMessage } from "../../src/a2a/A2aClient.ts"
import type { TaskEvent } from "../../src/a2a/TaskEvent.ts"

export const askWith = (url: string, more: Partial<A2aMessage> = {}) =>
  Effect.gen(function*() {
    const client = yield* A2aClient
    const events: Array<TaskEvent> = []
    const error = yield* client.send({ url, hop: "purple", text: "hello", ...more }).pipe(
      Stream.runForEachArray((some) => Effect.sync(() => events.push(...some))),
      Effect.match({ onSuccess: () => undefined, onFailure: (error) => error })
    )
    return { events, error }
  })

/** The text of the answer. */
export const answerOf = (events: ReadonlyArray<TaskEvent>): string =>
  events.map((event) => event._tag === "Delta" && event.channel === "content" ? event.text : "").join("")
