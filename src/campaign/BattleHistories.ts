/**
 * What the attempts of every battle failed with, and what follows from it: the retry policy of a campaign.
 *
 * The retry table says how each kind of error is tried again; here are the budgets: attempts and waits of a battle, and the
 * retries that all battles share. A battle without an attempt left is unscored, with the last error and with why there is
 * no further attempt. A campaign that is resumed goes on with the histories that are stored.
 *
 * Laws: the retries of the campaign are those that used up an attempt, and never more than its budget; what was found to
 * be the whole engine's fault uses up none.
 */
import * as Duration from "effect/Duration"
import * as RetryPolicy from "../liveness/RetryPolicy.ts"
import { rowOf } from "../liveness/RetryTable.ts"
import type { RunError } from "../liveness/RunError.ts"
import { type Battle, keyOf, Outcome } from "./Battle.ts"
import type { FailurePolicy } from "./FailurePolicy.ts"

/** What an attempt failed with, and whether it used up an attempt. */
export interface Tried {
  /** Why it did not complete. */
  readonly error: RunError
  /** Whether it used up one of its battle's attempts. */
  readonly charged: boolean
}

export interface Consequence {
  readonly outcome: Outcome
  readonly charged: boolean
  /** Before the next attempt, in milliseconds; `null` where there is none. */
  readonly delayMillis: number | null
}

export class BattleHistories {
  readonly #policy: FailurePolicy
  readonly #histories = new Map<string, ReadonlyArray<Tried>>()
  /** Attempts that have been granted after one that was used up, in the whole campaign. */
  #retries: number

  /** `retries` have been granted before. */
  constructor(
    policy: FailurePolicy,
    stored: ReadonlyArray<{ readonly battle: Battle; readonly history: ReadonlyArray<Tried> }>,
    retries: number
  ) {
    this.#policy = policy
    this.#retries = retries
    for (const { battle, history } of stored) if (history.length > 0) this.#histories.set(keyOf(battle), history)
  }

  /** The factor on the limits of silence in the battle's next attempt. */
  patienceOf(battle: Battle): number {
    const history = this.#of(battle)
    const plan = history.length === 0 ? undefined : this.#planOf(history, 0)
    return plan?._tag === "Retry" ? plan.limitFactor : 1
  }

  /** What another error makes of its battle. `ofEngine`: the whole engine was found to be in trouble. */
  failed(
    battle: Battle,
    error: RunError,
    { chance, ofEngine }: { readonly chance: number; readonly ofEngine: boolean }
  ): Consequence {
    const before = this.#of(battle)
    const charged = rowOf(error).usesAttempt && !ofEngine
    const history = [...before, { error, charged }]
    this.#histories.set(keyOf(battle), history)
    const unscored = (why: string): Consequence => ({
      outcome: Outcome.cases.Unscored.make({ reason: `${error.message}; ${why}`, attempt: 0 }),
      charged,
      delayMillis: null
    })
    const plan = this.#planOf(history, chance)
    if (plan._tag === "GiveUp") return unscored(plan.why)
    const { campaignRetries } = this.#policy
    if (charged && campaignRetries !== null && this.#retries >= campaignRetries) {
      return unscored(`the ${campaignRetries} retries of the campaign are spent`)
    }
    if (charged) this.#retries++
    return { outcome: Outcome.cases.Pending.make({}), charged, delayMillis: Duration.toMillis(plan.delay) }
  }

  /** A battle begins anew. */
  reopened(battle: Battle): void {
    this.#histories.delete(keyOf(battle))
  }

  #of(battle: Battle): ReadonlyArray<Tried> {
    return this.#histories.get(keyOf(battle)) ?? []
  }

  #planOf(history: ReadonlyArray<Tried>, chance: number): RetryPolicy.RetryPlan {
    const { attempts, engineFaults, waitMillis } = this.#policy
    return RetryPolicy.planOf(history.map(({ error }) => error), chance, {
      attempts,
      engineFaults,
      waitMillis,
      ofEngine: new Set(history.flatMap(({ charged, error }) => !charged && rowOf(error).usesAttempt ? [error] : []))
    })
  }
}
