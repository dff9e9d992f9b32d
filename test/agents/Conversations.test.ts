import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Conversations } from "../../src/agents/Conversations.ts"
import { runs } from "../support/propertyRuns.ts"

const told = (conversations: Conversations, context: string) =>
  conversations.before(context).map(({ content, role }) => `${role}: ${content}`)
const length = (conversations: Conversations, context: string) =>
  conversations.before(context).reduce((sum, { content }) => sum + content.length, 0)

describe("Conversations", () => {
  it("tell a model what was said in the context, and nothing of another", () => {
    const conversations = new Conversations()
    conversations.add("a", { question: "1+1?", answer: "2" })
    conversations.add("b", { question: "Paris?", answer: "France" })
    conversations.add("a", { question: "and 1?", answer: "3" })
    assert.deepStrictEqual(told(conversations, "a"), ["user: 1+1?", "assistant: 2", "user: and 1?", "assistant: 3"])
    assert.deepStrictEqual(told(conversations, "b"), ["user: Paris?", "assistant: France"])
    assert.deepStrictEqual(told(conversations, "c"), [])
  })

  const Said = Schema.Tuple([
    Schema.Literals(["a", "b", "c"]),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))
  ])

  it.prop(
    "are never longer than they may be, keep the latest turns whole, and forget the context used longest ago",
    [Schema.Array(Said), Schema.Literals([5, 10, 30]), Schema.Literals([10, 30, 1000])],
    ([said, characters, allCharacters]) => {
      const conversations = new Conversations({ characters, allCharacters })
      const all = new Map<string, Array<string>>()
      for (const [context, size] of said) {
        const answer = "x".repeat(size)
        conversations.add(context, { question: "q", answer })
        all.set(context, [...all.get(context) ?? [], "user: q", `assistant: ${answer}`])
        const contexts = [...all.keys()]
        const lengths = contexts.map((each) => length(conversations, each))
        assert.isAtMost(Math.max(...lengths), characters)
        assert.isAtMost(lengths.reduce((sum, each) => sum + each, 0), allCharacters)
        for (const each of contexts) {
          const kept = told(conversations, each)
          assert.deepStrictEqual(kept, all.get(each)!.slice(all.get(each)!.length - kept.length))
        }
        // What fits into both bounds by itself is kept.
        if (size + 1 <= Math.min(characters, allCharacters)) assert.isNotEmpty(told(conversations, context))
      }
    },
    runs
  )

  it("forget first what was used longest ago", () => {
    const conversations = new Conversations({ allCharacters: 6 })
    conversations.add("a", { question: "q", answer: "a" })
    conversations.add("b", { question: "q", answer: "b" })
    conversations.add("a", { question: "q", answer: "c" })
    conversations.add("c", { question: "q", answer: "d" })
    assert.deepStrictEqual(told(conversations, "b"), [])
    assert.lengthOf(told(conversations, "a"), 4)
    assert.lengthOf(told(conversations, "c"), 2)
  })
})
