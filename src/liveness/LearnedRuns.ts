/**
 * What the last finished runs of one key teach, kept so that asking costs next to nothing however many there are: each is
 * asked for before every run.
 *
 * Laws: the limits are those of `learnedFrom` of the last `most` runs that were added; adding costs a move of some
 * kilobytes, and asking two look-ups.
 */
import { type ConformalBound, conformalBound, conformalBoundOfSorted } from "./ConformalBound.ts"
import type { FinishedRun } from "./FinishedRun.ts"
import { type LearnedLimits, nothingLearned } from "./LimitInForce.ts"
import type { LivenessLimits } from "./LivenessLimits.ts"

/** The settings that learning needs. */
export type LearningSettings = Pick<LivenessLimits, "learnedFalseAlarms" | "learnedRuns">

export class LearnedRuns {
  readonly #settings: LearningSettings
  readonly #most: number
  /** From the oldest one on; where it is full, the oldest one stands at `#added % #most`. */
  readonly #runs: Array<FinishedRun> = []
  #added = 0
  readonly #gaps = new SortedNumbers()
  readonly #firstTokens = new SortedNumbers()

  constructor(settings: LearningSettings) {
    this.#settings = settings
    this.#most = Math.max(0, Math.floor(settings.learnedRuns))
  }

  /** Adds a run that is younger than all before it. */
  add(run: FinishedRun): void {
    if (this.#most === 0) return
    const place = this.#added % this.#most
    const displaced = this.#runs[place]
    this.#runs[place] = run
    this.#added++
    this.#gaps.replace(displaced?.largestGapMillis ?? null, run.largestGapMillis)
    this.#firstTokens.replace(displaced?.firstTokenMillis ?? null, run.firstTokenMillis)
  }

  /** The limits that these runs give. */
  limits(): LearnedLimits {
    const { learnedFalseAlarms } = this.#settings
    return limitsOf(
      conformalBoundOfSorted(this.#gaps.values, learnedFalseAlarms),
      conformalBoundOfSorted(this.#firstTokens.values, learnedFalseAlarms)
    )
  }
}

/** The limits that these runs of one key give, all of them. */
export const learnedFrom = (runs: ReadonlyArray<FinishedRun>, settings: LearningSettings): LearnedLimits => {
  const boundOf = (observations: ReadonlyArray<number | null>) =>
    conformalBound(observations.filter((millis) => millis !== null), settings.learnedFalseAlarms)
  return limitsOf(boundOf(runs.map((run) => run.largestGapMillis)), boundOf(runs.map((run) => run.firstTokenMillis)))
}

const limitsOf = (gap: ConformalBound, firstToken: ConformalBound): LearnedLimits =>
  // Nobody learns who allows no false alarm at all: no number of runs is enough.
  Number.isSafeInteger(gap.needed)
    ? {
      gapMillis: millisOf(gap),
      firstTokenMillis: millisOf(firstToken),
      learning: { gap: learningOf(gap), firstToken: learningOf(firstToken) }
    }
    : nothingLearned

/** Numbers in their order, of which one at a time is exchanged. Censored ones are +Infinity, and so is what is none. */
class SortedNumbers {
  #room = new Float64Array(16)
  #count = 0

  get values(): Float64Array {
    return this.#room.subarray(0, this.#count)
  }

  /** Takes one away and adds another; null is none. */
  replace(before: number | null, after: number | null): void {
    if (before !== null) {
      const at = this.#placeOf(numberOf(before))
      this.#room.copyWithin(at, at + 1, this.#count)
      this.#count--
    }
    if (after === null) return
    if (this.#count === this.#room.length) {
      const room = new Float64Array(2 * this.#count)
      room.set(this.#room)
      this.#room = room
    }
    const number = numberOf(after)
    const at = this.#placeOf(number)
    this.#room.copyWithin(at + 1, at, this.#count)
    this.#room[at] = number
    this.#count++
  }

  /** Of the first one that is not smaller. */
  #placeOf(number: number): number {
    let [low, high] = [0, this.#count]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#room[middle]! < number) low = middle + 1
      else high = middle
    }
    return low
  }
}

const numberOf = (millis: number): number => Number.isNaN(millis) ? Infinity : millis

const millisOf = (bound: ConformalBound): number | null => bound._tag === "Bound" ? bound.millis : null

const learningOf = ({ needed, runs }: ConformalBound) => ({ runs, needed })
