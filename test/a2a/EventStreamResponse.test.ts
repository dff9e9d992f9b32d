import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import { agent, dataOf, said } from "../support/agents.ts"

/** An event that an agent must not make, and that only readers of the extension have words for. */
const impossible = { _tag: "Usage", promptTokens: -1, completionTokens: 0 } as unknown as TaskEvent

describe("an event that cannot be written", () => {
  it.live("breaks the stream of who would get it, and neither the task nor another stream", () =>
    Effect.gen(function*() {
      const { url } = yield* agent(() =>
        Stream.make(said("a"), impossible, said("b")).pipe(
          Stream.rechunk(1),
          Stream.mapEffect((event) => Effect.as(Effect.sleep(20), event))
        )
      )
      const ask = (path: string, body: unknown, extensions = "") =>
        Effect.promise(() =>
          fetch(`${url}${path}`, {
            method: "POST",
            headers: { "content-type": "application/json", "a2a-version": "1.0", "a2a-extensions": extensions },
            body: JSON.stringify(body)
          })
        )
      const message = { messageId: "m", role: "ROLE_USER", parts: [{ text: "x" }] }
      const sent = yield* ask("message:send", { message, configuration: { returnImmediately: true } })
      const { task } = yield* Effect.promise(() => sent.json() as Promise<any>)
      const subscription = `tasks/${task.id}:subscribe`
      const [exact, plain] = yield* Effect.all([ask(subscription, {}, TOKEN_EXTENSION_URI), ask(subscription, {})])
      const broken = yield* Effect.promise(() => exact.text().catch(() => "broken"))
      assert.strictEqual(broken, "broken")
      const all = dataOf(yield* Effect.promise(() => plain.text()))
      const text = all.flatMap(({ artifactUpdate, task }) =>
        artifactUpdate?.artifact.parts ?? task?.artifacts?.[0].parts ?? []
      ).map((part: { readonly text: string }) => part.text).join("")
      assert.strictEqual(text, "ab")
      assert.strictEqual(all.at(-1)?.["statusUpdate"].status.state, "TASK_STATE_COMPLETED")
    }))
})
