/**
 * The flags of the simulated engine, under the names that vLLM and llm-d-inference-sim use where they have one, and how
 * they become its settings.
 *
 * Law: a flag that would have no effect beside the others is wrong usage, never silently ignored. Files are read before
 * anything listens. The order here is the order of the help; `helpSections` names the flags at which a section begins.
 */
import type * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { LatencyDistribution } from "../simulator/LatencyOptions.ts"
import { type CommandError, orExit, usageError } from "./CommandError.ts"
import { faultFlags, faultsOf } from "./faultFlags.ts"
import {
  choice,
  count,
  integer,
  notNegative,
  number,
  optional,
  positive,
  text,
  time,
  tokens,
  variableOf
} from "./flagKinds.ts"
import { readAnswerScript, readLatencyTrace } from "./simulatorFiles.ts"

/** The key that clients must send: a variable and no flag, as with all keys. */
const keyVariable = "CAMPAIGN_SIM_API_KEY"

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

const latency = {
  latencyCalculator: choice("latency-calculator", {
    choices: ["constant", "per-token"],
    default: "constant",
    description: "Whether the first token takes the same time for all prompts, or longer for long ones"
  }),
  timeToFirstTokenMillis: time("time-to-first-token", "constant: mean time to the first token, such as 1.5s (400ms)"),
  timeToFirstTokenDeviationMillis: time(
    "time-to-first-token-std-dev",
    "constant: its standard deviation, such as 100ms (--latency-jitter times the mean)"
  ),
  prefillOverheadMillis: time("prefill-overhead", "per-token: mean time for a prompt without tokens, such as 30ms (0)"),
  prefillMillisPerToken: time(
    "prefill-time-per-token",
    "per-token: mean time for each token of the prompt, such as 250us; the prefix cache never spares one (0)"
  ),
  prefillDeviationMillis: time(
    "prefill-time-std-dev",
    "per-token: standard deviation of both together, such as 5ms (--latency-jitter times the mean)"
  ),
  interTokenMillis: time(
    "inter-token-latency",
    "Mean time between two tokens, such as 12ms; 0 for as fast as possible (20ms)"
  ),
  interTokenDeviationMillis: time(
    "inter-token-latency-std-dev",
    "Its standard deviation, such as 2ms (--latency-jitter times the mean)"
  ),
  jitterCoefficient: number("latency-jitter", {
    metavar: "FACTOR",
    schema: notNegative,
    default: 0.3,
    description: "Standard deviation of all times without one of their own, as a part of their mean, such as 0.1"
  }),
  latencyDistribution: Flag.Literals("latency-distribution", latencyDistributions).pipe(
    Flag.withMetavar("KIND"),
    Flag.withDescription("How all times vary (log-normal)"),
    Flag.withFallbackConfig(Config.Literals(latencyDistributions, variableOf("latency-distribution"))),
    optional
  ),
  latencyTrace: optional(text("latency-trace", {
    metavar: "FILE",
    description: "Measured gaps instead, in ms: one number per line, or JSON such as " +
      "{\"gapsMillis\": [12, 9.5], \"timesToFirstTokenMillis\": [310]}"
  })),
  timeFactorUnderLoad: number("time-factor-under-load", {
    metavar: "FACTOR",
    schema: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1)),
    default: 1,
    description:
      "How much longer all times but transfers are when --max-num-seqs requests run, such as 2; linear in between"
  }),
  kvCacheTransferMillis: time(
    "kv-cache-transfer-latency",
    "constant: mean time to the first token of a request with do_remote_prefill, such as 2ms (0)"
  ),
  kvCacheTransferDeviationMillis: time(
    "kv-cache-transfer-latency-std-dev",
    "constant: its standard deviation, such as 400us (--latency-jitter times the mean)"
  ),
  kvCacheTransferMillisPerToken: time(
    "kv-cache-transfer-time-per-token",
    "per-token: the same for each token of the prompt, such as 3us (0)"
  ),
  kvCacheTransferPerTokenDeviationMillis: time(
    "kv-cache-transfer-time-std-dev",
    "per-token: standard deviation of the whole transfer, such as 200us (--latency-jitter times the mean)"
  )
}

const answers = {
  answer: optional(
    text("answer", { metavar: "TEXT", description: "Answer every prompt with this text, such as \"Yes.\"" })
  ),
  answerScript: optional(text("answer-script", {
    metavar: "FILE",
    description: "Answer by the first pattern found in the prompt: JSON such as " +
      "[{\"pattern\": \"sum|add\", \"answers\": [\"4\", \"It is 4.\"]}]; random words for other prompts"
  })),
  randomWords: tokens("random-words", "Answer with sentences of about N tokens, such as 200"),
  answerTokens: tokens("answer-tokens", "Answer with exactly N tokens of no meaning, such as 100000"),
  reasoningTokens: integer("reasoning-tokens", {
    schema: count,
    default: 0,
    description: "Reasoning before each answer, mean number of tokens, such as 500"
  }),
  maxModelLength: integer("max-model-len", {
    schema: count,
    default: 0,
    description: "Tokens of prompt and answer together, such as 4096; 0 for no limit"
  }).pipe(Flag.map((tokens) => tokens === 0 ? undefined : tokens))
}

