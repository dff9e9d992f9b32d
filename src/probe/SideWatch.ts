/**
 * Looks at an agent from the side while it works on a message: does it answer at all, and does its task show progress?
 *
 * A card costs an agent nothing, so one that is not answered before the work is done was not answered because nothing else
 * could be: its event loop stood still. A task that grows while its stream is silent was held back behind the task. The
 * time of a status counts as our client counts it (StatusClock.ts).
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as StatusClock from "../a2a/StatusClock.ts"
import { type AgentFrame, isFinal } from "./AgentFrame.ts"
import type { AgentInterface, SideMeasurement } from "./AgentMeasurements.ts"
import { AgentWire, type Answer } from "./AgentWire.ts"

export interface SideWatch {
  /** What was seen until now, which is the end of the work. */
  readonly measured: () => SideMeasurement
  /** When a task last showed something new; null before. */
  readonly changedAt: () => number | null
  readonly changes: () => number
  /** The last that was seen of the task. */
  readonly task: () => AgentFrame | undefined
}

export interface SideWatchOptions {
  readonly at: AgentInterface
  readonly cardUrl: string
  /** Empty while it is not known. */
  readonly taskId: () => string
  readonly everyMillis: number
}

interface Asked {
  count: number
  answered: number
  /** When the open one was asked. */
  since: number | null
  longest: number | null
}

const noneAsked = (): Asked => ({ count: 0, answered: 0, since: null, longest: null })

/** The characters of the answer in a task. */
const lengthOf = ({ artifacts, text }: AgentFrame): number =>
  artifacts.reduce((sum, artifact) => sum + artifact.text.length, 0) || text.length

const digestOf = ({ artifacts, state, text }: AgentFrame): string =>
  JSON.stringify([state, text, artifacts.map(({ id, text }) => [id, text.length, text.slice(-20)])])

/** Watches until the scope ends. */
export const watchSide = Effect.fnUntraced(function*(
  options: SideWatchOptions
): Effect.fn.Return<SideWatch, never, AgentWire | Scope.Scope> {
  const wire = yield* AgentWire
  const time = yield* Clock.Clock
  const now = () => Number(time.monotonicTimeNanosUnsafe()) / 1e6
  const cards = noneAsked()
  const polls = noneAsked()
  let refusal: string | null = null
  let before: string | undefined
  let clock = StatusClock.initial
  let last: AgentFrame | undefined
  let changes = 0
  let renewals = 0
  let changedAt: number | null = null
  let textLength = 0

  const timed = (asked: Asked, ask: Effect.Effect<Answer>) =>
    Effect.gen(function*() {
      asked.count++
      asked.since = now()
      const answer = yield* ask
      asked.longest = Math.max(asked.longest ?? 0, answer.millis)
      asked.since = null
      if (answer._tag !== "Failed") asked.answered++
      return answer
    })

  const poll = Effect.gen(function*() {
    const taskId = options.taskId()
    if (taskId === "" || refusal !== null) return
    const answer = yield* timed(polls, wire.call(options.at, { method: "get", taskId }))
    if (answer._tag === "Refused") refusal = answer.detail
    if (answer._tag !== "Answered") return
    last = answer.frame
    if (isFinal(answer.frame)) return
    const digest = digestOf(answer.frame)
    textLength = Math.max(textLength, lengthOf(answer.frame))
    const isNews = before !== undefined && before !== digest
    before = digest
    clock = StatusClock.step(clock, last.statusAt || undefined, isNews)
    if (isNews) changes++
    else if (clock.isLife) renewals++
    if (isNews || clock.isLife) changedAt = now()
  })

  yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
    yield* Effect.sleep(options.everyMillis)
    yield* timed(cards, wire.card(options.cardUrl))
    yield* poll
    // A time that is always the present one is found out by asking again at once.
    if (clock.isChecking) {
      yield* Effect.sleep(StatusClock.MOMENT)
      yield* poll
    }
  })))

  // Before it is found out what the time of a status means, it means nothing.
  const changesOf = () => changes + (clock.means === "work" ? renewals : 0)

  const longestOf = ({ longest, since }: Asked): number | null =>
    since === null ? longest : Math.max(longest ?? 0, now() - since)

  return {
    measured: () => ({
      cards: cards.count,
      cardsAnswered: cards.answered,
      cardMaxMillis: longestOf(cards),
      polls: polls.count,
      pollsAnswered: polls.answered,
      pollMaxMillis: longestOf(polls),
      changes: changesOf(),
      textLength,
      refusal
    }),
    changedAt: () => changedAt,
    changes: changesOf,
    task: () => last
  }
})
