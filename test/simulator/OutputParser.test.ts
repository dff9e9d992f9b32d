// The parser alone: which deltas a text gives, whatever the cuts between outputs.
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as OutputParser from "../../src/simulator/OutputParser.ts"
import { tokenize } from "../../src/simulator/Tokenizer.ts"

const defaults = { reasoning: true, toolCalls: "streaming", holdBackEvery: 0, requestId: "r" } as const
const call = (name: string, parameters: object) =>
  `<tool_call>\n${JSON.stringify({ name, arguments: parameters }, undefined, 1)}\n</tool_call>`

const deltas = (text: string, options: Partial<OutputParser.ParserOptions> = {}, tokensPerOutput = 1) => {
  const parser = OutputParser.make({ ...defaults, ...options })
  const tokens = tokenize(text)
  const parsed: Array<OutputParser.Parsed> = []
  for (let index = 0; index < tokens.length; index += tokensPerOutput) {
    const until = index + tokensPerOutput
    parsed.push(parser.parse(tokens.slice(index, until), until >= tokens.length))
  }
  return parsed
}

const joined = (parsed: ReadonlyArray<OutputParser.Parsed>) => {
  const calls: Array<{ name: string; arguments: string }> = []
  let reasoning = ""
  let content = ""
  for (const { delta } of parsed) {
    reasoning += delta?.reasoning ?? ""
    content += delta?.content ?? ""
    for (const { function: told, index } of delta?.tool_calls ?? []) {
      calls[index] ??= { name: "", arguments: "" }
      calls[index].name += told.name ?? ""
      calls[index].arguments += told.arguments ?? ""
    }
  }
  return { reasoning, content, calls }
}

describe("OutputParser", () => {
  it("tells reasoning apart from content and says nothing of the markers", () => {
    assert.deepStrictEqual(deltas("<think>So it is</think> Yes."), [
      { delta: undefined },
      { delta: { reasoning: "So" } },
      { delta: { reasoning: " it" } },
      { delta: { reasoning: " is" } },
      { delta: undefined },
      { delta: { content: " Yes" } },
      { delta: { content: "." } }
    ])
  })

  it("counts the reasoning without its markers", () => {
    const count = (text: string) => {
      const parser = OutputParser.make({ reasoning: true, toolCalls: "none", holdBackEvery: 2, requestId: "r" })
      return tokenize(text).map((token) => {
        parser.parse([token], false)
        return parser.reasoningTokens()
      })
    }
    assert.deepStrictEqual(count("<think>So it is</think> Yes."), [0, 1, 2, 3, 3, 3, 3])
    assert.deepStrictEqual(count("So <think>it</think>"), [0, 0, 0, 0, 0])
  })

  it("takes markers for content where they mean nothing", () => {
    assert.strictEqual(joined(deltas("a <think>b</think>")).content, "a <think>b</think>")
    assert.strictEqual(joined(deltas("<think>b", { reasoning: false })).content, "<think>b")
    const text = call("f", {})
    assert.strictEqual(joined(deltas(text, { toolCalls: "none" })).content, text)
  })

  it("streams the name once it is known, then the arguments as they come, then nothing", () => {
    const parsed = deltas(call("weather", { city: "Pa}ris \\\"" }))
    const told = parsed.flatMap(({ delta }) => delta?.tool_calls ?? [])
    assert.strictEqual(told[0]!.function.name, "weather")
    assert.match(told[0]!.id!, /^chatcmpl-tool-[0-9a-f]{32}$/)
    assert.strictEqual(told[0]!.type, "function")
    assert.isTrue(told.length > 3)
    assert.isTrue(told.slice(1).every((one) => one.id === undefined && one.function.name === undefined))
    assert.deepStrictEqual(JSON.parse(joined(parsed).calls[0]!.arguments), { city: "Pa}ris \\\"" })
    assert.isUndefined(parsed.at(-1)!.delta)
  })

  it("buffers a call and tells it at its end, or never", () => {
    const text = call("weather", { city: "Paris" })
    const parsed = deltas(text, { toolCalls: "buffering" })
    assert.isTrue(parsed.slice(0, -1).every(({ delta }) => delta === undefined))
    assert.deepStrictEqual(joined(parsed).calls, [{ name: "weather", arguments: "{\"city\":\"Paris\"}" }])
    const cut = deltas(text.slice(0, -12), { toolCalls: "buffering" })
    assert.isTrue(cut.every(({ delta }) => delta === undefined))
  })

  it("counts the calls of an answer and gives each an id", () => {
    const parsed = deltas(`Two: ${call("a", { x: 1 })}${call("b", { y: [{}] })}`)
    assert.deepStrictEqual(joined(parsed).calls.map(({ name }) => name), ["a", "b"])
    const ids = parsed.flatMap(({ delta }) => delta?.tool_calls ?? []).flatMap(({ id }) => id ?? [])
    assert.strictEqual(new Set(ids).size, 2)
  })

  it("holds text back: an empty delta, and the text with the next token", () => {
    assert.deepStrictEqual(deltas("a b c d", { holdBackEvery: 2 }).map(({ delta }) => delta?.content), [
      "a",
      "",
      " b c",
      " d"
    ])
    assert.strictEqual(joined(deltas("<think>a b</think>c", { holdBackEvery: 3 })).reasoning, "a b")
  })

  it.prop(
    "loses no character, for any cut and any holding back",
    [
      Schema.Literals([1, 2, 3, 7, 1000]),
      Schema.Literals([0, 1, 2, 3, 5]),
      Schema.Literals(["streaming", "buffering"])
    ],
    ([tokensPerOutput, holdBackEvery, toolCalls]) => {
      const parameters = { text: "a {\"b\": [1, 2]} \\ c", deep: { list: [{}, []] } }
      const text = `<think>First I think.\n</think>Then I write.${call("f", parameters)} End.`
      const all = joined(deltas(text, { holdBackEvery, toolCalls }, tokensPerOutput))
      assert.strictEqual(all.reasoning, "First I think.\n")
      assert.strictEqual(all.content, "Then I write. End.")
      assert.strictEqual(all.calls.length, 1)
      assert.deepStrictEqual(JSON.parse(all.calls[0]!.arguments), parameters)
    }
  )
})
