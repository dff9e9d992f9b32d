/**
 * Property 18 on the engine hop: what the server sent in whole events before the connection was cut is what the consumer
 * gets, wherever the bytes are cut into pieces. Real SDK, bytes from memory; time stands still, so nothing may wait for it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Engine } from "../../src/engine/Engine.ts"
import { type TokenEvent, tokensOf } from "../../src/token/TokenEvent.ts"
import * as Transcript from "../../src/token/Transcript.ts"
import { fakeEngine } from "../support/fakeEngine.ts"
import { runs } from "../support/propertyRuns.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Piece = Schema.Struct({
  what: Schema.Literals(["content", "reasoning", "reasoning_content", "both", "tool", "empty", "role"]),
  text: Schema.Literals(["a", " word", "grün – ", "火曜日", "👩‍🚀🇩🇪", "\n\ndata: x\r\n", "\u2028\ufeff\u0000", "\\\"{"]),
  tokens: between(0, 4),
  before: Schema.Literals(["nothing", "comment", "two comments", "empty line", "other fields"]),
  /** The JSON in so many `data:` lines. */
  lines: between(1, 3)
})

const Script = Schema.Struct({
  pieces: Schema.Array(Piece).check(Schema.isMaxLength(8)),
  counts: Schema.Literals(["usage", "ids", "none"]),
  bom: Schema.Boolean,
  lineEnd: Schema.Literals(["\n", "\r\n", "\r"]),
  /** The last text comes with the finish reason, and the usage after it. */
  finish: Schema.NullOr(Schema.Struct({ text: Schema.Literals(["", "!"]), usage: Schema.Boolean })),
  done: Schema.Boolean,
  /** Where the bytes are cut off, in thousandths; 1000 for not at all. */
  cut: Schema.Union([Schema.Literal(1000), between(0, 1000)]),
  how: Schema.Literals(["end", "reset"]),
  /** The sizes of what arrives together, in bytes, used again from the first on. */
  sizes: Schema.Array(Schema.Union([between(1, 5), between(6, 400)])).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(4)
  ),
  slow: Schema.Boolean
})
type Script = typeof Script.Type

/** Something the server says, and what it means to a consumer. */
interface Said {
  readonly lines: ReadonlyArray<string>
  readonly comments?: number
  readonly content?: string
  readonly reasoning?: string
  readonly call?: string
  readonly tokens?: number
  readonly usage?: number
  readonly finish?: boolean
  readonly done?: boolean
}

const dataLines = (chunk: unknown, lines: number): ReadonlyArray<string> => {
  // A line may only be broken between two values, so that joining with a line feed leaves the JSON what it was.
  const pretty = JSON.stringify(chunk, null, lines > 1 ? 1 : 0).split("\n")
  const size = Math.ceil(pretty.length / lines)
  return Array.from({ length: lines }, (_, index) => pretty.slice(index * size, (index + 1) * size).join(""))
    .filter((line) => line !== "")
    .map((line, index) => (index % 2 === 0 ? "data: " : "data:") + line)
}

const deltaOf = (what: typeof Piece.Type["what"], text: string, call: number) => {
  switch (what) {
    case "content":
    case "reasoning":
    case "reasoning_content":
      return { [what]: text }
    case "both":
      return { content: text, reasoning: text }
    case "tool":
      return {
        tool_calls: [{
          index: 0,
          ...call === 0 ? { id: "call-1" } : {},
          function: { ...call === 0 ? { name: "f" } : {}, arguments: text }
        }]
      }
    case "empty":
      return { content: "" }
    case "role":
      return { role: "assistant", content: "" }
  }
}

const comments = { "nothing": 0, "comment": 1, "two comments": 2, "empty line": 0, "other fields": 0 } as const

/** All the server says, in order. */
const saidBy = ({ counts, done, finish, pieces }: Script): ReadonlyArray<Said> => {
  let generated = 0
  let calls = 0
  const said: Array<Said> = []
  const counted = (tokens: number) => {
    generated += tokens
    return counts === "usage"
      ? { usage: { prompt_tokens: 3, completion_tokens: generated } }
      : {}
  }
  for (const { before, lines, text, tokens: drawn, what } of pieces) {
    for (let comment = 0; comment < comments[before]; comment++) said.push({ lines: [": keep-alive"], comments: 1 })
    if (before === "empty line") said.push({ lines: [] })
    const speaks = what !== "empty" && what !== "role"
    const tokens = what === "role" ? 0 : counts === "none" ? (speaks ? 1 : 0) : drawn
    const isReasoning = what === "reasoning" || what === "reasoning_content" || what === "both"
    said.push({
      lines: [
        ...before === "other fields" ? ["id: 7", "retry: 10", "unknown"] : [],
        ...dataLines({
          choices: [{
            index: 0,
            delta: deltaOf(what, text, what === "tool" ? calls++ : 0),
            finish_reason: null,
            ...counts === "ids" ? { token_ids: Array.from({ length: tokens }, () => 5) } : {}
          }],
          ...counted(tokens)
        }, lines)
      ],
      tokens,
      content: what === "content" || what === "both" ? text : "",
      reasoning: isReasoning ? text : "",
      call: what === "tool" ? text : ""
    })
  }
  if (finish !== null) {
    const tokens = counts === "none" && finish.text === "" ? 0 : 1
    said.push({
      lines: dataLines({
        choices: [{
          index: 0,
          delta: { content: finish.text },
          finish_reason: "stop",
          ...counts === "ids" ? { token_ids: [5] } : {}
        }],
        ...counted(tokens)
      }, 1),
      tokens,
      content: finish.text,
      finish: true
    })
    if (finish.usage) {
      const usage = { prompt_tokens: 3, completion_tokens: generated }
      said.push({ lines: dataLines({ choices: [], usage }, 1), usage: generated })
    }
  }
  if (done) said.push({ lines: ["data: [DONE]"], done: true })
  return said
}

