// The contract of the wire, 3: how an answer ends, and how it is counted.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { contentOf, post, simulator, streams, userMessage, within1Second } from "../harness.ts"
import {
  awaitText,
  chat,
  counting,
  deltas,
  eventsIn,
  readResponse,
  sdk,
  sdkCompletionStream,
  sdkStream,
  timedPost
} from "./clients.ts"

type Options = Parameters<typeof simulator>[0]
const saying = (text: string, options: Options = {}) =>
  simulator({ timeToFirstTokenMillis: 0, interTokenMillis: 0, answers: { _tag: "FixedText", text }, ...options })
const calling = "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call>"
const tools = [{ type: "function" as const, function: { name: "f", parameters: { type: "object" } } }]
const reasons = (chunks: ReadonlyArray<any>) =>
  chunks.flatMap(({ choices }) => choices).map(({ finish_reason }) => finish_reason).filter((reason) => reason !== null)

describe("Contract: the finish chunk", () => {
  it.live("carries the last text, finish_reason and stop_reason", () =>
    Effect.gen(function*() {
      const { chunks, error } = yield* sdkStream("Hi")
      assert.isUndefined(error)
      assert.deepStrictEqual(chunks.at(-1).choices[0], {
        index: 0,
        delta: { content: "." },
        logprobs: null,
        finish_reason: "stop",
        stop_reason: null,
        token_ids: null,
        weight_versions: null
      })
      assert.deepStrictEqual(reasons(chunks), ["stop"])
      assert.isTrue(chunks.slice(0, -1).every(({ choices }) => !("stop_reason" in choices[0])))
    }).pipe(Effect.provide(saying("One two."))))

  it.live("may come empty after the last text", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("Hi")
      assert.deepStrictEqual(deltas(chunks, "content"), ["", "One", " two", ".", ""])
      assert.deepStrictEqual(reasons(chunks), ["stop"])
    }).pipe(Effect.provide(saying("One two.", { finishCarriesText: false }))))

  it.live("says length where the answer was cut, by either name of the limit, streamed or not", () =>
    Effect.gen(function*() {
      const client = yield* sdk
      for (const limit of [{ max_tokens: 2 }, { max_completion_tokens: 2 }]) {
        const { chunks } = yield* sdkStream("Hi", limit)
        assert.deepStrictEqual([contentOf(chunks), ...reasons(chunks)], ["One two", "length"])
        const { choices } = yield* Effect.promise(() => client.chat.completions.create(chat("Hi", limit)))
        assert.deepStrictEqual([choices[0]?.message.content, choices[0]?.finish_reason], ["One two", "length"])
      }
    }).pipe(Effect.provide(saying("One two."))))

  it.live("says tool_calls instead of stop where a tool was called, but length stays", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(reasons((yield* sdkStream("Hi", { tools })).chunks), ["tool_calls"])
      assert.deepStrictEqual(reasons((yield* sdkStream("Hi")).chunks), ["stop"])
      assert.deepStrictEqual(reasons((yield* sdkStream("Hi", { tools, max_tokens: 12 })).chunks), ["length"])
    }).pipe(Effect.provide(saying(calling))))

  it.live("says abort where the engine was put to sleep: a proper end with what there was, then DONE", () =>
    Effect.gen(function*() {
      const reading = yield* Effect.forkChild(sdkStream("Hi", counting))
      yield* within1Second(streams, ([open]) => (open?.tokens ?? 0) > 2)
      yield* post("", { path: "/sleep?mode=abort" })
      const { chunks, error } = yield* Fiber.join(reading)
      assert.isUndefined(error)
      assert.deepStrictEqual(reasons(chunks), ["abort"])
      assert.isAbove(chunks.at(-1).usage.completion_tokens, 2)
    }).pipe(
      Effect.provide(
        simulator({ timeToFirstTokenMillis: 0, interTokenMillis: 10, answers: { _tag: "LengthOnly", tokens: 100_000 } })
      )
    ))

  it.live("says stop on /v1/completions, and length at 16 tokens unless told otherwise", () =>
    Effect.gen(function*() {
      const cut = yield* sdkCompletionStream("Hi")
      assert.deepStrictEqual([cut.chunks.length, ...reasons(cut.chunks)], [16, "length"])
      const whole = yield* sdkCompletionStream("Hi", { max_tokens: 100 })
      assert.deepStrictEqual([whole.chunks.length, ...reasons(whole.chunks)], [20, "stop"])
    }).pipe(Effect.provide(saying("a".concat(" b".repeat(19))))))
})

