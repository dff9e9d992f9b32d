/** Measurements of an engine as nobody measured them: made by hand, and any at all, for the analysis. */
import * as Schema from "effect/Schema"
import type { EngineAnswer } from "../../src/probe/EngineAnswer.ts"
import * as EngineChunk from "../../src/probe/EngineChunk.ts"
import * as EngineLook from "../../src/probe/EngineLook.ts"
import type { EngineMeasurements } from "../../src/probe/EngineMeasurements.ts"
import type { Arrival, EngineStream } from "../../src/probe/EngineStream.ts"

export const answer = (body: unknown, more: Partial<EngineAnswer> = {}): EngineAnswer => ({
  askedAt: 0,
  at: 1,
  status: 200,
  headers: {},
  body: typeof body === "string" ? body : JSON.stringify(body),
  problem: null,
  ...more
})

const models = answer({ data: [{ id: "m", owned_by: "vllm" }] })

/** A chunk with one token; `more` is of the chunk, beside its choices. */
export const token = (at: number, more: object = {}, choice: object = {}): Arrival => ({
  at,
  kind: "chunk",
  chunk: EngineChunk.read({ choices: [{ index: 0, delta: { content: "x" }, ...choice }], ...more })
})

export const end = (at: number, reason = "length"): ReadonlyArray<Arrival> => [
  { at, kind: "chunk", chunk: EngineChunk.read({ choices: [{ index: 0, delta: {}, finish_reason: reason }] }) },
  { at, kind: "done" }
]

export const stream = (arrivals: ReadonlyArray<Arrival>, more: Partial<EngineStream> = {}): EngineStream => ({
  purpose: "tokens",
  maxTokens: 64,
  fields: [],
  sentAt: 1000,
  headersAt: 1001,
  status: 200,
  headers: { "content-type": "text/event-stream" },
  arrivals,
  endedAt: arrivals.at(-1)?.at ?? 2000,
  end: "complete",
  detail: null,
  ...more
})

/** So many tokens, one every so often, from 1100 on; then the end. */
export const steady = (tokens: number, everyMillis: number, more: Partial<EngineStream> = {}): EngineStream => {
  const last = 1100 + (tokens - 1) * everyMillis
  return stream([
    ...Array.from({ length: tokens }, (_, index) => token(1100 + index * everyMillis)),
    ...end(last)
  ], more)
}

/** A look at these series. */
export const look = (at: number, values: Readonly<Record<string, number>>): EngineLook.EngineLook =>
  EngineLook.read(
    answer(Object.entries(values).map(([name, value]) => `${name} ${value}\n`).join(""), { askedAt: at - 1, at })
  )

/** vLLM's, with what is not said at 0. */
export const vllm = (at: number, { generated = 0, running = 0, started = 100, more = {} }: {
  readonly generated?: number
  readonly running?: number
  readonly started?: number
  readonly more?: Readonly<Record<string, number>>
} = {}) =>
  look(at, {
    "vllm:num_requests_running": running,
    "vllm:num_requests_waiting": 0,
    "vllm:generation_tokens_total": generated,
    "vllm:inter_token_latency_seconds_count": Math.max(0, generated - 1),
    "process_start_time_seconds": started,
    ...more
  })

export const measurements = (more: Partial<EngineMeasurements> = {}): EngineMeasurements => ({
  url: "http://127.0.0.1:8000/v1",
  keyed: false,
  model: "m",
  models,
  modelsWithoutKey: undefined,
  health: answer(""),
  answers: {},
  streams: [],
  looks: [],
  promptTokens: 0,
  ownPauseMillis: 0,
  cutShort: false,
  ...more
})

const Gap = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3000 }))
const Few = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))

/** What makes up any measurements. */
export const Invented = Schema.Struct({
  streams: Schema.Array(Schema.Struct({
    purpose: Schema.Literals(["tokens", "plain", "field", "prefill", "abort"]),
    fields: Schema.Array(Schema.Literals(["include_usage", "continuous_usage_stats", "return_token_ids"])),
    status: Schema.NullOr(Schema.Literals([200, 200, 200, 400, 500])),
    end: Schema.Literals([
      "complete",
      "complete",
      "left-open",
      "closed",
      "lost",
      "refused",
      "unreachable",
      "no-headers",
      "no-token",
      "silent",
      "too-long",
      "too-much"
    ]),
    after: Gap,
    events: Schema.Array(Schema.Struct({
      gap: Gap,
      kind: Schema.Literals(["token", "token", "token", "usage", "finish", "comment", "done", "malformed", "foreign"]),
      tokens: Few,
      json: Schema.Json
    }))
  })),
  looks: Schema.Array(Schema.Struct({
    gap: Gap,
    took: Few,
    served: Schema.Literals(["vllm", "vllm", "vllm", "other", "failed", "malformed"]),
    generated: Few,
    running: Few,
    started: Schema.Literals([100, 100, 100, 200])
  })),
  models: Schema.Json,
  model: Schema.NullOr(Schema.String),
  cutShort: Schema.Boolean
})
export type Invented = typeof Invented.Type

const arrivalOf = ({ json, kind, tokens }: Invented["streams"][number]["events"][number], at: number): Arrival => {
  switch (kind) {
    case "token":
      return token(at, {}, { token_ids: tokens === 0 ? undefined : Array(tokens).fill(1) })
    case "usage":
      return token(at, { usage: { completion_tokens: tokens } })
    case "finish":
      return end(at)[0]!
    case "comment":
      return { at, kind, text: "keep-alive" }
    case "foreign":
      return { at, kind: "chunk", chunk: EngineChunk.read(json) }
    default:
      return { at, kind }
  }
}

/** The measurements that it stands for, with all times moved by so much. */
export const invented = (from: Invented, shift = 0): EngineMeasurements => {
  let at = 500 + shift
  const streams = from.streams.map(({ after, end, events, fields, purpose, status }) => {
    at += after
    const sentAt = at
    const arrivals = events.map((event) => arrivalOf(event, at += event.gap))
    return stream(arrivals, { purpose, fields, status, end, sentAt, headersAt: sentAt, endedAt: at })
  })
  let lookedAt = shift
  let generated = 0
  const looks = from.looks.map((one) => {
    lookedAt += one.gap
    const askedAt = lookedAt
    lookedAt += one.took
    generated += one.generated
    const made = one.served === "vllm"
      ? vllm(0, { ...one, generated })
      : one.served === "other"
      ? look(0, { "llamacpp:n_decode_total": one.generated, "llamacpp:requests_processing": one.running })
      : EngineLook.read(answer("<html>", one.served === "failed" ? { problem: "failed", status: null } : {}))
    return { ...made, askedAt, at: lookedAt }
  })
  return measurements({
    streams,
    looks,
    models: answer(from.models as object),
    model: from.model,
    cutShort: from.cutShort
  })
}
