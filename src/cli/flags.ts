/**
 * The flags of all verbs, one constant each, so that the same word means the same everywhere.
 *
 * Every flag has an environment variable `CAMPAIGN_<NAME>`; the flag wins. Keys have only the variable.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { LatencyDistribution } from "../simulator/Pacing.ts"

const positive = Schema.Int.check(Schema.isGreaterThan(0))
const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const notNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const portNumber = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }))

/** `CAMPAIGN_STALL_LIMIT` for `stall-limit`. */
const variableOf = (name: string): string => `CAMPAIGN_${name.toUpperCase().replaceAll("-", "_")}`

const text = (name: string, options: { readonly metavar: string; readonly description: string }) =>
  Flag.String(name).pipe(
    Flag.withMetavar(options.metavar),
    Flag.withDescription(options.description),
    Flag.withFallbackConfig(Config.String(variableOf(name)))
  )

const integer = (
  name: string,
  options: { readonly schema: typeof positive; readonly default: number; readonly description: string }
) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.withSchema(options.schema),
    Flag.withDescription(`${options.description} (${options.default})`),
    Flag.withFallbackConfig(Config.Int(variableOf(name))),
    Flag.withDefault(options.default)
  )

const number = (
  name: string,
  options: {
    readonly metavar: string
    readonly schema: typeof notNegative
    readonly default: number
    readonly description: string
  }
) =>
  Flag.Finite(name).pipe(
    Flag.withMetavar(options.metavar),
    Flag.withSchema(options.schema),
    Flag.withDescription(`${options.description} (${options.default})`),
    Flag.withFallbackConfig(Config.Finite(variableOf(name))),
    Flag.withDefault(options.default)
  )

const choice = <const Choices extends readonly [string, ...ReadonlyArray<string>]>(
  name: string,
  options: { readonly choices: Choices; readonly default: Choices[number]; readonly description: string }
) =>
  Flag.Literals(name, options.choices).pipe(
    Flag.withMetavar("KIND"),
    Flag.withDescription(`${options.description} (${options.default})`),
    Flag.withFallbackConfig(Config.Literals(options.choices, variableOf(name))),
    Flag.withDefault(options.default)
  )

const time = (name: string, options: { readonly default: number; readonly description: string }) =>
  number(name, { metavar: "MILLISECONDS", schema: notNegative, ...options })

export const engineUrl = text("engine", {
  metavar: "URL",
  description: "The OpenAI-compatible engine, such as http://127.0.0.1:8000/v1; its key is read from CAMPAIGN_API_KEY"
})

export const model = text("model", { metavar: "NAME", description: "The model to ask the engine for" })

export const agentUrl = text("agent", { metavar: "URL", description: "An A2A agent to test instead of an engine" })

export const database = text("db", {
  metavar: "FILE",
  description: "The SQLite file that holds the campaign; a new one is named after the time unless given"
})

export const maxTokens = integer("max-tokens", {
  schema: positive,
  default: 4096,
  description: "The most tokens an answer may have"
})

export const repetitions = integer("repeat", {
  schema: positive,
  default: 3,
  description: "How often each task is played"
})

export const concurrency = integer("concurrency", {
  schema: positive,
  default: 3,
  description: "How many battles run at once"
}).pipe(Flag.withAlias("j"))

export const seed = integer("seed", {
  schema: Schema.Int,
  default: 1,
  description: "The order of battles and the simulated engine follow from it"
})

export const tasks = Flag.String("task").pipe(
  Flag.withMetavar("ID"),
  Flag.withDescription("Play only this task; may be given more than once (all)"),
  Flag.atLeast(1),
  Flag.withFallbackConfig(Config.map(Config.String("CAMPAIGN_TASK"), (names) => names.split(/\s*,\s*/))),
  Flag.withDefault([])
)

export const stallLimit = Flag.String("stall-limit").pipe(
  Flag.withMetavar("DURATION"),
  Flag.withDescription("Silence of the engine after which an attempt is given up, such as \"90 seconds\" (15 minutes)"),
  Flag.withSchema(Schema.DurationFromString),
  Flag.withFallbackConfig(Config.Duration("CAMPAIGN_STALL_LIMIT")),
  Flag.withDefault(Duration.minutes(15))
)

export const ui = Flag.Literals("ui", ["auto", "full", "plain", "none"]).pipe(
  Flag.withMetavar("KIND"),
  Flag.withDescription("How progress is shown on stderr; auto is full on a terminal and plain lines elsewhere (auto)"),
  Flag.withFallbackConfig(Config.Literals(["auto", "full", "plain", "none"], "CAMPAIGN_UI")),
  Flag.withDefault("auto")
)

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print one JSON object on stdout instead of the summary"),
  Flag.withFallbackConfig(Config.Boolean("CAMPAIGN_JSON")),
  Flag.withDefault(false)
)

export const host = text("host", {
  metavar: "ADDRESS",
  description: "The address to listen on, 0.0.0.0 for all (127.0.0.1)"
}).pipe(Flag.withDefault("127.0.0.1"))

/** The port to listen on, with the verb's own default. */
export const port = (defaultPort: number) =>
  integer("port", {
    schema: portNumber,
    default: defaultPort,
    description: "The port to listen on, 0 for any free one"
  })