const scheduling = {
  maxConcurrentRequests: integer("max-num-seqs", {
    schema: positive,
    default: 256,
    description: "Requests answered at once, such as 8; more wait in a queue"
  }),
  maxNumBatchedTokens: integer("max-num-batched-tokens", {
    schema: positive,
    default: 8192,
    description: "Tokens that are worked on at once, such as 512; longer prompts are computed in chunks"
  }),
  maxNumQueuedRequests: tokens(
    "max-num-queued-reqs",
    "Refuse requests with 503 when N are open, such as 64 (no limit)"
  ),
  maxWaitingQueueLength: tokens(
    "max-waiting-queue-length",
    "Refuse requests with 503 when N are waiting, such as 1000 (no limit)"
  ),
  dataParallelSize: integer("data-parallel-size", {
    schema: positive,
    default: 1,
    description: "Engines behind the one port, each with its own label in /metrics, such as 2"
  }),
  kvCacheTokens: integer("kv-cache-tokens", {
    schema: Schema.Int.check(Schema.isGreaterThanOrEqualTo(16)),
    default: 4_194_304,
    description: "Tokens that fit in the KV cache, such as 2048; when it is full, the newest request is preempted"
  })
}

const wire = {
  streamInterval: integer("stream-interval", {
    schema: positive,
    default: 1,
    description: "Tokens per streamed chunk, such as 10"
  }),
  speculativeTokens: integer("num-speculative-tokens", {
    schema: count,
    default: 0,
    description: "Speculative decoding, such as 3: a step makes 1 to N + 1 tokens, in one chunk"
  }),
  headers: choice("headers", {
    choices: ["at-once", "with-first-token"],
    default: "at-once",
    description: "When a stream's headers come: before queueing as from vLLM, or with its first byte"
  }),
  sseKeepAliveInterval: Flag.Finite("sse-keep-alive-interval").pipe(
    Flag.withMetavar("SECONDS"),
    Flag.withSchema(notNegative),
    Flag.withDescription("Send a comment whenever a stream was idle for so long, such as 15; 0 for never (0)"),
    Flag.withFallbackConfig(Config.Finite(variableOf("sse-keep-alive-interval"))),
    Flag.withDefault(0)
  ),
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
    description: "Hold the text of every N-th token back until the next, such as 2: empty chunks; 0 for none"
  }),
  finishCarriesText: choice("finish-chunk", {
    choices: ["with-text", "empty"],
    default: "with-text",
    description: "Whether the chunk that says stop carries the last text"
  }).pipe(Flag.map((kind) => kind === "with-text")),
  oldMetricNames: Flag.Boolean("old-metric-names").pipe(
    Flag.withDescription("Some series of /metrics under their older names, such as vllm:gpu_cache_usage_perc"),
    Flag.withFallbackConfig(Config.Boolean(variableOf("old-metric-names"))),
    Flag.withDefault(false)
  )
}

const codes = { 400: 400, 500: 500 } as const

const failure = {
  failAfterTokens: integer("fail-after-tokens", {
    schema: count,
    default: 0,
    description: "Fail each answer after N tokens, such as 20, with the error of a dead engine; 0 for never"
  }),
  failCode: Flag.Literals("fail-code", ["400", "500"]).pipe(
    Flag.withMetavar("CODE"),
    Flag.withDescription("The code of that error (500)"),
    Flag.withFallbackConfig(Config.Literals(["400", "500"], variableOf("fail-code"))),
    Flag.map((code) => codes[code]),
    optional
  ),
  failMessage: optional(text("fail-message", {
    metavar: "TEXT",
    description: "What that error says, such as \"CUDA out of memory\" (what vLLM says of a dead engine)"
  }))
}

/** All of them; `model` is the name that is served. */
export const simulatorFlags = {
  model: text("model", { metavar: "NAME", description: "The name of the model it serves (simulated-model)" }).pipe(
    Flag.withDefault("simulated-model")
  ),
  ...latency,
  ...answers,
  ...scheduling,
  ...wire,
  ...failure,
  ...faultFlags
}

type Values = Command.Command.Config.Infer<typeof simulatorFlags>

/** The sections of the help, each with the flag at which it begins. */
export const helpSections = {
  "latency-calculator": "latency",
  "answer": "answers",
  "max-num-seqs": "scheduling",
  "stream-interval": "the wire",
  "fail-after-tokens": "failures"
}

