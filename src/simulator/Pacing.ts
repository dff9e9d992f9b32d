/**
 * When the tokens of one request come: the time to its first token and the gaps between the others, as they are when
 * the request is alone. The scheduler asks for them and makes them longer under load.
 *
 * Law: with deviation 0 each time is exactly its mean (unless the distribution has a tail or a record); a mean of 0
 * stays 0: with gaps of 0 the whole answer is due together with its first token ("flat out"). All distributions but
 * `Recorded` have the mean they are given; no time is negative; equal seeds give equal times.
 *
 * A request whose prompt was computed elsewhere (`remotePrefill`) gets its KV cache by a transfer instead of a prefill,
 * once, as in vLLM: what a preemption takes away is computed here. A record of times to the first token is about
 * prefills, so it says nothing about transfers.
 */
import { LatencyDistribution, type LatencyOptions } from "./LatencyOptions.ts"
import type { SeededRandom } from "./SeededRandom.ts"

/** Times of one request, in milliseconds; each call draws the next one. */
export interface Pace {
  /** `tokens`: those to compute, of the prompt and, after a preemption, of the answer so far. */
  readonly timeToFirstToken: (tokens: number) => number
  readonly gap: () => number
  /** Whether the last time to the first token was one of a transfer: load does not make it longer. Absent: never. */
  readonly isTransfer?: () => boolean
}

type Means = "timeToFirstTokenMillis" | "interTokenMillis" | "jitterCoefficient"

/** What a pace is made from; what is left out is as SimulatorOptions has it. */
export type PacingOptions = Pick<LatencyOptions, Means> & Partial<Omit<LatencyOptions, Means>>

/** Draws a time with the given mean. */
type Draw = (mean: number) => number

const normal = (coefficient: number, random: SeededRandom): Draw => (mean) =>
  mean * Math.min(2, Math.max(0, 1 + coefficient * random.normal()))

const logNormal = (coefficient: number, random: SeededRandom): Draw => {
  // Moments of the log-normal distribution: sigma^2 = ln(1 + c^2), mu = ln(mean) - sigma^2 / 2. The square must not
  // overflow: a deviation may be as large, and a mean as small, as one likes.
  const variance = Math.log(1 + Math.min(coefficient, 1e100) ** 2)
  const sigma = Math.sqrt(variance)
  return (mean) => mean === 0 || sigma === 0 ? mean : mean * Math.exp(sigma * random.normal() - variance / 2)
}

const paretoTail = (body: Draw, shape: number, share: number, random: SeededRandom): Draw => {
  // A Pareto variable that begins at 1 has the mean shape / (shape - 1).
  const scale = 1 / (1 - share + share * shape / (shape - 1))
  return (mean) => {
    if (mean === 0) return 0
    return scale * (random.uniform() < share ? mean / (1 - random.uniform()) ** (1 / shape) : body(mean))
  }
}

/** How a distribution draws what has no record. */
const drawOf = (distribution: LatencyDistribution, coefficient: number, random: SeededRandom): Draw => {
  const usual = () => logNormal(coefficient, random)
  return LatencyDistribution.match(distribution, {
    Constant: (): Draw => (mean) => mean,
    Normal: () => normal(coefficient, random),
    LogNormal: usual,
    ParetoTail: ({ shape, share }) => paretoTail(usual(), shape, share, random),
    Recorded: usual
  })
}

const replay = (times: ReadonlyArray<number>, random: SeededRandom) => {
  let next = random.integer(times.length)
  return () => times[next++ % times.length]!
}

/** A pace whose draws come from `random` alone. */
export const make = (options: PacingOptions, random: SeededRandom, remotePrefill = false): Pace => {
  const distribution = options.latencyDistribution ?? { _tag: "LogNormal" }
  const drawWith = (mean: number, deviation: number | undefined) =>
    drawOf(distribution, deviation === undefined || mean === 0 ? options.jitterCoefficient : deviation / mean, random)
  const draw = (mean: number, deviation: number | undefined) => drawWith(mean, deviation)(mean)

  const perToken = options.latencyCalculator === "per-token"
  const prefill = (tokens: number) =>
    perToken
      ? draw(
        (options.prefillOverheadMillis ?? 0) + tokens * (options.prefillMillisPerToken ?? 0),
        options.prefillDeviationMillis
      )
      : draw(options.timeToFirstTokenMillis, options.timeToFirstTokenDeviationMillis)
  const transfer = (tokens: number) =>
    perToken
      ? draw(tokens * (options.kvCacheTransferMillisPerToken ?? 0), options.kvCacheTransferPerTokenDeviationMillis)
      : draw(options.kvCacheTransferMillis ?? 0, options.kvCacheTransferDeviationMillis)

  const gapMean = options.interTokenMillis
  const drawGap = drawWith(gapMean, options.interTokenDeviationMillis)
  const record = distribution._tag === "Recorded" ? distribution : undefined
  const recordedFirst = record?.timesToFirstTokenMillis && replay(record.timesToFirstTokenMillis, random)
  let toBeTransferred = remotePrefill
  let transferring = false
  return {
    timeToFirstToken: (tokens) => {
      transferring = toBeTransferred
      toBeTransferred = false
      return transferring ? transfer(tokens) : recordedFirst?.() ?? prefill(tokens)
    },
    gap: record === undefined ? () => drawGap(gapMean) : replay(record.gapsMillis, random),
    isTransfer: () => transferring
  }
}

/** Tokens of each decoding step with `speculativeTokens` drafts: 1 to that number + 1, each equally often. */
export const stepSizes = (speculativeTokens: number, random: SeededRandom): () => number => () =>
  1 + random.integer(speculativeTokens + 1)
