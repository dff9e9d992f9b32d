// /v1/completions: the same engine behind another wire.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import OpenAI, { APIError, BadRequestError } from "openai"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { tokenId } from "../../src/simulator/Tokenizer.ts"
import { chunksOf, dataOf, get, journal, jsonOf, post, simulator, textOf, userMessage } from "./harness.ts"

const fast = { timeToFirstTokenMillis: 0, interTokenMillis: 0 }
const saying = (text: string, options: Parameters<typeof simulator>[0] = {}) =>
  simulator({ ...fast, answers: { _tag: "FixedText", text }, ...options })

const complete = (body: object, headers: Record<string, string> = {}) =>
  post({ prompt: "Say it", ...body }, { path: "/v1/completions", headers })
const streamed = (body: object) => Effect.flatMap(complete({ stream: true, ...body }), textOf)

describe("Simulator: /v1/completions", () => {
  it.live("streams a chunk per token without a role chunk, with all keys", () =>
    Effect.gen(function*() {
      const data = dataOf(yield* streamed({ return_token_ids: true }))
      const chunks = data.slice(0, -1).map((line) => JSON.parse(line))
      assert.strictEqual(data.at(-1), "[DONE]")
      assert.deepStrictEqual(chunks.map(({ choices: [choice] }) => choice), [
        {
          index: 0,
          text: "Well",
          logprobs: null,
          finish_reason: null,
          stop_reason: null,
          prompt_token_ids: ["Say", " it"].map(tokenId),
          token_ids: [tokenId("Well")],
          weight_versions: null
        },
        {
          index: 0,
          text: ".",
          logprobs: null,
          finish_reason: "stop",
          stop_reason: null,
          prompt_token_ids: null,
          token_ids: [tokenId(".")],
          weight_versions: null
        }
      ])
      for (const chunk of chunks) {
        assert.match(chunk.id, /^cmpl-[0-9a-f]{32}$/)
        assert.strictEqual(chunk.object, "text_completion")
        assert.notProperty(chunk, "usage")
      }
    }).pipe(Effect.provide(saying("Well."))))

  it.live("counts at the end or on every chunk if asked", () =>
    Effect.gen(function*() {
      const atEnd = chunksOf(yield* streamed({ stream_options: { include_usage: true } }))
      assert.deepStrictEqual(atEnd.at(-1).choices, [])
      assert.deepStrictEqual(atEnd.at(-1).usage, { prompt_tokens: 2, total_tokens: 4, completion_tokens: 2 })
      const stream_options = { include_usage: true, continuous_usage_stats: true }
      const always = chunksOf(yield* streamed({ stream_options }))
      assert.deepStrictEqual(always.map(({ usage }) => usage.completion_tokens), [1, 2, 2])
    }).pipe(Effect.provide(saying("Well."))))

  it.live("has 16 tokens unless told otherwise, and is cut at max_tokens", () =>
    Effect.gen(function*() {
      for (const [limit, expected] of [[{}, 16], [{ max_tokens: 3 }, 3]] as const) {
        const body = yield* Effect.flatMap(complete(limit), jsonOf)
        assert.strictEqual(body.usage.completion_tokens, expected)
        assert.strictEqual(body.choices[0].finish_reason, "length")
      }
    }).pipe(Effect.provide(simulator({ ...fast, answers: { _tag: "LengthOnly", tokens: 100 } }))))

  it.live("takes token ids and a list of one prompt, and refuses what it cannot answer", () =>
    Effect.gen(function*() {
      for (const [prompt, promptTokens] of [[[5, 6, 7], 3], [["Say it"], 2], [[[5, 6]], 2]] as const) {
        const body = yield* Effect.flatMap(complete({ prompt }), jsonOf)
        assert.strictEqual(body.usage.prompt_tokens, promptTokens)
        assert.strictEqual(body.choices[0].text, "Well.")
      }
      for (const wrong of [{ prompt: ["a", "b"] }, { prompt: [] }, { prompt: null }, { max_tokens: 0 }]) {
        assert.strictEqual((yield* complete(wrong)).status, 400)
      }
      assert.strictEqual((yield* complete({ model: "other" })).status, 404)
    }).pipe(Effect.provide(saying("Well."))))

  it.live("echoes the prompt before the answer, or alone, if asked", () =>
    Effect.gen(function*() {
      const text = (chunk: any) => chunk.choices[0].text
      const echoed = chunksOf(yield* streamed({ echo: true }))
      assert.deepStrictEqual(echoed.map(text), ["Say itWell", "."])
      assert.deepStrictEqual(echoed[0].choices[0].prompt_token_ids, ["Say", " it"].map(tokenId))
      assert.isNull(echoed[1].choices[0].prompt_token_ids)
      const withIds = chunksOf(yield* streamed({ echo: true, return_token_ids: true }))
      assert.deepStrictEqual(withIds.map(text), ["Well", "."])
      const alone = chunksOf(yield* streamed({ echo: true, max_tokens: 0 }))
      assert.deepStrictEqual(alone.map(text), ["Say it"])
      assert.strictEqual(alone[0].choices[0].finish_reason, "length")
      for (const [max_tokens, expected, tokens] of [[16, "Say itWell.", 2], [0, "Say it", 1]] as const) {
        const body = yield* Effect.flatMap(complete({ echo: true, max_tokens }), jsonOf)
        assert.deepStrictEqual([text(body), body.usage.completion_tokens], [expected, tokens])
        assert.isNull(body.choices[0].prompt_token_ids)
      }
    }).pipe(Effect.provide(saying("Well."))))

  it.live("leaves markers in the text, as there is no parser", () =>
    Effect.gen(function*() {
      const body = yield* Effect.flatMap(complete({}), jsonOf)
      assert.strictEqual(body.choices[0].text, "<think>Hm.</think>Well.")
    }).pipe(Effect.provide(saying("<think>Hm.</think>Well."))))

  it.live("holds text back and sends the finish apart like the chat route", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* streamed({}))
      assert.deepStrictEqual(chunks.map(({ choices: [choice] }) => [choice.text, choice.finish_reason]), [
        ["a", null],
        ["", null],
        [" b c", null],
        ["", "stop"]
      ])
    }).pipe(Effect.provide(saying("a b c", { holdBackEvery: 2, finishCarriesText: false }))))

  it.live("is read by the openai SDK, streamed or not, and shares ids with the chat route", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0 })
      const parameters = { model: "simulated-model", prompt: "Say it" }
      const events = yield* Effect.promise(() => client.completions.create({ ...parameters, stream: true }))
      const chunks = yield* Stream.runCollect(Stream.fromAsyncIterable(events, String))
      assert.strictEqual(chunks.map((chunk) => chunk.choices[0]?.text).join(""), "Well.")
      const whole = yield* Effect.promise(() => client.completions.create(parameters))
      assert.strictEqual(whole.choices[0]?.text, "Well.")
      assert.strictEqual(whole.usage?.total_tokens, 4)
      const chat = yield* Effect.flatMap(post(userMessage("Hi")), jsonOf)
      assert.notStrictEqual(chat.id.split("-")[1], whole.id.split("-")[1])
      const named = yield* Effect.flatMap(complete({}, { "x-request-id": "battle-7" }), jsonOf)
      assert.strictEqual(named.id, "cmpl-battle-7")
      assert.strictEqual((yield* journal).filter(({ event }) => event === "finish").length, 4)
    }).pipe(Effect.provide(saying("Well."))))
})

