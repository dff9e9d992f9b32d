/**
 * The page of one battle out of what is stored of it: texts cut, token times merged, evidence in words.
 */
import type { StoredAttempt, StoredBattle } from "../campaign/StoredBattle.ts"
import type { Arrival } from "../campaign/TokenTimings.ts"
import { resultOf } from "../terminal/Ended.ts"
import type { AttemptPage, BattlePage } from "./BattlePage.ts"
import type { Named } from "./Frame.ts"
import { cut, stallOf } from "./shownEnded.ts"

/** The longest piece of a transcript, in characters. */
export const PIECE_CHARACTERS = 50_000
/** The longest error, in UTF-16 units. */
const ERROR_LENGTH = 2_000
/** The longest prompt, in UTF-16 units. */
const PROMPT_LENGTH = 20_000
/** Most points of a timeline: more than a screen has columns. */
const TIMELINE_POINTS = 2_000

export interface BattleNames {
  readonly task: string
  readonly agent: string
  readonly prompt: string
}

/** The page of a stored battle. */
export const battlePageOf = (stored: StoredBattle, named: Named, names: BattleNames): BattlePage => {
  const { outcome } = stored
  const grade = outcome._tag === "Scored" ? outcome.grade : undefined
  return {
    ...named,
    taskName: cut(names.task),
    agentName: cut(names.agent),
    prompt: cut(names.prompt, PROMPT_LENGTH),
    result: resultOf(outcome),
    score: grade?.score ?? null,
    reason: cut(grade?.explanation ?? (outcome._tag === "Unscored" ? outcome.reason : "")),
    tests: grade?.tests.map(({ detail, outcome }) => ({ outcome, detail: cut(detail ?? "") })) ?? [],
    countedAttempt: outcome._tag === "Pending" || outcome.attempt === 0 ? null : outcome.attempt,
    attempts: stored.attempts.map((attempt) => attemptPageOf(attempt, stored.epochs))
  }
}

const attemptPageOf = (
  { arrivals, epoch, error, number, ...attempt }: StoredAttempt,
  epochs: StoredBattle["epochs"]
): AttemptPage => {
  const engine = epochs.find(({ id }) => id === epoch)
  return {
    ...attempt,
    attempt: number,
    engine: engine === undefined ? null : { models: cut(engine.modelId), startedAt: engine.serverStartedAt },
    error: error === null ? null : cut(error.message, ERROR_LENGTH),
    stall: stallOf(error),
    timeline: timelineOf(arrivals)
  }
}

/** The arrivals, merged so that there are at most so many; the time is that of the last one of each. */
const timelineOf = (
  arrivals: ReadonlyArray<Arrival>,
  most = TIMELINE_POINTS
): ReadonlyArray<readonly [atMillis: number, tokens: number]> => {
  const within = arrivals.length <= most ? 0 : (arrivals.at(-1)?.atMillis ?? 0) / most
  const points: Array<[number, number]> = []
  let bucket = -1
  for (const { atMillis, tokens } of arrivals) {
    const own = within === 0 ? points.length : Math.min(most - 1, Math.floor(atMillis / within))
    const last = points.at(-1)
    if (last !== undefined && own === bucket) {
      last[0] = atMillis
      last[1] += tokens
    } else points.push([atMillis, tokens])
    bucket = own
  }
  return points
}
