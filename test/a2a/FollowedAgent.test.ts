/** The client against agents that their authors made with the SDK: every mode, every binding, both versions. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { answerOf, askWith } from "../support/askWith.ts"
import { eventually } from "../support/scriptedServer.ts"
import { sdkAgent, type SdkAgentOptions } from "../support/sdkAgent.ts"
import { modesOf } from "./virtualAgent.ts"

const bindings: ReadonlyArray<Pick<SdkAgentOptions, "binding" | "version">> = [
  { binding: "JSONRPC", version: "1.0" },
  { binding: "HTTP+JSON", version: "1.0" },
  { binding: "JSONRPC", version: "0.3" },
  { binding: "HTTP+JSON", version: "0.3" }
]

describe("an agent made with the SDK", () => {
  for (const { binding, version } of bindings) {
    it.live(`of ${version} over ${binding} is followed in every mode`, () =>
      Effect.gen(function*() {
        const says = { says: ["one ", "two ", "three"], eachMillis: 30, binding, version }
        const streaming = yield* sdkAgent({ ...says, streaming: true })
        const mute = yield* sdkAgent({ ...says, streaming: false })
        const asked = yield* Effect.forEach([
          askWith(streaming.url),
          askWith(streaming.url, { mode: "poll" }),
          askWith(streaming.url, { mode: "blocking" }),
          askWith(mute.url),
          askWith(mute.url, { mode: "blocking" })
        ], (each) =>
          each, { concurrency: "unbounded" })
        for (const { error, events } of asked) {
          assert.isUndefined(error)
          assert.strictEqual(answerOf(events), "one two three")
          assert.deepInclude(events[0], { _tag: "Followed", hop: "purple", exact: false })
        }
        assert.deepStrictEqual(
          asked.map(({ events }) =>
            modesOf(events)
          ),
          [["stream"], ["poll"], ["blocking"], ["poll"], ["blocking"]]
        )
        const refused = yield* askWith(mute.url, { mode: "stream" })
        assert.match(String(refused.error?.message), /does not stream/)
      }).pipe(Effect.provide(A2aClient.layer)))

    it.live(`of ${version} over ${binding} is cancelled in every mode in which its task is known`, () =>
      Effect.gen(function*() {
        const agent = yield* sdkAgent({ says: ["a", "b"], eachMillis: 5000, binding, version, streaming: true })
        const client = yield* A2aClient
        const known = new Set<string>()
        const fibers = yield* Effect.forEach(
          ["stream", "poll", "blocking"] as const,
          (mode) =>
            client.send({ url: agent.url, hop: "purple", text: "hello", mode }).pipe(
              Stream.runForEach(({ _tag }) => Effect.sync(() => _tag === "Status" && known.add(mode))),
              Effect.forkChild
            )
        )
        yield* eventually("they have begun", () => agent.begun() === 3 && known.size === 2)
        yield* Fiber.interruptAll(fibers)
        yield* eventually("two are cancelled", () => agent.cancelled.length === 2)
      }).pipe(Effect.provide(A2aClient.layer)))
  }
})
