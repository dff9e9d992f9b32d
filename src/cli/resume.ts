/**
 * `campaign resume`: goes on with a campaign that was interrupted. What is scored stays; what is pending is played.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { CampaignStore } from "../campaign/CampaignStore.ts"
import * as campaignSession from "./campaignSession.ts"
import { orExit } from "./CommandError.ts"
import { failOnError } from "./failOnError.ts"
import * as flags from "./flags.ts"
import { userInterface } from "./userInterface.ts"

export const resume = Command.make(
  "resume",
  {
    db: flags.storedDatabase,
    failOnError,
    ui: flags.ui,
    json: flags.json
  },
  Effect.fn("campaign.resume")(function*({ db, failOnError, json, ui }) {
    const { definition } = yield* campaignSession.loaded(db).pipe(
      Effect.provide(CampaignStore.layerReadonly({ filename: db })),
      orExit
    )
    yield* campaignSession.run({
      database: db,
      definition,
      configHash: null,
      kind: "stored",
      userInterface: userInterface(ui),
      json,
      failOnError
    })
  })
).pipe(
  Command.withDescription(
    "Go on with a campaign that was interrupted: with the target, the stall policy and the limits that it was begun with, " +
      "which `campaign validate --db FILE` shows."
  ),
  Command.withShortDescription("Go on with a campaign that was interrupted."),
  Command.withExamples([
    { command: "campaign resume --db campaign.db", description: "Play the battles that are still pending" }
  ])
)
