import { assert, describe, it } from "@effect/vitest"
import { Delta, Finish, ToolCallDelta, Usage } from "../../src/token/TokenEvent.ts"
import * as Transcript from "../../src/token/Transcript.ts"

describe("Transcript", () => {
  it("keeps channels apart and joins tool calls by index", () => {
    const transcript = Transcript.fromEvents([
      Delta.make({ channel: "reasoning", text: "think", tokens: 2 }),
      ToolCallDelta.make({ index: 0, id: "call-1", name: "add", arguments: "{\"a\":", tokens: 1 }),
      ToolCallDelta.make({ index: 0, arguments: "1}", tokens: 1 }),
      Delta.make({ channel: "content", text: "one", tokens: 1 }),
      Finish.make({ reason: "stop" })
    ])
    assert.deepInclude(transcript, { content: "one", reasoning: "think", tokens: 5, finishReason: "stop" })
    assert.deepStrictEqual(transcript.toolCalls, [{ id: "call-1", name: "add", arguments: "{\"a\":1}" }])
  })

  it("rests its count on the engine's usage once that is known, also if more deltas come", () => {
    const deltas = [Delta.make({ channel: "content", text: "a", tokens: 1 })]
    const counted = Transcript.fromEvents([...deltas, Usage.make({ promptTokens: 7, completionTokens: 3 }), ...deltas])
    assert.deepInclude(Transcript.fromEvents(deltas), { tokens: 1, tokenBasis: "deltas", promptTokens: undefined })
    assert.deepInclude(counted, { tokens: 3, tokenBasis: "usage", promptTokens: 7 })
  })
})
