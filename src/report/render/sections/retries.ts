/** What trying again changed, and how far battles that needed it differ from those that did not. */
import type { Retries } from "../../OutcomeReport.ts"
import type { Report } from "../../Report.ts"
import { beware, paragraph, type Section, type Table, unknown } from "../Document.ts"
import { basisOf, counted, estimate, estimateCell, hours, integer, score, share, signed } from "../words.ts"
import { restsOn } from "./restsOn.ts"
import { columnNames } from "./scores.ts"

export const retriesSection = ({ retries }: Report): Section => ({
  id: "retries",
  title: "Retries, and what they bias",
  blocks: [
    ...retries.retries === 0
      ? [paragraph("No attempt was made again.")]
      : [
        paragraph(
          `${counted(retries.retries, "attempt")} followed one that used up an attempt of its battle; ${
            counted(retries.rescued, "battle")
          } ${
            retries.rescued === 1 ? "has its" : "have their"
          } score only from a later attempt. The used-up ones took ${hours(retries.hoursLost)}.`
        ),
        comparisonTable(retries),
        groupTable(retries),
        retries.retried.battles === 0 || retries.firstTry.battles === 0 ?
          unknown(
            "Whether battles that are tried again score otherwise: " +
              `${
                retries.retried.battles === 0 ? "none was scored at a later try" : "none was scored at the first try"
              }.`
          ) :
          beware(
            `Retried battles score ${estimate(retries.difference, signed(score))} against first tries (${
              basisOf(retries.difference, "battle")
            }). Battles that are tried again are not drawn by lot: tasks with long answers hang more often. The difference ` +
              "says that the two kinds differ, not that trying again changes a score."
          )
      ],
    attemptsTable(retries),
    restsOn(retries.query)
  ]
})

const comparisonTable = ({ withRetries, withoutRetries }: Retries): Table => ({
  _tag: "Table",
  caption: "The score as it is, and as it would be if what failed at first had stayed unscored",
  columns: [{ title: "score" }, ...columnNames.map((title) => ({ title, numeric: true }))],
  rows: ([["with retries", withRetries], ["without", withoutRetries]] as const).map(([name, of]) => [
    name,
    estimateCell(of.scoredOnly),
    estimateCell(of.infrastructureAsFailure),
    estimateCell(of.bestCase)
  ])
})

const groupTable = ({ firstTry, retried }: Retries): Table => ({
  _tag: "Table",
  caption: "Scored battles by whether an earlier attempt had stalled, been slow or failed",
  columns: [
    { title: "scored at" },
    { title: "battles", numeric: true },
    { title: "mean score", numeric: true },
    { title: "passed", numeric: true },
    { title: "pass rate", numeric: true }
  ],
  rows: ([["the first try", firstTry], ["a later one", retried]] as const).map(([name, group]) => [
    name,
    integer(group.battles),
    estimateCell(group.score),
    integer(group.passed),
    estimateCell(group.passRate, share)
  ])
})

const attemptsTable = ({ attemptsPerBattle }: Retries): Table => ({
  _tag: "Table",
  caption: "Battles by the number of their attempts so far, however these ended",
  columns: [{ title: "attempts" }, { title: "battles", numeric: true }],
  rows: attemptsPerBattle.map(({ attempts, battles }) => [integer(attempts), integer(battles)])
})
