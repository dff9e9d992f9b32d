/**
 * `campaign retry`: unscored battles are pending again. A process that runs the campaign plays them at once; otherwise the
 * campaign is ready to be resumed. A score is never taken back.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { CampaignStore } from "../campaign/CampaignStore.ts"
import type { Selection } from "../campaign/Selection.ts"
import { Command as Request, nothingMatches } from "../campaign/StoredCommand.ts"
import * as askRunner from "./askRunner.ts"
import { orExit, usageError } from "./CommandError.ts"
import { describeUnscored } from "./describeUnscored.ts"
import * as flags from "./flags.ts"
import { resumeCommand } from "./invocation.ts"
import { checkNames, chosen, selectionFlags } from "./selectionFlags.ts"
import * as storedStatus from "./storedStatus.ts"

const verdicts = ["stalled", "failed", "slow", "unscored"] as const

export const retry = Command.make(
  "retry",
  {
    db: flags.storedDatabase,
    stalled: chosen("stalled", "Battles whose last attempt stalled"),
    failed: chosen("failed", "Battles whose last attempt failed"),
    slow: chosen("slow", "Battles whose last attempt the hard cap ended"),
    unscored: chosen("unscored", "All battles without a score, also those that were given up"),
    ...selectionFlags
  },
  Effect.fn("campaign.retry")(function*(options) {
    const { agent, db, task } = options
    const selection: Selection = { verdicts: verdicts.filter((name) => options[name]), tasks: task, agents: agent }
    if (selection.verdicts.length + task.length + agent.length === 0) {
      return yield* usageError(
        "say which battles: --stalled, --failed, --slow, --unscored for all of them, --task ID, --agent NAME"
      )
    }
    yield* checkNames(options, yield* storedStatus.read(db))
    const text = yield* askRunner.askOrDo({
      file: db,
      command: Request.cases.Retry.make({ selection }),
      answered: Effect.succeed,
      idle: Effect.gen(function*() {
        const store = yield* CampaignStore
        yield* store.abandon
        const count = (yield* store.reopen(selection)).length
        if (count === 0) return nothingMatches
        yield* store.setState("paused")
        return `${count === 1 ? "1 battle" : `${count} battles`} will be played again by: ${resumeCommand(db)}`
      })
    })
    yield* Console.log(text === nothingMatches ? yield* describeUnscored(db) : text)
  }, orExit)
).pipe(
  Command.withDescription(
    "Play battles again that have no score: at once if the campaign runs, else when it is resumed. Flags of outcomes are " +
      "alternatives, and --task and --agent narrow them. A battle that has a score is never played again."
  ),
  Command.withShortDescription("Play battles again that have no score."),
  Command.withExamples([
    {
      command: "campaign retry --db campaign.db --stalled --failed",
      description: "What trouble has kept from a score"
    },
    {
      command: "campaign retry --db campaign.db --agent agent-two",
      description: "All that this agent has no score for"
    }
  ])
)
