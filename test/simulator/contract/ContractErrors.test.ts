// The contract of the wire, 4: how a server says no, before a stream and in the middle of it.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { APIError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError } from "openai"
import { contentOf, journal, simulator, userMessage, within1Second } from "../harness.ts"
import {
  awaitText,
  chat,
  eventsIn,
  failureOf,
  readResponse,
  sdkCompletionStream,
  sdkStream,
  sdkWith,
  timedPost
} from "./clients.ts"

const fast = { timeToFirstTokenMillis: 0, interTokenMillis: 1 }
const ten = { _tag: "LengthOnly", tokens: 10 } as const

describe("Contract: refusals as the SDK sees them", () => {
  const calls = (settings: object) =>
    [
      (client: any) => client.chat.completions.create(chat("Hi", settings)),
      (client: any) => client.chat.completions.create({ ...chat("Hi", settings), stream: true }),
      (client: any) => client.completions.create({ model: "simulated-model", prompt: "Hi", ...settings })
    ] as const

  it.live("are a BadRequestError for 400, with type, code and the parameter", () =>
    Effect.gen(function*() {
      for (const call of calls({ temperature: -1 })) {
        const error = yield* failureOf(call)
        assert.instanceOf(error, BadRequestError)
        assert.strictEqual(error.status, 400)
        assert.strictEqual(error.type, "BadRequestError")
        assert.strictEqual(error.param, "temperature")
        assert.deepInclude(error.error as object, { code: 400, param: "temperature" })
        assert.include(error.message, "temperature must be non-negative, got -1.0.")
      }
    }).pipe(Effect.provide(simulator({ ...fast, answers: ten }))))

  it.live("are a BadRequestError where the prompt, or the answer asked for, does not fit in the model", () =>
    Effect.gen(function*() {
      for (const call of calls({ max_tokens: 20 })) {
        const error = yield* failureOf(call)
        assert.instanceOf(error, BadRequestError)
        assert.include(error.message, "max_tokens=20 cannot be greater")
      }
    }).pipe(Effect.provide(simulator({ ...fast, maxModelLength: 16 }))))

  it.live("are a NotFoundError for a model that is not served", () =>
    Effect.gen(function*() {
      for (const call of calls({ model: "other" })) {
        const error = yield* failureOf(call)
        assert.instanceOf(error, NotFoundError)
        assert.strictEqual(error.type, "NotFoundError")
        assert.include(error.message, "The model `other` does not exist.")
      }
    }).pipe(Effect.provide(simulator({ ...fast, answers: ten }))))

  it.live("are an AuthenticationError without the key, and nothing with it", () =>
    Effect.gen(function*() {
      for (const call of [...calls({}), (client: any) => client.models.list()]) {
        const error = yield* failureOf(call, { apiKey: "wrong" })
        assert.instanceOf(error, AuthenticationError)
        assert.strictEqual(error.status, 401)
      }
      const client = yield* sdkWith({ apiKey: "right" })
      const { choices } = yield* Effect.promise(() => client.chat.completions.create(chat("Hi")))
      assert.strictEqual(choices[0]?.finish_reason, "stop")
    }).pipe(Effect.provide(simulator({ ...fast, apiKey: "right", answers: ten }))))
})

const failing = (options: { readonly code?: 400 | 500; readonly message?: string } = {}) =>
  simulator({ ...fast, answers: ten, midStreamError: { afterTokens: 3, ...options } })

describe("Contract: an error in the middle of a stream", () => {
  it.live("is an event with message, type, param and code, then DONE, under a 200, in a body that ends properly", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost({ ...userMessage("Hi"), stream: true, stream_options: { include_usage: true } })
      yield* awaitText(raw, "\r\n0\r\n\r\n")
      const { body, status } = readResponse(raw.received)
      assert.strictEqual(status, "HTTP/1.1 200 OK")
      const events = eventsIn(body)
      assert.strictEqual(events.at(-1), "data: [DONE]\n\n")
      assert.deepStrictEqual(Object.keys(JSON.parse(events.at(-2)!.slice(6)).error), [
        "message",
        "type",
        "param",
        "code"
      ])
      assert.notInclude(body, "\"finish_reason\":\"")
      assert.notInclude(body, "\"usage\"")
    }).pipe(Effect.scoped, Effect.provide(failing())))

  it.live("is for the SDK an APIError without a status, code 500, behind all tokens that came", () =>
    Effect.gen(function*() {
      const { chunks, error } = yield* sdkStream("Hi")
      assert.strictEqual(contentOf(chunks), "token token token")
      assert.instanceOf(error, APIError)
      assert.isFalse(error instanceof InternalServerError)
      assert.isUndefined(error.status)
      assert.deepStrictEqual([error.code as unknown, error.type], [500, "InternalServerError"])
      assert.include(error.message, "The server had an error while processing your request.")
    }).pipe(Effect.provide(failing())))

  it.live("may say 400 for a fault of the server, in its own words", () =>
    Effect.gen(function*() {
      const { error } = yield* sdkStream("Hi")
      assert.instanceOf(error, APIError)
      assert.isFalse(error instanceof BadRequestError)
      assert.deepStrictEqual([error.code as unknown, error.type], [400, "BadRequestError"])
      assert.include(error.message, "list index out of range")
    }).pipe(Effect.provide(failing({ code: 400, message: "list index out of range" }))))

  it.live("is the same on /v1/completions", () =>
    Effect.gen(function*() {
      const { chunks, error } = yield* sdkCompletionStream("Hi")
      assert.strictEqual(chunks.length, 3)
      assert.instanceOf(error, APIError)
      assert.strictEqual(error.code as unknown, 500)
    }).pipe(Effect.provide(failing())))

  it.live("is an InternalServerError without streaming", () =>
    Effect.gen(function*() {
      const error = yield* failureOf((client) => client.chat.completions.create(chat("Hi")))
      assert.instanceOf(error, InternalServerError)
      assert.strictEqual(error.status, 500)
      yield* within1Second(journal, (events) => events.some(({ event }) => event === "abort-honoured"))
    }).pipe(Effect.provide(failing())))
})
