/** What differs from an earlier campaign, as lines for a terminal: the report has the same with more words. */
import type { Comparison } from "../report/Comparison.ts"
import { estimate, score, share, signed } from "../report/render/words.ts"

export const renderComparison = (
  { cautions, first, latencies, notCompared, rates, scores }: Comparison
): ReadonlyArray<string> => [
  "",
  `Against ${first.campaign} (${first.file}), which comes first, with 95 % intervals:`,
  ...scores.map(({ difference, first, name, second }) =>
    `  score, ${name}: ${score(first.scoredOnly)} → ${score(second.scoredOnly)}, ${
      estimate(difference.scoredOnly, signed(score))
    }`
  ),
  ...[...latencies, ...rates].filter(({ change }) => change.value !== null).map(({ change, kind, name }) =>
    `  ${name}: ${
      kind === "ratio" ? estimate(change, (value) => `× ${value.toFixed(2)}`) : estimate(change, signed(share))
    }`
  ),
  ...cautions.map((caution) => `Beware: ${caution}`),
  ...notCompared.map((why) => `Not compared: ${why}`)
]
