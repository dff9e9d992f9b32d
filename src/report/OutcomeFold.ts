/**
 * Gathers what went wrong, one battle at a time: every stall as a row with its evidence, failures by class.
 */
import type { BattleFacts } from "../campaign/CampaignFacts.ts"
import { nearestRank } from "../campaign/nearestRank.ts"
import { type Failed, kindOf } from "../liveness/Failed.ts"
import type { Slow } from "../liveness/Slow.ts"
import type { Stalled } from "../liveness/Stalled.ts"
import { MILLIS_PER_HOUR } from "./CampaignRows.ts"
import type { Estimate } from "./Estimate.ts"
import type { Afterwards, FailureClass, Failures, StallRow, Stalls } from "./OutcomeReport.ts"

type Attempt = BattleFacts["attempts"][number]

/** How a battle stands, seen from an attempt of it that gave no score. */
const afterwardsOf = ({ outcome }: BattleFacts, { number }: Attempt): Afterwards => {
  switch (outcome._tag) {
    case "Scored":
      return outcome.attempt > number ? "scored-later" : "scored-before"
    case "Unscored":
      return "unscored"
    case "Pending":
      return "pending"
  }
}

const scoredIn = ({ outcome }: BattleFacts): number | null => outcome._tag === "Scored" ? outcome.attempt : null

export class OutcomeFold {
  readonly #stalls: Array<StallRow> = []
  readonly #failures = new Map<string, { -readonly [Key in keyof FailureClass]: FailureClass[Key] }>()
  readonly #failedBattles = new Map<string, Set<number>>()

  add(facts: BattleFacts): void {
    for (const attempt of facts.attempts) {
      const { error } = attempt
      if (error === null) continue
      if (error._tag === "Stalled") this.#stalls.push(stallOf(facts, attempt, error))
      else if (!attempt.superseded) this.#failed(facts, attempt, error)
    }
  }

  #failed(facts: BattleFacts, attempt: Attempt, error: Failed | Slow): void {
    const kind = error._tag === "Slow" ? "slow" : kindOf(error)
    const key = `${kind} ${error.hop}`
    const battles = this.#failedBattles.get(key) ?? new Set()
    this.#failedBattles.set(key, battles.add(facts.position))
    const known = this.#failures.get(key)
    this.#failures.set(key, {
      kind,
      hop: error.hop,
      failures: (known?.failures ?? 0) + 1,
      battles: battles.size,
      hours: (known?.hours ?? 0) + attempt.durationMillis / MILLIS_PER_HOUR,
      scoredLater: (known?.scoredLater ?? 0) + (afterwardsOf(facts, attempt) === "scored-later" ? 1 : 0),
      example: { battle: facts.battle, attempt: attempt.number, message: error.message }
    })
  }

  /** `rate`: the interval of so many of all decided attempts. */
  stalls(rate: (count: number) => Estimate): Stalls {
    // In the order in which they happened: a night is read from its beginning.
    const rows = this.#stalls.toSorted((left, right) => left.at - right.at)
    return {
      query: "stalls",
      rows,
      byKind: Array.from(
        Map.groupBy(rows, ({ confidence, kind }) => `${kind} ${confidence}`).values(),
        (some) => ({
          kind: some[0]!.kind,
          confidence: some[0]!.confidence,
          stalls: some.length,
          hours: hoursOf(some),
          medianSilentMillis: medianOf(some.map(({ silentMillis }) => silentMillis)),
          scoredLater: some.filter(({ afterwards }) => afterwards === "scored-later").length
        })
      ).toSorted((left, right) => right.stalls - left.stalls),
      hours: hoursOf(rows),
      tokensLost: rows.reduce((sum, { tokens }) => sum + tokens, 0),
      rate: rate(rows.filter(({ superseded }) => !superseded).length)
    }
  }

  failures(rate: (count: number) => Estimate): Failures {
    const classes = [...this.#failures.values()].toSorted((left, right) => right.failures - left.failures)
    return {
      query: "failures",
      classes,
      rate: rate(classes.reduce((sum, { failures, kind }) => kind === "slow" ? sum : sum + failures, 0))
    }
  }
}

const hoursOf = (rows: ReadonlyArray<StallRow>): number =>
  rows.reduce((sum, { durationMillis }) => sum + durationMillis / MILLIS_PER_HOUR, 0)

/** Of at least one value. */
export const medianOf = (values: ReadonlyArray<number>): number =>
  values.toSorted((left, right) => left - right)[nearestRank(values.length, 0.5) - 1]!

const stallOf = (facts: BattleFacts, attempt: Attempt, error: Stalled): StallRow => ({
  battle: facts.battle,
  attempt: attempt.number,
  at: attempt.startedAt + attempt.durationMillis,
  hop: error.hop,
  kind: error.kind,
  confidence: error.confidence,
  phase: error.phase,
  tokens: attempt.tokens,
  silentMillis: error.silentMillis,
  limit: error.limit,
  decidedBy: error.circumstances.decidedBy,
  evidence: error.circumstances.evidence,
  cancel: error.cancel,
  message: error.message,
  durationMillis: attempt.durationMillis,
  charged: attempt.charged,
  superseded: attempt.superseded,
  epoch: attempt.epoch,
  afterwards: afterwardsOf(facts, attempt),
  scoredIn: scoredIn(facts)
})
