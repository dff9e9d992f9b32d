// The wire of the simulated server, fact by fact, over real sockets.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import OpenAI from "openai"
import { demonstrationEntries } from "../../src/simulator/DemonstrationAnswers.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { tokenId } from "../../src/simulator/Tokenizer.ts"
import {
  chunksOf,
  contentOf,
  dataOf,
  get,
  journal,
  jsonOf,
  post,
  simulator,
  stream,
  textOf,
  userMessage
} from "./harness.ts"

const fast = { timeToFirstTokenMillis: 5, interTokenMillis: 1 }
const saying = (text: string) => simulator({ ...fast, answers: { _tag: "FixedText", text } })
const hello = "Hello, wide world.\n  (\"Grüße\" 👋)"
const helloTokens = ["Hello", ",", " wide", " world", ".", "\n", " ", " (", "\"", "Grüße", "\"", " 👋", ")"]

describe("Simulator: a streamed answer", () => {
  it.live("is a role chunk, one chunk per token, a finish on the last one, DONE", () =>
    Effect.gen(function*() {
      const response = yield* post({ ...userMessage("Hi"), model: "simulated-model", stream: true })
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.headers.get("content-type"), "text/event-stream; charset=utf-8")
      const data = dataOf(yield* textOf(response))
      const chunks = data.slice(0, -1).map((line) => JSON.parse(line))
      assert.strictEqual(data.at(-1), "[DONE]")
      assert.deepStrictEqual(chunks[0].choices, [
        { index: 0, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null }
      ])
      assert.isNull(chunks[0].prompt_token_ids)
      assert.deepStrictEqual(chunks.slice(1).map((chunk) => chunk.choices[0].delta.content), helloTokens)
      assert.deepStrictEqual(chunks[1].choices[0], {
        index: 0,
        delta: { content: "Hello" },
        logprobs: null,
        finish_reason: null,
        token_ids: null
      })
      assert.deepStrictEqual(chunks.at(-1).choices[0], {
        index: 0,
        delta: { content: ")" },
        logprobs: null,
        finish_reason: "stop",
        stop_reason: null,
        token_ids: null,
        weight_versions: null
      })
      for (const chunk of chunks) {
        assert.match(chunk.id, /^chatcmpl-[0-9a-f]{32}$/)
        assert.strictEqual(chunk.id, chunks[0].id)
        assert.strictEqual(chunk.object, "chat.completion.chunk")
        assert.strictEqual(chunk.model, "simulated-model")
        assert.closeTo(chunk.created, Date.now() / 1000, 60)
        assert.strictEqual("system_fingerprint" in chunk, chunk === chunks.at(-1))
        assert.notProperty(chunk, "usage")
      }
    }).pipe(Effect.provide(saying(hello))))

  it.live("ends with the usage if asked", () =>
    Effect.gen(function*() {
      const text = yield* stream({ ...userMessage("Say it now"), stream_options: { include_usage: true } })
      const chunks = chunksOf(text)
      assert.deepStrictEqual(chunks.at(-1).choices, [])
      assert.deepStrictEqual(chunks.at(-1).usage, {
        prompt_tokens: 3,
        completion_tokens: 13,
        total_tokens: 16,
        completion_tokens_details: { reasoning_tokens: 0 }
      })
      assert.isTrue(chunks.slice(0, -1).every((chunk) => !("usage" in chunk)))
    }).pipe(Effect.provide(saying(hello))))

  it.live("counts on every chunk if asked", () =>
    Effect.gen(function*() {
      const text = yield* stream({
        ...userMessage("Say it now"),
        stream_options: { include_usage: true, continuous_usage_stats: true }
      })
      const counts = chunksOf(text).map((chunk) => chunk.usage.completion_tokens)
      assert.deepStrictEqual(counts, [...Array(14).keys(), 13])
    }).pipe(Effect.provide(saying(hello))))

  it.live("gives token ids if asked", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream({ ...userMessage("Say it"), return_token_ids: true }))
      assert.deepStrictEqual(chunks[0].prompt_token_ids, ["Say", " it"].map(tokenId))
      assert.deepStrictEqual(chunks.slice(1).flatMap((chunk) => chunk.choices[0].token_ids), helloTokens.map(tokenId))
    }).pipe(Effect.provide(saying(hello))))

  it.live("is cut at max_tokens, with the last text on the finish chunk", () =>
    Effect.gen(function*() {
      for (const limit of [{ max_tokens: 3 }, { max_completion_tokens: 3, max_tokens: 9 }]) {
        const chunks = chunksOf(yield* stream({ ...userMessage("Hi"), ...limit }))
        assert.strictEqual(contentOf(chunks), "Hello, wide")
        assert.strictEqual(chunks.at(-1).choices[0].finish_reason, "length")
      }
    }).pipe(Effect.provide(saying(hello))))

  it.live("puts several tokens in one chunk with a stream interval, but never holds the first or the last", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream({ ...userMessage("Hi"), return_token_ids: true })).slice(1)
      assert.deepStrictEqual(chunks.map((chunk) => chunk.choices[0].token_ids.length), [1, 5, 5, 2])
      assert.strictEqual(contentOf(chunks), hello)
    }).pipe(Effect.provide(simulator({ ...fast, streamInterval: 5, answers: { _tag: "FixedText", text: hello } }))))

  it.live("takes the time it is told to", () =>
    Effect.gen(function*() {
      const begin = performance.now()
      yield* stream(userMessage("Hi"))
      const seen = yield* journal
      const at = (event: string) => seen.find((one) => one.event === event)!.atMillis
      assert.isAtLeast(at("first-token") - at("headers"), 149)
      assert.isAtLeast(at("finish") - at("first-token"), 85)
      assert.isBelow(performance.now() - begin, 1500)
    }).pipe(
      Effect.provide(simulator({
        timeToFirstTokenMillis: 150,
        interTokenMillis: 8,
        answers: { _tag: "FixedText", text: hello }
      }))
    ))
})