describe("Simulator: wrong methods", () => {
  it.live("get 405 and the method that is allowed, on known paths only", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      for (const path of ["/v1/chat/completions", "/v1/completions", "/sleep", "/wake_up"]) {
        const response = yield* get(path)
        assert.strictEqual(response.status, 405, path)
        assert.strictEqual(response.headers.get("allow"), "POST")
        assert.deepStrictEqual(yield* jsonOf(response), { detail: "Method Not Allowed" })
      }
      for (const path of ["/v1/models", "/health", "/version", "/load", "/is_sleeping"]) {
        const response = yield* Effect.promise(() => fetch(url + path, { method: "DELETE" }))
        assert.strictEqual(response.status, 405, path)
        assert.strictEqual(response.headers.get("allow"), "GET")
      }
      assert.strictEqual((yield* post({}, { path: "/nowhere" })).status, 404)
    }).pipe(Effect.provide(simulator({}))))
})

describe("Simulator: the length of the model", () => {
  it.live("is listed, cuts answers that have no limit of their own, and refuses what does not fit", () =>
    Effect.gen(function*() {
      const models = yield* Effect.flatMap(get("/v1/models"), jsonOf)
      assert.strictEqual(models.data[0].max_model_len, 12)
      const body = yield* Effect.flatMap(post(userMessage("a b")), jsonOf)
      assert.deepStrictEqual([body.usage.completion_tokens, body.choices[0].finish_reason], [10, "length"])
      const { url } = yield* Simulator
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0 })
      const error = yield* Effect.promise(() =>
        client.chat.completions.create({
          model: "simulated-model",
          messages: [{ role: "user", content: "a b" }],
          max_tokens: 13,
          stream: true
        }).then(() => undefined, (reason) => reason)
      )
      assert.instanceOf(error, BadRequestError)
      assert.include(error.message, "max_tokens=13 cannot be greater than max_model_len=12.")
      assert.strictEqual(error.param, "max_tokens")
      const cut = yield* Effect.flatMap(post({ ...userMessage("a b"), max_tokens: 12 }), jsonOf)
      assert.strictEqual(cut.usage.completion_tokens, 10)
    }).pipe(Effect.provide(simulator({
      ...fast,
      maxModelLength: 12,
      answers: { _tag: "LengthOnly", tokens: 100 }
    }))))
})