const calculated = {
  constant: {
    timeToFirstTokenMillis: "time-to-first-token",
    timeToFirstTokenDeviationMillis: "time-to-first-token-std-dev",
    kvCacheTransferMillis: "kv-cache-transfer-latency",
    kvCacheTransferDeviationMillis: "kv-cache-transfer-latency-std-dev"
  },
  "per-token": {
    prefillOverheadMillis: "prefill-overhead",
    prefillMillisPerToken: "prefill-time-per-token",
    prefillDeviationMillis: "prefill-time-std-dev",
    kvCacheTransferMillisPerToken: "kv-cache-transfer-time-per-token",
    kvCacheTransferPerTokenDeviationMillis: "kv-cache-transfer-time-std-dev"
  }
} as const

const deviations = {
  timeToFirstTokenDeviationMillis: "time-to-first-token-std-dev",
  prefillDeviationMillis: "prefill-time-std-dev",
  interTokenDeviationMillis: "inter-token-latency-std-dev",
  kvCacheTransferDeviationMillis: "kv-cache-transfer-latency-std-dev",
  kvCacheTransferPerTokenDeviationMillis: "kv-cache-transfer-time-std-dev"
} as const

const replacedByTrace = {
  interTokenMillis: "inter-token-latency",
  interTokenDeviationMillis: "inter-token-latency-std-dev",
  latencyDistribution: "latency-distribution"
} as const

/** The first of these flags that was given. */
const given = (values: Partial<Values>, names: Partial<Record<keyof Values, string>>): string | undefined =>
  Object.entries(names).find(([key]) => values[key as keyof Values] !== undefined)?.[1]

const usage = (values: Values): Option.Option<CommandError> => {
  const { latencyCalculator: calculator } = values
  const other = calculator === "constant" ? "per-token" : "constant"
  const unread = given(values, calculated[other])
  if (unread !== undefined) {
    return Option.some(usageError(`--${unread} needs --latency-calculator ${other}; now it is ${calculator}`))
  }
  const deviation = values.latencyDistribution === "constant" ? given(values, deviations) : undefined
  if (deviation !== undefined) {
    return Option.some(usageError(`--${deviation} does not go with --latency-distribution constant; leave one out`))
  }
  const replaced = values.latencyTrace === undefined ? undefined : given(values, replacedByTrace)
  if (replaced !== undefined) {
    return Option.some(usageError(`--${replaced} does not go with --latency-trace, which replaces it; leave one out`))
  }
  const sources = (["answer", "answerScript", "randomWords", "answerTokens"] as const)
    .filter((key) => values[key] !== undefined)
  if (sources.length > 1) {
    return Option.some(
      usageError("--answer, --answer-script, --random-words and --answer-tokens exclude each other; give one of them")
    )
  }
  const failing = given(values, { failCode: "fail-code", failMessage: "fail-message" })
  if (failing !== undefined && values.failAfterTokens === 0) {
    return Option.some(usageError(`--${failing} needs --fail-after-tokens, which says when to fail`))
  }
  return Option.none()
}

type AnswerFlags = Pick<Values, "answer" | "answerScript" | "answerTokens" | "randomWords">

const answersOf = Effect.fnUntraced(function*({ answer, answerScript, answerTokens, randomWords }: AnswerFlags) {
  if (answer !== undefined) return { _tag: "FixedText", text: answer } as const
  if (randomWords !== undefined) return { _tag: "RandomWords", tokens: randomWords } as const
  if (answerTokens !== undefined) return { _tag: "LengthOnly", tokens: answerTokens } as const
  return answerScript === undefined ? undefined : yield* readAnswerScript(answerScript)
})

/**
 * The settings that the flags stand for. Fails with wrong usage if flags exclude each other, and with one line about the
 * file if a file cannot be used.
 */
export const settingsOf = Effect.fn("simulatorFlags.settingsOf")(function*(values: Values) {
  const wrong = usage(values)
  if (Option.isSome(wrong)) return yield* wrong.value
  const {
    answer,
    answerScript,
    answerTokens,
    failAfterTokens,
    failCode,
    failMessage,
    failureInjectionRate,
    failureTypes,
    fault,
    faultScript,
    latencyTrace,
    randomWords,
    startupDurationMillis,
    ...same
  } = values
  const key = yield* orExit(Config.option(Config.Redacted(keyVariable)))
  const distribution = values.latencyDistribution
  return {
    ...same,
    faults: yield* faultsOf({ failureInjectionRate, failureTypes, fault, faultScript, startupDurationMillis }),
    answers: yield* answersOf({ answer, answerScript, answerTokens, randomWords }),
    latencyDistribution: latencyTrace !== undefined
      ? yield* readLatencyTrace(latencyTrace)
      : distribution === undefined
      ? undefined
      : distributionOf(distribution),
    midStreamError: failAfterTokens === 0
      ? undefined
      : { afterTokens: failAfterTokens, code: failCode, message: failMessage },
    apiKey: Option.getOrUndefined(Option.map(key, Redacted.value))
  }
})