describe("Simulator: answers", () => {
  it.live("come whole without streaming", () =>
    Effect.gen(function*() {
      const body = yield* Effect.flatMap(post({ ...userMessage("Say it"), return_token_ids: true }), jsonOf)
      assert.strictEqual(body.object, "chat.completion")
      assert.match(body.id, /^chatcmpl-/)
      assert.strictEqual(body.choices[0].message.role, "assistant")
      assert.strictEqual(body.choices[0].message.content, hello)
      assert.strictEqual(body.choices[0].finish_reason, "stop")
      assert.deepStrictEqual(body.choices[0].token_ids, helloTokens.map(tokenId))
      assert.deepStrictEqual(body.usage, {
        prompt_tokens: 2,
        total_tokens: 15,
        completion_tokens: 13,
        prompt_tokens_details: null,
        completion_tokens_details: { reasoning_tokens: 0 }
      })
    }).pipe(Effect.provide(saying(hello))))

  it.live("may be empty", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream(userMessage("Hi")))
      assert.deepStrictEqual(chunks.map((chunk) => chunk.choices[0].finish_reason), [null, "stop"])
      assert.strictEqual(contentOf(chunks), "")
    }).pipe(Effect.provide(saying(""))))

  it.live("are read by the openai SDK", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0 })
      const parameters = {
        model: "simulated-model",
        messages: [{ role: "user" as const, content: "Write toRoman(n), please." }]
      }
      const events = yield* Effect.promise(() =>
        client.chat.completions.create({ ...parameters, seed: 4, stream: true })
      )
      const streamed = yield* Stream.runCollect(Stream.fromAsyncIterable(events, String))
      const whole = yield* Effect.promise(() => client.chat.completions.create({ ...parameters, seed: 4 }))
      assert.include(demonstrationEntries[0]!.answers, contentOf(streamed))
      assert.strictEqual(whole.choices[0]?.message.content, contentOf(streamed))
      const listed = yield* Effect.promise(() => client.models.list())
      assert.deepStrictEqual(listed.data.map(({ id }) => id), ["simulated-model"])
    }).pipe(Effect.provide(simulator({ timeToFirstTokenMillis: 0, interTokenMillis: 0 }))))

  it.live("depend on the seed and nothing else", () =>
    Effect.gen(function*() {
      const prompts = ["Write toRoman", "Write isBalanced", "Write toRoman", "Say something", "Write toRoman"]
      const campaign = (seed: number) =>
        Effect.forEach(
          prompts,
          (prompt) => Effect.map(stream(userMessage(prompt)), (text) => contentOf(chunksOf(text)))
        )
          .pipe(Effect.provide(simulator({ seed, timeToFirstTokenMillis: 0, interTokenMillis: 0 })))
      const first = yield* campaign(1)
      assert.deepStrictEqual(yield* campaign(1), first)
      const others = yield* Effect.forEach([2, 3, 4], campaign)
      assert.isTrue(others.every((other) => other.join() !== first.join()))
      assert.strictEqual(new Set([first[0], first[2], first[4]]).size, 3)
    }))

  it.live("come flat out: 64 000 tokens in one response", () =>
    Effect.gen(function*() {
      const begin = performance.now()
      const text = yield* stream({ ...userMessage("Hi"), stream_options: { include_usage: true } })
      const duration = performance.now() - begin
      assert.strictEqual(text.split("\n\n").length, 64_000 + 4)
      assert.strictEqual(JSON.parse(dataOf(text).at(-2)!).usage.completion_tokens, 64_000)
      assert.isBelow(duration, 3000)
    }).pipe(
      Effect.provide(simulator({
        timeToFirstTokenMillis: 0,
        interTokenMillis: 0,
        answers: { _tag: "LengthOnly", tokens: 64_000 }
      }))
    ))
})

