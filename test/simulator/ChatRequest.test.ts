// What is accepted and how the rest is refused.
import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as ChatRequest from "../../src/simulator/ChatRequest.ts"

const messages = [{ role: "user", content: "Hi" }]

const parse = (body: unknown, contentType = "application/json") =>
  ChatRequest.parse("m", contentType, typeof body === "string" ? body : JSON.stringify(body))

const refusal = (body: unknown, contentType?: string) => {
  const result = parse(body, contentType)
  assert.isTrue(Result.isFailure(result))
  return Result.isFailure(result) ? result.failure.error : undefined
}

describe("ChatRequest", () => {
  it("fills in what is not given and takes null for not given", () => {
    const plain = {
      prompt: "Hi",
      stream: false,
      includeUsage: false,
      continuousUsage: false,
      returnTokenIds: false,
      includeReasoning: true,
      mayCallTools: false,
      maxTokens: Infinity,
      seed: Option.none()
    }
    assert.deepStrictEqual(parse({ messages }), Result.succeed(plain))
    assert.deepStrictEqual(
      parse({ model: "m", messages, stream: null, seed: null, max_tokens: null, temperature: 0.2, unknown: [] }),
      Result.succeed(plain)
    )
  })

  it("reads all it knows", () => {
    const body = {
      model: "m",
      messages: [{ role: "system", content: "Be brief." }, {
        role: "user",
        content: [{ type: "text", text: "What is" }, { type: "text", text: "this?" }]
      }],
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
      return_token_ids: true,
      include_reasoning: false,
      tools: [{ type: "function", function: { name: "f" } }],
      max_tokens: 5,
      max_completion_tokens: 7,
      seed: -3
    }
    assert.deepStrictEqual(
      parse(body, "Application/JSON; charset=utf-8"),
      Result.succeed({
        prompt: "Be brief.\nWhat is\nthis?",
        stream: true,
        includeUsage: true,
        continuousUsage: true,
        returnTokenIds: true,
        includeReasoning: false,
        mayCallTools: true,
        maxTokens: 7,
        seed: Option.some(-3)
      })
    )
  })

  it("does not call tools where the request forbids it or has none", () => {
    for (const body of [{ messages, tools: [] }, { messages, tools: [{}], tool_choice: "none" }]) {
      const result = parse(body)
      assert.isTrue(Result.isSuccess(result) && !result.success.mayCallTools)
    }
  })

  it("gives continuous usage only together with usage", () => {
    const result = parse({ messages, stream: true, stream_options: { continuous_usage_stats: true } })
    assert.isTrue(Result.isSuccess(result) && !result.success.includeUsage && !result.success.continuousUsage)
  })

  it("refuses as vLLM words it", () => {
    assert.deepStrictEqual(refusal({ model: "x", messages }), {
      message: "The model `x` does not exist.",
      type: "NotFoundError",
      param: "model",
      code: 404
    })
    assert.deepStrictEqual(refusal({ messages, stream_options: {} }), {
      message: "Stream options can only be defined when `stream=True`.",
      type: "BadRequestError",
      param: "stream_options",
      code: 400
    })
    assert.strictEqual(refusal({ messages, max_tokens: 0 })?.message, "max_tokens must be at least 1, got 0.")
    assert.include(refusal("{\"messages\": [")?.message, "json_invalid")
    assert.include(refusal({ model: "m" })?.message, "Field required")
    assert.include(refusal({ messages }, "text/plain")?.message, "Unsupported Media Type")
    assert.include(refusal({ messages: "Hi" })?.message, "messages")
    assert.include(refusal([])?.message, "Expected")
    assert.strictEqual(refusal({ messages: [] })?.param, "messages")
    assert.strictEqual(refusal({ messages, n: 2 })?.param, "n")
  })
})
