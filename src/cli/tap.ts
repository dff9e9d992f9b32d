/**
 * `campaign tap`: the pass-through between any agent and its engine.
 *
 * The token for the tap's own paths is `CAMPAIGN_TAP_TOKEN`, never a flag; the agent's key for the engine only passes.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { isLoopbackHost } from "../a2a/AddressRule.ts"
import { engineAddress } from "../campaign/config/httpAddress.ts"
import { PatientFetch } from "../engine/PatientFetch.ts"
import * as ScrapedEvidence from "../engine/ScrapedEvidence.ts"
import { LimitLearner } from "../liveness/LimitLearner.ts"
import { Ticker } from "../liveness/Ticker.ts"
import { Tap } from "../tap/Tap.ts"
import type { TapEvent } from "../tap/TapEvent.ts"
import { type CommandError, orExit, usageError } from "./CommandError.ts"
import { text, variableOf } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import { metricsIf } from "./metricsIf.ts"
import { HelpSections } from "./renderHelp.ts"
import { jsonOfTapEvent, lineOfTapEvent } from "./renderTapEvent.ts"
import { settingsOf, watchFlags } from "./watchFlags.ts"

/** Beside the ports of the simulated engine and of agents. */
const TAP_PORT = 8100

const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print one JSON object a line on stdout for everything that happens"),
  Flag.withFallbackConfig(Config.Boolean(variableOf("json"))),
  Flag.withDefault(false)
)

const engine = text("engine", {
  metavar: "URL",
  description:
    "The OpenAI-compatible engine that the agent uses now, such as http://127.0.0.1:8000/v1; the agent's key " +
    "passes through"
}).pipe(Flag.optional)

/** The engine's base URL. Fails with wrong usage. */
const engineOf = (given: Option.Option<string>): Effect.Effect<string, CommandError> => {
  if (Option.isNone(given)) {
    return Effect.fail(
      usageError("tap needs --engine URL: the engine that your agent uses now, such as http://127.0.0.1:8000/v1")
    )
  }
  const address = engineAddress(given.value)
  if (Result.isSuccess(address)) return Effect.succeed(address.success)
  return Effect.fail(usageError(
    address.failure === "credentials"
      ? "--engine must not hold a user name or a key; the agent's own key passes through"
      : address.failure === "query"
      ? "--engine must have no query and no fragment, since paths are put behind it; the agent's own key passes through"
      : `--engine ${given.value} is not a URL; expected something like http://127.0.0.1:8000/v1`
  ))
}

const tapToken = Config.Redacted("CAMPAIGN_TAP_TOKEN").pipe(Config.option)

export const tap = Command.make(
  "tap",
  {
    engine,
    host: flags.host,
    port: flags.port(TAP_PORT),
    json,
    metrics: flags.metrics,
    ...watchFlags
  },
  Effect.fn("campaign.tap")(function*(options) {
    const { host, port } = options
    const baseUrl = yield* engineOf(options.engine)
    const { limits, stallPolicy } = yield* settingsOf(options)
    const given = yield* orExit(tapToken)
    const token = Option.filter(given, (token) => Redacted.value(token) !== "")
    if (Option.isNone(token) && !isLoopbackHost(host)) {
      yield* Console.error(
        `campaign: whoever reaches ${host}:${port} may use the engine through this tap; no runner may open a battle at ` +
          "it: to let one, set CAMPAIGN_TAP_TOKEN"
      )
    }
    const print = (event: TapEvent) => {
      if (options.json) return void process.stdout.write(`${JSON.stringify(jsonOfTapEvent(event))}\n`)
      const line = lineOfTapEvent(event)
      if (line !== undefined) process.stderr.write(`${line}\n`)
    }
    const services = Layer.mergeAll(
      PatientFetch.layer,
      ScrapedEvidence.layer({ baseUrl }),
      LimitLearner.layerMemory(limits),
      Ticker.layer(limits.tickMillis)
    )
    const listening = Tap.layer({
      host,
      port,
      baseUrl,
      limits,
      policy: stallPolicy,
      token: Option.getOrUndefined(token),
      onEvent: print
    }).pipe(Layer.provide(services), Layer.provide(metricsIf(options.metrics)))
    return yield* Effect.gen(function*() {
      const tap = yield* Tap
      const say = options.json ? Console.error : Console.log
      yield* say(`tap listens at ${tap.url}, in front of ${baseUrl}`)
      yield* say(`  for every agent:   OPENAI_BASE_URL=${tap.baseUrl}`)
      yield* say(`  for one agent:     OPENAI_BASE_URL=${tap.baseUrlOfAgent("NAME")}`)
      yield* say(`  for one battle:    OPENAI_BASE_URL=${tap.baseUrlOfBattle("ID")}`)
      if (options.metrics) yield* say(`  for Prometheus:    ${tap.url}/.campaign-tap/metrics`)
      return yield* Effect.never
    }).pipe(Effect.provide(listening), orExit)
  })
).pipe(
  Command.annotate(HelpSections, { "stall-policy": "liveness" }),
  Command.withDescription(
    "Stand between any agent and its engine and watch every token: set the agent's base URL to the one printed here. " +
      "What the agent sends and gets is unchanged; its keys pass and are never kept. With CAMPAIGN_TAP_TOKEN set, runners " +
      "must present that token to open a battle."
  ),
  Command.withShortDescription("Watch the tokens between any agent and its engine, whatever the agent does with them."),
  Command.withExamples([
    {
      command: "campaign tap --engine http://127.0.0.1:8000/v1",
      description: "A tap at http://127.0.0.1:8100/v1"
    },
    {
      command: "campaign tap --engine https://api.openai.com/v1 --port 0 --stall-limit 90s",
      description: "On any free port; a call without a token for 90 s is given up"
    },
    {
      command: "campaign tap --engine http://127.0.0.1:8000/v1 --stall-policy warn --json",
      description: "Only told, never ended; one JSON object a line"
    }
  ])
)
