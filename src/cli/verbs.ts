/**
 * The verbs of the command, each in a module of its own that is loaded only where it may be needed: whoever asks for the
 * status of a campaign shall not wait until every agent, engine and grader has been loaded.
 *
 * A verb whose name stands nowhere among the arguments cannot be meant, so its name and what it is for are enough: for the
 * help of the whole command and for the names that somebody may have meant.
 *
 * Laws: the command behaves as if all verbs were loaded; the summary here is the verb's own short description (see its test).
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"

/** The second is what the verb is for, word for word as its own module says it. */
const verb = <Name extends string, Input, E, R>(
  name: Name,
  summary: string,
  load: () => Promise<Command.Command<Name, Input, {}, E, R>>
) => ({
  name,
  loaded: Effect.promise(load),
  /** By its name only. */
  unloaded: Effect.sync(() => Command.make(name).pipe(Command.withDescription(summary)))
})

/** In the order of the help. */
export const verbs = [
  verb(
    "init",
    "Write a commented campaign.toml that runs as it is.",
    () => import("./init.ts").then(({ init }) => init)
  ),
  verb(
    "validate",
    "Check a campaign before it runs: its plan, and every limit with its origin.",
    () => import("./validate.ts").then(({ validate }) => validate)
  ),
  verb(
    "run",
    "Run a campaign. Without a file and a target it is a demonstration with a simulated engine.",
    () => import("./run.ts").then(({ run }) => run)
  ),
  verb(
    "resume",
    "Go on with a campaign that was interrupted.",
    () => import("./resume.ts").then(({ resume }) => resume)
  ),
  verb(
    "status",
    "Show where a campaign stands, also while it runs.",
    () => import("./status.ts").then(({ status }) => status)
  ),
  verb(
    "watch",
    "Watch an agent answer one message, or a campaign that runs.",
    () => import("./watch.ts").then(({ watch }) => watch)
  ),
  verb(
    "dashboard",
    "Show a campaign on a web page: while it runs in another terminal, and afterwards.",
    () => import("./dashboard.ts").then(({ dashboard }) => dashboard)
  ),
  verb(
    "pause",
    "Pause a campaign that runs in another terminal.",
    () => import("./pause.ts").then(({ pause }) => pause)
  ),
  verb(
    "cancel",
    "End a campaign for good, or give up some of its battles.",
    () => import("./cancel.ts").then(({ cancel }) => cancel)
  ),
  verb("retry", "Play battles again that have no score.", () => import("./retry.ts").then(({ retry }) => retry)),
  verb(
    "report",
    "Print the summary of a stored campaign, or write its report.",
    () => import("./report.ts").then(({ report }) => report)
  ),
  verb(
    "export",
    "Write a stored campaign as JSON, CSV or JUnit XML.",
    () => import("./export.ts").then(({ exportVerb }) => exportVerb)
  ),
  verb(
    "probe",
    "Say what an agent or an engine really does, and what a campaign can rest on.",
    () => import("./probe.ts").then(({ probe }) => probe)
  ),
  verb(
    "tap",
    "Watch the tokens between any agent and its engine, whatever the agent does with them.",
    () => import("./tap.ts").then(({ tap }) => tap)
  ),
  verb("serve", "Serve one of our agents.", () => import("./serve.ts").then(({ serve }) => serve)),
  verb(
    "sim",
    "Run the simulated engine: an OpenAI-compatible server that behaves like vLLM.",
    () => import("./sim.ts").then(({ sim }) => sim)
  )
]

/** What needs every flag of every verb. */
const needsAll = /^--(completions|wizard)(=|$)/

/** The command that understands these arguments, with everything that they may mean. */
export const commandFor = Effect.fnUntraced(function*(args: ReadonlyArray<string>) {
  const all = args.some((argument) => needsAll.test(argument))
  const meant = yield* Effect.all(
    verbs.map(({ loaded, name, unloaded }) => all || args.includes(name) ? loaded : unloaded)
  )
  return Command.make("campaign").pipe(
    Command.withDescription("Evaluation campaigns against A2A agents that watch every token."),
    Command.withSubcommands(meant)
  )
})
