/** What is told of a stream that passes, however it was cut, and that what is not parsed is told all the same. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as ChunkCount from "../../src/engine/ChunkCount.ts"
import { CallReader } from "../../src/tap/CallReader.ts"
import { TokenTemplate } from "../../src/tap/TokenTemplate.ts"
import { runs } from "../support/propertyRuns.ts"

interface Read {
  tokens: number
  usage: number | null
  finishReason: string | null
  nothings: number
  errors: Array<string>
  done: boolean
  channels: Set<string>
}

const readAll = (pieces: ReadonlyArray<Buffer>, { choices = 1, parseAll = false } = {}) => {
  const read: Read = {
    tokens: 0,
    usage: null,
    finishReason: null,
    nothings: 0,
    errors: [],
    done: false,
    channels: new Set()
  }
  let parsed = 0
  const reader = new CallReader({
    choices,
    onCounted: ({ channel, finishReason, tokens, usage }) => {
      parsed++
      read.tokens += tokens
      read.usage = usage ?? read.usage
      read.finishReason ??= finishReason
      if (channel !== null) read.channels.add(channel)
    },
    onTokens: (tokens, channel) => {
      read.tokens += tokens
      if (channel !== null) read.channels.add(channel)
    },
    onUntold: () => {},
    onNothing: () => {
      read.nothings++
    },
    onError: (reason) => read.errors.push(reason._tag),
    onDone: () => {
      read.done = true
    },
    ...(parseAll ? { onChunk: () => {} } : {})
  })
  for (const piece of pieces) reader.read(piece)
  reader.settle()
  const between = reader.isBetweenEvents
  reader.end()
  return { read, parsed, between }
}

const event = (chunk: object | string, end = "\n\n") =>
  `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}${end}`
const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m" }
const delta = (delta: object, more: object = {}, rest: object = {}) => ({
  ...head,
  choices: [{ index: 0, delta, logprobs: null, finish_reason: null, ...more }],
  ...rest
})
const token = (content: string) => event(delta({ content }))
const text = (content: string) =>
  event({ ...head, choices: [{ index: 0, text: content, logprobs: null, finish_reason: null }] })

const Piece = Schema.Union([
  Schema.Struct({
    kind: Schema.Literals(["token", "token", "token", "text", "reasoning", "old reasoning"]),
    text: Schema.String
  }),
  Schema.Struct({
    kind: Schema.Literals([
      "role",
      "comment",
      "empty",
      "ids",
      "usage",
      "tool",
      "finish",
      "second",
      "nonsense",
      "two fields"
    ]),
    text: Schema.String
  })
])

const eventOf = ({ kind, text: said }: typeof Piece.Type, at: number): string => {
  switch (kind) {
    case "token":
      return token(said)
    case "text":
      return text(said)
    case "reasoning":
      return event(delta({ reasoning: said }))
    case "old reasoning":
      return event(delta({ reasoning_content: said }))
    case "role":
      return event(delta({ role: "assistant", content: "" }))
    case "comment":
      return `: ${said.replaceAll(/[\r\n]/g, "")}\n\n`
    case "empty":
      return token("")
    case "ids":
      return event(delta({ content: said }, { token_ids: [1, 2, 3] }))
    case "usage":
      return event(delta({ content: said }, {}, { usage: { completion_tokens: at } }))
    case "tool":
      return event(delta({ tool_calls: [{ index: 0, function: { arguments: said } }] }))
    case "finish":
      return event(delta({ content: said }, { finish_reason: "stop" }))
    case "second":
      return event({
        ...delta({}),
        choices: [{ index: 1, delta: { content: said }, logprobs: null, finish_reason: null }]
      })
    case "nonsense":
      return event({ ...head, other: said })
    case "two fields":
      return event(delta({ content: said, reasoning: "because" }))
  }
}

const cut = (bytes: Buffer, places: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const at = [
    0,
    ...places.map((place) => place % (bytes.length + 1)).toSorted((left, right) => left - right),
    bytes.length
  ]
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end))
}

describe("CallReader", () => {
  it("counts most tokens without parsing them", () => {
    const events = [
      event(delta({ role: "assistant", content: "" })),
      ...Array.from({ length: 100 }, (_, at) => token(`"${at}\\`))
    ]
    const { parsed, read } = readAll(events.map((one) => Buffer.from(one)))
    assert.strictEqual(read.tokens, 100)
    assert.strictEqual(parsed, 1)
  })

  it("parses what only looks like a token", () => {
    const events = [
      token("a"),
      token("b"),
      token(""),
      event(delta({ content: "c" }, { finish_reason: "stop" })),
      event({ ...head, choices: [], usage: { completion_tokens: 5 } }),
      event("[DONE]")
    ]
    const { read } = readAll([Buffer.from(events.join(""))])
    assert.deepInclude(read, { tokens: 5, usage: 5, finishReason: "stop", done: true, nothings: 1 })
  })

  it("tells an error and nothing behind it", () => {
    const { read } = readAll([
      Buffer.from(event({ error: { message: "no", code: 500 } }) + token("a") + event("[DONE]"))
    ])
    assert.deepInclude(read, { tokens: 0, errors: ["MidStreamError"], done: false })
    assert.deepInclude(readAll([Buffer.from(event("{"))]).read, { errors: ["Malformed"] })
    assert.deepInclude(readAll([Buffer.from(`event: error\n${event({ message: "no" })}`)]).read, {
      errors: ["MidStreamError"]
    })
  })

  it("does not take for a token what only looks like one where it was cut", () => {
    const pieces = [token("a"), token("b"), "event: error\n", token("c")]
    const { read } = readAll(pieces.map((piece) => Buffer.from(piece)))
    assert.deepInclude(read, { tokens: 2, errors: ["MidStreamError"] })
  })

  it("counts no token twice that the engine tells twice", () => {
    const told = event(delta({ content: "a" }, {}, { usage: { completion_tokens: 1 } }))
    assert.deepInclude(readAll([told, told, told].map((piece) => Buffer.from(piece))).read, { tokens: 1, usage: 1 })
  })

  it("knows whether it stands between two events", () => {
    const whole = Buffer.from(token("a") + token("b"))
    assert.isTrue(readAll([whole]).between)
    for (let at = 1; at < whole.length; at++) {
      assert.strictEqual(readAll([whole.subarray(0, at)]).between, at === whole.length / 2, String(at))
    }
    assert.isTrue(readAll([Buffer.from(event(delta({ content: "a" }), "\r\n\r\n"))]).between)
  })

  it("takes the finish for one only when all choices have it", () => {
    const finish = (index: number) =>
      event({ ...head, choices: [{ index, delta: {}, finish_reason: `reason ${index}` }] })
    assert.isNull(readAll([Buffer.from(finish(0))], { choices: 2 }).read.finishReason)
    assert.isNull(readAll([Buffer.from(finish(1) + finish(1))], { choices: 2 }).read.finishReason)
    assert.strictEqual(readAll([Buffer.from(finish(1) + finish(0))], { choices: 2 }).read.finishReason, "reason 0")
  })

  it.prop(
    "tells the same of any stream however it is cut, parsed or not",
    [
      Schema.Array(Piece).check(Schema.isMaxLength(12)),
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5000 }))).check(Schema.isMaxLength(8))
    ],
    ([pieces, places]) => {
      const bytes = Buffer.from(pieces.map(eventOf).join(""))
      const expected = readAll([bytes], { parseAll: true }).read
      assert.deepStrictEqual(readAll(cut(bytes, places)).read, expected)
    },
    runs
  )

  it.prop(
    "counts as the reducer does",
    [Schema.Array(Piece).check(Schema.isMaxLength(12))],
    ([pieces]) => {
      const events = pieces.map(eventOf)
      const chunks = events.filter((one) => one.startsWith("data: ")).map((one) => JSON.parse(one.slice(6)))
      let count = ChunkCount.initial
      for (const chunk of chunks) if (ChunkCount.isChunk(chunk)) [count] = ChunkCount.read(count, chunk, 1)
      assert.strictEqual(readAll(events.map((one) => Buffer.from(one))).read.tokens, count.tokens)
    },
    runs
  )
})

describe("TokenTemplate", () => {
  const template = TokenTemplate.of(Buffer.from(token("a")))
  const endOf = (text: string, from = 0) => template?.endOf(Buffer.from(text), from)

  it("knows again what differs in its text alone", () => {
    for (const content of ["b", "\"", "\\", "\n", "ü", "\"},\"logprobs\":null", "x".repeat(1000)]) {
      assert.strictEqual(endOf(token(content)), Buffer.byteLength(token(content)), content)
      assert.strictEqual(endOf(`xx${token(content)}${token("c")}`, 2), Buffer.byteLength(token(content)) + 2, content)
    }
  })

  it("does not know anything else", () => {
    const others = [
      token(""),
      event(delta({ content: "a" }, { finish_reason: "stop" })),
      event(delta({ content: "a" }, {}, { usage: null })),
      event(delta({ reasoning: "a" })),
      event({ ...delta({}), choices: [{ index: 1, delta: { content: "a" }, logprobs: null, finish_reason: null }] }),
      event(delta({ content: "a" }), "\n"),
      event(delta({ content: "a" }), "\r\n\r\n"),
      `x${token("a").slice(1)}`,
      token("a").slice(0, -1)
    ]
    for (const other of others) assert.strictEqual(endOf(other), -1, other)
    for (let at = 0; at < token("abc").length; at++) {
      assert.strictEqual(endOf(token("abc").slice(0, at)), -1, String(at))
    }
  })

  it("is not made of what is no token of one text", () => {
    for (const one of [token(""), event({ ...head }), token("a").slice(0, -1), `\n${token("a")}`, ": a\n\n"]) {
      assert.isUndefined(TokenTemplate.of(Buffer.from(one)), one)
    }
    assert.strictEqual(TokenTemplate.of(Buffer.from(event(delta({ reasoning_content: "a" }))))?.channel, "reasoning")
    assert.strictEqual(TokenTemplate.of(Buffer.from(text("a")))?.channel, "content")
  })
})
