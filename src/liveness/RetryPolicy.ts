/**
 * When a run that ended without an answer is tried again: decisions from the retry table and the errors so far.
 *
 * A retry repeats a whole attempt, never the inside of a stream that has begun: that would show tokens twice.
 *
 * How several kinds of error in one history count:
 * - back-off and the most retries of a row count the errors of that row only, wherever they stand in the history: a
 *   broken connection is no reason to wait longer for a busy server;
 * - attempts are counted over all rows that use one up, and the time waited over the errors of a row that does not (429,
 *   503, nobody there), so that no mixture of kinds can go on for ever;
 * - trouble of the whole engine uses up no attempt, but a battle that is there each time may be what brings it, so it is
 *   counted as well.
 *
 * Laws: a plan is a function of the history alone, but for chance, which only lengthens a delay. No delay is shorter than
 * what the server asked for (`Retry-After`): a server that asks for more than may be waited is given up, not disturbed.
 *
 * Gotcha: a plan with `gate` starts when its delay is over *and* the gate lets it in; waiting there is for
 * `EngineGate.enter`, inside the attempt.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { inSeconds } from "./inSeconds.ts"
import { CurrentPolicy } from "./LivenessPolicy.ts"
import { defaults as retryDefaults, type RetryLimits } from "./RetryLimits.ts"
import { retryKindOf, rowOf } from "./RetryTable.ts"
import type { RunError } from "./RunError.ts"

export interface RetryOptions extends RetryLimits {
  /** Errors that were found to be the whole engine's although their kind does not say so. */
  readonly ofEngine: ReadonlySet<RunError>
}

const defaults: RetryOptions = { ...retryDefaults, ofEngine: new Set() }

export interface Retry {
  readonly _tag: "Retry"
  readonly delay: Duration.Duration
  /** The next attempt waits for the gate of its endpoint, too. */
  readonly gate: boolean
  /** The error that came last has used up an attempt. */
  readonly consumesAttempt: boolean
  /** What the limits of silence are multiplied by in the next attempt. More than 1: they are suspected. */
  readonly limitFactor: number
  readonly freshSeed: boolean
}

export interface GiveUp {
  readonly _tag: "GiveUp"
  readonly why: string
}

export type RetryPlan = Retry | GiveUp

/** Silences this close to one another, as a share of the longer, are the same. */
const SAME_SILENCE = 0.1

const LIMIT_FACTOR = 2

/** What the server asked for, in milliseconds. */
const retryAfterMillis = (error: RunError): number =>
  error._tag === "Failed" && (error.reason._tag === "RateLimited" || error.reason._tag === "Unavailable")
    ? error.reason.retryAfterMillis ?? 0
    : 0

/** The delay after the last of these errors of one row, without chance. */
const delayAfter = (errors: ReadonlyArray<RunError>): number => {
  const last = errors.at(-1)!
  const { factor, firstMillis, mostMillis } = rowOf(last)
  const backOff = Math.min(firstMillis * factor ** (errors.length - 1), mostMillis)
  return Math.max(backOff, retryAfterMillis(last))
}

/** All the time that these errors of one row have made us wait, without chance. */
const waitedFor = (errors: ReadonlyArray<RunError>): number =>
  errors.reduce((total, _, index) => total + delayAfter(errors.slice(0, index + 1)), 0)

/** The same over all rows that use up no attempt. */
const waitedFree = (history: ReadonlyArray<RunError>): number =>
  [...new Set(history.map(rowOf))].filter(({ usesAttempt }) => !usesAttempt)
    .reduce((total, row) => total + waitedFor(history.filter((error) => rowOf(error) === row)), 0)

/** A kind that only the whole engine can bring. */
const isOfEngine = (error: RunError): boolean => {
  const { gate, usesAttempt } = rowOf(error)
  return gate === "yes" && !usesAttempt
}

