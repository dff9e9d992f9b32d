/**
 * `campaign probe URL`: what an agent really does, before a campaign rests on it; and `campaign probe --engine URL`, the
 * same of an engine.
 *
 * What is being tried goes to stderr, the report to stdout. An agent that is not fit is no error of the command, but its
 * exit code says so: 100, as where a campaign is not good enough.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { httpAddress } from "../campaign/config/httpAddress.ts"
import { agentToken } from "../campaign/parts/CampaignClient.ts"
import { probeAgent } from "../probe/AgentProbe.ts"
import { answerMillisOf, defaultPrompt, defaultTimes } from "../probe/AgentProbeSettings.ts"
import { AgentWire } from "../probe/AgentWire.ts"
import { analyseAgent, reportJson } from "../probe/analyseAgent.ts"
import { UpstreamWatch } from "../probe/UpstreamWatch.ts"
import { gateError, orExit, usageError } from "./CommandError.ts"
import { engineOptions, parseUrl } from "./EngineAddress.ts"
import { choice, optional, text, timeWithUnit } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import { probeEngine } from "./probeEngine.ts"
import { isFitFor, type Purpose, renderAgentReport, unfitText } from "./renderAgentReport.ts"
import { columnsOfTerminal, HelpSections } from "./renderHelp.ts"

/** How often an engine's counters are looked at while an agent answers. */
const LOOK_EVERY = "100 millis"

export const probe = Command.make(
  "probe",
  {
    agent: Argument.String("URL").pipe(
      Argument.withDescription("The agent's address; its token is read from CAMPAIGN_AGENT_TOKEN"),
      Argument.optional
    ),
    engine: Flag.String("engine").pipe(
      Flag.withMetavar("URL"),
      Flag.withDescription(
        "The engine behind the agent, such as http://127.0.0.1:8000/v1: its counters tell which hop holds tokens back, " +
          "and whether a cancelled answer really stops. Without an agent: the engine to probe; its key is read from " +
          "CAMPAIGN_API_KEY"
      ),
      Flag.withFallbackConfig(Config.String("CAMPAIGN_ENGINE")),
      optional
    ),
    tap: optional(text("tap", {
      metavar: "URL",
      description:
        "The tap (`campaign tap`) between the agent and its engine, instead of --engine; its token is read from " +
        "CAMPAIGN_TAP_TOKEN"
    })),
    model: optional(text("model", {
      metavar: "NAME",
      description: "Of an engine without an agent: the model to ask for (the first that it lists)"
    })),
    purpose: choice("for", {
      choices: ["any", "stream", "tap", "poll", "blocking"],
      default: "any",
      description: "What the agent is to be fit for; any is any mode in which it can be watched, which blocking is not"
    }),
    prompt: text("prompt", {
      metavar: "TEXT",
      description: "What to ask it: something that is answered at length (to count to 100)"
    }).pipe(Flag.withDefault(defaultPrompt)),
    patience: timeWithUnit("patience", "How long nothing new may come before an answer is taken for silent (60s)"),
    json: flags.json
  },
  Effect.fn("campaign.probe")(function*(options) {
    const { json, purpose } = options
    if (Option.isNone(options.agent)) return yield* engineAlone(options)
    if (options.model !== undefined) {
      return yield* usageError("--model is for an engine that is probed by itself; an agent chooses its own model")
    }
    const report = yield* probed(options.agent.value, options)
    const { canColor } = yield* TerminalCapabilities
    yield* Console.log(
      json
        ? reportJson(report)
        : renderAgentReport(report, purpose, { columns: columnsOfTerminal(), color: canColor })
    )
    if (!isFitFor(report.fit, purpose)) return yield* gateError(`not fit ${unfitText(report, purpose)}`)
  })
).pipe(
  Command.annotate(HelpSections, { json: "output" }),
  Command.withDescription(
    "Ask an agent a few messages and say what it really does: whether it streams, in which pieces and at which pace, what " +
      "holds tokens back, whether it can be polled, cancelled and taken up again, and whether it keeps a conversation. " +
      "Each finding comes with its remedy: a blocker makes battles worthless, a loss takes something from them, a note is " +
      "good to know. It is fit for stream if its text comes as it is made, for poll if it answers a send at once and " +
      "GetTask then shows progress, for tap if the tap sees its tokens, and for blocking if it answers in the end; never " +
      "with a blocker. Exit code: 0 fit, 100 not fit, 1 an error, 2 wrong usage."
  ),
  Command.withShortDescription("Say what an agent or an engine really does, and what a campaign can rest on."),
  Command.withExamples([
    { command: "campaign probe http://127.0.0.1:9009/", description: "An agent, as far as can be told from outside" },
    {
      command: "campaign probe http://127.0.0.1:9009/ --engine http://127.0.0.1:8000/v1",
      description: "With a look at the engine behind it"
    },
    {
      command: "campaign probe http://127.0.0.1:9009/ --tap http://127.0.0.1:8100",
      description: "With a look at the tap that its OPENAI_BASE_URL points to"
    },
    { command: "campaign probe http://127.0.0.1:9009/ --for poll", description: "Exit 0 only if it can be polled" },
    {
      command: "campaign probe --engine http://127.0.0.1:8000/v1",
      description: "An engine by itself: what it tells, and what that proves"
    },
    { command: "campaign probe http://127.0.0.1:9009/ --json", description: "One JSON object, for scripts" }
  ])
)

