/**
 * `campaign cancel`: ends a campaign for good, or gives some of its battles up. What has a score keeps it; what has none
 * says why.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { CampaignStore } from "../campaign/CampaignStore.ts"
import { everything } from "../campaign/Selection.ts"
import { Command as Request, nothingMatches } from "../campaign/StoredCommand.ts"
import { askOrDo } from "./askRunner.ts"
import { orExit } from "./CommandError.ts"
import * as flags from "./flags.ts"
import { invocation, resumeCommand } from "./invocation.ts"
import { checkNames, selectionFlags } from "./selectionFlags.ts"
import * as storedStatus from "./storedStatus.ts"

const reason = "cancelled by its user"

const battles = (count: number): string => count === 1 ? "1 battle" : `${count} battles`

export const cancel = Command.make(
  "cancel",
  { db: flags.storedDatabase, ...selectionFlags },
  Effect.fn("campaign.cancel")(function*({ agent, db, task }) {
    const before = yield* storedStatus.read(db)
    yield* checkNames({ agent, task }, before)
    const isWhole = agent.length === 0 && task.length === 0
    const selection = { ...everything, tasks: task, agents: agent }
    const none = isWhole
      ? "nothing to cancel: no battle is pending"
      : "no battle matches: none of the chosen ones is pending, or all that are have begun already"
    const text = yield* askOrDo({
      file: db,
      command: Request.cases.Cancel.make(isWhole ? {} : { selection }),
      answered: (text) => Effect.succeed(text === nothingMatches ? none : text),
      idle: Effect.gen(function*() {
        const store = yield* CampaignStore
        yield* store.abandon
        const given = yield* store.giveUp(selection, reason)
        if (given === 0) return none
        const left = before.battles.pending - given
        if (left <= 0) yield* store.setState(isWhole ? "cancelled" : "ended")
        return `${isWhole ? "cancelled: " : ""}${battles(given)} will have no score` +
          (left > 0 ? `; go on with the rest by: ${resumeCommand(db)}` : "")
      })
    })
    yield* Console.log(text)
    if (text !== none) {
      yield* Console.error(`\`${invocation()} retry --unscored --db ${db}\` would play them again`)
    }
  }, orExit)
).pipe(
  Command.withDescription(
    "End a campaign for good, whether it runs or not: what is in flight is ended, and what is pending gets no score. With " +
      "--task or --agent only those battles are given up that are not in flight, and the campaign goes on with the rest. " +
      "Scores are kept."
  ),
  Command.withShortDescription("End a campaign for good, or give up some of its battles."),
  Command.withExamples([
    { command: "campaign cancel --db campaign.db", description: "End it" },
    {
      command: "campaign cancel --db campaign.db --agent slow-one --task proofs",
      description: "Give up what this agent has not begun of this task"
    }
  ])
)
