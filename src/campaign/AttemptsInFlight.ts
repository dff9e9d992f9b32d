/**
 * What has come of the attempts in flight since the store was last told: collected here, and told now and then.
 *
 * Nothing is copied while tokens arrive. Gotcha: an agent that replaces its text (A2A's `append: false`) has what was told
 * before kept in front of it; only what is left of a killed attempt is concerned.
 */
import type { AttemptMeter } from "./AttemptMeter.ts"
import * as AttemptOutlook from "./AttemptOutlook.ts"
import type { AttemptProgress } from "./AttemptProgress.ts"
import { type Battle, keyOf } from "./Battle.ts"

interface InFlight {
  readonly battle: Battle
  readonly number: number
  meter: AttemptMeter
  outlook: AttemptOutlook.AttemptOutlook
  /** How much of it has been told. */
  content: number
  reasoning: number
  arrivals: number
  isNews: boolean
}

export class AttemptsInFlight {
  readonly #attempts = new Map<string, InFlight>()

  /** Something has come. */
  came(battle: Battle, number: number, meter: AttemptMeter, outlook: AttemptOutlook.AttemptOutlook): void {
    const known = this.#attempts.get(keyOf(battle))
    if (known?.number === number) {
      known.meter = meter
      known.outlook = outlook
      known.isNews = true
    } else {
      this.#attempts.set(keyOf(battle), {
        battle,
        number,
        meter,
        outlook,
        content: 0,
        reasoning: 0,
        arrivals: 0,
        isNews: false
      })
    }
  }

  /** It has ended: what is left to tell stands in its record. */
  ended(battle: Battle): void {
    this.#attempts.delete(keyOf(battle))
  }

  /** How many there are. */
  get count(): number {
    return this.#attempts.size
  }

  /** How many there are of those agents. */
  countOf(agents: ReadonlyArray<string>): number {
    let count = 0
    for (const { battle } of this.#attempts.values()) if (agents.includes(battle.agent)) count++
    return count
  }

  /** What is new of all of them; from now on it is told. */
  news(): ReadonlyArray<AttemptProgress> {
    const news: Array<AttemptProgress> = []
    for (const attempt of this.#attempts.values()) {
      if (!attempt.isNews) continue
      const { arrivals, phase, transcript } = attempt.meter
      news.push({
        battle: attempt.battle,
        number: attempt.number,
        phase,
        tokens: transcript.tokens,
        content: transcript.content.slice(attempt.content),
        reasoning: transcript.reasoning.slice(attempt.reasoning),
        arrivals: arrivals.slice(attempt.arrivals),
        ...AttemptOutlook.isSame(attempt.outlook, AttemptOutlook.calm) ? {} : { outlook: attempt.outlook }
      })
      attempt.content = transcript.content.length
      attempt.reasoning = transcript.reasoning.length
      attempt.arrivals = arrivals.length
      attempt.isNews = false
    }
    return news
  }
}
