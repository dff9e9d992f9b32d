/**
 * `campaign status`: where a campaign stands, from another terminal. It writes nothing, needs no lock, and reads figures
 * only, so it answers at once, also while the campaign runs.
 */
import * as Command from "effect/cli/Command"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { orExit } from "./CommandError.ts"
import { switchedOn } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import { resumeCommand } from "./invocation.ts"
import { columnsOfTerminal } from "./renderHelp.ts"
import { renderStatus } from "./renderStatus.ts"
import { statusView } from "./statusView.ts"
import * as storedStatus from "./storedStatus.ts"

/** In columns. */
const WIDEST = 200

export const status = Command.make(
  "status",
  { db: flags.storedDatabase, json: switchedOn("json", "Print one JSON object on stdout instead of the text") },
  Effect.fn("campaign.status")(function*({ db, json }) {
    const status = yield* orExit(storedStatus.read(db))
    const view = statusView(status, { db, now: yield* Clock.currentTimeMillis, resume: resumeCommand(db) })
    const { canColor } = yield* TerminalCapabilities
    yield* Console.log(
      json
        ? JSON.stringify(view)
        : renderStatus(view, { columns: columnsOfTerminal(WIDEST), color: canColor })
    )
  })
).pipe(
  Command.withDescription(
    "Show where a campaign stands: who runs it, how far it is, what is in flight and for how long, which engines and " +
      "agents are in trouble, and why battles have no score. It may run meanwhile, and is not disturbed."
  ),
  Command.withShortDescription("Show where a campaign stands, also while it runs."),
  Command.withExamples([
    { command: "campaign status --db campaign.db", description: "At a glance" },
    { command: "campaign status --db campaign.db --json", description: "One JSON object, for scripts" },
    { command: "watch -n 5 campaign status --db campaign.db", description: "Again and again" }
  ])
)
