// What is accepted and how the rest is refused.
import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as ChatRequest from "../../src/simulator/ChatRequest.ts"
import { tokenId } from "../../src/simulator/Tokenizer.ts"

const messages = [{ role: "user", content: "Hi" }]

const parse = (body: unknown, contentType = "application/json", maxModelLength?: number) =>
  ChatRequest.parse({ model: "m", maxModelLength }, contentType, typeof body === "string" ? body : JSON.stringify(body))

const refusal = (body: unknown, contentType?: string, maxModelLength?: number) => {
  const result = parse(body, contentType, maxModelLength)
  assert.isTrue(Result.isFailure(result))
  return Result.isFailure(result) ? result.failure.error : undefined
}

describe("ChatRequest", () => {
  it("fills in what is not given and takes null for not given", () => {
    const plain = {
      prompt: "Hi",
      promptTokens: 1,
      promptTokenIds: null,
      stream: false,
      includeUsage: false,
      continuousUsage: false,
      returnTokenIds: false,
      includeReasoning: true,
      firstTool: undefined,
      mayCallTools: false,
      maxTokens: Infinity,
      seed: Option.none(),
      remotePrefill: false
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
      seed: -3,
      kv_transfer_params: {
        do_remote_decode: false,
        do_remote_prefill: true,
        remote_block_ids: [[1]],
        remote_port: 5600
      }
    }
    assert.deepStrictEqual(
      parse(body, "Application/JSON; charset=utf-8"),
      Result.succeed({
        prompt: "Be brief.\nWhat is\nthis?",
        promptTokens: 9,
        promptTokenIds: ["Be", " brief", ".", "\n", "What", " is", "\n", "this", "?"].map(tokenId),
        stream: true,
        includeUsage: true,
        continuousUsage: true,
        returnTokenIds: true,
        includeReasoning: false,
        firstTool: "f",
        mayCallTools: true,
        maxTokens: 7,
        seed: Option.some(-3),
        remotePrefill: true
      })
    )
  })

  it("takes nothing but true for a remote prefill", () => {
    for (const kv_transfer_params of [null, {}, { do_remote_prefill: false }, { do_remote_decode: true }]) {
      const result = parse({ messages, kv_transfer_params })
      assert.isTrue(Result.isSuccess(result) && !result.success.remotePrefill)
    }
    assert.strictEqual(refusal({ messages, kv_transfer_params: "yes" })?.code, 400)
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
    assert.deepStrictEqual(refusal({ messages, max_tokens: 0 }), {
      message: "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)",
      type: "BadRequestError",
      param: "max_tokens",
      code: 400
    })
    const temperatures = [
      [-1, "must be non-negative, got -1.0. (parameter=temperature, value=-1.0)"],
      [2.5, "must be in [0, 2], got 2.5. (parameter=temperature, value=2.5)"]
    ] as const
    for (const [temperature, message] of temperatures) {
      assert.strictEqual(refusal({ messages, temperature })?.message, `temperature ${message}`)
    }
    const infinite = refusal(JSON.stringify({ messages, temperature: 7 }).replace("7", "1e999"))
    assert.include(infinite?.message, "temperature must be a finite number, got inf.")
    assert.strictEqual(refusal({ messages, top_p: 0 })?.message.slice(0, 34), "top_p must be in (0, 1], got 0.0. ")
    assert.strictEqual(
      refusal({ messages, n: 2, temperature: 0 })?.message,
      "n must be 1 when using greedy sampling, got 2."
    )
    assert.strictEqual(refusal({ messages, n: 0 })?.message, "n must be at least 1, got 0.")
    assert.strictEqual(refusal({ messages: [{ role: "oracle", content: "Hi" }] })?.message, "Unexpected message role.")
    assert.include(refusal("{\"messages\": [")?.message, "json_invalid")
    assert.include(refusal({ model: "m" })?.message, "Field required")
    assert.include(refusal({ messages }, "text/plain")?.message, "Unsupported Media Type")
    assert.include(refusal({ messages: "Hi" })?.message, "messages")
    assert.include(refusal([])?.message, "Expected")
    assert.strictEqual(refusal({ messages: [] })?.param, "messages")
    assert.strictEqual(refusal({ messages, n: 2 })?.param, "n")
  })

  it("refuses what does not fit in the model, and asks for what is left", () => {
    assert.deepStrictEqual(refusal({ messages, max_tokens: 8 }, undefined, 8), {
      message: "This model's maximum context length is 8 tokens. However, you requested 8 output tokens and your " +
        "prompt contains at least 1 input tokens, for a total of at least 9 tokens. Please reduce the length of the " +
        "input prompt or the number of requested output tokens. (parameter=input_tokens, value=1)",
      type: "BadRequestError",
      param: "input_tokens",
      code: 400
    })
    const long = [{ role: "user", content: "a b c d e" }]
    assert.include(refusal({ messages: long }, undefined, 4)?.message, "contains at least 5 input tokens")
    const fits = parse({ messages: long }, undefined, 12)
    assert.isTrue(Result.isSuccess(fits) && fits.success.maxTokens === 7)
  })
})
