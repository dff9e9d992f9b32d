// @effect-diagnostics globalFetch:off
/** The token extension as clients get it that ask for it, and its absence for those that do not. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { TOKEN_EXTENSION_URI } from "../../../src/a2a/TokenExtension.ts"
import { PurpleAgent } from "../../../src/agents/PurpleAgent.ts"
import { Engine } from "../../../src/engine/Engine.ts"
import { WatchedEngine } from "../../../src/engine/WatchedEngine.ts"
import { EngineEvidence } from "../../../src/liveness/EngineEvidence.ts"
import { LimitLearner } from "../../../src/liveness/LimitLearner.ts"
import { Ticker } from "../../../src/liveness/Ticker.ts"
import type { TokenEvent } from "../../../src/token/TokenEvent.ts"
import { dataOf, said } from "../../support/agents.ts"
import { dials, type SeenEvent } from "./support/dial.ts"
import { stage } from "./support/stage.ts"

const all = async (events: AsyncIterable<SeenEvent>): Promise<ReadonlyArray<SeenEvent>> => {
  const seen: Array<SeenEvent> = []
  for await (const event of events) seen.push(event)
  return seen
}

/** The header that says which extensions are active, of either version. */
const echoOf = (headers: Headers) => headers.get("a2a-extensions") ?? headers.get("x-a2a-extensions")

const purple = (tokens: Stream.Stream<TokenEvent>) =>
  PurpleAgent.layer({ host: "127.0.0.1", port: 0 }).pipe(
    Layer.provide(WatchedEngine.layer()),
    Layer.provide([EngineEvidence.layerNone, LimitLearner.layerNone, Ticker.layer(), Engine.layerTest(tokens)])
  )

for (const [name, dial] of dials) {
  describe(`${name}`, () => {
    it.live("asks for the extension, sees its echo, and gets every token's place and the summary", () =>
      Effect.gen(function*() {
        const { url } = yield* stage()
        const client = yield* Effect.promise(() => dial(url, { extension: true }))
        const seen = yield* Effect.promise(() => all(client.stream({ text: "think" })))
        assert.strictEqual(echoOf(client.headers()), TOKEN_EXTENSION_URI)
        assert.deepStrictEqual(
          seen.map(({ told }) => [told!["_tag"], told!["generation"], told!["total"]]),
          [
            ["Snapshot", 0, undefined],
            ["Status", 1, 0],
            ["Delta", 2, 2],
            ["Delta", 3, 5],
            ["Finish", 4, 5],
            ["Usage", 5, 5],
            ["Ended", 6, 5]
          ]
        )
        assert.deepStrictEqual(
          seen.filter(({ kind }) => kind === "artifact").map(({ artifactId, text, told }) => [
            artifactId,
            text,
            told!["channel"],
            told!["tokens"]
          ]),
          [["reasoning", "well", "reasoning", 2], ["answer", "yes", "content", 3]]
        )
        const { summary } = seen.at(-1)!.told!
        assert.deepInclude(summary, {
          finishReason: "stop",
          usage: { promptTokens: 7, completionTokens: 5 },
          tokens: 5,
          verdict: "completed"
        })
        const { endMillis, firstTokenMillis, lastTokenMillis } = summary.timings
        assert.isTrue(0 <= firstTokenMillis && firstTokenMillis <= lastTokenMillis && lastTokenMillis <= endMillis)
      }))

    it.live("does not ask for it, and sees nothing of it", () =>
      Effect.gen(function*() {
        const { url } = yield* stage()
        const client = yield* Effect.promise(() => dial(url))
        const seen = yield* Effect.promise(() => all(client.stream({ text: "think" })))
        assert.isNull(echoOf(client.headers()))
        assert.isTrue(seen.every(({ told }) => told === undefined))
        assert.deepStrictEqual(seen.map(({ artifactId, kind, state }) => artifactId ?? state ?? kind), [
          "task",
          "working",
          "answer",
          "completed"
        ])
      }))

    it.effect("hears that a silent agent lives only if it asks", () =>
      Effect.gen(function*() {
        const { url } = yield* PurpleAgent
        for (const extension of [true, false]) {
          const client = yield* Effect.promise(() => dial(url, { extension }))
          const seen: Array<SeenEvent> = []
          yield* Effect.promise(async () => {
            for await (const event of client.stream({ text: "hi" })) {
              seen.push(event)
              if (event.artifactId === "answer") break
            }
          })
          const { id } = seen[0]!.task!
          const rest = client.subscribe(id)[Symbol.asyncIterator]()
          assert.strictEqual((yield* Effect.promise(() => rest.next())).value?.kind, "task")
          const next = rest.next()
          yield* TestClock.adjust("11 seconds")
          if (extension) {
            const beats = [yield* Effect.promise(() => next), yield* Effect.promise(() => rest.next())]
            beats.forEach(({ value }, index) => {
              assert.deepInclude(value?.told, {
                _tag: "Heartbeat",
                phase: "decoding",
                tokens: 1,
                tokenAgeMillis: 5000 * (index + 1),
                intervalMillis: 5000
              })
            })
          }
          yield* Effect.promise(() => client.cancel(id))
          // Who did not ask hears nothing before the end.
          const last = yield* Effect.promise(() => extension ? rest.next() : next)
          assert.deepInclude(last.value, { kind: "status", state: "canceled" })
        }
      }).pipe(Effect.provide(purple(Stream.concat(Stream.make(said("a")), Stream.never)))))
  })
}

