/**
 * How long it takes, where some were given up before it was done: the estimator of Kaplan and Meier (1958).
 *
 * A run that was ended after 900 s did not take 900 s: it would have taken longer, and nobody knows how much. Leaving such
 * runs out makes an agent look faster the more of its runs are given up; counting them as 900 s does, too. Here they count
 * as what is known of them: as not done until then (censored).
 *
 * Convention: what is done at the time at which another is given up was done before it, so that the other was still at
 * risk. Variance by Greenwood (1926); intervals on the scale of log(-log S) (Kalbfleisch and Prentice 1980), which stay
 * between 0 and 1; the interval of a quantile are the times at which they hold its share (Brookmeyer and Crowley 1982).
 *
 * Assumes that who was given up had the same prospects as who was not. Runs proved hung had not: they would never have
 * been done. Say so beside the curve.
 */
import { type Estimate, tailOf } from "./Interval.ts"
import { normalPoint } from "./normalPoint.ts"
import { samplesNeeded } from "./percentile.ts"

/** How long one run was seen, in any unit, and whether it was done then; otherwise it was given up. */
export interface Observed {
  readonly time: number
  readonly done: boolean
}

/** At each time at which something was done. */
export interface SurvivalStep {
  readonly time: number
  /** How many were neither done nor given up before. */
  readonly atRisk: number
  readonly done: number
  /** The share that takes longer than this. */
  readonly survival: number
  /** The ends of its interval; null where all that were left are done, of which no interval is known. */
  readonly low: number | null
  readonly high: number | null
}

export interface SurvivalCurve {
  readonly steps: ReadonlyArray<SurvivalStep>
  /** Of the intervals. */
  readonly confidence: number
  readonly count: number
  /** How many of them were given up. */
  readonly censored: number
  /** The longest time that was seen, done or not: nothing is known beyond it. */
  readonly longest: number
}

/** The curve of the observations in any order; null of none. */
export const survivalCurve = (observations: ReadonlyArray<Observed>, confidence: number): SurvivalCurve | null => {
  const sorted = observations.toSorted((one, other) => one.time - other.time)
  const count = sorted.length
  if (count === 0) return null
  const z = normalPoint(1 - tailOf(confidence))
  const steps: Array<SurvivalStep> = []
  let survival = 1
  let greenwood = 0
  for (let first = 0; first < count;) {
    const { time } = sorted[first]!
    let after = first
    let done = 0
    while (after < count && sorted[after]!.time === time) if (sorted[after++]!.done) done++
    const atRisk = count - first
    first = after
    if (done === 0) continue
    survival *= (atRisk - done) / atRisk
    greenwood += done / (atRisk * (atRisk - done))
    steps.push({ time, atRisk, done, survival, ...logLogEnds(survival, greenwood, z) })
  }
  return {
    steps,
    confidence,
    count,
    censored: sorted.filter(({ done }) => !done).length,
    longest: sorted.at(-1)!.time
  }
}

/** S^exp(-+z sqrt(V) / log S), where V is Greenwood's sum. */
const logLogEnds = (survival: number, greenwood: number, z: number): Pick<SurvivalStep, "low" | "high"> => {
  if (survival === 0) return { low: null, high: null }
  const stretched = Math.exp(z * Math.sqrt(greenwood) / -Math.log(survival))
  return { low: survival ** stretched, high: survival ** (1 / stretched) }
}

/** A time that so many do not exceed; null where too many were given up for it to be seen, and so for its bounds. */
export interface SurvivalQuantile {
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
}

/**
 * The smallest time that this share, above 0 and below 1, does not exceed; the median for 0.5.
 *
 * Where nothing is censored it is the nearest rank, as in percentile.ts. (R takes the middle between two times where the
 * curve is flat at exactly that share.) A bound is null, which is not zero and not infinite but unknown, where the curve
 * ends before its interval has left the share, and where even without censoring there would be too few to bound it.
 */
export const survivalQuantile = (
  { confidence, count, steps }: SurvivalCurve,
  share: number
): SurvivalQuantile => {
  const isBounded = count >= samplesNeeded(share, confidence)
  // 1 - 0.95 is 0.050000000000000044.
  const left = 1 - share + 1e-12
  const firstBelow = (of: (step: SurvivalStep) => number | null): number | null =>
    steps.find((step) => {
      const survival = of(step)
      return survival !== null && survival <= left
    })?.time ?? null
  return {
    value: firstBelow(({ survival }) => survival),
    low: isBounded ? firstBelow(({ low }) => low) : null,
    high: isBounded ? firstBelow(({ high }) => high) : null
  }
}

/**
 * The mean of the times, each counted as at most `horizon`: the area below the curve up to there (Irwin 1949; variance as
 * in Klein and Moeschberger 2003, section 4.5). Null where runs were given up before the horizon and none was seen longer, and where nothing
 * was done before it, as its error is not known then.
 */
export const restrictedMean = (curve: SurvivalCurve, horizon: number): Estimate | null => {
  const ends = curve.steps.at(-1)?.survival === 0
  if (horizon > curve.longest && !ends) return null
  const steps = curve.steps.filter(({ time }) => time < horizon)
  if (steps.length === 0) return null
  let area = 0
  let variance = 0
  for (let index = steps.length - 1; index >= 0; index--) {
    const { atRisk, done, survival, time } = steps[index]!
    area += survival * ((steps[index + 1]?.time ?? horizon) - time)
    if (done < atRisk) variance += area * area * done / (atRisk * (atRisk - done))
  }
  const value = area + steps[0]!.time
  const half = normalPoint(1 - tailOf(curve.confidence)) * Math.sqrt(variance)
  return { value, low: Math.max(0, value - half), high: Math.min(horizon, value + half) }
}
