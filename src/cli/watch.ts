/**
 * `campaign watch`: one message to an agent and its answer as it comes; or, of a campaign that runs in another terminal,
 * what is in flight, as its own display shows it.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { usageError } from "./CommandError.ts"
import { switchedOn, text } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import { HelpSections } from "./renderHelp.ts"
import { userInterface } from "./userInterface.ts"
import { watchAgent } from "./watchAgent.ts"
import { hardCap, watchFlags } from "./watchFlags.ts"

export const watch = Command.make(
  "watch",
  {
    url: Argument.String("url").pipe(
      Argument.withMetavar("URL"),
      Argument.withDescription("The agent's address; its token is read from CAMPAIGN_AGENT_TOKEN"),
      Argument.optional
    ),
    message: Flag.optional(text("message", { metavar: "TEXT", description: "What to send to the agent; - is stdin" })),
    context: Flag.optional(
      text("context", { metavar: "ID", description: "Go on in a conversation with the agent" })
    ),
    reasoning: switchedOn("reasoning", "Show what the agent thinks, too, dimmed or on stderr"),
    ...watchFlags,
    hardCap,
    ui: flags.ui,
    json: switchedOn("json", "Print one event a line on stdout, as JSON, instead of the answer")
  },
  Effect.fn("campaign.watch")(function*(options) {
    if (Option.isNone(options.url)) {
      return yield* usageError(
        "say what to watch: an agent by its URL with --message TEXT, or a campaign with --db FILE"
      )
    }
    return yield* watchAgent(options.url.value, options, userInterface(options.ui))
  })
).pipe(
  Command.annotate(HelpSections, { "stall-policy": "liveness", ui: "output" }),
  Command.withDescription("Send one message to an agent and watch its answer come."),
  Command.withExamples([
    { command: "campaign watch http://127.0.0.1:9009/ --message \"Say hello.\"", description: "Like curl, for agents" }
  ])
)
