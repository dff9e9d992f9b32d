// The contract of the wire, 2: the chunks of a streamed answer, from the role to the last delta.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { contentOf, simulator, userMessage } from "../harness.ts"
import {
  arrivalOf,
  awaitText,
  chat,
  counting,
  deltas,
  eventsIn,
  jsonIn,
  readResponse,
  sdk,
  sdkCompletionStream,
  sdkStream,
  timedPost
} from "./clients.ts"

type Options = Parameters<typeof simulator>[0]
const saying = (text: string, options: Options = {}) =>
  simulator({ timeToFirstTokenMillis: 0, interTokenMillis: 0, answers: { _tag: "FixedText", text }, ...options })
const streamed = { ...userMessage("Hi"), stream: true }

describe("Contract: the role chunk", () => {
  it.live("comes with the first output of the engine, in one piece with the first token, not at acceptance", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost(streamed)
      yield* awaitText(raw, "[DONE]")
      const [headers, first] = raw.arrivals
      assert.isAtLeast(first!.atMillis - headers!.atMillis, 150)
      assert.isBelow(first!.text.indexOf("\"role\""), first!.text.indexOf("\"content\":\"One\""))
      assert.isAtLeast(first!.text.indexOf("\"role\""), 0)
    }).pipe(Effect.scoped, Effect.provide(saying("One two.", { timeToFirstTokenMillis: 200, interTokenMillis: 20 }))))

  it.live("has role and an empty content, logprobs and finish_reason null, and the keys of the prompt null", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost(streamed)
      yield* awaitText(raw, "[DONE]")
      const [role, ...others] = jsonIn(readResponse(raw.received).body)
      assert.deepStrictEqual(role.choices, [
        { index: 0, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null }
      ])
      assert.isNull(role.prompt_token_ids)
      assert.isNull(role.prompt_text)
      for (const chunk of others) assert.notProperty(chunk, "prompt_token_ids")
    }).pipe(Effect.scoped, Effect.provide(saying("One."))))

  it.live("is for the SDK a delta like any other, counted as no token", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("Hi", counting)
      assert.deepStrictEqual(chunks[0].choices[0].delta, { role: "assistant", content: "" })
      assert.strictEqual(chunks[0].usage.completion_tokens, 0)
      assert.deepStrictEqual(deltas(chunks, "role").filter((role) => role !== undefined), ["assistant"])
    }).pipe(Effect.provide(saying("One."))))

  it.live("has the prompt's tokens if asked for token ids", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("One two three", { return_token_ids: true, ...counting })
      assert.strictEqual(chunks[0].prompt_token_ids.length, chunks.at(-1).usage.prompt_tokens)
    }).pipe(Effect.provide(saying("One."))))

  it.live("does not exist on /v1/completions", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkCompletionStream("Hi")
      assert.deepStrictEqual(chunks.map(({ choices: [choice] }) => choice.text), ["One", "."])
    }).pipe(Effect.provide(saying("One."))))
})

describe("Contract: the events", () => {
  it.live("are each one line `data: ` of JSON and an empty line, LF alone, text as UTF-8", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost(streamed)
      yield* awaitText(raw, "[DONE]")
      const { body } = readResponse(raw.received)
      const events = eventsIn(body)
      assert.strictEqual(events.join(""), body)
      for (const event of events) assert.match(event, /^data: (\{.*\}|\[DONE\])\n\n$/)
      assert.notInclude(body, "\r")
      assert.include(body, "\"content\":\"Grüße\"")
      assert.strictEqual(contentOf(jsonIn(body)), "Grüße\r\n 👋")
    }).pipe(Effect.scoped, Effect.provide(saying("Grüße\r\n 👋"))))

  it.live("leave one by one, when their token is made", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost(streamed)
      yield* awaitText(raw, "[DONE]")
      const times = ["\" c\"", "\" d\"", "\" e\""].map((token) => arrivalOf(raw, token)!)
      for (const gap of [times[1]! - times[0]!, times[2]! - times[1]!]) assert.isTrue(gap > 50 && gap < 250, `${gap}`)
    }).pipe(Effect.scoped, Effect.provide(saying("a b c d e", { interTokenMillis: 100 }))))

  it.live("have the same id, model and time in all of an answer, and a system_fingerprint in the last one only", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("Hi", counting)
      const heads = new Set(chunks.map(({ created, id, model, object }) => `${id} ${model} ${created} ${object}`))
      assert.strictEqual(heads.size, 1)
      assert.match([...heads][0]!, /^chatcmpl-\S+ simulated-model \d{10} chat\.completion\.chunk$/)
      assert.deepStrictEqual(
        chunks.map((chunk) => "system_fingerprint" in chunk),
        chunks.map((_, index) => index === chunks.length - 1)
      )
    }).pipe(Effect.provide(saying("One two."))))
})