/** The engine by itself, where no agent is named. */
const engineAlone = Effect.fnUntraced(function*(
  { engine, json, model, patience, prompt, purpose, tap }: ProbeValues & {
    readonly json: boolean
    readonly model: string | undefined
  }
) {
  if (engine === undefined) {
    return yield* usageError(
      "what is to be probed? give the address of an agent, such as http://127.0.0.1:9009/, or an engine by --engine URL"
    )
  }
  const ofAgents = ([
    ["for", purpose !== "any"],
    ["tap", tap !== undefined],
    ["patience", patience !== undefined],
    ["prompt", prompt !== defaultPrompt]
  ] as const).find(([, isGiven]) => isGiven)?.[0]
  if (ofAgents !== undefined) {
    return yield* usageError(`--${ofAgents} needs the address of an agent; without one the engine itself is probed`)
  }
  const fit = yield* orExit(probeEngine({ url: engine, model, json }))
  if (!fit) return yield* gateError("the engine is not fit to be watched")
})

interface ProbeValues {
  readonly engine: string | undefined
  readonly tap: string | undefined
  readonly prompt: string
  readonly patience: number | undefined
  readonly purpose: Purpose
}

const probed = Effect.fnUntraced(function*(given: string, options: ProbeValues) {
  const address = yield* Effect.mapError(
    Effect.fromResult(httpAddress(given)),
    (fault) =>
      usageError(
        fault === "credentials"
          ? "the agent's address must not hold a user name or a token; put the token into CAMPAIGN_AGENT_TOKEN"
          : `${given} is not a URL; expected the address of an agent, such as http://127.0.0.1:9009/`
      )
  )
  const url = address.endsWith("/") ? address : `${address}/`
  const settings = {
    ...defaultTimes,
    url,
    prompt: options.prompt,
    patienceMillis: options.patience ?? defaultTimes.patienceMillis
  }
  if (settings.patienceMillis === 0) return yield* usageError("--patience 0s would take every answer for silent")
  const token = yield* agentToken
  const tokens = new Map(
    Option.isSome(token) && Redacted.value(token.value) !== "" ? [[new URL(url).origin, token.value]] : []
  )
  const services = Layer.merge(
    AgentWire.layer({ tokens, answerMillis: answerMillisOf(settings) }),
    yield* upstreamOf(options)
  )
  return yield* Effect.gen(function*() {
    const complaint = yield* UpstreamWatch.use(({ check }) => check)
    if (complaint !== null) yield* Console.error(`campaign: ${complaint}`)
    return analyseAgent(yield* probeAgent(settings, (what) => Console.error(`campaign: ${what} …`)))
  }).pipe(Effect.provide(services))
}, orExit)

/** The token for the tap's own paths. Never a flag. */
const tapToken = Config.Redacted("CAMPAIGN_TAP_TOKEN").pipe(Config.option)

const upstreamOf = Effect.fnUntraced(function*({ engine, tap }: ProbeValues) {
  if (engine !== undefined && tap !== undefined) {
    return yield* usageError("--engine and --tap exclude each other: the tap sees the tokens of its engine")
  }
  if (tap !== undefined) {
    const token = Option.filter(yield* tapToken, (token) => Redacted.value(token) !== "")
    return UpstreamWatch.layerTap({ tapUrl: yield* parseUrl("tap", tap), token: Option.getOrUndefined(token) })
  }
  if (engine === undefined) return UpstreamWatch.layerNone
  const { baseUrl } = yield* engineOptions({ url: engine, model: "", maxTokens: 1 })
  return UpstreamWatch.layerEngine({ baseUrl, every: LOOK_EVERY })
})
