/**
 * Gathers how long attempts took, one attempt at a time; see LatencyReport.ts for what its numbers are.
 *
 * Per attempt some numbers are kept, of its gaps only counts.
 */
import type { AttemptFacts } from "../campaign/CampaignFacts.ts"
import type { Arrival } from "../campaign/TokenTimings.ts"
import { hasTokenTimes } from "./CampaignRows.ts"
import type { Distribution, Latencies, LatencyGroup, TokenBasisCounts } from "./LatencyReport.ts"
import { PooledGaps } from "./PooledGaps.ts"
import { distributionOf } from "./sampled.ts"

/** Why a completed attempt has no part in a distribution: clauses. */
const whys = {
  untimed: "their token times are those of polls, of pieces of text, or of an answer that came as a whole",
  noFirstToken: "they tell no first token",
  oneArrival: "fewer than two arrivals",
  noToken: "no token came",
  noRate: "they tell no tokens, or all came at once"
}

type Sample = "ttft" | "meanItl" | "tpot" | "e2e" | "duration" | "tokensPerSecond"

class Group {
  readonly #samples: Record<Sample, Array<number>> = {
    ttft: [],
    meanItl: [],
    tpot: [],
    e2e: [],
    duration: [],
    tokensPerSecond: []
  }
  readonly #basis: { -readonly [Basis in keyof TokenBasisCounts]: number } = { usage: 0, deltas: 0, pieces: 0 }
  #attempts = 0
  #untimed = 0
  #timedWithoutGap = 0
  readonly gaps = new PooledGaps()

  add(attempt: AttemptFacts, arrivals: ReadonlyArray<Arrival>): void {
    const samples = this.#samples
    this.#attempts++
    this.#basis[attempt.tokenBasis]++
    samples.duration.push(attempt.durationMillis)
    if (attempt.timeToFirstTokenMillis !== null) samples.ttft.push(attempt.timeToFirstTokenMillis)
    if (attempt.tokensPerSecond !== null) samples.tokensPerSecond.push(attempt.tokensPerSecond)
    const first = arrivals[0]
    const last = arrivals.at(-1)
    if (first === undefined || last === undefined) {
      if (!hasTokenTimes(attempt)) this.#untimed++
      else this.#timedWithoutGap++
      return
    }
    samples.e2e.push(last.atMillis)
    if (!hasTokenTimes(attempt)) {
      this.#untimed++
      return
    }
    if (arrivals.length < 2) {
      this.#timedWithoutGap++
      return
    }
    const decoding = last.atMillis - first.atMillis
    samples.meanItl.push(decoding / (arrivals.length - 1))
    if (attempt.tokens > 1) samples.tpot.push(decoding / (attempt.tokens - 1))
  }

  /** What another has gathered, of other attempts; but its gaps. */
  merge(other: Group): void {
    for (const [name, samples] of Object.entries(other.#samples)) {
      // One by one: an array of arguments has an end.
      for (const sample of samples) this.#samples[name as Sample].push(sample)
    }
    for (const basis of ["usage", "deltas", "pieces"] as const) this.#basis[basis] += other.#basis[basis]
    this.#attempts += other.#attempts
    this.#untimed += other.#untimed
    this.#timedWithoutGap += other.#timedWithoutGap
    this.gaps.merge(other.gaps)
  }

  report(name: string): LatencyGroup {
    const samples = this.#samples
    const all = this.#attempts
    const untimed = { why: whys.untimed, attempts: this.#untimed }
    const ms = (
      query: Distribution["query"],
      of: ReadonlyArray<number>,
      leftOut: Distribution["leftOut"]
    ): Distribution => distributionOf({ query, unit: "ms", leftOut }, of)
    return {
      name,
      attempts: all,
      basis: this.#basis,
      ttft: ms("ttft", samples.ttft, [{ why: whys.noFirstToken, attempts: all - samples.ttft.length }]),
      itl: this.gaps.distribution(
        [untimed, { why: whys.oneArrival, attempts: this.#timedWithoutGap }].filter(({ attempts }) => attempts > 0)
      ),
      meanItl: ms("itl", samples.meanItl, [untimed, { why: whys.oneArrival, attempts: this.#timedWithoutGap }]),
      tpot: ms("tpot", samples.tpot, [
        untimed,
        { why: whys.oneArrival, attempts: all - samples.tpot.length - this.#untimed }
      ]),
      e2e: ms("e2e", samples.e2e, [{ why: whys.noToken, attempts: all - samples.e2e.length }]),
      duration: ms("e2e", samples.duration, []),
      tokensPerSecond: distributionOf({
        query: "tokens-per-second",
        unit: "tokens/s",
        leftOut: [{ why: whys.noRate, attempts: all - samples.tokensPerSecond.length }]
      }, samples.tokensPerSecond),
      gapBasis: this.gaps.basis
    }
  }
}

export class LatencyFold {
  readonly #groups: ReadonlyMap<string, Group>

  constructor(agents: ReadonlyArray<string>) {
    this.#groups = new Map(agents.map((agent) => [agent, new Group()]))
  }

  /** An attempt that completed in time to count. */
  add(agent: string, attempt: AttemptFacts, arrivals: ReadonlyArray<Arrival>): void {
    const group = this.#groups.get(agent)
    group?.add(attempt, arrivals)
    if (hasTokenTimes(attempt)) group?.gaps.add(arrivals)
  }

  get report(): Latencies {
    const overall = new Group()
    for (const group of this.#groups.values()) overall.merge(group)
    return {
      overall: overall.report("all"),
      byAgent: Array.from(this.#groups, ([agent, group]) => group.report(agent))
    }
  }
}
