/** What the pieces of a chat completion are to the watch. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { body, chunks } from "../../src/engine/ChatCompletionClassifier.ts"
import * as ChatCompletionReader from "../../src/engine/ChatCompletionReader.ts"
import type { Classification } from "../../src/liveness/Classification.ts"
import { tokensOf } from "../../src/token/TokenEvent.ts"

const choice = (delta: object, more: object = {}) => ({ choices: [{ index: 0, delta, ...more }] })

const tellAll = (...all: ReadonlyArray<object>) => {
  const classify = chunks.start()
  return all.map((chunk) => classify(chunk))
}

const tokens = (classifications: ReadonlyArray<Classification>) =>
  classifications.reduce((sum, one) => sum + ("tokens" in one ? one.tokens : 0), 0)

/** A chunk of a stream with one choice, drawn. */
const Chunk = Schema.Struct({
  content: Schema.Literals(["", "a", "é\n"]),
  reasoning: Schema.Literals(["", "", "b"]),
  /** How many more tokens its usage tells; none for no usage. */
  usage: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))),
  ids: Schema.Boolean
})
const chunksOf = (drawn: ReadonlyArray<typeof Chunk.Type>): ReadonlyArray<ChatCompletionReader.ChatCompletionChunk> => {
  let completion_tokens = 0
  const made = drawn.map(({ content, ids, reasoning, usage }) => {
    completion_tokens += usage ?? 0
    return {
      ...choice({ content, reasoning }, { finish_reason: null, ...(ids ? { token_ids: [1, 2] } : {}) }),
      ...(usage === null ? {} : { usage: { prompt_tokens: 1, completion_tokens } })
    }
  })
  return [...made, choice({}, { finish_reason: "stop" })]
}

describe("a chunk", () => {
  it("is transport where it proves no token, and finished with its finish", () => {
    assert.deepStrictEqual(
      tellAll(
        choice({ role: "assistant", content: "" }),
        {},
        { choices: [] },
        choice({ content: "a" }),
        choice({ reasoning: "b" }),
        choice({ tool_calls: [{ index: 0 }] }),
        choice({ content: "c" }, { finish_reason: "length" })
      ),
      [
        { _tag: "Transport" },
        { _tag: "Transport" },
        { _tag: "Transport" },
        { _tag: "Progress", tokens: 1, channel: "content" },
        { _tag: "Progress", tokens: 1, channel: "reasoning" },
        { _tag: "Progress", tokens: 1, channel: "tool-call" },
        { _tag: "Finish", reason: "length", tokens: 1 }
      ]
    )
  })

  it("is no life by a count that stands still, and is by one that rises, though nothing is shown", () => {
    const [risen, same] = tellAll(
      { ...choice({}), usage: { completion_tokens: 3 } },
      { ...choice({}), usage: { completion_tokens: 3 } }
    )
    assert.deepStrictEqual(risen, { _tag: "Progress", tokens: 3, channel: null })
    assert.deepStrictEqual(same, { _tag: "Counted", count: 3 })
  })

  it("finishes an answer with several choices when the last of them has finished", () => {
    const at = (index: number, finish_reason: string | null) => ({
      choices: [{ index, delta: { content: "a" }, finish_reason }]
    })
    const told = tellAll(at(0, null), at(1, null), at(0, "stop"), at(1, null), at(1, "length"))
    assert.deepStrictEqual(told.map(({ _tag }) => _tag), ["Progress", "Progress", "Progress", "Progress", "Finish"])
  })

  it.prop("counts as the engine's own reader does", [Schema.Array(Chunk)], ([drawn]) => {
    const all = chunksOf(drawn)
    let state = ChatCompletionReader.initial
    const events = all.flatMap((chunk) => {
      const [after, made] = ChatCompletionReader.read(state, chunk)
      state = after
      return made
    })
    const told = tellAll(...all)
    assert.strictEqual(tokens(told), events.reduce((sum, event) => sum + tokensOf(event), 0))
    assert.strictEqual(told.at(-1)?._tag, "Finish")
  }, { arbitrary: { runs: 300 } })
})

describe("a body", () => {
  const text = (drawn: ReadonlyArray<typeof Chunk.Type>) =>
    [": a comment\n\n", ...chunksOf(drawn).map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`), "data: [DONE]\n\n"]
      .join("")

  it.prop("has the same tokens and the same finish however it is cut, as bytes and as text", [
    Schema.Array(Chunk).check(Schema.isMaxLength(6)),
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 120 }))).check(Schema.isMaxLength(12))
  ], ([drawn, cuts]) => {
    const whole = text(drawn)
    const bytes = new TextEncoder().encode(whole)
    const inPieces = body.start()
    const told: Array<Classification> = []
    let at = 0
    for (const cut of [...cuts, bytes.length]) {
      told.push(inPieces(bytes.subarray(at, at + cut)))
      at += cut
    }
    const expected = tellAll(...chunksOf(drawn))
    for (const all of [told, [body.start()(whole)]]) {
      assert.strictEqual(tokens(all), tokens(expected))
      assert.strictEqual(all.filter(({ _tag }) => _tag === "Finish").length, 1)
    }
  }, { arbitrary: { runs: 200 } })

  it("says what its error events say, and that an event is none", () => {
    const told = (events: string) => body.start()(events)
    const error = "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n"
    assert.deepStrictEqual(told(error), { _tag: "Error", detail: "overloaded", code: 503 })
    assert.strictEqual(told(`data: ${JSON.stringify(choice({ content: "a" }))}\n\n${error}`)._tag, "Error")
    assert.strictEqual(told("data: {\"choices\": [\n\n")._tag, "Error")
    assert.deepStrictEqual(told(": ping\n\n"), { _tag: "Transport" })
    assert.deepStrictEqual(told("data: 3\n\ndata: [DONE]\n\n"), { _tag: "Transport" })
  })
})
