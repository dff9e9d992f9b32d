/**
 * `campaign run`: a new campaign, from a file of settings, or against the embedded demonstration, an engine, or an A2A
 * agent.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import { A2aClient } from "../a2a/A2aClient.ts"
import { configHash } from "../campaign/config/configHash.ts"
import type { Definition } from "../campaign/Definition.ts"
import { clientFor } from "../campaign/parts/CampaignClient.ts"
import { campaignFlags, checkAddresses, requestedOf } from "./campaignFlags.ts"
import * as campaignSession from "./campaignSession.ts"
import { inputError, orExit } from "./CommandError.ts"
import { failOnError } from "./failOnError.ts"
import { variableOf } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import { invocation } from "./invocation.ts"
import { HelpSections } from "./renderHelp.ts"
import { showRequested } from "./showRequested.ts"
import { userInterface } from "./userInterface.ts"
import { webFlags, webPlace } from "./webFlags.ts"

export const run = Command.make(
  "run",
  {
    ...campaignFlags,
    db: Flag.optional(flags.database),
    failOnError,
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription(
        "Show what would be played, as `campaign validate` does; nothing is started, sent or written"
      ),
      Flag.withFallbackConfig(Config.Boolean(variableOf("dry-run"))),
      Flag.withDefault(false)
    ),
    ...webFlags,
    ui: flags.ui,
    json: flags.json
  },
  Effect.fn("campaign.run")(function*(options) {
    const startedAt = DateTime.makeUnsafe(yield* Clock.currentTimeMillis)
    const stamp = DateTime.formatIso(startedAt).slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-")
    const fileSystem = yield* FileSystem.FileSystem
    const requested = yield* requestedOf(options)
    yield* checkAddresses(requested.settings)
    const id = requested.name ?? stamp
    const database = Option.getOrElse(options.db, () => `campaign-${fileNameOf(id)}.db`)
    if (yield* orExit(fileSystem.exists(database))) {
      return yield* inputError(
        `${database} exists already; go on with it by \`${invocation()} resume --db ${database}\`, or name another file ` +
          "with --db"
      )
    }
    if (options.dryRun) return yield* showRequested(requested, { contacted: false, json: options.json })
    for (const note of requested.notes) yield* Console.error(`campaign: ${note}`)
    const settings = options.config === undefined ? yield* named(requested.settings) : requested.settings
    yield* campaignSession.run({
      database,
      definition: { id, ...settings },
      configHash: configHash(settings),
      kind: "new",
      failOnError: options.failOnError,
      userInterface: userInterface(options.ui),
      web: webPlace(options),
      metrics: options.metrics,
      json: options.json
    })
  })
).pipe(
  Command.annotate(HelpSections, { "stall-policy": "liveness", ui: "output" }),
  Command.withDescription("Run a campaign. Without a file and a target it is a demonstration with a simulated engine."),
  Command.withExamples([
    { command: "campaign run", description: "A demonstration: simulated engine, three tasks, three repetitions" },
    {
      command: "campaign run -c campaign.toml --db night.db",
      description: "What a file says; `campaign init` writes one"
    },
    { command: "campaign run --web", description: "The demonstration, on a web page at http://127.0.0.1:8200/, too" },
    { command: "campaign run --engine http://127.0.0.1:8000/v1 --model my-model", description: "Test a vLLM server" },
    { command: "campaign run --agent http://127.0.0.1:9009/ --json", description: "Test an A2A agent, print JSON" },
    {
      command: "campaign run --liveness frozen-floor=90s --liveness lost-scrapes=4 --hard-cap 2h",
      description: "More patience with a frozen engine, and an end to every attempt"
    }
  ])
)

/** The same, with the name that an agent gives itself where nobody else has named it. */
const named = Effect.fnUntraced(function*(settings: Omit<Definition, "id">) {
  const [agent] = settings.agents
  if (agent.kind._tag !== "Agent") return settings
  const { url } = agent.kind.address
  const { name } = yield* A2aClient.use((client) => client.check({ url, hop: "purple" })).pipe(
    Effect.provide(clientFor(settings)),
    orExit
  )
  return { ...settings, agents: [{ ...agent, name }] as const }
})

const fileNameOf = (name: string): string => name.replaceAll(/[^\w.-]+/g, "-")
