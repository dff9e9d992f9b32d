/** A streamed answer put together again is the whole answer, however it was cut and in whatever order choices take turns. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { AnswerAssembly } from "../../src/tap/AnswerAssembly.ts"
import { join } from "../../src/tap/joinFields.ts"
import { runs } from "../support/propertyRuns.ts"

type Fields = Record<string, any>
type Chunk = Readonly<Record<string, unknown>>

const assembled = (api: "chat" | "completion", chunks: ReadonlyArray<Chunk>): Fields => {
  const assembly = new AnswerAssembly(api)
  for (const chunk of chunks) assembly.add(chunk)
  return assembly.result()
}

const NotEmpty = Schema.NonEmptyString
const Cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))).check(Schema.isMaxLength(6))

const Answer = Schema.Struct({
  content: Schema.NullOr(NotEmpty),
  reasoning: Schema.NullOr(NotEmpty),
  refusal: Schema.NullOr(NotEmpty),
  calls: Schema.Array(Schema.Struct({ id: NotEmpty, name: NotEmpty, arguments: Schema.String })).check(
    Schema.isMaxLength(3)
  ),
  logprobs: Schema.Boolean,
  finish: Schema.Literals(["stop", "length", "tool_calls"]),
  cuts: Cuts
})
type Answer = typeof Answer.Type

/** The text in pieces, cut between its UTF-16 units, as no engine does. */
const pieces = (text: string, cuts: ReadonlyArray<number>): ReadonlyArray<string> => {
  const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).toSorted((left, right) => left - right), text.length]
  return at.slice(1).map((end, index) => text.slice(at[index], end))
}

const logprobsOf = (pieces: ReadonlyArray<string>) => ({
  content: pieces.map((token) => ({ token, logprob: -1, top_logprobs: [] }))
})

const wholeChoice = (answer: Answer, index: number): Fields => ({
  index,
  message: {
    role: "assistant",
    content: answer.content ??
      (answer.calls.length > 0 || answer.reasoning !== null || answer.refusal !== null ? null : ""),
    ...(answer.reasoning === null ? {} : { reasoning: answer.reasoning }),
    ...(answer.refusal === null ? {} : { refusal: answer.refusal }),
    ...(answer.calls.length === 0 ? {} : {
      tool_calls: answer.calls.map(({ arguments: given, id, name }) => ({
        id,
        type: "function",
        function: { name, arguments: given }
      }))
    })
  },
  logprobs: answer.logprobs && answer.content !== null ? logprobsOf(pieces(answer.content, answer.cuts)) : null,
  finish_reason: answer.finish
})

const deltasOf = (answer: Answer): ReadonlyArray<Fields> => [
  { delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null },
  ...(answer.reasoning === null ? [] : pieces(answer.reasoning, answer.cuts)).map((reasoning) => ({
    delta: { reasoning }
  })),
  ...(answer.content === null ? [] : pieces(answer.content, answer.cuts)).map((content) => ({
    delta: { content },
    logprobs: answer.logprobs ? logprobsOf([content]) : null
  })),
  ...(answer.refusal === null ? [] : pieces(answer.refusal, answer.cuts)).map((refusal) => ({ delta: { refusal } })),
  ...answer.calls.flatMap(({ arguments: given, id, name }, index) => [
    { delta: { tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] } },
    ...pieces(given, answer.cuts).map((part) => ({ delta: { tool_calls: [{ index, function: { arguments: part } }] } }))
  ]),
  { delta: {}, finish_reason: answer.finish }
]

const head = { id: "chatcmpl-1", created: 7, model: "m" }
const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }

