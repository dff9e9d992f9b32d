/**
 * `campaign resume`: goes on with a campaign that was interrupted. What is scored stays; what is pending is played. With a
 * file of settings it goes on with what may change in the middle of a campaign; anything else is another campaign.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { CampaignStore } from "../campaign/CampaignStore.ts"
import { changesBetween } from "../campaign/config/changesBetween.ts"
import { configHash } from "../campaign/config/configHash.ts"
import { campaignFlags, requestedOf } from "./campaignFlags.ts"
import * as campaignSession from "./campaignSession.ts"
import { changesText, refuseOther } from "./changedSettings.ts"
import { orExit } from "./CommandError.ts"
import { failOnError } from "./failOnError.ts"
import * as flags from "./flags.ts"
import { userInterface } from "./userInterface.ts"
import { webFlags, webPlace } from "./webFlags.ts"

const { address, concurrency, config, score } = campaignFlags

/** What only a new campaign is asked for. */
const notAsked = {
  engine: Option.none(),
  model: Option.none(),
  agent: Option.none(),
  task: [],
  repeat: undefined,
  seed: undefined,
  maxTokens: undefined,
  stallPolicy: undefined,
  stallLimit: undefined,
  liveness: { source: "", texts: [] },
  hardCap: undefined,
  mode: undefined,
  tap: undefined
}

export const resume = Command.make(
  "resume",
  {
    db: flags.storedDatabase,
    config,
    address,
    score,
    concurrency,
    failOnError,
    ...webFlags,
    ui: flags.ui,
    json: flags.json
  },
  Effect.fn("campaign.resume")(function*(options) {
    const { db, failOnError, json, ui } = options
    const { configHash: storedHash, definition } = yield* campaignSession.loaded(db).pipe(
      Effect.provide(CampaignStore.layerReadonly({ filename: db })),
      orExit
    )
    const { metrics } = options
    const session = {
      database: db,
      failOnError,
      userInterface: userInterface(ui),
      web: webPlace(options),
      metrics,
      json
    }
    if (options.config === undefined) {
      return yield* campaignSession.run(
        options.concurrency === undefined
          ? { ...session, definition, configHash: storedHash, kind: "stored" }
          : {
            ...session,
            definition: { ...definition, concurrency: options.concurrency.value },
            configHash: storedHash,
            kind: "changed"
          }
      )
    }
    const { notes, settings } = yield* requestedOf({ ...notAsked, ...options })
    const changes = changesBetween(definition, settings)
    for (const note of notes) yield* Console.error(`campaign: ${note}`)
    yield* refuseOther(db, changes)
    if (changes.length > 0) yield* Console.error(`campaign: goes on with other settings:\n${changesText(changes)}`)
    yield* campaignSession.run({
      ...session,
      definition: { id: definition.id, ...settings },
      configHash: configHash(settings),
      kind: "changed"
    })
  })
).pipe(
  Command.withDescription(
    "Go on with a campaign that was interrupted: with the settings that it was begun with, which `campaign validate --db " +
      "FILE` shows, or with those of a file, as far as they may change in the middle of a campaign."
  ),
  Command.withShortDescription("Go on with a campaign that was interrupted."),
  Command.withExamples([
    { command: "campaign resume --db campaign.db", description: "Play the battles that are still pending" },
    { command: "campaign resume --db campaign.db -j 16", description: "The same, with more of them at once" },
    {
      command: "campaign resume --db night.db -c campaign.toml",
      description: "Go on with what the file says now: more repetitions, tasks, agents, other limits and addresses"
    }
  ])
)
