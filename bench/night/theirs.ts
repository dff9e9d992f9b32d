/**
 * The night as LogoMesh's campaign script plays it (scripts/green_logic/smart_campaign.py, January 2026): a model of its
 * policy, as pure arithmetic on the same night.
 *
 * From its source: a fixed timeout per task (75, 90, 100 or 120 s) on the whole attempt, because a battle is one request
 * whose answer comes as one piece; after a timeout 2 s of pause and the same battle again, with 60 s more the first time
 * and 120 s more on top of that the second time, so 75, 135 and 255 s; after the third timeout the battle has no result.
 * A stall check inside a read loop does not show here: while nothing comes, it is never asked.
 *
 * Where its source does worse than this model, the model is kinder, so that the comparison is about the timeouts alone:
 * - it plays as many battles at once as ours; the script plays one;
 * - a connection that breaks is tried again like a timeout; the script gives the battle up at once, waits 5 s, and ends
 *   the whole campaign after more than five errors in a row;
 * - an attempt that begins while nobody listens waits outside its timeout until the engine serves; there it fails;
 * - what the engine goes on doing for an attempt that was given up costs nothing and leaves no second row; there it does;
 * - its 10 s of cooling down after every battle are left out.
 */
import type { Answer, Night, Trouble } from "./Night.ts"
import { TOKENS_PER_SECOND } from "./NightEngine.ts"
import { type NightRun, producedBy } from "./NightRun.ts"

const TIMEOUTS = [90, 75, 100, 120] as const
const MORE_SECONDS = 60
const RETRIES = 2
const PAUSE_SECONDS = 2

/** The limits of a battle's attempts, in seconds. */
export const limitsOf = (task: number): ReadonlyArray<number> => {
  const limits: Array<number> = [TIMEOUTS[task % TIMEOUTS.length]!]
  for (let retry = 1; retry <= RETRIES; retry++) limits.push(limits.at(-1)! + MORE_SECONDS * retry)
  return limits
}

export interface TheirAttempt {
  readonly how: "finished" | "killed alive" | "killed hung" | "broken"
  readonly endsAt: number
  /** For "killed hung": since when it had been hung. */
  readonly hungSince: number | undefined
  readonly tokens: number
}

/** One attempt that is sent at `from` and may take `limit`, all in seconds. */
export const attemptOf = (
  troubles: ReadonlyArray<Trouble>,
  answer: Answer,
  from: number,
  limit: number
): TheirAttempt => {
  const refused = troubles.find(({ killedAt, until }) => killedAt <= from && from < until)
  if (refused !== undefined) return attemptOf(troubles, answer, refused.until, limit)
  const trouble = troubles.find(({ until }) => from < until)
  const stopsAt = trouble?.from ?? Infinity
  const lostAt = answer.lostAt === undefined ? Infinity : from + answer.lostAt
  const finishesAt = lostAt < Infinity ? Infinity : from + answer.seconds
  const killedAt = from + limit
  const breaksAt = trouble?.killedAt ?? Infinity
  const hungSince = Math.max(from, Math.min(stopsAt, lostAt))
  const doneAt = finishesAt <= stopsAt ? finishesAt : Infinity
  const endsAt = Math.min(doneAt, killedAt, breaksAt)
  const worked = Math.max(0, Math.min(endsAt, hungSince) - from - answer.prefillSeconds)
  const how = endsAt === doneAt
    ? "finished"
    : endsAt === breaksAt
    ? "broken"
    : endsAt > hungSince
    ? "killed hung"
    : "killed alive"
  return {
    how,
    endsAt,
    hungSince: how === "killed hung" ? hungSince : undefined,
    tokens: worked * TOKENS_PER_SECOND
  }
}

/** Plays the night, as many battles at once as said. */
export const playTheirs = (night: Night, concurrency: number): NightRun => {
  const freeAt = Array.from({ length: concurrency }, () => 0)
  const attempts: Array<TheirAttempt> = []
  let scored = 0
  for (const battle of night.battles) {
    const worker = freeAt.indexOf(Math.min(...freeAt))
    let at = freeAt[worker]!
    for (const [index, limit] of limitsOf(battle.task).entries()) {
      const attempt = attemptOf(night.troubles, night.answer(battle, index + 1), at, limit)
      attempts.push(attempt)
      at = attempt.endsAt
      if (attempt.how === "finished") {
        scored++
        break
      }
      at += PAUSE_SECONDS
    }
    freeAt[worker] = at
  }
  const lost = attempts.filter(({ how }) => how !== "finished")
  return {
    scored,
    attempts: attempts.length,
    falseKills: attempts.filter(({ how }) => how === "killed alive").length,
    foundAfterSeconds: attempts.flatMap(({ endsAt, hungSince }) => hungSince === undefined ? [] : [endsAt - hungSince]),
    tokensThrownAway: producedBy(lost),
    wallSeconds: Math.max(...freeAt),
    charged: lost.length,
    openings: 0,
    alarms: 0
  }
}
