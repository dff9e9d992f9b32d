/**
 * `campaign watch --db FILE --task ID …`: one battle of a campaign that another process runs, as it comes; then the next
 * one that was chosen.
 *
 * Of those in flight it is the one that has been quiet for longest. The store is told once a second what has come
 * and what is known of a silence, so all is shown `LATE_MILLIS` late.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { AttemptRecord } from "../campaign/AttemptRecord.ts"
import * as AttemptReplay from "../campaign/AttemptReplay.ts"
import { type Battle, keyOf, type Outcome } from "../campaign/Battle.ts"
import { LATE_MILLIS, LOOK_MILLIS } from "../campaign/CampaignWatch.ts"
import { names, type Selection } from "../campaign/Selection.ts"
import type { Look, LookedAttempt, Watcher } from "../campaign/StoredLook.ts"
import type { StoreError } from "../campaign/StoreError.ts"
import type { RunError } from "../liveness/RunError.ts"
import { score } from "../terminal/Quantities.ts"
import * as TaskDisplay from "../terminal/TaskDisplay.ts"
import * as TaskLine from "../terminal/TaskLine.ts"
import type { TaskScreen } from "../terminal/TaskScreen.ts"
import * as TaskView from "../terminal/TaskView.ts"
import { singleLine } from "../terminal/TextWidth.ts"

export interface BattleChoice extends Selection {
  readonly repetition: number | undefined
}

export interface ShowOptions {
  readonly json: boolean
  readonly reasoning: boolean
}

/** Whether a battle is one of those that were chosen. */
export const isChosen = (choice: BattleChoice, battle: Battle): boolean =>
  names(choice, battle) && (choice.repetition === undefined || battle.repetition === choice.repetition)

/** When something last came of an attempt, in milliseconds since 1970. */
const lastAt = ({ reports, startedAt }: LookedAttempt): number =>
  startedAt + (reports.findLast(({ arrivals }) => arrivals.length > 0)?.arrivals.at(-1)?.atMillis ?? 0)

/** What became of a battle, in words. */
const outcomeText = (outcome: Outcome): string => {
  switch (outcome._tag) {
    case "Scored":
      return singleLine(`scored ${score(outcome.grade.score)}: ${outcome.grade.explanation}`)
    case "Unscored":
      return singleLine(`unscored: ${outcome.reason}`)
    case "Pending":
      return "no outcome yet: it is played again"
  }
}

const millis = Clock.currentTimeMillis
/** Between two moments at which events are told. */
const TELL_MILLIS = 100

