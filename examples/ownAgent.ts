/**
 * An agent of your own on the relay: it asks back once, then streams, and knows two users by their tokens.
 *
 *     node --conditions=a2a-campaign-source examples/ownAgent.ts
 *
 * Whoever writes an agent brings a stream of task events for each message. Bindings, versions, slow readers, resuming,
 * cancelling and the end of it are the server's.
 */
import * as A2aServer from "a2a-campaign/A2aServer"
import { type Authenticator, Unauthorized } from "a2a-campaign/Authenticator"
import { Status, type TaskEvent } from "a2a-campaign/TaskEvent"
import { Delta } from "a2a-campaign/TokenEvent"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** The hook for more than one bearer token: look at the headers, say who it is, or refuse. */
const users: Authenticator = {
  security: {
    securitySchemes: {
      bearer: {
        scheme: { $case: "httpAuthSecurityScheme", value: { scheme: "Bearer", bearerFormat: "", description: "" } }
      }
    },
    securityRequirements: [{ schemes: { bearer: { list: [] } } }]
  },
  authenticate: ({ headers }) => {
    const userName = { "Bearer for-ada": "ada", "Bearer for-grace": "grace" }[headers["authorization"] ?? ""]
    return userName === undefined
      ? Effect.fail(new Unauthorized({ reason: { _tag: "Wrong" } }))
      : Effect.succeed({ isAuthenticated: true, userName })
  }
}

const countTo = (limit: number): Stream.Stream<TaskEvent> =>
  Stream.range(1, limit).pipe(
    Stream.map((number) => Delta.make({ channel: "content", text: `${number} `, tokens: 1 }))
  )

const program = Effect.gen(function*() {
  const { url } = yield* A2aServer.serve({
    host: "127.0.0.1",
    port: 0,
    description: {
      name: "counter",
      description: "Counts as far as it is told.",
      version: "1",
      skill: { id: "count", name: "count", description: "Counts.", tags: ["example"] }
    },
    authenticator: users,
    executor: ({ continued, text, user }) =>
      continued
        ? countTo(Number(text))
        : Stream.make(Status.make({ state: "input-required", text: `how far, ${user}?` }))
  })

  // Any client will do; this is HTTP+JSON of A2A 1.0.
  const send = (token: string, message: object) =>
    Effect.promise(() =>
      fetch(`${url}message:send`, {
        method: "POST",
        headers: { "content-type": "application/json", "a2a-version": "1.0", "authorization": `Bearer ${token}` },
        body: JSON.stringify({ message: { messageId: crypto.randomUUID(), role: "ROLE_USER", ...message } })
      }).then((response) => response.json() as Promise<any>)
    )
  const { task } = yield* send("for-ada", { parts: [{ text: "count" }] })
  yield* Console.log(`${task.status.state}: ${task.status.message.parts[0].text}`)
  const stolen = yield* send("for-grace", { taskId: task.id, parts: [{ text: "5" }] })
  yield* Console.log(`grace: ${stolen.error.status}`)
  const answer = yield* send("for-ada", { taskId: task.id, parts: [{ text: "5" }] })
  yield* Console.log(`${answer.task.status.state}: ${answer.task.artifacts[0].parts[0].text}`)
  const nobody = yield* send("wrong", { parts: [{ text: "count" }] })
  yield* Console.log(`nobody: ${nobody.error.status}`)
})

await Effect.runPromise(Effect.scoped(program))
