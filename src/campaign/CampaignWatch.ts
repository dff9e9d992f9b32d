/**
 * A campaign that another process runs, as the events its own display is made from, from the store alone.
 *
 * The runner tells its store once a second what has come, so everything is shown in its own time and `LATE_MILLIS` late:
 * the rhythm is that of the tokens, and a silence is as long as it was then.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { AttemptRecord } from "./AttemptRecord.ts"
import type { Outcome } from "./Battle.ts"
import type { CampaignEvent } from "./CampaignEvent.ts"
import * as LookEvents from "./LookEvents.ts"
import type { Look, Watcher } from "./StoredLook.ts"
import type { StoreError } from "./StoreError.ts"

/** How late everything is shown: longer than a runner takes to tell and we to look. */
export const LATE_MILLIS = 2000
/** Between two looks. */
export const LOOK_MILLIS = 500
/** Between two moments at which events are told. */
const TELL_MILLIS = 100

/** The events until nobody runs the campaign any more; `ended` are the last attempts that ended, for `earlier`. */
export const events = (
  watcher: Watcher,
  ended: ReadonlyArray<AttemptRecord> = []
): Stream.Stream<CampaignEvent, StoreError> =>
  Stream.callback((queue) =>
    Effect.gen(function*() {
      const known = new Map<string, Outcome>()
      let waiting: ReadonlyArray<CampaignEvent> = []
      let [state, begun] = LookEvents.begin(watcher.campaign, watcher.first, ended)
      LookEvents.outcomesAfter(known, begun)
      yield* Queue.offerAll(queue, begun)

      const add = (news: ReadonlyArray<CampaignEvent>) => {
        LookEvents.outcomesAfter(known, news)
        waiting = [...waiting, ...news].toSorted((a, b) => a.atMillis - b.atMillis)
      }

      const take = Effect.fnUntraced(function*(look: Look) {
        const [next, news] = LookEvents.step(state, look)
        state = next
        add(news)
        if (state.pending === look.pending) return
        const [reconciled, changed] = LookEvents.reconciled(
          state,
          known,
          yield* watcher.outcomes,
          look.at - state.origin
        )
        state = reconciled
        add(changed)
      })

      const tell = Effect.fnUntraced(function*(untilMillis: number) {
        const due = waiting.findIndex(({ atMillis }) => atMillis > untilMillis)
        const told = due < 0 ? waiting : waiting.slice(0, due)
        waiting = due < 0 ? [] : waiting.slice(due)
        yield* Queue.offerAll(queue, told)
      })

      const now = Effect.map(Clock.currentTimeMillis, (millis) => millis - state.origin)
      let look = watcher.first
      yield* take(look)
      while (look.holder !== null) {
        const nextAt = look.at + LOOK_MILLIS
        while ((yield* Clock.currentTimeMillis) < nextAt) {
          yield* tell((yield* now) - LATE_MILLIS)
          yield* Effect.sleep(TELL_MILLIS)
        }
        look = yield* watcher.look
        yield* take(look)
      }
      yield* tell(Infinity)
      yield* Queue.offer(queue, { _tag: "CampaignEnded", atMillis: yield* now, end: LookEvents.endOfRun(look) })
      yield* Queue.end(queue)
    }).pipe(Effect.onError((cause) => Queue.failCause(queue, cause)))
  )
