/**
 * What a judge reads in a minute: numbers of other sections, the most telling ones.
 */
import type { Glance, Report } from "./Report.ts"

export const glanceOf = (
  { counterfactual, latencies, retries, scores, stalls, summary }: Pick<
    Report,
    "counterfactual" | "latencies" | "retries" | "scores" | "stalls" | "summary"
  >
): Glance => {
  const { attempts, battles } = summary
  const percentile = (share: number) =>
    latencies.overall.ttft.percentiles.find((some) => some.share === share)?.value ?? null
  const longestGood = (timeout: "total" | "gap") =>
    counterfactual.curves.find((curve) => curve.timeout === timeout)?.longestGoodMillis ?? null
  return {
    ...battles,
    score: scores.overall.score,
    agents: scores.byAgent.map(({ name, passRate, planned, score, scored }) => ({
      agent: name,
      scored,
      planned,
      score,
      passRate: passRate.scoredOnly
    })).toSorted((left, right) => (right.score.scoredOnly.value ?? -1) - (left.score.scoredOnly.value ?? -1)),
    attempts: attempts.total,
    stalled: attempts.stalled,
    stalledProved: stalls.rows.filter(({ confidence }) => confidence === "proved").length,
    failed: attempts.failed,
    slow: attempts.slow,
    stalledButScored: stalls.rows.filter(({ afterwards }) => afterwards === "scored-later").length,
    rescuedByRetry: retries.rescued,
    ttftP50Millis: percentile(0.5),
    ttftP95Millis: percentile(0.95),
    tokensPerSecondP50: latencies.overall.tokensPerSecond.percentiles.find(({ share }) => share === 0.5)?.value ?? null,
    longestGoodAttemptMillis: longestGood("total"),
    longestGoodSilenceMillis: longestGood("gap")
  }
}
