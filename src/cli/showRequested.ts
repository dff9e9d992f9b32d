/**
 * Prints a campaign that was asked for and is not begun: its plan, and every limit with its meaning and its origin.
 */
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as CampaignGrader from "../campaign/parts/CampaignGrader.ts"
import type { Requested } from "./campaignFlags.ts"
import { columnsOfTerminal } from "./renderHelp.ts"
import { limitsJson, renderLimits } from "./renderLimits.ts"

/** In columns: room for most meanings beside their values. */
export const WIDEST = 150

/** Fails where a task cannot be graded here. */
export const showRequested = Effect.fn("showRequested")(function*(
  requested: Requested,
  { contacted, json }: { readonly contacted: boolean; readonly json: boolean }
) {
  const { settings } = requested
  const sandbox = yield* CampaignGrader.check(settings.tasks, settings.judge !== null).pipe(
    Effect.provide(CampaignGrader.sandboxFor(settings.tasks))
  )
  const runsAnswers = settings.tasks.some(({ grader: { _tag } }) =>
    _tag === "JavaScriptTests" || _tag === "PythonTests"
  )
  const shown = {
    ...settings,
    contacted,
    stored: undefined,
    plan: { ...requested, sandbox: runsAnswers ? sandbox : null }
  }
  const { canColor } = yield* TerminalCapabilities
  for (const note of requested.notes) yield* Console.error(`campaign: ${note}`)
  yield* Console.log(
    json
      ? JSON.stringify(limitsJson(shown))
      : renderLimits(shown, { columns: columnsOfTerminal(WIDEST), color: canColor })
  )
})
