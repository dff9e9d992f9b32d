/** Agents of ours on loopback for tests: they live as long as the test's scope. */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import * as A2aServer from "../../src/a2a/A2aServer.ts"
import type { AgentExecutor, AgentRequest } from "../../src/a2a/AgentExecutor.ts"
import type { TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { Delta, type TokenEvent } from "../../src/token/TokenEvent.ts"

/** One token of content. */
export const said = (text: string): TokenEvent => Delta.make({ channel: "content", text, tokens: 1 })

/** What an agent is asked, for tests that ask its executor themselves. */
export const agentRequest = (fields: Partial<AgentRequest> = {}): AgentRequest => ({
  taskId: "t",
  contextId: "c",
  tenant: "",
  user: "",
  continued: false,
  text: "hi",
  data: [],
  exact: true,
  said: { attempt: 1, patience: 1 },
  ...fields
})

/** An agent with this executor, on a port of its own. */
export const agent = (executor: AgentExecutor, options: Partial<A2aServer.ServeOptions> = {}) =>
  A2aServer.serve({
    host: "127.0.0.1",
    port: 0,
    description: {
      name: "test agent",
      description: "An agent of a test.",
      version: "1",
      skill: { id: "test", name: "test", description: "Tests.", tags: ["test"] }
    },
    executor,
    ...options
  })

/** Begins to speak and then stays silent; tells when it is interrupted. */
export const hangs = Effect.fnUntraced(function*(orphanGrace: Duration.Input) {
  const interrupted = yield* Deferred.make<void>()
  const server = yield* agent(
    () =>
      Stream.concat(
        Stream.make(said("begun")),
        Stream.fromEffect(Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined)))
      ),
    { orphanGrace }
  )
  return { ...server, interrupted: Deferred.await(interrupted) }
})

/** What our client gets from an agent: every event, and how the stream ended. */
export const ask = (url: string, text = "hello") =>
  Effect.gen(function*() {
    const client = yield* A2aClient
    const events: Array<TaskEvent> = []
    const error = yield* client.send({ url, hop: "purple", text }).pipe(
      Stream.runForEachArray((some) => Effect.sync(() => events.push(...some))),
      Effect.match({ onSuccess: () => undefined, onFailure: (error) => error })
    )
    return { events, error }
  }).pipe(Effect.provide(A2aClient.layer))

/** Posts JSON-RPC and gives the answer's text, as any HTTP client would. */
export const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  Effect.promise(() =>
    fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body)
    }).then((response) =>
      response.text().then((text) => ({ status: response.status, headers: response.headers, text }))
    )
  )

/** The data of a server-sent event stream, parsed. */
export const dataOf = (text: string): ReadonlyArray<Record<string, any>> =>
  text.split("\n").filter((line) => line.startsWith("data: ")).map((line) => JSON.parse(line.slice(6)))
