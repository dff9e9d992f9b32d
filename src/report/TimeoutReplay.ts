/**
 * Replays fixed timeouts over the attempts of a campaign, one attempt at a time; see CounterfactualReport.ts for what its
 * numbers mean.
 *
 * All limits of the grid are replayed in one walk over the tokens of an attempt: the gaps that are longer than all before
 * them are the only ones at which a gap timeout can kill first, and they are few.
 */
import type { Arrival } from "../campaign/TokenTimings.ts"
import { MILLIS_PER_HOUR } from "./CampaignRows.ts"
import type { CounterfactualCurve, CounterfactualPoint, Timeout } from "./CounterfactualReport.ts"

const STEPS = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 9] as const
const seconds = [...[0.1, 1, 10].flatMap((scale) => STEPS.map((step) => scale * step)), 100]
const minutes = [
  2,
  2.5,
  3,
  3.5,
  4,
  5,
  6,
  7.5,
  10,
  12,
  15,
  20,
  25,
  30,
  40,
  50,
  60,
  75,
  90,
  120,
  180,
  240,
  360,
  720,
  1440
]

/** Limits that people set, in milliseconds: evenly spread by their logarithms, with the round ones among them. */
export const timeoutGrid: ReadonlyArray<number> = [
  ...seconds.map((second) => Math.round(second * 1000)),
  ...minutes.map((minute) => minute * 60_000)
]

/** What a replay is of. `arrivals` is `null` where the times of tokens are not known. */
export interface ReplayedAttempt {
  readonly kind: "good" | "hung"
  readonly durationMillis: number
  readonly arrivals: ReadonlyArray<Arrival> | null
}

/** A silence that is longer than all before it. */
interface Silence {
  readonly sinceMillis: number
  readonly lastsMillis: number
}

export class TimeoutReplay {
  readonly #total = new Curve("total")
  readonly #firstToken = new Curve("first-token")
  readonly #gap = new Curve("gap")

  add({ arrivals, durationMillis, kind }: ReplayedAttempt): void {
    const whole = [{ sinceMillis: 0, lastsMillis: durationMillis }]
    this.#total.add(kind, durationMillis, whole)
    if (arrivals === null) {
      this.#firstToken.leftOut++
      this.#gap.leftOut++
      return
    }
    const first = arrivals[0]
    if (kind === "good") {
      this.#firstToken.add(
        kind,
        durationMillis,
        first === undefined ? [] : [{ ...whole[0]!, lastsMillis: first.atMillis }]
      )
      this.#gap.add(kind, durationMillis, longestSilences(arrivals, undefined))
    } else if (first === undefined) {
      this.#firstToken.add(kind, durationMillis, whole)
      this.#gap.unseen++
    } else {
      this.#firstToken.unseen++
      this.#gap.add(kind, durationMillis, longestSilences(arrivals, durationMillis), arrivals.at(-1)!.atMillis)
    }
  }

  get curves(): ReadonlyArray<CounterfactualCurve> {
    return [this.#total, this.#firstToken, this.#gap].map((curve) => curve.report)
  }
}

/** The silences after the first token that are longer than all before, with the one until the end where that is one. */
const longestSilences = (arrivals: ReadonlyArray<Arrival>, end: number | undefined): ReadonlyArray<Silence> => {
  const silences: Array<Silence> = []
  let longest = -1
  for (let index = 0; index < arrivals.length; index++) {
    const since = arrivals[index]!.atMillis
    const until = arrivals[index + 1]?.atMillis ?? end
    if (until === undefined || until - since <= longest) continue
    longest = until - since
    silences.push({ sinceMillis: since, lastsMillis: longest })
  }
  return silences
}

class Curve {
  readonly #timeout: Timeout
  #good = 0
  #hung = 0
  unseen = 0
  leftOut = 0
  #longestGood: number | null = null
  readonly #killedGood = new Float64Array(timeoutGrid.length)
  readonly #wasted = new Float64Array(timeoutGrid.length)
  readonly #endedEarlier = new Float64Array(timeoutGrid.length)
  readonly #saved = new Float64Array(timeoutGrid.length)
  readonly #endedLater = new Float64Array(timeoutGrid.length)
  readonly #held = new Float64Array(timeoutGrid.length)

  constructor(timeout: Timeout) {
    this.#timeout = timeout
  }

  /** `silences`: when the clock runs, longer from one to the next. A hung attempt has been silent since `hungSince`. */
  add(
    kind: ReplayedAttempt["kind"],
    durationMillis: number,
    silences: ReadonlyArray<Silence>,
    hungSince = 0
  ): void {
    const longest = silences.at(-1)
    if (kind === "good") {
      this.#good++
      if (longest !== undefined) this.#longestGood = Math.max(this.#longestGood ?? 0, longest.lastsMillis)
    } else this.#hung++
    let next = 0
    for (const [index, limit] of timeoutGrid.entries()) {
      while (next < silences.length && silences[next]!.lastsMillis <= limit) next++
      const killing = silences[next]
      if (kind === "good") {
        if (killing === undefined) return
        this.#killedGood[index]! += 1
        this.#wasted[index]! += killing.sinceMillis + limit
        continue
      }
      // Where nothing kills it before, it hangs on until the limit has passed since its last sign.
      const killedAt = (killing?.sinceMillis ?? hungSince) + limit
      if (killedAt < durationMillis) {
        this.#endedEarlier[index]! += 1
        this.#saved[index]! += durationMillis - killedAt
      } else if (killedAt > durationMillis) {
        this.#endedLater[index]! += 1
        this.#held[index]! += killedAt - durationMillis
      }
    }
  }

  get report(): CounterfactualCurve {
    return {
      timeout: this.#timeout,
      good: this.#good,
      hung: this.#hung,
      unseen: this.unseen,
      leftOut: this.leftOut,
      longestGoodMillis: this.#longestGood,
      points: timeoutGrid.map((limitMillis, index): CounterfactualPoint => ({
        limitMillis,
        killedGood: this.#killedGood[index]!,
        killedShare: this.#good === 0 ? null : this.#killedGood[index]! / this.#good,
        wastedHours: this.#wasted[index]! / MILLIS_PER_HOUR,
        hungEndedEarlier: this.#endedEarlier[index]!,
        savedHours: this.#saved[index]! / MILLIS_PER_HOUR,
        hungEndedLater: this.#endedLater[index]!,
        heldHours: this.#held[index]! / MILLIS_PER_HOUR
      }))
    }
  }
}