describe("Contract: deltas", () => {
  it.live("carry content, with token_ids null unless asked for", () =>
    Effect.gen(function*() {
      const plain = yield* sdkStream("Hi")
      assert.deepStrictEqual(deltas(plain.chunks, "content"), ["", "One", " two", "."])
      assert.deepStrictEqual(plain.chunks.slice(1).map(({ choices }) => choices[0].token_ids), [null, null, null])
      const asked = yield* sdkStream("Hi", { return_token_ids: true })
      assert.deepStrictEqual(asked.chunks.slice(1).map(({ choices }) => choices[0].token_ids.length), [1, 1, 1])
    }).pipe(Effect.provide(saying("One two."))))

  it.live("carry reasoning under `reasoning`", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("Hi")
      assert.strictEqual(deltas(chunks, "reasoning").join(""), "Hm, so.")
      assert.strictEqual(deltas(chunks, "content").join(""), "One.")
      const client = yield* sdk
      const { choices } = yield* Effect.promise(() => client.chat.completions.create(chat("Hi")))
      assert.deepInclude(choices[0]?.message as object, { reasoning: "Hm, so.", content: "One." })
    }).pipe(Effect.provide(saying("<think>Hm, so.</think>One."))))

  it.live("carry reasoning under `reasoning_content` from older servers", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("Hi")
      assert.strictEqual(deltas(chunks, "reasoning_content").join(""), "Hm, so.")
      assert.strictEqual(deltas(chunks, "reasoning").join(""), "")
    }).pipe(Effect.provide(saying("<think>Hm, so.</think>One.", { reasoningField: "reasoning_content" }))))

  it.live("are empty where a token's text is held back; only the count moves", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("Hi", counting)
      assert.deepStrictEqual(deltas(chunks, "content"), ["", "a", "", " b c", " d"])
      assert.deepStrictEqual(chunks.slice(0, -1).map(({ usage }) => usage.completion_tokens), [0, 1, 2, 3, 4])
    }).pipe(Effect.provide(saying("a b c d", { holdBackEvery: 2 }))))
})

const numbers = Array.from({ length: 11 }, (_, index) => ` ${index}`).join("")

describe("Contract: several tokens in one chunk", () => {
  it.live("with a stream interval, except for the first and the last output", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("Hi", counting)
      assert.deepStrictEqual(chunks.map(({ usage }) => usage.completion_tokens), [0, 1, 5, 9, 11, 11])
      assert.strictEqual(contentOf(chunks), numbers)
    }).pipe(Effect.provide(saying(numbers, { streamInterval: 4 }))))

  it.live("with a stream interval, the first at once and the others when there are enough", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost(streamed)
      yield* awaitText(raw, "[DONE]")
      const [first, second, third, last] = ["\" 0\"", "\" 1 2 3 4\"", "\" 5 6 7 8\"", "\" 9 10\""]
        .map((text) => arrivalOf(raw, text)!)
      const expected = [[second! - first!, 160], [third! - second!, 160], [last! - third!, 80]] as const
      for (const [gap, millis] of expected) assert.closeTo(gap, millis, 60)
    }).pipe(Effect.scoped, Effect.provide(saying(numbers, { streamInterval: 4, interTokenMillis: 40 }))))

  it.live("with speculative decoding, at most one more than it guesses; usage counts them all", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("Hi", counting)
      const counts: ReadonlyArray<number> = chunks.slice(0, -1).map(({ usage }) => usage.completion_tokens)
      const sizes = counts.slice(1).map((count, index) => count - counts[index]!)
      assert.isTrue(sizes.every((size) => size >= 1 && size <= 3))
      assert.isTrue(sizes.some((size) => size > 1))
      assert.strictEqual(counts.at(-1), 44)
    }).pipe(Effect.provide(saying(numbers.repeat(4), { speculativeTokens: 2, interTokenMillis: 1 }))))
})

