import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Artifact, Ended, Replaced, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import * as AnswerText from "../../src/terminal/AnswerText.ts"
import { Delta } from "../../src/token/TokenEvent.ts"

const content = (text: string) => Delta.make({ channel: "content", text, tokens: 1 })

/** All that is written of chunks of events, and what was said of them. */
const written = (...chunks: ReadonlyArray<ReadonlyArray<TaskEvent>>) => {
  let answer = AnswerText.empty
  let text = ""
  let reasoning = ""
  let replaced = false
  for (const chunk of chunks) {
    const next = AnswerText.step(answer, chunk)
    answer = next.answer
    text += next.text
    reasoning += next.reasoning
    replaced ||= next.replaced
  }
  return { text: text + AnswerText.rest(answer), reasoning, replaced }
}

describe("AnswerText", () => {
  it.prop(
    "is the answer, byte for byte, in whatever chunks it came",
    [Schema.Array(Schema.Array(Schema.String))],
    ([chunks]) => {
      const events = chunks.map((chunk) => chunk.map(content))
      assert.deepStrictEqual(written(...events), {
        text: chunks.flat().join(""),
        reasoning: "",
        replaced: false
      })
    }
  )

  it("goes on where an agent says its whole answer again, and begins a line where it says another one", () => {
    const again = [content("Two"), Replaced.make({ text: "Two and" }), content(" two")]
    assert.deepInclude(written(again), { text: "Two and two", replaced: false })
    const other = [...again, Replaced.make({ text: "Four" }), content(".")]
    assert.deepInclude(written(other), { text: "Two and two\nFour.", replaced: true })
  })

  it("keeps what the agent thinks apart", () => {
    const thought = Delta.make({ channel: "reasoning", text: "hm", tokens: 1 })
    assert.deepStrictEqual(written([thought, content("yes")]), { text: "yes", reasoning: "hm", replaced: false })
  })

  it("has data in lines of its own", () => {
    const parts = [{ _tag: "Text" as const, text: "score" }, { _tag: "Data" as const, data: { a: [1] } }]
    const artifact = Artifact.make({ artifactId: "r", name: "result", parts })
    const expected = "before\nscore\n{\n  \"a\": [\n    1\n  ]\n}\nafter"
    assert.strictEqual(written([content("before"), artifact, content("after")]).text, expected)
  })

  it("is the last status of an agent that says nothing else", () => {
    const statuses = [Status.make({ state: "working", text: "on it" }), Status.make({ state: "working", text: "" })]
    const end = Ended.make({ state: "completed", text: "42", error: null })
    assert.strictEqual(written([...statuses, end]).text, "42")
    assert.strictEqual(written(statuses).text, "on it")
    assert.strictEqual(written([...statuses, content("43")], [end]).text, "43")
  })
})