describe("Contract: usage", () => {
  it.live("comes only if asked, in a chunk without choices after the finish", () =>
    Effect.gen(function*() {
      const without = yield* sdkStream("Say it now")
      assert.isTrue(without.chunks.every((chunk) => !("usage" in chunk) && chunk.choices.length === 1))
      const { chunks } = yield* sdkStream("Say it now", { stream_options: { include_usage: true } })
      assert.deepStrictEqual(chunks.at(-1).choices, [])
      assert.deepStrictEqual(chunks.at(-1).usage, {
        prompt_tokens: 3,
        completion_tokens: 3,
        total_tokens: 6,
        completion_tokens_details: { reasoning_tokens: 0 }
      })
      assert.isTrue(chunks.slice(0, -1).every((chunk) => (chunk.usage ?? null) === null))
    }).pipe(Effect.provide(saying("One two."))))

  it.live("comes on every chunk if asked: an exact and rising count of tokens", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("Say it now", counting)
      assert.deepStrictEqual(chunks.map(({ usage }) => usage.completion_tokens), [0, 1, 2, 3, 3])
      assert.isTrue(chunks.every(({ usage }) => usage.total_tokens === usage.prompt_tokens + usage.completion_tokens))
    }).pipe(Effect.provide(saying("One two."))))

  it.live("does not come on every chunk without include_usage", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("Hi", { stream_options: { continuous_usage_stats: true } })
      assert.isTrue(chunks.every((chunk) => !("usage" in chunk)))
    }).pipe(Effect.provide(saying("One two."))))

  it.live("is part of every answer that is not streamed", () =>
    Effect.gen(function*() {
      const client = yield* sdk
      const chatted = yield* Effect.promise(() => client.chat.completions.create(chat("Say it now")))
      const completed = yield* Effect.promise(() =>
        client.completions.create({ model: "simulated-model", prompt: "Say it now" })
      )
      for (const { usage } of [chatted, completed]) {
        assert.deepInclude(usage, { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 })
      }
    }).pipe(Effect.provide(saying("One two."))))

  it.live("counts what a client cannot see: hidden reasoning and its markers", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("Hi", { include_reasoning: false, ...counting })
      assert.strictEqual(contentOf(chunks), "One.")
      assert.strictEqual(chunks.at(-1).usage.completion_tokens, 7)
    }).pipe(Effect.provide(saying("<think>a b c</think>One."))))
})

describe("Contract: the end of a stream", () => {
  it.live("is finish, usage, DONE, the last piece of the body, and an open connection", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost({ ...userMessage("Hi"), stream: true, stream_options: { include_usage: true } })
      yield* awaitText(raw, "\r\n0\r\n\r\n")
      const { body, rest } = readResponse(raw.received)
      assert.strictEqual(rest, "0\r\n\r\n")
      const kinds = eventsIn(body).slice(-3).map((event) =>
        /"finish_reason":"stop"|"choices":\[\],"usage"|\[DONE\]/.exec(event)?.[0]
      )
      assert.deepStrictEqual(kinds, ["\"finish_reason\":\"stop\"", "\"choices\":[],\"usage\"", "[DONE]"])
      raw.socket.write("GET /health HTTP/1.1\r\nhost: a\r\n\r\n")
      yield* within1Second(Effect.sync(() => raw.received), (received) => received.split("200 OK").length === 3)
    }).pipe(Effect.scoped, Effect.provide(saying("One two."))))
})