describe("AnswerAssembly", () => {
  it.prop(
    "gives the whole answer back",
    [
      Schema.NonEmptyArray(Answer).check(Schema.isMaxLength(3)),
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 }))).check(Schema.isMaxLength(30))
    ],
    ([answers, turns]) => {
      const waiting = answers.map((answer, index) => deltasOf(answer).map((choice) => ({ index, ...choice })))
      const chunks: Array<Chunk> = []
      const take = (index: number) => {
        const choice = waiting[index]?.shift()
        if (choice !== undefined) chunks.push({ ...head, object: "chat.completion.chunk", choices: [choice] })
      }
      for (const turn of turns) take(turn)
      for (const [index, left] of waiting.entries()) while (left.length > 0) take(index)
      chunks.push({
        ...head,
        object: "chat.completion.chunk",
        choices: [],
        usage,
        system_fingerprint: "f",
        timings: { a: 1 }
      })
      assert.deepStrictEqual(assembled("chat", chunks), {
        ...head,
        object: "chat.completion",
        choices: answers.map(wholeChoice),
        usage,
        system_fingerprint: "f",
        timings: { a: 1 }
      })
    },
    runs
  )

  it.prop("gives the whole text back", [Schema.String, Cuts], ([text, cuts]) => {
    const told = pieces(text, cuts)
    const logprobs = (parts: ReadonlyArray<string>) => ({
      tokens: parts,
      token_logprobs: parts.map(() => -1),
      text_offset: parts.map(() => 0)
    })
    const chunks = told.map((part, at) => ({
      ...head,
      object: "text_completion",
      choices: [{
        index: 0,
        text: part,
        logprobs: logprobs([part]),
        finish_reason: at === told.length - 1 ? "stop" : null
      }],
      usage: null
    }))
    assert.deepStrictEqual(assembled("completion", [...chunks, { ...head, choices: [], usage }]), {
      ...head,
      object: "text_completion",
      choices: [{ index: 0, text, logprobs: logprobs(told), finish_reason: "stop" }],
      usage
    })
  }, runs)

  it("takes a name and an id that are told again for the same", () => {
    const call = (given: string) => ({ index: 0, id: "a", type: "function", function: { name: "f", arguments: given } })
    const chunks = ["{", "}"].map((given) => ({ choices: [{ index: 0, delta: { tool_calls: [call(given)] } }] }))
    assert.deepStrictEqual(assembled("chat", chunks)["choices"][0].message.tool_calls, [
      { id: "a", type: "function", function: { name: "f", arguments: "{}" } }
    ])
  })

  it("joins the pieces of a legacy call, and of fields that nobody knows", () => {
    const deltas = [
      { function_call: { name: "f", arguments: "{" }, details: [{ index: 0, text: "a", type: "t" }] },
      { function_call: { arguments: "}" }, details: [{ index: 0, text: "b", type: "t" }], score: 1 },
      { score: 2 }
    ]
    const chunks = deltas.map((delta) => ({ choices: [{ index: 0, delta }] }))
    assert.deepStrictEqual(assembled("chat", chunks)["choices"][0].message, {
      role: "assistant",
      content: null,
      function_call: { name: "f", arguments: "{}" },
      details: [{ index: 0, text: "ab", type: "t" }],
      score: 3
    })
  })

  it("keeps the last word that is one", () => {
    const chunks = [
      { service_tier: "default", choices: [{ index: 0, delta: {}, finish_reason: "stop", token_ids: [1] }] },
      { service_tier: null, id: "late", choices: [{ index: 0, delta: {}, finish_reason: null, token_ids: [2, 3] }] }
    ]
    const answer = assembled("chat", chunks)
    assert.strictEqual(answer["service_tier"], "default")
    assert.strictEqual(answer["id"], "late")
    assert.deepInclude(answer["choices"][0], { finish_reason: "stop", token_ids: [1, 2, 3] })
  })

  it("writes the nulls of vLLM, of the release that the stream came from", () => {
    const finish = { index: 0, delta: { content: "a" }, finish_reason: "stop", stop_reason: null, logprobs: null }
    const old = assembled("chat", [{ ...head, choices: [finish] }, { ...head, choices: [], usage }])
    assert.deepInclude(old["choices"][0].message, { tool_calls: [], reasoning_content: null, audio: null })
    assert.notProperty(old, "metrics")
    assert.notProperty(old["choices"][0], "routed_experts")
    const recent = assembled("chat", [{ ...head, choices: [{ ...finish, weight_versions: null }] }])
    assert.notProperty(recent["choices"][0].message, "tool_calls")
    assert.deepInclude(recent["choices"][0], { routed_experts: null })
    assert.isNull(recent["metrics"])
    assert.notProperty(
      assembled("chat", [{ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }]),
      "service_tier"
    )
  })
})

describe("joinFields", () => {
  it("joins by kind, and lets null say nothing", () => {
    assert.strictEqual(join("a", "b"), "ab")
    assert.strictEqual(join(1, 2), 3)
    assert.strictEqual(join("a", null), "a")
    assert.strictEqual(join(undefined, null), null)
    assert.strictEqual(join("a", 1), 1)
    assert.deepStrictEqual(join([1], [2]), [1, 2])
    assert.deepStrictEqual(join({ a: "x", type: "t" }, { a: "y", b: 1, type: "t" }), { a: "xy", b: 1, type: "t" })
  })
})
