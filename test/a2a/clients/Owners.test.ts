// @effect-diagnostics globalFetch:off
/** Tasks belong to whoever began them: to a user, and to a tenant. To anybody else there are no such tasks. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { noSecurity } from "../../../src/a2a/AgentCard.ts"
import type { Authenticator } from "../../../src/a2a/Authenticator.ts"
import { stage } from "./support/stage.ts"

/** Everybody is who they say they are. */
const trusting: Authenticator = {
  security: noSecurity,
  authenticate: ({ headers }) => Effect.succeed({ isAuthenticated: true, userName: headers["x-user"] ?? "" })
}

const message = { messageId: "m", role: "ROLE_USER", parts: [{ text: "one" }] }

describe("a task", () => {
  it.live("is there for its own user in its own tenant, in both bindings, and for nobody else", () =>
    Effect.gen(function*() {
      const { url } = yield* stage({ authenticator: trusting })
      const ask = async (user: string, method: string, path: string, body?: unknown) => {
        const response = await fetch(`${url}${path}`, {
          method,
          headers: { "a2a-version": "1.0", "content-type": "application/json", "x-user": user },
          ...body === undefined ? {} : { body: JSON.stringify(body) }
        })
        return await response.json() as Record<string, any>
      }
      const call = (user: string, method: string, params: object) =>
        ask(user, "POST", "", { jsonrpc: "2.0", id: 1, method, params })
      yield* Effect.promise(async () => {
        const { task: { id } } = await ask("ann", "POST", "acme/message:send", { message })
        const seenBy = async (user: string, tenant: string) => {
          const prefix = tenant === "" ? "" : `${tenant}/`
          const seen = await Promise.all([
            ask(user, "GET", `${prefix}tasks/${id}`).then((task) => task["id"] === id),
            ask(user, "GET", `${prefix}tasks`).then(({ totalSize }) => totalSize === 1),
            call(user, "GetTask", { id, tenant }).then(({ result }) => result?.id === id),
            call(user, "ListTasks", { tenant }).then(({ result }) => result.totalSize === 1),
            // Of a task that is there it is said that it is over.
            call(user, "CancelTask", { id, tenant }).then(({ error }) => error.code === -32002)
          ])
          assert.lengthOf(new Set(seen), 1, `${user} of ${tenant}: ${seen}`)
          return seen[0]
        }
        assert.isTrue(await seenBy("ann", "acme"))
        assert.isFalse(await seenBy("ann", ""))
        assert.isFalse(await seenBy("ann", "other"))
        assert.isFalse(await seenBy("bob", "acme"))
        assert.isFalse(await seenBy("", ""))
        const { error } = await call("bob", "SendMessage", { message: { ...message, taskId: id }, tenant: "acme" })
        assert.strictEqual(error.code, -32001)
      })
    }))
})
