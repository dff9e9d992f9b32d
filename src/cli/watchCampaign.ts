/**
 * `campaign watch --db FILE`: a campaign that another process runs, as its own display shows it; or one battle of it.
 *
 * It writes nothing and needs no lock. When nobody runs the campaign any more it ends, and says how to go on.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as CampaignWatch from "../campaign/CampaignWatch.ts"
import * as StoredBattle from "../campaign/StoredBattle.ts"
import * as StoredLook from "../campaign/StoredLook.ts"
import * as CampaignLine from "../terminal/CampaignLine.ts"
import { ENDED_KEPT, STALLS_KEPT } from "../terminal/Ended.ts"
import { LiveRegion } from "../terminal/LiveRegion.ts"
import * as TaskScreen from "../terminal/TaskScreen.ts"
import * as TerminalView from "../terminal/TerminalView.ts"
import { inputError, orExit, usageError } from "./CommandError.ts"
import { resumeCommand } from "./invocation.ts"
import { checkNames } from "./selectionFlags.ts"
import * as storedStatus from "./storedStatus.ts"
import { standardStreams, type UserInterface } from "./userInterface.ts"
import { isChosen, type ShowOptions, watchBattle } from "./watchBattle.ts"

export interface CampaignValues extends ShowOptions {
  readonly task: ReadonlyArray<string>
  readonly agent: ReadonlyArray<string>
  readonly repetition: number | undefined
}

/** How a campaign that nobody runs stands, and how to go on with it. */
const situation = Effect.fnUntraced(function*(db: string) {
  const { battles, state } = yield* storedStatus.read(db)
  if (battles.pending > 0) {
    return `nobody runs it, ${battles.pending} of ${battles.planned} battles are pending; go on with: ${
      resumeCommand(db)
    }`
  }
  return `${
    state === "cancelled" ? "it was cancelled" : "it has ended"
  }: ${battles.scored} scored, ${battles.unscored} ` +
    "unscored"
})

/** Shows the campaign until nobody runs it any more, or the battle that was chosen is over. */
export const watchCampaign = Effect.fnUntraced(
  function*(db: string, values: CampaignValues, { color, mode }: UserInterface) {
    const { agent, json, repetition, task } = values
    const status = yield* storedStatus.read(db)
    yield* checkNames(values, status)
    const choice = { verdicts: [], tasks: task, agents: agent, repetition }
    const isChoice = task.length + agent.length > 0 || repetition !== undefined
    yield* Effect.scoped(Effect.gen(function*() {
      const opened = yield* StoredLook.open(db, { texts: isChoice })
      if (Option.isNone(opened)) return yield* inputError(`${db} holds no campaign; name the file of one with --db`)
      const watcher = opened.value
      if (repetition !== undefined && !watcher.campaign.battles.some(({ battle }) => isChosen(choice, battle))) {
        const { repetitions } = watcher.campaign.definition
        return yield* usageError(
          `--repetition ${repetition}: no such battle; they are counted from 1 to ${repetitions}`
        )
      }
      if (watcher.first.holder === null) return yield* inputError(`nothing to watch: ${yield* situation(db)}`)
      if (isChoice) {
        const screen = yield* TaskScreen.open(standardStreams(), { color, mode })
        return yield* watchBattle(watcher, choice, screen, values)
      }
      const { ended } = yield* StoredBattle.readEnded(db, { ended: 2 * ENDED_KEPT, stalled: STALLS_KEPT })
      const events = CampaignWatch.events(watcher, ended).pipe(
        Stream.tap((event) => json ? Console.log(CampaignLine.encode(event)) : Effect.void)
      )
      yield* TerminalView.run(events, mode, { color })
    }))
    const { holder } = yield* storedStatus.read(db)
    if (holder === null) yield* Console.error(`campaign: ${yield* situation(db)}`)
  },
  orExit,
  Effect.provide(LiveRegion.layer)
)
