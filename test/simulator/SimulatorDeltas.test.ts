// What a delta may be other than one token of content: reasoning, tool calls, nothing, several tokens.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import OpenAI from "openai"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { tokenize } from "../../src/simulator/Tokenizer.ts"
import { chunksOf, contentOf, journal, jsonOf, post, rawPost, simulator, stream, userMessage } from "./harness.ts"

const fast = { timeToFirstTokenMillis: 0, interTokenMillis: 0 }
type Options = Parameters<typeof simulator>[0]
const saying = (text: string, options: Options = {}) =>
  simulator({ ...fast, answers: { _tag: "FixedText", text }, ...options })

const thoughtful = "<think>One and one.</think>Two."
const fields = (chunks: ReadonlyArray<any>, name: string) => chunks.map((chunk) => chunk.choices[0]?.delta[name])
const joinedField = (chunks: ReadonlyArray<any>, name: string) => fields(chunks, name).join("")
const counting = { stream_options: { include_usage: true, continuous_usage_stats: true } }

describe("Simulator: reasoning", () => {
  it.live("comes before the content under its own name, and counts as tokens", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream({ ...userMessage("1+1"), ...counting }))
      assert.deepStrictEqual(chunks.map((chunk) => chunk.choices[0]?.delta), [
        { role: "assistant", content: "" },
        { reasoning: "One" },
        { reasoning: " and" },
        { reasoning: " one" },
        { reasoning: "." },
        { content: "Two" },
        { content: "." },
        undefined
      ])
      assert.deepStrictEqual(chunks.map((chunk) => chunk.usage.completion_tokens), [0, 2, 3, 4, 5, 7, 8, 8])
    }).pipe(Effect.provide(saying(thoughtful))))

  it.live("has its old name if told so", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream(userMessage("1+1")))
      assert.strictEqual(joinedField(chunks, "reasoning_content"), "One and one.")
      assert.strictEqual(joinedField(chunks, "reasoning"), "")
      const { choices: [{ message }] } = yield* Effect.flatMap(post(userMessage("1+1")), jsonOf)
      assert.strictEqual(message.reasoning_content, "One and one.")
      assert.notProperty(message, "reasoning")
    }).pipe(Effect.provide(saying(thoughtful, { reasoningField: "reasoning_content" }))))

  it.live("gives no chunk at all where it is hidden, not even with token ids, but still counts", () =>
    Effect.gen(function*() {
      const hidden = { ...userMessage("1+1"), ...counting, include_reasoning: false, return_token_ids: true }
      const chunks = chunksOf(yield* stream(hidden))
      assert.deepStrictEqual(fields(chunks.slice(0, -1), "content"), ["", "Two", "."])
      assert.deepStrictEqual(chunks.map((chunk) => chunk.usage.completion_tokens), [0, 7, 8, 8])
      const body = yield* Effect.flatMap(post({ ...userMessage("1+1"), include_reasoning: false }), jsonOf)
      assert.isNull(body.choices[0].message.reasoning)
      assert.strictEqual(body.choices[0].message.content, "Two.")
      assert.strictEqual(body.usage.completion_tokens, 8)
    }).pipe(Effect.provide(saying(thoughtful))))

  it.live("gives a chunk for its markers only with token ids", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream({ ...userMessage("1+1"), return_token_ids: true }))
      assert.strictEqual(chunks.flatMap((chunk) => chunk.choices[0].token_ids ?? []).length, 8)
      assert.deepStrictEqual([chunks[1], chunks[6]].map((chunk) => chunk.choices[0].delta), [{}, {}])
    }).pipe(Effect.provide(saying(thoughtful))))

  it.live("is silence on the wire where it is hidden: after the role chunk not a byte until the content", () =>
    Effect.gen(function*() {
      const raw = yield* rawPost({ ...userMessage("1+1"), stream: true, include_reasoning: false })
      yield* Effect.sync(() => raw.received).pipe(
        Effect.repeat({ until: (received) => received.includes("assistant"), schedule: Schedule.spaced("5 millis") })
      )
      const sofar = raw.received
      yield* Effect.sleep(150)
      assert.strictEqual(raw.received, sofar)
      yield* Effect.sleep(500)
      assert.include(raw.received, "\"content\":\"Two\"")
      const written = (yield* journal).filter(({ event }) => event === "chunk").map(({ tokens }) => tokens)
      assert.deepStrictEqual(written, [1, 6, 1])
    }).pipe(Effect.scoped, Effect.provide(saying(thoughtful, { interTokenMillis: 60 }))))

  it.live("can be put before every answer, from the seed", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream({ ...userMessage("1+1"), seed: 1 }))
      const reasoning = joinedField(chunks, "reasoning")
      assert.isTrue(tokenize(reasoning).length >= 20 && tokenize(reasoning).length <= 60)
      assert.strictEqual(contentOf(chunks), "Two.")
      const { choices: [{ message }] } = yield* Effect.flatMap(post({ ...userMessage("1+1"), seed: 1 }), jsonOf)
      assert.deepStrictEqual([message.reasoning, message.content], [reasoning, "Two."])
    }).pipe(Effect.provide(saying("Two.", { reasoningTokens: 40 }))))
})

const calling =
  "Let me look.<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\", \"days\": 3}}\n</tool_call>"
const tools = [{ type: "function" as const, function: { name: "weather", parameters: { type: "object" } } }]

