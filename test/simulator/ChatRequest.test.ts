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
      mustCallTool: false,
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
        mustCallTool: false,
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
    for (const body of [{ messages, tools: null }, { messages, tools: [{}], tool_choice: "none" }]) {
      const result = parse(body)
      assert.isTrue(Result.isSuccess(result) && !result.success.mayCallTools)
    }
  })

  it("gives continuous usage only together with usage", () => {
    const result = parse({ messages, stream: true, stream_options: { continuous_usage_stats: true } })
    assert.isTrue(Result.isSuccess(result) && !result.success.includeUsage && !result.success.continuousUsage)
  })

  it("knows a request that names the tool to be called", () => {
    const result = parse({ messages, tools: [{}], tool_choice: { type: "function", function: { name: "f" } } })
    assert.isTrue(Result.isSuccess(result) && result.success.mayCallTools && result.success.mustCallTool)
  })

  it("converts as pydantic does", () => {
    const body = { messages, max_tokens: "1_6", stream: "Yes", seed: true, temperature: "0.5", return_token_ids: 1 }
    const result = parse(body)
    assert.isTrue(Result.isSuccess(result))
    if (Result.isFailure(result)) return
    const { maxTokens, returnTokenIds, seed, stream } = result.success
    assert.deepStrictEqual([maxTokens, stream, seed, returnTokenIds], [16, true, Option.some(1), true])
  })

  it("refuses as vLLM words it", () => {
    assert.deepStrictEqual(refusal({ model: "x", messages }), {
      message: "The model `x` does not exist. Valid aliases: m.",
      type: "NotFoundError",
      param: "model",
      code: 404
    })
    assert.deepStrictEqual(refusal({ stream_options: { include_usage: true } }), {
      message: "Stream options can only be defined when `stream=True`. (parameter=stream_options)",
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
    assert.strictEqual(refusal({ messages, n: 2 })?.param, "n")
    assert.strictEqual(refusal({ messages: [{ role: "oracle", content: "Hi" }] })?.message, "Unexpected message role.")
    assert.strictEqual(refusal({ messages: [] })?.message, "list object has no element 0")
    assert.strictEqual(refusal({ messages, tools: [] })?.param, "tools")
    assert.strictEqual(
      refusal({ messages, tool_choice: "auto" })?.message,
      "When using `tool_choice`, `tools` must be set. (parameter=tool_choice)"
    )
  })

  it("accepts options of a stream that say nothing, and a model without a name", () => {
    assert.isTrue(Result.isSuccess(parse({ messages, stream_options: {} })))
    assert.isTrue(Result.isSuccess(parse({ messages, model: "" })))
  })

  // All texts here were read off FastAPI 0.165 and pydantic 2.14.
  it("refuses the wrong shape as FastAPI and pydantic word it", () => {
    assert.deepStrictEqual(refusal({ messages }, "text/plain"), {
      message: "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed",
      type: "Bad Request",
      param: null,
      code: 400
    })
    const missing = refusal({ model: "m" })
    assert.deepStrictEqual(missing, {
      message: "1 validation error:\n  {'type': 'missing', 'loc': 'body.messages', 'msg': 'Field required', " +
        "'input': '<dict of 1 items>'}",
      type: "Bad Request",
      param: "body.messages",
      code: 400
    })
    const invalid = (position: number, reason: string) =>
      `1 validation error:\n  {'type': 'json_invalid', 'loc': 'body.${position}', 'msg': 'JSON decode error', ` +
      `'input': '<dict of 0 items>', 'ctx': {'error': ${reason}}}`
    const name = "'Expecting property name enclosed in double quotes'"
    for (
      const [text, position, reason] of [
        ["{\"messages\": [", 14, "'Expecting value'"],
        ["{", 1, name],
        ["{\"messages\":[],}", 15, name],
        ["{\"a\" 1}", 5, "\"Expecting ':' delimiter\""]
      ] as const
    ) {
      const { message, param } = refusal(text)!
      assert.deepStrictEqual([message, param], [invalid(position, reason), `body.${position}`])
    }
    assert.include(refusal("")?.message, "'loc': 'body', 'msg': 'Field required', 'input': 'None'}")
    const object = "valid dictionary or object to extract fields from"
    assert.include(refusal([])?.message, `'model_attributes_type', 'loc': 'body', 'msg': 'Input should be a ${object}'`)
    for (
      const [key, value, type, message, input] of [
        ["messages", "Hi", "list_type", "Input should be a valid list", "Hi"],
        [
          "max_tokens",
          "abc",
          "int_parsing",
          "Input should be a valid integer, unable to parse string as an integer",
          "abc"
        ],
        [
          "max_tokens",
          1.5,
          "int_from_float",
          "Input should be a valid integer, got a number with a fractional part",
          "1.5"
        ],
        ["max_tokens", [], "int_type", "Input should be a valid integer", "<list of 0 items>"],
        [
          "temperature",
          "x",
          "float_parsing",
          "Input should be a valid number, unable to parse string as a number",
          "x"
        ],
        ["temperature", [], "float_type", "Input should be a valid number", "<list of 0 items>"],
        ["stream", 2, "bool_parsing", "Input should be a valid boolean, unable to interpret input", "2"],
        ["stream", [], "bool_type", "Input should be a valid boolean", "<list of 0 items>"],
        ["model", 3, "string_type", "Input should be a valid string", "3"],
        ["stream_options", 3, "model_attributes_type", `Input should be a ${object}`, "3"]
      ] as const
    ) {
      assert.deepStrictEqual(refusal({ messages, [key]: value }), {
        message: `1 validation error:\n  {'type': '${type}', 'loc': 'body.${key}', 'msg': '${message}', ` +
          `'input': '${input}'}`,
        type: "Bad Request",
        param: `body.${key}`,
        code: 400
      })
    }
    const two = refusal({ messages, n: "x", model: 3 })
    assert.match(two!.message, /^2 validation errors:\n {2}\{.*body\.model.*\}\n {2}\{.*body\.n'.*\}$/)
    assert.include(refusal({ messages: [{ content: "Hi" }] })?.message, "role")
  })

  it("refuses a prompt that does not fit in the model, and cuts an answer that does not fit behind it", () => {
    const long = [{ role: "user", content: "a b c d e f g" }]
    assert.deepStrictEqual(refusal({ messages: long }, undefined, 4), {
      message:
        "This model's maximum context length is 4 tokens. However, your prompt contains at least 5 input tokens, " +
        "which exceeds this limit even without any output tokens. Please reduce the length of the input prompt. " +
        "(parameter=input_tokens, value=5)",
      type: "BadRequestError",
      param: "input_tokens",
      code: 400
    })
    assert.strictEqual(
      refusal({ messages: long }, undefined, 7)?.message,
      "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)"
    )
    const tooMuch = "cannot be greater than max_model_len=12. Please request fewer output tokens."
    assert.strictEqual(
      refusal({ messages: long, max_tokens: 13 }, undefined, 12)?.message,
      `max_tokens=13 ${tooMuch} (parameter=max_tokens, value=13)`
    )
    assert.strictEqual(
      refusal({ messages: long, max_tokens: 1, max_completion_tokens: 13 }, undefined, 12)?.param,
      "max_completion_tokens"
    )
    for (const [max_tokens, expected] of [[undefined, 5], [12, 5], [3, 3]] as const) {
      const fits = parse({ messages: long, max_tokens }, undefined, 12)
      assert.isTrue(Result.isSuccess(fits) && fits.success.maxTokens === expected)
    }
  })
})