describe("Simulator: errors in the middle of a stream", () => {
  const failing = (code?: 400 | 500) =>
    simulator({
      ...fast,
      interTokenMillis: 1,
      answers: { _tag: "LengthOnly", tokens: 10_000 },
      midStreamError: { afterTokens: 3, ...(code === undefined ? {} : { code }) }
    })

  it.live("are an error event and DONE, and the engine is told to stop", () =>
    Effect.gen(function*() {
      const text = yield* Effect.flatMap(post({ ...userMessage("Hi"), stream: true }), textOf)
      const data = dataOf(text)
      assert.strictEqual(data.length, 1 + 3 + 1 + 1)
      assert.deepStrictEqual(JSON.parse(data.at(-2)!), {
        error: {
          message: "The server had an error while processing your request.",
          type: "InternalServerError",
          param: null,
          code: 500
        }
      })
      assert.strictEqual(data.at(-1), "[DONE]")
      assert.isTrue(text.endsWith("data: [DONE]\n\n"))
      const events = (yield* journal).map(({ event }) => event)
      assert.include(events, "abort-honoured")
      assert.notInclude(events, "finish")
    }).pipe(Effect.provide(failing())))

  it.live("may be 400 though the request was right; the openai SDK throws", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0 })
      const events = yield* Effect.promise(() =>
        client.chat.completions.create({
          model: "simulated-model",
          messages: [{ role: "user", content: "Hi" }],
          stream: true
        })
      )
      const seen: Array<unknown> = []
      const error = yield* Effect.flip(
        Stream.runForEach(
          Stream.fromAsyncIterable(events, (reason) => reason),
          (chunk) => Effect.sync(() => seen.push(chunk))
        )
      )
      assert.instanceOf(error, APIError)
      assert.strictEqual((error as { code?: unknown }).code, 400)
      assert.strictEqual(seen.length, 4)
    }).pipe(Effect.provide(failing(400))))

  it.live("are the whole answer without streaming, and spare answers that are shorter", () =>
    Effect.gen(function*() {
      const response = yield* post(userMessage("Hi"))
      assert.strictEqual(response.status, 500)
      assert.strictEqual((yield* jsonOf(response)).error.type, "InternalServerError")
      assert.strictEqual((yield* post({ ...userMessage("Hi"), max_tokens: 3 })).status, 200)
    }).pipe(Effect.provide(failing())))
})
