/** What is known of a completion before it is sent, and the body that asks for a stream of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { withMembers } from "../../src/tap/JsonMembers.ts"
import { planOf } from "../../src/tap/RequestPlan.ts"
import { runs } from "../support/propertyRuns.ts"

const plan = (api: "chat" | "completion", body: object) => planOf(api, JSON.stringify(body))

describe("RequestPlan", () => {
  it("knows model, allowance, prompt and choices", () => {
    const messages = [
      { role: "system", content: "four" },
      { role: "user", content: [{ type: "text", text: "three" }, { type: "image_url", image_url: { url: "…" } }] },
      { role: "assistant", content: null }
    ]
    const known = plan("chat", { model: "m", messages, max_tokens: 7, n: 3, stream: true })
    assert.deepInclude(known, {
      model: "m",
      maxTokens: 7,
      promptCharacters: 9,
      choices: 3,
      wantsStream: true,
      streamed: undefined
    })
    assert.deepInclude(plan("chat", { max_completion_tokens: 8, max_tokens: 7 }), {
      maxTokens: 8,
      promptCharacters: null
    })
    const mentions = ["four", "hre", "…", "user", "three four"].filter((text) => known?.mentions(text))
    assert.deepStrictEqual(mentions, ["four", "hre"])
    assert.isTrue(plan("completion", { prompt: ["abc", "d\ne"] })?.mentions("d\ne"))
    assert.isFalse(plan("completion", { prompt: [1, 2] })?.mentions("1"))
    assert.isFalse(plan("chat", { messages: null, prompt: "abc" })?.mentions("a"))
    assert.deepInclude(plan("completion", { prompt: "abc" }), { promptCharacters: 3, choices: 1, maxTokens: null })
  })

  it("is nothing where the body is not that of a completion", () => {
    for (const body of ["", "{", "[]", "null", "1", "\"x\""]) assert.isUndefined(planOf("chat", body), body)
  })

  it("asks for a stream and leaves every other letter as it is", () => {
    const body =
      "{ \"seed\": 12345678901234567890, \"stream\" : false,\n\"top_p\":1.0, \"a\\\"b\":\"},{\\\\\",\"x\":[{\"stream\":1}] }"
    assert.strictEqual(
      planOf("chat", body)?.streamed,
      "{\"seed\": 12345678901234567890,\"top_p\":1.0,\"a\\\"b\":\"},{\\\\\",\"x\":[{\"stream\":1}]," +
        "\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
    )
    assert.strictEqual(planOf("chat", "{}")?.streamed, "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}")
  })

  it("does not ask for a stream where that has not all that was asked for", () => {
    const whole: ReadonlyArray<readonly ["chat" | "completion", object]> = [
      ["chat", { stream: true }],
      ["chat", { stream: "yes" }],
      ["chat", { stream_options: { include_usage: true } }],
      ["chat", { prompt_logprobs: 0 }],
      ["chat", { use_beam_search: true }],
      ["chat", { best_of: 2 }],
      ["chat", { audio: { voice: "a" } }],
      ["chat", { echo: true }],
      ["completion", { echo: true }],
      ["completion", { prompt: ["a", "b"] }],
      ["completion", { prompt: [[1], [2]] }]
    ]
    for (const [api, body] of whole) assert.isUndefined(plan(api, body)?.streamed, JSON.stringify(body))
    const streamed: ReadonlyArray<readonly ["chat" | "completion", object]> = [
      ["chat", { stream: null }],
      ["chat", { prompt_logprobs: null, use_beam_search: false, best_of: 1, n: 2, logprobs: true }],
      ["completion", { echo: false, logprobs: 3 }],
      ["completion", { prompt: ["a"] }],
      ["completion", { prompt: [1, 2, 3] }]
    ]
    for (const [api, body] of streamed) assert.isDefined(plan(api, body)?.streamed, JSON.stringify(body))
  })
})

describe("JsonMembers", () => {
  it.prop(
    "takes out and puts in members of any object, whatever is in it",
    [Schema.Record(Schema.String, Schema.Json), Schema.Literals([0, 2])],
    ([object, indent]) => {
      const { stream: _, ...rest } = object
      const text = withMembers(JSON.stringify(object, null, indent), new Set(["stream"]), ["\"added\":1"])
      assert.deepStrictEqual(JSON.parse(text), JSON.parse(JSON.stringify({ ...rest, added: 1 })))
    },
    runs
  )
})