describe("the ids of a stream", () => {
  it.live("are generations: they grow, also for a reader that comes back", () =>
    Effect.gen(function*() {
      const { url } = yield* stage()
      const ids: Array<number> = []
      for (const extension of [TOKEN_EXTENSION_URI, ""]) {
        const text = yield* Effect.promise(() =>
          fetch(`${url}message:stream`, {
            method: "POST",
            headers: { "content-type": "application/json", "a2a-version": "1.0", "a2a-extensions": extension },
            body: JSON.stringify({ message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "a b c" }] } })
          }).then((response) => response.text())
        )
        const seen = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
        assert.lengthOf(seen, dataOf(text).length)
        assert.deepStrictEqual(seen, [...new Set(seen)].toSorted((a, b) => a - b))
        if (extension !== "") {
          assert.deepStrictEqual(
            seen,
            dataOf(text).map((event) =>
              (Object.values(event)[0] as Record<string, any>)["metadata"][TOKEN_EXTENSION_URI].generation
            )
          )
        }
        ids.push(seen.at(-1)!)
      }
      assert.deepStrictEqual(ids, [5, 5])
    }))
})

describe("a silent stream", () => {
  it.effect("carries a comment every fifteen seconds, which is no event", () =>
    Effect.gen(function*() {
      const { url } = yield* stage()
      const response = yield* Effect.promise(() =>
        fetch(`${url}message:stream`, {
          method: "POST",
          headers: { "content-type": "application/json", "a2a-version": "1.0" },
          body: JSON.stringify({ message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "hang" }] } })
        })
      )
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      let text = ""
      const read = (isEnough: () => boolean) =>
        Effect.promise(async () => {
          while (!isEnough()) text += (await reader.read()).value ?? ""
        })
      yield* read(() => text.includes("begun"))
      yield* TestClock.adjust("45 seconds")
      yield* Effect.promise(() =>
        fetch(`${url}tasks/${dataOf(text)[0]!["task"].id}:cancel`, {
          method: "POST",
          headers: { "a2a-version": "1.0" }
        })
      )
      yield* read(() => text.includes("CANCELED"))
      assert.lengthOf(text.match(/^: keep-alive\n\n/gm) ?? [], 3)
      assert.lengthOf(dataOf(text), 4)
      yield* Effect.promise(() => reader.cancel())
    }))
})
