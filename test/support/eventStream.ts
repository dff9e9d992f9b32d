/** A client of server-sent events, with what a browser's would not tell: headers, ids, comments. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface EventStream<Message> {
  readonly status: number
  readonly headers: Headers
  /** Everything that came so far, as it came. */
  readonly text: () => string
  /** The messages so far, decoded from JSON. */
  readonly messages: () => ReadonlyArray<Message>
  /** The id of the last message that had one. */
  readonly lastId: () => string | undefined
  /** Waits for a message; dies after 10 s. */
  readonly until: (found: (message: Message) => boolean) => Effect.Effect<Message>
  /** Waits until the server has ended the stream. */
  readonly ended: Effect.Effect<void>
}

/** Opens a stream, which is closed with the scope. */
export const openEventStream = <Message>(
  url: string,
  headers: Readonly<Record<string, string>> = {}
): Effect.Effect<EventStream<Message>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const controller = yield* Effect.acquireRelease(
      Effect.sync(() => new AbortController()),
      (controller) => Effect.sync(() => controller.abort())
    )
    const response = yield* Effect.promise(() => fetch(url, { headers, signal: controller.signal }))
    let text = ""
    const reading = (async () => {
      const decoder = new TextDecoder()
      try {
        for await (const chunk of response.body!) text += decoder.decode(chunk, { stream: true })
      } catch {
        // It was cut off.
      }
    })()
    // A line ends where the wire says, and not where a regular expression thinks so.
    const lines = (name: string) =>
      text.slice(0, text.lastIndexOf("\n\n") + 1).split("\n")
        .filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2))
    const messages = () => lines("data").map((json) => JSON.parse(json) as Message)
    return {
      status: response.status,
      headers: response.headers,
      text: () => text,
      messages,
      lastId: () => lines("id").at(-1),
      until: (found) =>
        Effect.gen(function*() {
          const deadline = performance.now() + 10_000
          while (true) {
            const message = messages().find(found)
            if (message !== undefined) return message
            if (performance.now() > deadline) return yield* Effect.die(new Error(`no such message in ${text}`))
            yield* Effect.sleep(10)
          }
        }),
      ended: Effect.promise(() => reading)
    }
  })
