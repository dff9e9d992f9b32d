// The very bytes of the chat route: which keys, in which order, and which of them are null.
import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import type { ChatRequest } from "../../src/simulator/ChatRequest.ts"
import * as ChatWire from "../../src/simulator/ChatWire.ts"
import type { EngineOutput } from "../../src/simulator/EngineLoop.ts"
import { tokenId, tokenize } from "../../src/simulator/Tokenizer.ts"

const head = { id: "chatcmpl-1", created: 7, model: "m" }
const options = {
  reasoningField: "reasoning",
  toolCallParser: "streaming",
  holdBackEvery: 0,
  finishCarriesText: true
} as const

const asking = (settings: Partial<ChatRequest> = {}): ChatRequest => ({
  prompt: "Hi",
  promptTokens: 1,
  promptTokenIds: settings.returnTokenIds === true ? [tokenId("Hi")] : null,
  stream: true,
  includeUsage: false,
  continuousUsage: false,
  returnTokenIds: false,
  includeReasoning: true,
  mayCallTools: false,
  mustCallTool: false,
  firstTool: undefined,
  remotePrefill: false,
  maxTokens: 9,
  seed: Option.none(),
  ...settings
})

/** One output per token, the last one finishing. */
const outputsOf = (text: string, finishReason: EngineOutput["finishReason"] = "stop"): ReadonlyArray<EngineOutput> =>
  tokenize(text).map((token, index, { length }) => ({
    tokens: [token],
    generated: index + 1,
    finishReason: index + 1 === length ? finishReason : undefined
  }))

const eventsOf = (request: ChatRequest, outputs: ReadonlyArray<EngineOutput>) =>
  ChatWire.makeStreamEncoder(head, request, options).encode(outputs).split("\n\n").slice(0, -1)
    .map((event) => event.replace("data: ", ""))

const start = "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":["
const fingerprint = `"system_fingerprint":"${ChatWire.systemFingerprint}"`

describe("ChatWire", () => {
  it("writes a plain stream byte by byte", () => {
    assert.deepStrictEqual(eventsOf(asking(), outputsOf("a b")), [
      `${start}{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],` +
      "\"prompt_token_ids\":null,\"prompt_text\":null}",
      `${start}{"index":0,"delta":{"content":"a"},"logprobs":null,"finish_reason":null,"token_ids":null}],` +
      "\"kv_transfer_params\":null}",
      `${start}{"index":0,"delta":{"content":" b"},"logprobs":null,"finish_reason":"stop","stop_reason":null,` +
      `"token_ids":null,"weight_versions":null}],${fingerprint},"kv_transfer_params":null}`,
      "[DONE]"
    ])
  })

  it("counts the reasoning apart, and moves the fingerprint to the usage", () => {
    const usage = (completion: number, reasoning: number) =>
      `"usage":{"prompt_tokens":1,"total_tokens":${completion + 1},"completion_tokens":${completion},` +
      `"completion_tokens_details":{"reasoning_tokens":${reasoning}}}`
    const request = asking({ includeUsage: true, continuousUsage: true })
    assert.deepStrictEqual(eventsOf(request, outputsOf("<think>So</think> b")), [
      `${start}{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],` +
      `${usage(0, 0)},"prompt_token_ids":null,"prompt_text":null}`,
      `${start}{"index":0,"delta":{"reasoning":"So"},"logprobs":null,"finish_reason":null,"token_ids":null}],` +
      `${usage(2, 1)},"kv_transfer_params":null}`,
      `${start}{"index":0,"delta":{"content":" b"},"logprobs":null,"finish_reason":"stop","stop_reason":null,` +
      `"token_ids":null,"weight_versions":null}],${usage(4, 1)},"kv_transfer_params":null}`,
      `${start}],${usage(4, 1)},${fingerprint}}`,
      "[DONE]"
    ])
  })

  it("shows neither ids nor empty deltas to who hides the reasoning, and says that it is null", () => {
    const request = asking({ includeReasoning: false, returnTokenIds: true })
    const outputs = outputsOf("<think>So</think> b c d")
    const held = ChatWire.makeStreamEncoder(head, request, { ...options, holdBackEvery: 5 }).encode(outputs)
    const choices = held.split("\n\n").slice(0, -2).map((event) => JSON.parse(event.slice(6)).choices[0])
    assert.deepStrictEqual(choices.slice(1).map(({ delta, token_ids }) => [delta, token_ids]), [
      [{ content: " b", reasoning: null }, null],
      [{ content: " c d", reasoning: null }, null]
    ])
    const whole = ChatWire.completion(head, request, options, outputs) as any
    assert.isNull(whole.choices[0].token_ids)
    assert.isNull(whole.choices[0].message.reasoning)
    assert.deepStrictEqual(whole.prompt_token_ids, [tokenId("Hi")])
    assert.strictEqual(whole.usage.completion_tokens_details.reasoning_tokens, 1)
  })

  it("ends without a token in an empty text, or in nothing if there was none at all", () => {
    const deltaOfEnd = (outputs: ReadonlyArray<EngineOutput>, generated: number) => {
      const events = eventsOf(asking(), [...outputs, { tokens: [], generated, finishReason: "abort" }])
      const { delta, finish_reason } = JSON.parse(events.at(-2)!).choices[0]
      assert.strictEqual(finish_reason, "abort")
      return delta
    }
    assert.deepStrictEqual(deltaOfEnd([{ tokens: ["a"], generated: 1, finishReason: undefined }], 1), { content: "" })
    assert.deepStrictEqual(deltaOfEnd([], 0), {})
  })

  it("writes calls in vLLM's order, and finishes with stop where the request named the tool", () => {
    const outputs = outputsOf("<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>")
    const reasonOf = (mustCallTool: boolean) => {
      const events = eventsOf(asking({ mayCallTools: true, mustCallTool }), outputs)
      const first = events.find((event) => event.includes("tool_calls"))!
      const call =
        /"tool_calls":\[\{"id":"chatcmpl-tool-[0-9a-f]{32}","type":"function","index":0,"function":\{"name":"f"/
      assert.match(first, call)
      const whole = ChatWire.completion(head, asking({ mayCallTools: true, mustCallTool }), options, outputs) as any
      const streamed = JSON.parse(events.at(-2)!).choices[0].finish_reason
      assert.strictEqual(whole.choices[0].finish_reason, streamed)
      return streamed
    }
    assert.deepStrictEqual([reasonOf(false), reasonOf(true)], ["tool_calls", "stop"])
  })

  it("writes a whole answer byte by byte", () => {
    assert.strictEqual(
      JSON.stringify(ChatWire.completion(head, asking({ stream: false }), options, outputsOf("a b"))),
      "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0," +
        "\"message\":{\"role\":\"assistant\",\"content\":\"a b\",\"refusal\":null,\"annotations\":null,\"audio\":null," +
        "\"function_call\":null,\"reasoning\":null},\"logprobs\":null,\"finish_reason\":\"stop\",\"stop_reason\":null," +
        "\"token_ids\":null,\"routed_experts\":null,\"weight_versions\":null}],\"service_tier\":null," +
        `${fingerprint},"usage":{"prompt_tokens":1,"total_tokens":3,"completion_tokens":2,` +
        "\"prompt_tokens_details\":null,\"completion_tokens_details\":{\"reasoning_tokens\":0}}," +
        "\"prompt_logprobs\":null,\"prompt_token_ids\":null,\"prompt_text\":null,\"kv_transfer_params\":null," +
        "\"ec_transfer_params\":null,\"metrics\":null}"
    )
  })
})
