// What only /v1/completions asks and refuses; the rest is tested with the chat's requests.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as CompletionRequest from "../../src/simulator/CompletionRequest.ts"
import { tokenId } from "../../src/simulator/Tokenizer.ts"

const parse = (body: object, maxModelLength?: number) =>
  CompletionRequest.parse({ model: "m", maxModelLength }, "application/json", JSON.stringify(body))

const refusal = (body: object, maxModelLength?: number) => {
  const result = parse(body, maxModelLength)
  assert.isTrue(Result.isFailure(result))
  return Result.isFailure(result) ? result.failure.error : undefined
}

const accepted = (body: object) => {
  const result = parse(body)
  assert.isTrue(Result.isSuccess(result))
  return Result.isSuccess(result) ? result.success : undefined
}

describe("CompletionRequest", () => {
  it("echoes if asked, alone if no tokens are wanted", () => {
    assert.include(accepted({ prompt: "a b" }), { echo: "no", echoedTokenIds: null, maxTokens: 16 })
    const before = accepted({ prompt: "a b", echo: true, max_tokens: 3 })
    assert.include(before, { echo: "before", maxTokens: 3 })
    assert.deepStrictEqual(before?.echoedTokenIds, ["a", " b"].map(tokenId))
    assert.include(accepted({ prompt: "a b", echo: true, max_tokens: 0 }), { echo: "alone", maxTokens: 1 })
    assert.strictEqual(refusal({ prompt: "a b", max_tokens: 0 })?.param, "max_tokens")
  })

  it("refuses as vLLM words it", () => {
    for (const body of [{}, { prompt: null }, { prompt: "" }]) {
      assert.deepStrictEqual(refusal(body), {
        message: "Either prompt or prompt_embeds must be provided and non-empty. (parameter=prompt)",
        type: "BadRequestError",
        param: "prompt",
        code: 400
      })
    }
    assert.strictEqual(refusal({ prompt: [] })?.message, "You must pass at least one prompt (parameter=prompt)")
    assert.match(refusal({ prompt: {} })!.message, /^4 validation errors:\n.*list_type.*\n.*list_type.*\n.*string_type/)
    assert.deepStrictEqual(refusal({ prompt: "a", suffix: "c" }), {
      message: "suffix is only supported for models with FIM completion rendering",
      type: "BadRequestError",
      param: "suffix",
      code: 400
    })
    assert.strictEqual(refusal({ prompt: "a", suffix: "", echo: true })?.message, "Echo is unsupported with suffix.")
    assert.strictEqual(refusal({ prompt: "a", suffix: "c", model: "x" })?.code, 404)
  })

  it("counts a prompt of token ids to its end", () => {
    const message = (prompt: unknown) => refusal({ prompt }, 16)?.message
    assert.include(message(Array(20).fill(7)), "your prompt contains 20 input tokens")
    assert.include(message("a ".repeat(20)), "your prompt contains at least 17 input tokens")
  })
})
