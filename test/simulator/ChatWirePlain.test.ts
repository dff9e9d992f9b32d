// The bytes of chunks are the same whichever of its two ways the encoder writes them in.
import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import type { ChatRequest } from "../../src/simulator/ChatRequest.ts"
import { makeStreamEncoder } from "../../src/simulator/ChatWire.ts"

const head = { id: "chatcmpl-1", created: 7, model: "a \"model\"" }
const options = {
  reasoningField: "reasoning",
  toolCallParser: "streaming",
  holdBackEvery: 0,
  finishCarriesText: true
} as const
const request: ChatRequest = {
  prompt: "p",
  promptTokens: 1,
  promptTokenIds: null,
  stream: true,
  includeUsage: false,
  continuousUsage: false,
  returnTokenIds: false,
  maxTokens: 9,
  seed: Option.none(),
  includeReasoning: true,
  mayCallTools: false,
  mustCallTool: false,
  firstTool: undefined,
  remotePrefill: false
}
const common = { id: head.id, object: "chat.completion.chunk", created: head.created, model: head.model }

/** The second of two outputs, after the role chunk and the first. */
const chunkOf = (text: string, asked: Partial<ChatRequest> = {}) => {
  const encoder = makeStreamEncoder(head, { ...request, ...asked }, options)
  encoder.encode([{ tokens: ["first"], generated: 1, finishReason: undefined }])
  return encoder.encode([{ tokens: [text], generated: 2, finishReason: undefined }])
}

describe("ChatWire: plain content", () => {
  it("writes a chunk of plain content exactly as any other", () => {
    for (const text of [" token", "\"", "\\", "\n", "\u0000", "\ud83c\udf1f", "\ud83c", "\u2028", ""]) {
      const choice = { index: 0, delta: { content: text }, logprobs: null, finish_reason: null, token_ids: null }
      assert.strictEqual(
        chunkOf(text),
        `data: ${JSON.stringify({ ...common, choices: [choice], kv_transfer_params: null })}\n\n`
      )
    }
  })

  it("leaves nothing out that was asked for", () => {
    const usage = {
      prompt_tokens: 1,
      total_tokens: 3,
      completion_tokens: 2,
      completion_tokens_details: { reasoning_tokens: 0 }
    }
    const counted = chunkOf("text", { includeUsage: true, continuousUsage: true })
    const choice = { index: 0, delta: { content: "text" }, logprobs: null, finish_reason: null, token_ids: null }
    assert.strictEqual(
      counted,
      `data: ${JSON.stringify({ ...common, choices: [choice], usage, kv_transfer_params: null })}\n\n`
    )
    const { choices } = JSON.parse(chunkOf("text", { returnTokenIds: true }).slice("data: ".length))
    assert.lengthOf(choices[0].token_ids, 1)
  })
})