/** Follows the chosen battles until the only one is over, or nobody runs the campaign any more. */
export const watchBattle = Effect.fnUntraced(function*(
  watcher: Watcher,
  choice: BattleChoice,
  screen: TaskScreen,
  options: ShowOptions
) {
  const chosen = watcher.campaign.battles.filter(({ battle }) => isChosen(choice, battle))
  const only = chosen.length === 1 ? chosen[0] : undefined
  /** All that is known of the attempts in flight. */
  let open = new Map<number, LookedAttempt>()
  let look = watcher.first
  let gates = ""
  /** The attempt that is followed, and the battles whose attempts have ended meanwhile. */
  let followed: number | undefined
  let missed: Array<AttemptRecord> = []
  const keep = (next: Look) => {
    look = next
    for (const { battle, id, record } of next.attempts) {
      if (record !== undefined && id !== followed && isChosen(choice, battle)) missed.push(record)
    }
    open = new Map(
      next.attempts.filter(({ battle }) => isChosen(choice, battle)).map((attempt) => [attempt.id, {
        ...attempt,
        reports: [...open.get(attempt.id)?.reports ?? [], ...attempt.reports]
      }])
    )
  }
  keep(look)

  const lookAgain = Effect.gen(function*() {
    yield* Effect.sleep(Math.max(0, look.at + LOOK_MILLIS - (yield* millis)))
    keep(yield* watcher.look)
    const shut = gatesOf(look)
    if (shut !== gates) yield* screen.line(shut === "" ? "every engine and agent is well again" : shut)
    gates = shut
  })

  /** One attempt to its end, or to the moment in which nobody runs it any more. */
  const follow = Effect.fnUntraced(function*({ battle, id, number, startedAt }: LookedAttempt) {
    const clock = yield* Clock.Clock
    const now = () => clock.currentTimeMillisUnsafe() - LATE_MILLIS
    let replay = AttemptReplay.begin(startedAt)
    let read = 0
    let record: AttemptRecord | undefined
    let broken: StoreError | undefined
    const news = (): ReadonlyArray<AttemptReplay.Replayed> => {
      const attempt = open.get(id)
      const came: Array<AttemptReplay.Replayed> = []
      const add = ([next, more]: ReturnType<typeof AttemptReplay.reported>) => {
        replay = next
        came.push(...more)
      }
      for (const report of attempt?.reports.slice(read) ?? []) add(AttemptReplay.reported(replay, report))
      read = attempt?.reports.length ?? read
      if (attempt?.record !== undefined && record === undefined) {
        record = attempt.record
        add(AttemptReplay.ended(replay, record))
      }
      return came
    }
    const known = news()
    const before = known.filter(({ at }) => at <= now())
    const later = known.filter((one) => !before.includes(one))
    const task = Stream.callback<TaskDisplay.Arrived, RunError | TaskDisplay.Abandoned>((queue) =>
      Effect.gen(function*() {
        let waiting = later
        while (true) {
          const due = waiting.findIndex(({ at }) => at > now())
          const told = due < 0 ? waiting : waiting.slice(0, due)
          waiting = due < 0 ? [] : waiting.slice(due)
          yield* Queue.offerAll(queue, told)
          if (waiting.length === 0 && record?.verdict === "completed") return yield* Queue.end(queue)
          if (waiting.length === 0 && (record !== undefined || look.holder === null)) {
            return yield* Queue.fail(queue, record?.error ?? new TaskDisplay.Abandoned())
          }
          yield* Effect.sleep(TELL_MILLIS)
          if (record !== undefined || clock.currentTimeMillisUnsafe() < look.at + LOOK_MILLIS) continue
          const failure = yield* Effect.flip(lookAgain).pipe(Effect.option)
          if (Option.isSome(failure)) {
            broken = failure.value
            return yield* Queue.fail(queue, new TaskDisplay.Abandoned())
          }
          waiting = [...waiting, ...news()].toSorted((a, b) => a.at - b.at)
        }
      })
    )
    yield* TaskDisplay.run({
      ...options,
      screen,
      now,
      view: TaskView.begin(startedAt),
      before,
      task: () => task,
      what: { ...battle, attempt: number },
      title: singleLine(`${battle.task} × ${battle.agent} #${battle.repetition}, attempt ${number}`)
    })
    if (broken !== undefined) return yield* broken
    return record
  })

  const told = (battle: Battle, outcome: Outcome) =>
    options.json
      ? screen.answer(`${TaskLine.encode(0, TaskLine.outcome(battle, outcome))}\n`)
      : screen.line(`${singleLine(keyOf(battle))}: ${outcomeText(outcome)}`)

  if (only !== undefined && only.outcome._tag !== "Pending") return yield* told(only.battle, only.outcome)
  while (true) {
    // Of an attempt that ended while another one was followed, what became of it is all there is to tell.
    for (const { battle, outcome } of missed) yield* told(battle, outcome)
    if (only !== undefined && missed.some(({ outcome }) => outcome._tag !== "Pending")) return
    missed = []
    const [next] = [...open.values()].filter(({ record }) => record === undefined).toSorted((a, b) =>
      lastAt(a) - lastAt(b)
    )
    if (next !== undefined) {
      if (options.json) yield* screen.answer(`${TaskLine.encode(0, TaskLine.attempt(next.battle, next.number))}\n`)
      followed = next.id
      const record = yield* follow(next)
      open.delete(next.id)
      if (record !== undefined) {
        yield* told(record.battle, record.outcome)
        if (only !== undefined && record.outcome._tag !== "Pending") return
      }
    } else if (look.holder === null) return
    else {
      yield* screen.status(`waiting: ${only === undefined ? "no such battle" : "it"} is not in flight`)
      yield* lookAgain
    }
  }
})

const gatesOf = ({ runner }: Look): string =>
  [
    ...runner?.lanes.filter(({ gate }) => gate !== null).map(({ gate, name, note }) =>
      `${name}: gate ${gate}, ${note}`
    ) ??
      [],
    ...runner?.breakers.map(({ agent, state, why }) => `${agent}: breaker ${state}, ${why}`) ?? []
  ].map(singleLine).join("; ")
