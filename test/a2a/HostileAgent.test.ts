/** Agents that answer as badly as they can: each ends its own battle, with its reason, and nothing else. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { agent, said } from "../support/agents.ts"
import { answerOf, askWith } from "../support/askWith.ts"
import { hostileAgent } from "../support/hostileAgent.ts"
import { eventually } from "../support/scriptedServer.ts"
import { cases } from "./hostileCases.ts"

const limits = { taskBytes: 6 * 1024 * 1024, answerTime: "300 millis" } as const

describe("an agent that answers with", () => {
  for (const { behaviour, detail, name, reason, tokens = 0 } of cases) {
    it.live(`${name} fails with ${reason}, and nobody else does`, () =>
      Effect.gen(function*() {
        const hostile = yield* hostileAgent(behaviour)
        // Speaks before, while and after the hostile one does.
        const words = ["one ", "two ", "three ", "four ", "five"]
        const healthy = yield* agent(() =>
          Stream.fromIterable(words).pipe(Stream.mapEffect((word) => Effect.as(Effect.sleep(20), said(word))))
        )
        yield* Effect.gen(function*() {
          const other = yield* Effect.forkChild(askWith(healthy.url))
          const { error } = yield* askWith(hostile.url)
          assert.strictEqual(error?._tag, "Failed")
          if (error?._tag !== "Failed") return
          assert.deepStrictEqual(
            [error.hop, error.reason._tag, error.tokens],
            ["purple", reason, tokens],
            error.message
          )
          assert.match("detail" in error.reason ? error.reason.detail : "", detail)
          assert.isBelow(error.message.length, 600)
          yield* eventually("the socket is closed", () => hostile.openAnswers() === 0)
          const { error: none, events } = yield* Fiber.join(other)
          assert.isUndefined(none)
          assert.strictEqual(answerOf(events), words.join(""))
        }).pipe(Effect.provide(A2aClient.layerWith({ limits })))
      }))
  }
})