describe("Simulator: everything around", () => {
  it.live("refuses a wrong model and bad requests before any header of a stream", () =>
    Effect.gen(function*() {
      const wrong = yield* post({ ...userMessage("Hi"), model: "other", stream: true })
      assert.strictEqual(wrong.status, 404)
      assert.deepStrictEqual(yield* jsonOf(wrong), {
        error: {
          message: "The model `other` does not exist. Valid aliases: simulated-model.",
          type: "NotFoundError",
          param: "model",
          code: 404
        }
      })
      for (const body of ["{\"model\": ", { model: "simulated-model", stream: true }]) {
        const bad = yield* post(body)
        assert.strictEqual(bad.status, 400)
        const { error } = yield* jsonOf(bad)
        assert.strictEqual(error.type, "Bad Request")
        assert.strictEqual(error.code, 400)
      }
      assert.deepStrictEqual(yield* journal, [])
    }).pipe(Effect.provide(saying(hello))))

  it.live("answers /health, /version, /v1/models, /load and 404 elsewhere", () =>
    Effect.gen(function*() {
      const health = yield* get("/health")
      assert.strictEqual(health.status, 200)
      assert.strictEqual(yield* textOf(health), "")
      assert.match((yield* Effect.flatMap(get("/version"), jsonOf)).version, /^\d+\.\d+/)
      assert.deepStrictEqual(yield* Effect.flatMap(get("/load"), jsonOf), { server_load: 0 })
      const models = yield* Effect.flatMap(get("/v1/models"), jsonOf)
      assert.strictEqual(models.data[0].id, "m")
      assert.strictEqual((yield* get("/nowhere")).status, 404)
    }).pipe(Effect.provide(simulator({ model: "m" }))))

  it.live("wants the key on /v1 if there is one", () =>
    Effect.gen(function*() {
      const refused = yield* post(userMessage("Hi"))
      assert.strictEqual(refused.status, 401)
      assert.deepStrictEqual(yield* jsonOf(refused), { error: "Unauthorized" })
      assert.strictEqual((yield* post(userMessage("Hi"), { headers: { authorization: "Bearer no" } })).status, 401)
      assert.strictEqual((yield* get("/v1/models")).status, 401)
      assert.strictEqual((yield* get("/health")).status, 200)
      const served = yield* post(userMessage("Hi"), { headers: { authorization: "Bearer secret" } })
      assert.strictEqual(served.status, 200)
      yield* textOf(served)
    }).pipe(Effect.provide(simulator({ ...fast, apiKey: "secret", answers: { _tag: "FixedText", text: "Yes." } }))))

  it.live("takes the client's request id", () =>
    Effect.gen(function*() {
      const response = yield* post(userMessage("Hi"), { headers: { "x-request-id": "battle-7" } })
      assert.strictEqual((yield* jsonOf(response)).id, "chatcmpl-battle-7")
    }).pipe(Effect.provide(saying("Yes."))))
})
