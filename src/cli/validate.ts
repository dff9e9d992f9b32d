/**
 * `campaign validate`: what a campaign would do with these flags, or does as it is stored. Nothing is started, stored or
 * contacted, except the target with `--contact`.
 *
 * Law: it refuses what `campaign run` would refuse, with the same words and exit codes.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { CampaignStore } from "../campaign/CampaignStore.ts"
import { LimitLearner } from "../liveness/LimitLearner.ts"
import { clientFor } from "./AgentAddress.ts"
import * as campaignSession from "./campaignSession.ts"
import { orExit, usageError } from "./CommandError.ts"
import * as EmbeddedAgents from "./EmbeddedAgents.ts"
import { optional, variableOf } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import { columnsOfTerminal, HelpSections } from "./renderHelp.ts"
import { limitsJson, renderLimits, type ShownLimits } from "./renderLimits.ts"
import { targetFlags, type TargetValues, underTestOf } from "./targetFlags.ts"
import { hardCap, hardCapMillis, settingsOf, watchFlags, type WatchValues } from "./watchFlags.ts"

/** In columns: room for most meanings beside their values. */
const WIDEST = 150

export const validate = Command.make(
  "validate",
  {
    ...targetFlags,
    db: optional(flags.storedDatabase),
    contact: Flag.Boolean("contact").pipe(
      Flag.withDescription("Ask the engine or the agent whether it can be used"),
      Flag.withFallbackConfig(Config.Boolean(variableOf("contact"))),
      Flag.withDefault(false)
    ),
    ...watchFlags,
    hardCap,
    json: flags.json
  },
  Effect.fn("campaign.validate")(function*(options) {
    const found = yield* options.db === undefined ? asked(options) : stored(options.db, options)
    if (options.contact) yield* EmbeddedAgents.check(found).pipe(Effect.provide(clientFor(found)))
    const shown = { ...found, contacted: options.contact }
    const { canColor } = yield* TerminalCapabilities
    yield* Console.log(
      options.json
        ? JSON.stringify(limitsJson(shown))
        : renderLimits(shown, { columns: columnsOfTerminal(WIDEST), color: canColor })
    )
  })
).pipe(
  Command.annotate(HelpSections, { "stall-policy": "liveness", json: "output" }),
  Command.withDescription(
    "Check the flags of a campaign and show what it waits for: the stall policy, the hard cap, and every limit with its " +
      "meaning. Nothing is started or stored. With --db it shows a campaign as it is stored, and what its runs have taught."
  ),
  Command.withShortDescription("Check the flags of a campaign, and show every limit with its meaning."),
  Command.withExamples([
    { command: "campaign validate", description: "All limits with their defaults" },
    {
      command: "campaign validate --stall-limit 5min --liveness frozen-floor=90s",
      description: "What these flags of run would mean"
    },
    {
      command: "campaign validate --engine http://127.0.0.1:8000/v1 --model my-model --contact",
      description: "Ask the engine as well"
    },
    { command: "campaign validate --db campaign.db", description: "A campaign's own limits, and what it has learned" },
    { command: "campaign validate --json", description: "One JSON object, for scripts" }
  ])
)

type Found = Omit<ShownLimits, "contacted">
type Values = TargetValues & WatchValues & { readonly hardCap: number | undefined }

/** What the flags ask for. */
const asked = Effect.fnUntraced(function*(options: Values) {
  const settings = yield* settingsOf(options)
  return {
    ...yield* underTestOf(options),
    hardCapMillis: yield* hardCapMillis(options.hardCap, settings),
    ...settings,
    stored: undefined
  } satisfies Found as Found
}, orExit)

/** The flags that somebody gave, which a stored campaign does not listen to. */
const given = (options: Values): ReadonlyArray<string> => [
  ...(["engine", "model", "agent"] as const).filter((name) => Option.isSome(options[name])),
  ...(options.stallPolicy === "enforce" ? [] : ["stall-policy"]),
  ...(options.stallLimit === undefined ? [] : ["stall-limit"]),
  ...(options.liveness.texts.length === 0 ? [] : ["liveness"]),
  ...(options.hardCap === undefined ? [] : ["hard-cap"])
]

/** What is stored, read through a connection that cannot write. */
const stored = Effect.fnUntraced(function*(file: string, options: Values) {
  const [unheard] = given(options)
  if (unheard !== undefined) {
    return yield* usageError(
      `--db shows a campaign as it is stored, and --${unheard} cannot change it; leave out --${unheard} (and ` +
        `${variableOf(unheard)}), or --db`
    )
  }
  const { definition } = yield* campaignSession.loaded(file).pipe(
    Effect.provide(CampaignStore.layerReadonly({ filename: file }), { local: true })
  )
  const learned = yield* LimitLearner.use((learner) => learner.everything).pipe(
    Effect.provide(CampaignStore.layerReadonly({ filename: file, limits: definition.limits }), { local: true })
  )
  const { agents, engines, hardCapMillis, limits, stallPolicy } = definition
  return {
    agents,
    engines,
    stallPolicy,
    hardCapMillis,
    limits,
    stored: { campaign: definition.id, file, learned }
  } satisfies Found as Found
}, orExit)
