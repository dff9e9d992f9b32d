/**
 * The flags of all verbs, one constant each, so that the same word means the same everywhere. Those of the simulated
 * engine are in simulatorFlags.ts.
 *
 * Every flag has an environment variable `CAMPAIGN_<NAME>`; the flag wins. Keys have only the variable.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Schema from "effect/Schema"
import { integer, positive, text } from "./flagKinds.ts"

const portNumber = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }))

export const engineUrl = text("engine", {
  metavar: "URL",
  description: "The OpenAI-compatible engine, such as http://127.0.0.1:8000/v1; its key is read from CAMPAIGN_API_KEY"
})

export const model = text("model", { metavar: "NAME", description: "The model to ask the engine for" })

export const agentUrl = text("agent", {
  metavar: "URL|NAME",
  description:
    "An A2A agent to test instead of an engine; its token is read from CAMPAIGN_AGENT_TOKEN. With --config: the name of " +
    "the one agent to play"
})

export const scorePath = text("score", {
  metavar: "PATH",
  description: "Of a scenario: where the score stands in the green agent's result, such as results.0.score"
})

export const database = text("db", {
  metavar: "FILE",
  description: "The SQLite file that holds the campaign; a new one is named after the time unless given"
})

export const storedDatabase = text("db", { metavar: "FILE", description: "The SQLite file of a campaign that exists" })

export const maxTokens = integer("max-tokens", {
  schema: positive,
  default: 4096,
  description: "The most tokens an answer may have"
})

export const seed = integer("seed", {
  schema: Schema.Int,
  default: 1,
  description: "The simulated engine follows from it"
})

export const tasks = Flag.String("task").pipe(
  Flag.withMetavar("ID"),
  Flag.withDescription("Play only this task; may be given more than once (all)"),
  Flag.atLeast(1),
  Flag.withFallbackConfig(Config.map(Config.String("CAMPAIGN_TASK"), (names) => names.split(/\s*,\s*/))),
  Flag.withDefault([])
)

const userInterfaces = ["auto", "full", "plain", "json", "none"] as const

export const ui = Flag.Literals("ui", userInterfaces).pipe(
  Flag.withMetavar("KIND"),
  Flag.withDescription(
    "How progress is shown on stderr: full on a terminal, else plain lines (auto); json is one event a line, on stdout"
  ),
  Flag.withFallbackConfig(Config.Literals(userInterfaces, "CAMPAIGN_UI")),
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

export const allowParticipant = Flag.String("allow-participant").pipe(
  Flag.withMetavar("PATTERN"),
  Flag.withDescription(
    "Also connect to participants there: a range such as 172.16.0.0/12, a host, host:port, or any; may be given more " +
      "than once (public addresses, and loopback if --host is loopback)"
  ),
  Flag.atLeast(1),
  Flag.withFallbackConfig(
    Config.map(Config.String("CAMPAIGN_ALLOW_PARTICIPANT"), (patterns) => patterns.split(/\s*,\s*/))
  ),
  Flag.withDefault([])
)

export const metrics = Flag.Boolean("metrics").pipe(
  Flag.withDescription("Count what happens, and show it to Prometheus; --no-metrics for not (on)"),
  Flag.withFallbackConfig(Config.Boolean("CAMPAIGN_METRICS")),
  Flag.withDefault(true)
)
