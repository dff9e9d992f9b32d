import { assert, describe, it } from "@effect/vitest"
import { type ChatCompletionChunk, initial, read } from "../../src/engine/ChatCompletionReader.ts"
import { Delta, Finish, Signal, type TokenEvent, tokensOf, ToolCallDelta, Usage } from "../../src/token/TokenEvent.ts"

const readAll = (chunks: ReadonlyArray<ChatCompletionChunk>): ReadonlyArray<TokenEvent> => {
  let state = initial
  return chunks.flatMap((chunk) => {
    const [after, events] = read(state, chunk)
    state = after
    return events
  })
}

const tokens = (chunks: ReadonlyArray<ChatCompletionChunk>) =>
  readAll(chunks).reduce((sum, event) => sum + tokensOf(event), 0)

type Choice = NonNullable<NonNullable<ChatCompletionChunk["choices"]>[number]>
const chunk = (delta: Choice["delta"], rest: Partial<Choice> = {}, completionTokens?: number): ChatCompletionChunk => ({
  choices: [{ index: 0, delta: delta ?? null, finish_reason: null, ...rest }],
  ...(completionTokens === undefined ? {} : { usage: { prompt_tokens: 5, completion_tokens: completionTokens } })
})
const text = (content: string, ...rest: [Partial<Choice>?, number?]) => chunk({ content }, ...rest)

describe("ChatCompletionReader", () => {
  it("reads an answer of vLLM", () => {
    assert.deepStrictEqual(
      readAll([
        chunk({ role: "assistant", content: "" }, {}, 0),
        text("Hel", {}, 1),
        text("lo", { finish_reason: "stop" }, 2),
        { choices: [], usage: { prompt_tokens: 5, completion_tokens: 2 } }
      ]),
      [
        Signal.make({ signal: "role" }),
        Delta.make({ channel: "content", text: "Hel", tokens: 1 }),
        Delta.make({ channel: "content", text: "lo", tokens: 1 }),
        Finish.make({ reason: "stop" }),
        Usage.make({ promptTokens: 5, completionTokens: 2 })
      ]
    )
  })

  it("counts tokens from usage, else from token ids, else from chunks with text", () => {
    assert.strictEqual(tokens([text("abc", {}, 3), text("de", {}, 5)]), 5)
    assert.strictEqual(tokens([text("abc", { token_ids: [1, 2, 3] }), text("d", { token_ids: [4] })]), 4)
    assert.strictEqual(tokens([text("abc"), text(""), text("d")]), 2)
  })

  it("counts a token once where a server reports its usage only at the end", () => {
    assert.strictEqual(tokens([text("a"), text("b"), text("", { finish_reason: "stop" }, 5)]), 5)
    assert.strictEqual(tokens([text("a"), text("b", {}, 2), text("c", {}, 3)]), 3)
    assert.strictEqual(tokens([text("a"), text("b"), text("c", { finish_reason: "stop" }, 1)]), 2)
  })

  it("takes an empty delta for a token only if the count moved", () => {
    assert.deepStrictEqual(readAll([text("a", {}, 1), text("", {}, 2), text("", {}, 2)]), [
      Delta.make({ channel: "content", text: "a", tokens: 1 }),
      Delta.make({ channel: "content", text: "", tokens: 1 }),
      Signal.make({ signal: "empty" })
    ])
  })

  it("reads reasoning under both names, and hidden tokens on the channel they continue", () => {
    assert.deepStrictEqual(
      readAll([chunk({ reasoning: "a" }, {}, 1), chunk({ reasoning_content: "b" }, {}, 2), chunk({}, {}, 3)]).map(
        (event) => event._tag === "Delta" ? [event.channel, event.text, event.tokens] : event
      ),
      [["reasoning", "a", 1], ["reasoning", "b", 1], ["reasoning", "", 1]]
    )
  })

  it("reads tool calls in pieces", () => {
    const call = (index: number, id: string | null, name: string | null, args: string) =>
      chunk({ content: null, tool_calls: [{ index, id, function: { name, arguments: args } }] })
    assert.deepStrictEqual(readAll([call(0, "c1", "add", ""), call(0, null, null, "{}")]), [
      ToolCallDelta.make({ index: 0, id: "c1", name: "add", arguments: "", tokens: 1 }),
      ToolCallDelta.make({ index: 0, arguments: "{}", tokens: 1 })
    ])
  })

  it("gives a chunk's tokens to its first delta when it carries several", () => {
    const events = readAll([chunk({ reasoning: "end", content: "start" }, {}, 4)])
    assert.deepStrictEqual(events.map(tokensOf), [4, 0])
  })

  it("ignores deltas and finishes after the finish", () => {
    const events = readAll([text("a", { finish_reason: "stop" }), text("b", { finish_reason: "length" })])
    assert.deepStrictEqual(events.map((event) => event._tag), ["Delta", "Finish", "Signal"])
  })

  it("survives chunks of any poverty", () => {
    const poor: ReadonlyArray<ChatCompletionChunk> = [
      {},
      { choices: null },
      { choices: [] },
      { choices: [{}] },
      { choices: [null] },
      { choices: [{ delta: { tool_calls: [null] } }] },
      { choices: [{ delta: null }] },
      { choices: [{ index: 1, delta: { content: "of another choice" } }] },
      { choices: [], usage: null },
      { choices: [], usage: {} }
    ]
    assert.deepStrictEqual(new Set(readAll(poor).map((event) => event._tag)), new Set(["Signal"]))
  })
})
