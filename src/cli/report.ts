/**
 * `campaign report`: the summary of a campaign as it is stored, whether it is done, runs, or was interrupted. It never
 * writes.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { CampaignStore } from "../campaign/CampaignStore.ts"
import { summarize } from "../report/CampaignSummary.ts"
import * as campaignSession from "./campaignSession.ts"
import { orExit } from "./CommandError.ts"
import * as flags from "./flags.ts"
import { resumeCommand } from "./invocation.ts"
import { renderSummary } from "./renderSummary.ts"

export const report = Command.make(
  "report",
  { db: flags.storedDatabase, json: flags.json },
  Effect.fn("campaign.report")(function*({ db, json }) {
    const stored = yield* campaignSession.loaded(db).pipe(
      Effect.provide(CampaignStore.layerReadonly({ filename: db })),
      orExit
    )
    const summary = summarize(stored)
    yield* Console.log(
      json
        ? JSON.stringify({ ...summary, state: stored.state, db })
        : renderSummary(summary, { database: db, resume: resumeCommand(db) })
    )
  })
).pipe(
  Command.withDescription(
    "Print the summary of a stored campaign: scores by task and agent, what is not scored and why, latencies. It may be " +
      "running meanwhile."
  ),
  Command.withShortDescription("Print the summary of a stored campaign."),
  Command.withExamples([{ command: "campaign report --db night.db --json", description: "One JSON object" }])
)
