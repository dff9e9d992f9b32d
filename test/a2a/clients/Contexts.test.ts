/** The purple agent keeps the conversation of a context, whichever client goes on with it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { PurpleAgent } from "../../../src/agents/PurpleAgent.ts"
import { WatchedEngine } from "../../../src/engine/WatchedEngine.ts"
import { said } from "../../support/agents.ts"
import { dials } from "./support/dial.ts"

/** An engine whose answer is what it was asked. */
const parrot = Layer.succeed(WatchedEngine, {
  model: "parrot",
  baseUrl: "",
  stream: ({ messages }) => Stream.make(said(messages.map(({ content, role }) => `${role}:${content}`).join("|")))
})

describe("a conversation", () => {
  it.live("goes on in its context and nowhere else", () =>
    Effect.gen(function*() {
      const { url } = yield* PurpleAgent
      for (const [name, dial] of dials) {
        yield* Effect.promise(async () => {
          const client = await dial(url)
          const first = await client.send({ text: "one" })
          assert.deepStrictEqual(first.answer, ["user:one"], name)
          const { contextId } = first
          const second = await client.send({ text: "two", contextId })
          assert.strictEqual(second.contextId, contextId)
          assert.notStrictEqual(second.id, first.id)
          assert.deepStrictEqual(second.answer, ["user:one|assistant:user:one|user:two"], name)
          for await (const event of client.stream({ text: "three", contextId })) {
            if (event.kind === "task") assert.strictEqual(event.task!.contextId, contextId)
            if (event.kind !== "artifact") continue
            assert.isTrue(event.text!.endsWith("|user:two|assistant:user:one|assistant:user:one|user:two|user:three"))
          }
          assert.deepStrictEqual((await client.send({ text: "two" })).answer, ["user:two"], name)
          assert.deepStrictEqual((await client.send({ text: "x", contextId: `${name} ours` })).answer, ["user:x"])
        })
      }
    }).pipe(Effect.provide(PurpleAgent.layer({ host: "127.0.0.1", port: 0 }).pipe(Layer.provide(parrot)))))
})
