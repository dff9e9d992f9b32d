/**
 * What is asked of a running campaign, from another terminal or by its own program: read from its desk, done, and answered
 * there.
 */
import * as Effect from "effect/Effect"
import { keyOf, Outcome } from "./Battle.ts"
import { CampaignStore } from "./CampaignStore.ts"
import { RunnerDesk } from "./RunnerDesk.ts"
import type { RunningCampaign } from "./RunningCampaign.ts"
import { everything, names, type Selection } from "./Selection.ts"
import { type Command, nothingMatches } from "./StoredCommand.ts"

const count = (battles: number): string => battles === 1 ? "1 battle" : `${battles} battles`

/** Gives up what nobody has begun, or what waits to be tried again; the campaign goes on with the rest. */
const cancelSome = Effect.fnUntraced(function*(running: RunningCampaign, selection: Selection, why: string) {
  const store = yield* CampaignStore
  const battles = running.plan.giveUp((battle) => names(selection, battle))
  if (battles.length === 0) return nothingMatches
  const given = yield* store.giveUp(selection, why, battles)
  const outcome = Outcome.cases.Unscored.make({ reason: why, attempt: 0 })
  yield* running.tell({ _tag: "OutcomesChanged", why, battles: battles.map((battle) => ({ battle, outcome })) })
  running.wake()
  return `${count(given)} will have no score; the campaign goes on with the rest`
})

/** Who asks, in words that follow "it was paused". */
export type Asker = "from another terminal" | "by its program"

/** Does what is asked, and says in a clause what has come of it. Fails only if the store does. */
export const obey = Effect.fnUntraced(function*(running: RunningCampaign, command: Command, asker: Asker) {
  const store = yield* CampaignStore
  const { busy } = running
  const pausedFor = (now: boolean) => ({
    end: { _tag: "Paused", why: `it was paused ${asker}` } as const,
    now,
    why: `it is paused ${asker}`
  })
  switch (command._tag) {
    case "Pause":
      yield* running.stopFor(pausedFor(false))
      return busy === 0 ? "paused" : `pausing: ${count(busy)} in flight will be finished first`
    case "PauseNow":
      yield* running.stopFor(pausedFor(true))
      return busy === 0 ? "paused" : `paused: ${count(busy)} in flight will be played again`
    case "Cancel": {
      const why = "cancelled by its user"
      if (command.selection !== undefined) return yield* cancelSome(running, command.selection, why)
      running.plan.giveUp(() => true)
      const given = yield* store.giveUp(everything, why)
      yield* running.stopFor({ end: { _tag: "Cancelled" }, now: true, why: `it is cancelled ${asker}` })
      return `cancelled: ${count(given)} will have no score`
    }
    case "Retry": {
      const reopened = yield* store.reopen(command.selection)
      const known = new Set(reopened.map(keyOf))
      for (const battle of reopened) {
        running.histories.reopened(battle)
        running.plan.reopened(battle)
      }
      const battles = reopened.map((battle) => ({ battle, outcome: { _tag: "Pending" } as const }))
      if (known.size > 0) {
        yield* running.tell({ _tag: "OutcomesChanged", battles, why: "they are played again" })
        running.wake()
      }
      return known.size === 0 ? nothingMatches : `${count(known.size)} will be played again`
    }
  }
})

/** Reads and obeys, until it is interrupted. Fails only if store or desk do. */
export const watch = (running: RunningCampaign) =>
  Effect.gen(function*() {
    const desk = yield* RunnerDesk
    while (true) {
      for (const { command, id } of yield* desk.requests) {
        // What is obeyed may end all of this, and is answered all the same.
        yield* Effect.uninterruptible(
          Effect.flatMap(obey(running, command, "from another terminal"), (answer) => desk.answer(id, answer))
        )
      }
      yield* desk.asked
    }
  })