interface Sent {
  readonly bytes: Uint8Array
  /** What was said in whole before the cut. */
  readonly said: ReadonlyArray<Said>
  /** Something of what came next was sent too. */
  readonly half: boolean
  /** The sentinel was. */
  readonly doneSeen: boolean
}

/**
 * An event is whole with the first byte of the empty line behind it. Where the body ends by itself its text is enough:
 * servers that leave the empty line out are forgiven.
 */
const sentBy = (script: Script): Sent => {
  const encode = (text: string) => new TextEncoder().encode(text)
  const parts: Array<Uint8Array> = script.bom ? [encode("\ufeff")] : []
  let length = script.bom ? 3 : 0
  const all = saidBy(script).map((said) => {
    const isComment = said.comments !== undefined
    const bytes = encode([...said.lines, ...isComment ? [] : [""]].map((line) => line + script.lineEnd).join(""))
    const text = encode(said.lines.join(script.lineEnd)).length
    const from = length
    parts.push(bytes)
    length += bytes.length
    const whole = length - script.lineEnd.length + 1
    return { said, from, whole: isComment || script.how === "reset" ? whole : from + text }
  })
  const end = Math.ceil(length * script.cut / 1000)
  return {
    bytes: Buffer.concat(parts).subarray(0, end),
    said: all.filter(({ whole }) => whole <= end).map(({ said }) => said),
    half: all.some(({ from, whole }) => from < end && end < whole),
    doneSeen: all.some(({ said, whole }) => said.done === true && whole <= end)
  }
}

const reasonsOf = (script: Script, { doneSeen, half }: Sent): ReadonlyArray<string> => {
  if (script.how === "reset") return doneSeen ? ["DoneWithoutFinish", "ConnectionLost"] : ["ConnectionLost"]
  if (doneSeen) return ["DoneWithoutFinish"]
  return half ? ["Truncated", "Malformed"] : ["Truncated"]
}

/** What the consumer of the engine's stream gets, and the error it ends with. */
const received = ({ how, sizes, slow }: Script, { bytes }: Sent) =>
  Effect.gen(function*() {
    const server = fakeEngine(({ accept }) => {
      const body = accept()!
      for (let at = 0, index = 0; at < bytes.length; index++) {
        const size = sizes[index % sizes.length]!
        body.send(bytes.slice(at, at + size))
        at += size
      }
      if (how === "end") body.end()
      else body.reset()
    })
    const events: Array<TokenEvent> = []
    const error = yield* Effect.gen(function*() {
      const engine = yield* Engine
      return yield* engine.stream({ messages: [{ role: "user", content: "hi" }], requestId: "1" }).pipe(
        Stream.runForEachArray((some) => {
          events.push(...some)
          return slow ? Effect.yieldNow : Effect.void
        }),
        Effect.match({ onSuccess: () => undefined, onFailure: (error) => error })
      )
    }).pipe(
      Effect.provide(Engine.layerNoDeps({ baseUrl: "http://engine/v1", model: "m" }).pipe(Layer.provide(server.layer)))
    )
    return { events, error, connections: server.connections }
  })

const sum = (numbers: ReadonlyArray<number | undefined>) => numbers.reduce<number>((total, n) => total + (n ?? 0), 0)

describe("property 18, engine hop", () => {
  it.effect.prop(
    "what was sent in whole events arrives, once and in order, however the bytes are cut",
    [Script],
    ([script]) =>
      Effect.gen(function*() {
        const sent = sentBy(script)
        const { connections, error, events } = yield* received(script, sent)
        const upToEnd = sent.said.findIndex(({ done }) => done === true)
        const read = upToEnd === -1 ? sent.said : sent.said.slice(0, upToEnd)
        const transcript = Transcript.fromEvents(events)
        const text = (of: (said: Said) => string | undefined) => read.map((said) => of(said) ?? "").join("")
        const finished = read.some(({ finish }) => finish === true)
        assert.deepStrictEqual({
          content: transcript.content,
          reasoning: transcript.reasoning,
          calls: transcript.toolCalls.map((call) => call.arguments).join(""),
          tokens: sum(events.map(tokensOf)),
          usage: events.flatMap((event) => event._tag === "Usage" ? [event.completionTokens] : []),
          finishes: events.filter(({ _tag }) => _tag === "Finish").length,
          accepted: events.filter((event) => event._tag === "Signal" && event.signal === "accepted").length,
          comments: events.filter((event) => event._tag === "Signal" && event.signal === "keep-alive").length,
          error: error?.tokens
        }, {
          content: text(({ content }) => content),
          reasoning: text(({ reasoning }) => reasoning),
          calls: text(({ call }) => call),
          tokens: sum(read.map(({ tokens }) => tokens)),
          usage: read.flatMap(({ usage }) => usage === undefined ? [] : [usage]),
          finishes: finished ? 1 : 0,
          accepted: 1,
          comments: sum(read.map(({ comments }) => comments)),
          error: finished ? undefined : sum(read.map(({ tokens }) => tokens))
        })
        if (error !== undefined) assert.include(reasonsOf(script, sent), error.reason._tag)
        if (transcript.toolCalls.length > 0) {
          assert.deepInclude(transcript.toolCalls[0], { id: "call-1", name: "f" })
        }
        assert.lengthOf(connections, 1)
        // A body that has said all was read to its end, and no other was left open.
        assert.strictEqual(connections[0]!.state, "ended by server")
      }),
    runs
  )
})
