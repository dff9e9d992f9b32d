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
import type { CampaignSettings } from "../campaign/config/CampaignSettings.ts"
import { changesBetween } from "../campaign/config/changesBetween.ts"
import * as PreparedCampaign from "../campaign/parts/PreparedCampaign.ts"
import { LimitLearner } from "../liveness/LimitLearner.ts"
import { campaignFlags, type CampaignValues, checkAddresses, requestedOf } from "./campaignFlags.ts"
import * as campaignSession from "./campaignSession.ts"
import { changesText, refuseOther } from "./changedSettings.ts"
import { orExit, usageError } from "./CommandError.ts"
import { optional, variableOf } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import { columnsOfTerminal, HelpSections } from "./renderHelp.ts"
import { limitsJson, renderLimits, type ShownLimits } from "./renderLimits.ts"
import { showRequested, WIDEST } from "./showRequested.ts"

export const validate = Command.make(
  "validate",
  {
    ...campaignFlags,
    db: optional(flags.storedDatabase),
    contact: Flag.Boolean("contact").pipe(
      Flag.withDescription("Ask the engines and the agents whether they can be used"),
      Flag.withFallbackConfig(Config.Boolean(variableOf("contact"))),
      Flag.withDefault(false)
    ),
    json: flags.json
  },
  Effect.fn("campaign.validate")(function*(options) {
    const { contact, db, json } = options
    if (db !== undefined && options.config === undefined) return yield* showStored(db, options)
    const requested = yield* requestedOf(options)
    yield* checkAddresses(requested.settings)
    if (contact) yield* orExit(PreparedCampaign.contact(requested.settings))
    yield* showRequested(requested, { contacted: contact, json })
    if (db !== undefined) yield* showChanges(db, requested.settings)
  })
).pipe(
  Command.annotate(HelpSections, { "stall-policy": "liveness", json: "output" }),
  Command.withDescription(
    "Check a campaign's file or flags and show what it would play and wait for: the plan, what it may cost, and every " +
      "limit with its meaning and where it comes from. Nothing is started or stored. With --db it shows a campaign as it " +
      "is stored, and what its runs have taught; with both, whether the stored campaign may go on with the file."
  ),
  Command.withShortDescription("Check a campaign before it runs: its plan, and every limit with its origin."),
  Command.withExamples([
    { command: "campaign validate -c campaign.toml", description: "What the file would play, and every limit" },
    {
      command: "campaign validate -c campaign.toml --db night.db",
      description: "Whether the stored campaign may go on with the file"
    },
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

/** The flags that somebody gave, which a stored campaign does not listen to. */
const unheard = (options: CampaignValues): string | undefined =>
  (["engine", "model", "agent"] as const).find((name) => Option.isSome(options[name])) ??
    (options.task.length > 0 ? "task" : undefined) ??
    (options.liveness.texts.length > 0 ? "liveness" : undefined) ??
    givenNames.find(([key]) => options[key] !== undefined)?.[1]

const givenNames = [
  ["repeat", "repeat"],
  ["concurrency", "concurrency"],
  ["seed", "seed"],
  ["maxTokens", "max-tokens"],
  ["stallPolicy", "stall-policy"],
  ["stallLimit", "stall-limit"],
  ["hardCap", "hard-cap"]
] as const

/** What is stored, read through a connection that cannot write. */
const showStored = Effect.fnUntraced(function*(
  file: string,
  options: CampaignValues & { readonly contact: boolean; readonly json: boolean }
) {
  const name = unheard(options)
  if (name !== undefined) {
    return yield* usageError(
      `--db shows a campaign as it is stored, and --${name} cannot change it; leave out --${name} (and ` +
        `${variableOf(name)}), or --db`
    )
  }
  const { definition } = yield* campaignSession.loaded(file).pipe(
    Effect.provide(CampaignStore.layerReadonly({ filename: file }), { local: true })
  )
  const learned = yield* LimitLearner.use((learner) => learner.everything).pipe(
    Effect.provide(CampaignStore.layerReadonly({ filename: file, limits: definition.limits }), { local: true })
  )
  if (options.contact) yield* PreparedCampaign.contact(definition)
  const shown: ShownLimits = {
    ...definition,
    contacted: options.contact,
    stored: { campaign: definition.id, file, learned }
  }
  const { canColor } = yield* TerminalCapabilities
  yield* Console.log(
    options.json
      ? JSON.stringify(limitsJson(shown))
      : renderLimits(shown, { columns: columnsOfTerminal(WIDEST), color: canColor })
  )
}, orExit)

/** What would change if the stored campaign went on with these settings. Fails if it cannot. */
const showChanges = Effect.fnUntraced(function*(file: string, settings: CampaignSettings) {
  const { definition } = yield* campaignSession.loaded(file).pipe(
    Effect.provide(CampaignStore.layerReadonly({ filename: file }), { local: true }),
    orExit
  )
  const changes = changesBetween(definition, settings)
  yield* Console.error(
    changes.length === 0
      ? `campaign: ${file} has the same settings`
      : `campaign: against ${file}:\n${changesText(changes)}`
  )
  yield* refuseOther(file, changes)
})