describe("Simulator: tool calls", () => {
  it.live("come in pieces and finish with tool_calls", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream({ ...userMessage("Rain?"), tools }))
      assert.strictEqual(contentOf(chunks), "Let me look.")
      const pieces = chunks.flatMap((chunk) => chunk.choices[0].delta.tool_calls ?? [])
      assert.strictEqual(pieces[0].function.name, "weather")
      assert.isTrue(pieces.length > 5)
      const text = pieces.map((piece) => piece.function.arguments ?? "").join("")
      assert.deepStrictEqual(JSON.parse(text), { city: "Paris", days: 3 })
      assert.strictEqual(chunks.at(-1).choices[0].finish_reason, "tool_calls")
      assert.deepStrictEqual(chunks.at(-1).choices[0].delta, {})
    }).pipe(Effect.provide(saying(calling))))

  it.live("come at once, after a silence, from a parser that buffers", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream({ ...userMessage("Rain?"), tools }))
      const pieces = chunks.flatMap((chunk) => chunk.choices[0].delta.tool_calls ?? [])
      assert.strictEqual(pieces.length, 1)
      assert.strictEqual(pieces[0].function.arguments, "{\"city\":\"Paris\",\"days\":3}")
      assert.strictEqual(chunks.length, 1 + tokenize("Let me look.").length + 1)
    }).pipe(Effect.provide(saying(calling, { toolCallParser: "buffering" }))))

  it.live("are content where the request has no tools", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream(userMessage("Rain?")))
      assert.strictEqual(contentOf(chunks), calling)
      assert.strictEqual(chunks.at(-1).choices[0].finish_reason, "stop")
    }).pipe(Effect.provide(saying(calling))))

  it.live("are read by the openai SDK, streamed or not", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0 })
      const parameters = {
        model: "simulated-model",
        messages: [{ role: "user" as const, content: "Rain?" }],
        tools
      }
      const streamed = yield* Effect.promise(() => client.chat.completions.stream(parameters).finalChatCompletion())
      const whole = yield* Effect.promise(() => client.chat.completions.create(parameters))
      for (const { choices: [choice] } of [streamed, whole]) {
        const [call] = choice!.message.tool_calls ?? []
        assert.strictEqual(choice!.finish_reason, "tool_calls")
        assert.strictEqual(choice!.message.content, "Let me look.")
        assert.isTrue(call?.type === "function" && call.function.name === "weather")
        assert.deepStrictEqual(call?.type === "function" ? JSON.parse(call.function.arguments) : undefined, {
          city: "Paris",
          days: 3
        })
      }
    }).pipe(Effect.provide(saying(calling))))
})

describe("Simulator: text that is held back", () => {
  it.live("gives empty deltas, which still count", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream({ ...userMessage("Hi"), ...counting }))
      assert.deepStrictEqual(fields(chunks.slice(1, -1), "content"), ["a", " b", "", " c d", " e", "", " f g"])
      assert.deepStrictEqual(chunks.map((chunk) => chunk.usage.completion_tokens), [0, 1, 2, 3, 4, 5, 6, 7, 7])
    }).pipe(Effect.provide(saying("a b c d e f g", { holdBackEvery: 3 }))))
})

describe("Simulator: speculative decoding", () => {
  const text = Array.from({ length: 60 }, (_, index) => ` ${index}`).join("")
  const chunked = Effect.gen(function*() {
    const chunks = chunksOf(yield* stream({ ...userMessage("Hi"), ...counting, return_token_ids: true }))
    assert.strictEqual(contentOf(chunks), text)
    const sizes: Array<number> = chunks.slice(1, -1).map((chunk) => chunk.choices[0].token_ids.length)
    const counts = chunks.slice(1, -1).map((chunk) => chunk.usage.completion_tokens)
    assert.deepStrictEqual(counts, sizes.map((_, index) => sizes.slice(0, index + 1).reduce((a, b) => a + b)))
    return sizes
  })

  it.live("puts 1 to k + 1 tokens in a chunk, the same in every run", () =>
    Effect.gen(function*() {
      const options = { speculativeTokens: 3, interTokenMillis: 1 }
      const first = yield* Effect.provide(chunked, saying(text, options))
      assert.deepStrictEqual([...new Set(first)].toSorted(), [1, 2, 3, 4])
      assert.deepStrictEqual(yield* Effect.provide(chunked, saying(text, options)), first)
      assert.notDeepEqual(yield* Effect.provide(chunked, saying(text, { ...options, seed: 2 })), first)
    }))
})

describe("Simulator: the finish chunk", () => {
  it.live("comes empty after the last text if told so, except where the answer was cut", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream({ ...userMessage("Hi"), return_token_ids: true }))
      assert.deepStrictEqual(
        chunks.slice(1).map(({ choices: [{ delta, finish_reason, token_ids }] }) => [
          delta.content,
          finish_reason,
          token_ids.length
        ]),
        [["a", null, 1], [" b", null, 1], ["", "stop", 0]]
      )
      const cut = chunksOf(yield* stream({ ...userMessage("Hi"), max_tokens: 1 }))
      assert.deepStrictEqual(cut.at(-1).choices[0].delta, { content: "a" })
      assert.strictEqual(cut.at(-1).choices[0].finish_reason, "length")
    }).pipe(Effect.provide(saying("a b", { finishCarriesText: false }))))
})
