/**
 * What a probe of an engine says at its end: the form that `--json` prints, and that the text is made of.
 *
 * Times are milliseconds. A finding has one line, what to do about it, and a severity: `blocker` (a campaign cannot watch
 * this engine), `loss` (it can, and will see less), `note`.
 */
import * as Schema from "effect/Schema"
import { Features } from "./EngineFeatures.ts"

const Figure = Schema.NullOr(Schema.Finite)

export const Severity = Schema.Literals(["blocker", "loss", "note"])
export type Severity = typeof Severity.Type

export const Finding = Schema.Struct({
  id: Schema.String,
  severity: Severity,
  text: Schema.String,
  remedy: Schema.String
})
export type Finding = typeof Finding.Type

const Tokens = Schema.Struct({
  counted: Schema.Int,
  usage: Schema.NullOr(Schema.Int),
  events: Schema.Int,
  reads: Schema.Int,
  tokensPerEvent: Schema.Finite,
  mostTokensPerEvent: Schema.Int,
  mostEventsPerRead: Schema.Int,
  headersMillis: Figure,
  firstTokenMillis: Figure,
  totalMillis: Schema.Finite,
  gaps: Schema.NullOr(Schema.Struct({
    count: Schema.Int,
    medianMillis: Schema.Finite,
    p95Millis: Schema.Finite,
    p99Millis: Schema.Finite,
    largestMillis: Schema.Finite
  })),
  tokensPerSecond: Figure,
  finishReason: Schema.NullOr(Schema.String),
  buffered: Schema.Boolean
})

const Moved = Schema.Struct({
  /** Intervals between looks in which it changed, of all that lay in the phase; 0 of 0: not known. */
  moved: Schema.Int,
  intervals: Schema.Int,
  rose: Schema.Finite,
  fell: Schema.Finite
})

export const Series = Schema.Struct({
  name: Schema.String,
  phases: Schema.Struct({
    idle: Moved,
    start: Moved,
    prefill: Moved,
    first: Moved,
    decode: Moved,
    end: Moved,
    after: Moved,
    mixed: Moved
  })
})
export type Series = typeof Series.Type

const Metrics = Schema.Struct({
  /** Looks at /metrics, and those that could be read. */
  looks: Schema.Int,
  readable: Schema.Int,
  /** Labels of vLLM's engines. */
  engines: Schema.Array(Schema.String),
  startTime: Schema.Boolean,
  binding: Schema.Literals(["unproven", "proven", "inherited", "refuted"]),
  behindTokens: Figure,
  settleMillis: Figure,
  stillMillis: Figure,
  /** How long the long prompt was computed, and about how many tokens it had. */
  prefillMillis: Figure,
  prefillTokens: Schema.Int,
  /** Those that moved at all; of a server with very many, the first two hundred. */
  series: Schema.Array(Series)
})

const Abort = Schema.Struct({
  outcome: Schema.Literals(["honoured", "ignored", "not-known"]),
  afterMillis: Figure,
  tokensAfter: Figure,
  why: Schema.String
})

export const proofNames = ["hung", "decodeHung", "lost", "restarted", "dead", "cancelled"] as const
export type ProofName = typeof proofNames[number]

export const Proof = Schema.Struct({ can: Schema.Boolean, why: Schema.String })

export const EngineReport = Schema.Struct({
  probe: Schema.Literal("engine"),
  url: Schema.String,
  server: Schema.Literals(["vllm", "sglang", "llama.cpp", "ollama", "unknown"]),
  /** What gave it away. */
  signs: Schema.Array(Schema.String),
  version: Schema.NullOr(Schema.String),
  model: Schema.NullOr(Schema.String),
  models: Schema.Array(Schema.String),
  contextTokens: Schema.NullOr(Schema.Int),
  /** What it was burdened with: requests, and the tokens that they asked for at most. */
  asked: Schema.Struct({ requests: Schema.Int, maxTokens: Schema.Int, promptTokens: Schema.Int }),
  features: Features,
  tokens: Schema.NullOr(Tokens),
  metrics: Metrics,
  abort: Abort,
  /** The longest time that it stood still while it was well, and the limit that would follow for a hang. */
  step: Schema.Struct({ longestMillis: Figure, from: Schema.String, frozenMillis: Schema.Finite }),
  /** What can be proved of a run that falls silent here. */
  proofs: Schema.Record(Schema.Literals(proofNames), Proof),
  findings: Schema.Array(Finding),
  fit: Schema.Boolean,
  /** What a campaign can rest on, in one sentence. */
  restsOn: Schema.String
})
export type EngineReport = typeof EngineReport.Type
