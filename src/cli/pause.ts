/**
 * `campaign pause`: asks the process that runs a campaign to begin nothing more. What is in flight is finished, or with
 * `--now` ended and played again later.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Command as Request } from "../campaign/StoredCommand.ts"
import * as askRunner from "./askRunner.ts"
import { inputError, orExit } from "./CommandError.ts"
import { switchedOn } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import { resumeCommand } from "./invocation.ts"
import * as storedStatus from "./storedStatus.ts"

export const pause = Command.make(
  "pause",
  {
    db: flags.storedDatabase,
    now: switchedOn("now", "End what is in flight; it is played again when the campaign goes on"),
    wait: switchedOn("wait", "Wait until the process that runs the campaign has ended")
  },
  Effect.fn("campaign.pause")(function*({ db, now, wait }) {
    const { battles, holder } = yield* storedStatus.read(db)
    const goOn = battles.pending === 0
      ? "it has no battle left to play"
      : `go on with it by: ${resumeCommand(db)}`
    if (holder === null) return yield* inputError(`nothing to pause: no process runs ${db}; ${goOn}`)
    const request = now ? Request.cases.PauseNow.make({}) : Request.cases.Pause.make({})
    const reply = yield* askRunner.ask(db, holder, request)
    if (reply._tag === "Gone") {
      return yield* inputError(`nothing to pause: process ${holder.pid} has ended meanwhile; ${goOn}`)
    }
    yield* Console.log(reply.text)
    if (!wait) return
    yield* askRunner.gone(db, holder)
    yield* Console.log(`process ${holder.pid} has ended`)
  }, orExit)
).pipe(
  Command.withDescription(
    "Pause a campaign that runs in another terminal: it finishes what is in flight and begins nothing more. Its process " +
      "ends then, with exit code 130, and says how to go on."
  ),
  Command.withShortDescription("Pause a campaign that runs in another terminal."),
  Command.withExamples([
    { command: "campaign pause --db campaign.db", description: "Let what is in flight be finished" },
    { command: "campaign pause --db campaign.db --wait", description: "The same, and wait for it" },
    {
      command: "campaign pause --db campaign.db --now",
      description: "At once; what is in flight is played again later"
    }
  ])
)