const isLimitSuspect = (errors: ReadonlyArray<RunError>): boolean => {
  const { doublesLimitAt } = rowOf(errors[0]!)
  if (doublesLimitAt === null) return false
  if (errors.length >= doublesLimitAt) return true
  const silences = errors.flatMap((error) => error._tag === "Stalled" ? [error.silentMillis] : []).toSorted((a, b) =>
    a - b
  )
  return silences.some((silence, index) => index > 0 && silence - silences[index - 1]! <= silence * SAME_SILENCE)
}

/**
 * What follows from the errors of a battle, oldest first: another attempt, or none, with the reason in words. `chance`
 * is between 0 and 1 and decides how much of its jitter a delay gets.
 */
export const planOf = (
  history: ReadonlyArray<RunError>,
  chance: number,
  options: Partial<RetryOptions> = {}
): RetryPlan => {
  const { attempts, engineFaults, ofEngine, waitMillis } = { ...defaults, ...options }
  const error = history.at(-1)
  if (error === undefined) return { _tag: "GiveUp", why: "nothing has failed" }
  const row = rowOf(error)
  const giveUp = (why: string): GiveUp => ({ _tag: "GiveUp", why })
  if (row.retries === 0) return giveUp(`${retryKindOf(error)} is not tried again: ${row.note}`)
  const usesAttempt = (each: RunError) => rowOf(each).usesAttempt && !ofEngine.has(each)
  const caught = history.filter((each) => ofEngine.has(each) || isOfEngine(each)).length
  if (caught > engineFaults) {
    return giveUp(`it was caught in trouble of the whole engine ${caught} times, and may be what brings it`)
  }
  const used = history.filter(usesAttempt).length
  if (usesAttempt(error) && used >= attempts) {
    return giveUp(used === 1 ? "its one attempt has failed" : `all ${used} attempts have failed`)
  }
  const same = history.filter((each) => rowOf(each) === row)
  if (row.retries !== null && same.length > row.retries) {
    const times = row.retries === 1 ? "once" : `${row.retries} times`
    return giveUp(`${retryKindOf(error)} is tried again ${times} only: ${row.note}`)
  }
  const delay = delayAfter(same)
  if (!row.usesAttempt) {
    const waited = waitedFree(history.slice(0, -1))
    if (waited + delay > waitMillis) {
      return giveUp(
        `waited ${inSeconds(waited)}, and would have to wait ${inSeconds(delay)} more: longer than the ${
          inSeconds(waitMillis)
        } that may be waited`
      )
    }
  }
  return {
    _tag: "Retry",
    delay: Duration.millis(Math.ceil(delay * (1 + row.jitter * chance))),
    gate: row.gate === "yes" || (row.gate !== "no" && trailing(history) >= row.gate),
    consumesAttempt: usesAttempt(error),
    limitFactor: isLimitSuspect(same) ? LIMIT_FACTOR : 1,
    freshSeed: row.freshSeed
  }
}

/** How many errors that shut the gate only together end the history. */
const trailing = (history: ReadonlyArray<RunError>): number =>
  history.length - 1 - history.findLastIndex((error) => typeof rowOf(error).gate !== "number")

/**
 * The schedule that follows `planOf`: for `Effect.retry` around one attempt. Its output is the plan. What the options leave
 * out is the policy's in force.
 */
export const schedule = (options: Partial<RetryOptions> = {}): Schedule.Schedule<RetryPlan, RunError> =>
  Schedule.fromStep(Effect.map(CurrentPolicy, ({ retry }) => {
    let history: ReadonlyArray<RunError> = []
    return (_now: number, error: RunError) =>
      Effect.flatMap(Random.next, (chance) => {
        history = [...history, error]
        const plan = planOf(history, chance, { ...retry, ...options })
        return plan._tag === "GiveUp"
          ? Cause.done<RetryPlan>(plan)
          : Effect.succeed<[RetryPlan, Duration.Duration]>([plan, plan.delay])
      })
  }))