const thoughtful = "<think>a b c d e</think>One."
const calling = "<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\", \"days\": 3}}</tool_call>"
const tools = [{ type: "function" as const, function: { name: "weather", parameters: { type: "object" } } }]

/** When an answer's first and second visible parts came, in milliseconds apart; nothing came between them. */
const silence = (body: object, before: string, after: string) =>
  Effect.gen(function*() {
    const raw = yield* timedPost({ ...streamed, ...body })
    yield* awaitText(raw, "[DONE]")
    const from = raw.arrivals.findIndex(({ text }) => text.includes(before))
    const to = raw.arrivals.findIndex(({ text }) => text.includes(after))
    assert.strictEqual(to, from + 1, "a piece came during the silence")
    return raw.arrivals[to]!.atMillis - raw.arrivals[from]!.atMillis
  }).pipe(Effect.scoped)

describe("Contract: tokens without any chunk", () => {
  it.live("are those of hidden reasoning: not a byte, though the engine counts on", () =>
    Effect.gen(function*() {
      const hidden = { include_reasoning: false }
      assert.isAtLeast(yield* silence(hidden, "\"role\"", "\"One\""), 6 * 40 - 20)
      assert.isAtLeast(yield* silence({ ...hidden, return_token_ids: true }, "\"role\"", "\"One\""), 6 * 40 - 20)
      const { chunks } = yield* sdkStream("Hi", { ...hidden, ...counting })
      assert.deepStrictEqual(chunks.map(({ usage }) => usage.completion_tokens), [0, 8, 9, 9])
    }).pipe(Effect.provide(saying(thoughtful, { interTokenMillis: 40 }))))

  it.live("are those of a tool call whose parser buffers: the whole call in one chunk after a silence", () =>
    Effect.gen(function*() {
      const waited = yield* silence({ tools }, "\"role\"", "\"tool_calls\":[")
      assert.isAtLeast(waited, 20 * 15)
      const { chunks } = yield* sdkStream("Hi", { tools })
      const calls = deltas(chunks, "tool_calls").filter((call) => call !== undefined)
      assert.strictEqual(calls.length, 1)
      assert.deepStrictEqual(JSON.parse(calls[0][0].function.arguments), { city: "Paris", days: 3 })
    }).pipe(Effect.provide(saying(calling, { toolCallParser: "buffering", interTokenMillis: 15 }))))

  it.live("get one if token ids are asked for, whatever the parser does, and all tokens are told", () =>
    Effect.gen(function*() {
      for (const settings of [{}, { tools }]) {
        const { chunks } = yield* sdkStream("Hi", { return_token_ids: true, ...counting, ...settings })
        const told = chunks.slice(1, -1).map(({ choices }) => choices[0].token_ids.length)
        assert.deepStrictEqual([...new Set(told)], [1])
        assert.strictEqual(told.length, chunks.at(-1).usage.completion_tokens)
      }
    }).pipe(Effect.provide(saying(thoughtful + calling, { toolCallParser: "buffering" }))))
})

describe("Contract: tool calls", () => {
  it.live("come in pieces: index, id, type and name once, then the arguments, which the SDK joins", () =>
    Effect.gen(function*() {
      const { chunks } = yield* sdkStream("Rain?", { tools })
      const pieces = deltas(chunks, "tool_calls").flatMap((calls) => calls ?? [])
      assert.isAbove(pieces.length, 3)
      const [{ function: { name }, id, index, type }, ...others] = pieces
      assert.deepStrictEqual([index, type, name], [0, "function", "weather"])
      assert.match(id, /\S/)
      for (const piece of others) assert.deepStrictEqual(Object.keys(piece), ["index", "function"])
      const client = yield* sdk
      const { choices: [choice] } = yield* Effect.promise(() =>
        client.chat.completions.stream({ ...chat("Rain?"), tools }).finalChatCompletion()
      )
      const [call] = choice?.message.tool_calls ?? []
      assert.isTrue(call?.type === "function")
      assert.strictEqual(
        call?.type === "function" && call.function.arguments.replaceAll(" ", ""),
        "{\"city\":\"Paris\",\"days\":3}"
      )
    }).pipe(Effect.provide(saying(calling))))
})
