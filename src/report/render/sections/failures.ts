/** What failed and how, and which battles ended without a score. */
import { oneLine } from "../../../grading/Grade.ts"
import { nameOfHop } from "../../../liveness/Hop.ts"
import type { Failures, Unscored } from "../../OutcomeReport.ts"
import type { Report } from "../../Report.ts"
import { type Block, paragraph, type Section, type Table } from "../Document.ts"
import { basisOf, counted, estimate, hours, integer, none, share } from "../words.ts"
import { restsOn } from "./restsOn.ts"

/** Of what somebody said, in UTF-16 units. */
const MOST_REASON = 300
const MOST_OPEN = 30
const MOST_ROWS = 2000

export const failuresSection = ({ failures, unscored }: Report): Section => ({
  id: "failures",
  title: "What failed, and what has no score",
  blocks: [
    ...failures.classes.length === 0 ? [paragraph("No attempt failed.")] : failureBlocks(failures),
    restsOn(failures.query),
    ...unscored.battles.length === 0
      ? [paragraph("No battle ended without a score.")]
      : unscoredBlocks(unscored),
    restsOn(unscored.query)
  ]
})

const failureBlocks = ({ classes, rate }: Failures): ReadonlyArray<Block> => [
  paragraph(
    `${
      estimate(rate, share)
    } of the attempts that ended by themselves or by a verdict failed: somebody said so, or an ` +
      `answer ended without a finish reason (${basisOf(rate, "attempt")}).`
  ),
  {
    _tag: "Table",
    caption: "Failures by kind, the most frequent first",
    columns: [
      { title: "kind" },
      { title: "at" },
      { title: "failures", numeric: true },
      { title: "battles", numeric: true },
      { title: "time", numeric: true },
      { title: "scored later", numeric: true },
      { title: "the last one said", prose: true }
    ],
    rows: classes.map(({ battles, example, failures, hop, hours: took, kind, scoredLater }) => [
      kind === "slow" ? "over the hard cap" : kind,
      nameOfHop[hop],
      integer(failures),
      integer(battles),
      hours(took),
      integer(scoredLater),
      oneLine(example.message, MOST_REASON)
    ])
  }
]

const unscoredBlocks = ({ battles, byVerdict }: Unscored): ReadonlyArray<Block> => {
  const shown = battles.slice(0, MOST_ROWS)
  const table = (caption: string, some: Unscored["battles"], folded: boolean): Table => ({
    _tag: "Table",
    caption,
    folded,
    columns: [{ title: "battle" }, { title: "attempts", numeric: true }, { title: "last ended" }, {
      title: "reason",
      prose: true
    }],
    rows: some.map(({ attempts, battle, reason, verdict }) => [
      `${battle.task} × ${battle.agent} #${battle.repetition}`,
      integer(attempts),
      verdict ?? none,
      oneLine(reason, MOST_REASON)
    ])
  })
  return [
    paragraph(
      `${counted(battles.length, "battle")} ended without a score (${
        byVerdict.map(({ battles: count, verdict }) => `${integer(count)} ${verdict ?? "given up, as the reason says"}`)
          .join(
            ", "
          )
      }). None of them counts as 0 in the first column of the scores.`
    ),
    table("Battles without a score, with the reason", shown.slice(0, MOST_OPEN), false),
    ...shown.length > MOST_OPEN ? [table("More battles without a score", shown.slice(MOST_OPEN), true)] : [],
    ...battles.length > MOST_ROWS
      ? [paragraph(`${counted(battles.length - MOST_ROWS, "battle")} more: campaign export has them.`)]
      : []
  ]
}
