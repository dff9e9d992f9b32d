/**
 * `campaign watch`: one message to an agent and its answer as it comes; or, of a campaign that runs in another terminal,
 * what is in flight, as its own display shows it.
 *
 * An address that is given wins over a campaign that stands in a variable only.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AskedMode } from "../a2a/ModeChoice.ts"
import { usageError } from "./CommandError.ts"
import { optional, positive, switchedOn, text, variableOf } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import { HelpSections } from "./renderHelp.ts"
import { selectionFlags } from "./selectionFlags.ts"
import { type UserInterface, userInterface } from "./userInterface.ts"
import { watchAgent } from "./watchAgent.ts"
import { watchCampaign } from "./watchCampaign.ts"
import { hardCap, watchFlags } from "./watchFlags.ts"

/** Those that need nobody between the agent and its engine. */
const askedModes = ["stream", "poll", "blocking"] as const satisfies ReadonlyArray<AskedMode>

export const watch = Command.make(
  "watch",
  {
    url: Argument.String("url").pipe(
      Argument.withMetavar("URL"),
      Argument.withDescription("An agent's address; its token is read from CAMPAIGN_AGENT_TOKEN"),
      Argument.optional
    ),
    message: Flag.optional(text("message", { metavar: "TEXT", description: "What to send to the agent; - is stdin" })),
    context: Flag.optional(
      text("context", { metavar: "ID", description: "The agent's conversation to go on with" })
    ),
    mode: Flag.Literals("mode", askedModes).pipe(
      Flag.withMetavar("KIND"),
      Flag.withDescription("How the agent is followed; refused where it cannot be (the best that it can do)"),
      Flag.withFallbackConfig(Config.Literals(askedModes, variableOf("mode"))),
      optional
    ),
    ...watchFlags,
    hardCap,
    db: Flag.optional(flags.storedDatabase),
    ...selectionFlags,
    repetition: Flag.Int("repetition").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("Only battles of this repetition, from 1"),
      Flag.withSchema(positive),
      optional
    ),
    reasoning: switchedOn("reasoning", "Show what the agent thinks, too: dimmed, or on stderr"),
    ui: flags.ui,
    json: switchedOn("json", "Print one event a line on stdout, as JSON, instead of the answer")
  },
  Effect.fn("campaign.watch")(function*(options) {
    const { db, message, url } = options
    const chosen = userInterface(options.ui)
    const isJson = chosen.mode === "json"
    const ui: UserInterface = isJson ? { ...chosen, mode: "none" } : chosen
    const shown = { ...options, json: options.json || isJson }
    const isChoice = options.task.length + options.agent.length > 0 || options.repetition !== undefined
    if (Option.isSome(url)) {
      if (isChoice) {
        return yield* usageError(
          "--task, --agent and --repetition choose battles of a campaign: give --db FILE, no URL"
        )
      }
      return yield* watchAgent(url.value, shown, ui)
    }
    if (Option.isSome(message)) {
      return yield* usageError("say which agent gets the message: `campaign watch URL --message TEXT`")
    }
    if (Option.isNone(db)) {
      return yield* usageError("say what to watch: an agent, as URL with --message TEXT, or a campaign, with --db FILE")
    }
    return yield* watchCampaign(db.value, shown, ui)
  })
).pipe(
  Command.annotate(HelpSections, { "stall-policy": "liveness", db: "a campaign", reasoning: "output" }),
  Command.withDescription(
    "Send one message to an agent and watch its answer come, token by token: the answer goes to stdout, and a line on " +
      "stderr says its phase, its rate, how long nothing has come and how long that may last. Or watch a campaign that " +
      "runs in another terminal, all of it or one battle; it is not disturbed, and shown two seconds late."
  ),
  Command.withShortDescription("Watch an agent answer one message, or a campaign that runs."),
  Command.withExamples([
    { command: "campaign watch http://127.0.0.1:9009/ --message \"Say hello.\"", description: "Like curl, for agents" },
    {
      command: "campaign watch http://127.0.0.1:9009/ --message - --json < prompt.txt | jq -c ._tag",
      description: "Every event as it comes, for programs"
    },
    { command: "campaign watch --db campaign.db", description: "What a campaign plays now" },
    {
      command: "campaign watch --db campaign.db --task run-length --repetition 1",
      description: "One battle, with its answer"
    }
  ])
)