export const cardUrl = text("card-url", {
  metavar: "URL",
  description: "The address on the agent card, where clients see another one than the server"
}).pipe(Flag.optional)

const latencyDistributions = ["constant", "normal", "log-normal", "pareto-tail"] as const

const distributionOf = (name: typeof latencyDistributions[number]): LatencyDistribution => {
  switch (name) {
    case "constant":
      return { _tag: "Constant" }
    case "normal":
      return { _tag: "Normal" }
    case "log-normal":
      return { _tag: "LogNormal" }
    case "pareto-tail":
      // One time in a hundred is drawn from the tail, and one in 30 of those is longer than ten times its beginning.
      return { _tag: "ParetoTail", shape: 1.5, share: 0.01 }
  }
}

/** What the simulated engine does, under the names that vLLM and its simulators use where they have one. */
export const simulated = {
  model: text("model", { metavar: "NAME", description: "The name of the model it serves (simulated-model)" }).pipe(
    Flag.withDefault("simulated-model")
  ),
  timeToFirstTokenMillis: time("time-to-first-token", { default: 400, description: "Mean time to the first token" }),
  interTokenMillis: time("inter-token-latency", {
    default: 20,
    description: "Mean time between two tokens, 0 for as fast as possible"
  }),
  jitterCoefficient: number("latency-jitter", {
    metavar: "FACTOR",
    schema: notNegative,
    default: 0.3,
    description: "Standard deviation of both times, as a part of their mean"
  }),
  latencyDistribution: Flag.Literals("latency-distribution", latencyDistributions).pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("How both times vary: constant, normal, log-normal or pareto-tail (log-normal)"),
    Flag.withFallbackConfig(Config.Literals(latencyDistributions, variableOf("latency-distribution"))),
    Flag.withDefault("log-normal" as const),
    Flag.map(distributionOf)
  ),
  timeFactorUnderLoad: number("time-factor-under-load", {
    metavar: "FACTOR",
    schema: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1)),
    default: 1,
    description: "How much longer both times are when --max-num-seqs requests run; linear in between"
  }),
  maxConcurrentRequests: integer("max-num-seqs", {
    schema: positive,
    default: 256,
    description: "Requests answered at once; more wait in a queue"
  }),
  maxNumBatchedTokens: integer("max-num-batched-tokens", {
    schema: positive,
    default: 8192,
    description: "Tokens that are worked on at once; longer prompts are computed in chunks"
  }),
  kvCacheTokens: integer("kv-cache-tokens", {
    schema: Schema.Int.check(Schema.isGreaterThanOrEqualTo(16)),
    default: 4_194_304,
    description: "Tokens that fit in the KV cache; when it is full, the newest request is preempted"
  }),
  streamInterval: integer("stream-interval", {
    schema: positive,
    default: 1,
    description: "Tokens per streamed chunk"
  }),
  maxModelLength: integer("max-model-len", {
    schema: count,
    default: 0,
    description: "Tokens of prompt and answer together, 0 for no limit"
  }).pipe(Flag.map((tokens) => tokens === 0 ? undefined : tokens)),
  speculativeTokens: integer("num-speculative-tokens", {
    schema: count,
    default: 0,
    description: "Speculative decoding: a step makes 1 to N + 1 tokens, in one chunk"
  }),
  headers: choice("headers", {
    choices: ["at-once", "with-first-token"],
    default: "at-once",
    description: "When a stream's headers come: before queueing as from vLLM, or with its first byte"
  }),
  sseKeepAliveInterval: Flag.Finite("sse-keep-alive-interval").pipe(
    Flag.withMetavar("SECONDS"),
    Flag.withSchema(notNegative),
    Flag.withDescription("Send a comment whenever a stream was idle for so long, 0 for never (0)"),
    Flag.withFallbackConfig(Config.Finite(variableOf("sse-keep-alive-interval"))),
    Flag.withDefault(0)
  ),
  reasoningTokens: integer("reasoning-tokens", {
    schema: count,
    default: 0,
    description: "Reasoning before each answer, mean number of tokens"
  }),
  reasoningField: choice("reasoning-field", {
    choices: ["reasoning", "reasoning_content"],
    default: "reasoning",
    description: "What reasoning is called in deltas and messages"
  }),
  toolCallParser: choice("tool-call-parser", {
    choices: ["streaming", "buffering"],
    default: "streaming",
    description: "Whether a tool call comes piece by piece, or whole at its end after a silence"
  }),
  holdBackEvery: integer("hold-back-every", {
    schema: count,
    default: 0,
    description: "Hold the text of every N-th token back until the next: empty chunks; 0 for none"
  }),
  finishCarriesText: choice("finish-chunk", {
    choices: ["with-text", "empty"],
    default: "with-text",
    description: "Whether the chunk that says stop carries the last text"
  }).pipe(Flag.map((kind) => kind === "with-text")),
  midStreamError: integer("fail-after-tokens", {
    schema: count,
    default: 0,
    description: "Fail each answer after N tokens with the error of a dead engine, 0 for never"
  }).pipe(Flag.map((afterTokens) => afterTokens === 0 ? undefined : { afterTokens }))
}
