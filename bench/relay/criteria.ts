/**
 * What the relay has to reach: pure. About an engine that sends as fast as it can, and about sizes that were measured.
 *
 * Throughput is by the clock, of the largest answer by itself and of several at once. Ours joins tokens that wait, which
 * spares the client work, so the processor time of both is told beside it.
 */
import type { PathCell } from "../latency/Results.ts"
import { atLeast, atMost, type Criterion } from "../support/Criterion.ts"
import { significant } from "../support/table.ts"
import type { Cell, Flatness, Ratio, SizeRatios } from "./Cell.ts"

/** The length at which the SDK's handler is compared. */
const SDK_TOKENS = 8000
const MOST_GROWTH = 1.3
const LEAST_THROUGHPUT = 0.7
const LEAST_GAIN_OVER_SDK = 500

const times = { unit: "x" }

/** Growth is judged between sizes that are at least this far apart. */
const WIDE_APART = 8

/** What has to hold, of what was measured. */
export const criteriaOf = ({ cells, flatness, paceMillis, ratios, together }: {
  readonly paceMillis: number
  readonly cells: ReadonlyArray<Cell>
  readonly ratios: ReadonlyArray<SizeRatios>
  readonly flatness: Flatness | null
  readonly together: ReadonlyArray<PathCell> | null
}): ReadonlyArray<Criterion> => {
  const atOnce = together === null ? [] : throughputAtOnce(together)
  if (paceMillis > 0) return atOnce
  const largest = ratios.at(-1)
  return [
    ...flatness === null || flatness.toTokens < WIDE_APART * flatness.fromTokens ? [] : growth(flatness),
    ...largest === undefined || largest.tokens < SDK_TOKENS ? [] : throughput(largest, cells),
    ...ratios.filter(({ tokens }) => tokens === SDK_TOKENS).flatMap(gain),
    ...atOnce
  ]
}

const growth = ({ cpuPerToken, fromTokens, toTokens }: Flatness) =>
  judged(
    cpuPerToken.ours,
    (ours) =>
      atMost(MOST_GROWTH, { name: `CPU per token at ${toTokens} tokens, to that at ${fromTokens}`, ...times, ...ours })
  )

const throughput = ({ oursToRaw, tokens }: SizeRatios, cells: ReadonlyArray<Cell>) =>
  judged(oursToRaw.wall, ({ value }) => {
    const perSecond = (agent: Cell["agent"]) => {
      const millis = cells.find((cell) => cell.agent === agent && cell.tokens === tokens)?.wallMillis ?? NaN
      return significant(Math.round(tokens * 1000 / millis))
    }
    const cpu = oursToRaw.cpuPerToken === null ? "unknown" : `${significant(oursToRaw.cpuPerToken.value)}x`
    return atLeast(LEAST_THROUGHPUT, {
      name: `tokens/s at ${tokens} tokens, to the raw relay's`,
      value: 1 / value,
      note: `${perSecond("ours")} to ${perSecond("raw")}; CPU per token ${cpu}`,
      ...times
    })
  })

const throughputAtOnce = (cells: ReadonlyArray<PathCell>): ReadonlyArray<Criterion> => {
  const of = (path: PathCell["path"]) => cells.find((cell) => cell.path === path)
  const ours = of("ours")
  const raw = of("raw")
  if (ours === undefined || raw === undefined) return []
  const cpu = (ours.agentCpuMicrosPerToken ?? NaN) / (raw.agentCpuMicrosPerToken ?? NaN)
  return [
    atLeast(LEAST_THROUGHPUT, {
      name: "tokens/s of all streams at once, to the raw relay's",
      value: ours.tokensPerSecond / raw.tokensPerSecond,
      note: ours.detail ?? raw.detail ??
        `${significant(ours.tokensPerSecond)} to ${significant(raw.tokensPerSecond)}; CPU per token ${
          significant(cpu)
        }x`,
      ...times
    })
  ]
}

const gain = ({ sdkToOurs, tokens }: SizeRatios) =>
  judged(sdkToOurs.cpuPerToken, (sdk) =>
    atLeast(LEAST_GAIN_OVER_SDK, {
      name: `CPU per token of the SDK's handler at ${tokens} tokens, to ours`,
      ...times,
      ...sdk
    }))

const judged = (ratio: Ratio | null, judge: (ratio: Ratio) => Criterion): ReadonlyArray<Criterion> =>
  ratio === null ? [] : [judge(ratio)]
