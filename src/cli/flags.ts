/**
 * The flags of all verbs, one constant each, so that the same word means the same everywhere.
 *
 * Every flag has an environment variable `CAMPAIGN_<NAME>`; the flag wins. Keys have only the variable.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

const positive = Schema.Int.check(Schema.isGreaterThan(0))
const portNumber = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }))

export const engineUrl = Flag.String("engine").pipe(
  Flag.withDescription("The OpenAI-compatible engine, such as http://127.0.0.1:8000/v1"),
  Flag.withMetavar("URL"),
  Flag.withFallbackConfig(Config.String("CAMPAIGN_ENGINE"))
)

export const model = Flag.String("model").pipe(
  Flag.withDescription("The model to ask the engine for"),
  Flag.withMetavar("NAME"),
  Flag.withFallbackConfig(Config.String("CAMPAIGN_MODEL"))
)

export const agentUrl = Flag.String("agent").pipe(
  Flag.withDescription("An A2A agent to test instead of an engine"),
  Flag.withMetavar("URL"),
  Flag.withFallbackConfig(Config.String("CAMPAIGN_AGENT"))
)

export const maxTokens = Flag.Int("max-tokens").pipe(
  Flag.withSchema(positive),
  Flag.withDescription("The most tokens an answer may have"),
  Flag.withFallbackConfig(Config.Int("CAMPAIGN_MAX_TOKENS")),
  Flag.withDefault(4096)
)

export const database = Flag.String("db").pipe(
  Flag.withDescription("The SQLite file that holds the campaign"),
  Flag.withMetavar("FILE"),
  Flag.withFallbackConfig(Config.String("CAMPAIGN_DB"))
)

export const repetitions = Flag.Int("repeat").pipe(
  Flag.withSchema(positive),
  Flag.withDescription("How often each task is played"),
  Flag.withFallbackConfig(Config.Int("CAMPAIGN_REPEAT")),
  Flag.withDefault(3)
)

export const concurrency = Flag.Int("concurrency").pipe(
  Flag.withSchema(positive),
  Flag.withAlias("j"),
  Flag.withDescription("How many battles run at once"),
  Flag.withFallbackConfig(Config.Int("CAMPAIGN_CONCURRENCY")),
  Flag.withDefault(3)
)

export const seed = Flag.Int("seed").pipe(
  Flag.withDescription("Everything random follows from it"),
  Flag.withFallbackConfig(Config.Int("CAMPAIGN_SEED")),
  Flag.withDefault(1)
)

export const tasks = Flag.String("task").pipe(
  Flag.withDescription("Play only this task; may be given more than once"),
  Flag.withMetavar("ID"),
  Flag.atLeast(0)
)

export const stallLimit = Flag.String("stall-limit").pipe(
  Flag.withDescription("Silence of the engine after which an attempt is given up, such as \"90 seconds\""),
  Flag.withSchema(Schema.DurationFromString),
  Flag.withFallbackConfig(Config.Duration("CAMPAIGN_STALL_LIMIT")),
  Flag.withDefault(Duration.minutes(15))
)

export const ui = Flag.Literals("ui", ["auto", "full", "plain", "none"]).pipe(
  Flag.withDescription("How progress is shown on stderr; auto chooses full on a terminal and plain lines elsewhere"),
  Flag.withFallbackConfig(Config.Literals(["auto", "full", "plain", "none"], "CAMPAIGN_UI")),
  Flag.withDefault("auto")
)

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print one JSON object on stdout instead of the summary"),
  Flag.withFallbackConfig(Config.Boolean("CAMPAIGN_JSON")),
  Flag.withDefault(false)
)

export const host = Flag.String("host").pipe(
  Flag.withDescription("The address to listen on; 0.0.0.0 for all"),
  Flag.withFallbackConfig(Config.String("CAMPAIGN_HOST")),
  Flag.withDefault("127.0.0.1")
)

/** The port to listen on, with the verb's own default. */
export const port = (defaultPort: number) =>
  Flag.Int("port").pipe(
    Flag.withSchema(portNumber),
    Flag.withDescription("The port to listen on; 0 for any free one"),
    Flag.withFallbackConfig(Config.Int("CAMPAIGN_PORT")),
    Flag.withDefault(defaultPort)
  )

export const cardUrl = Flag.String("card-url").pipe(
  Flag.withDescription("The address on the agent card, where clients see another one than the server"),
  Flag.withMetavar("URL"),
  Flag.withFallbackConfig(Config.String("CAMPAIGN_CARD_URL")),
  Flag.optional
)
