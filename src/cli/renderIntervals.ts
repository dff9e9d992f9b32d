/** How far the score of a summary may be off, and where the whole report is: lines below it. */
import { estimate, score } from "../report/render/words.ts"
import type { Report } from "../report/Report.ts"
import { invocation } from "./invocation.ts"

export const renderIntervals = ({ glance, header }: Report): ReadonlyArray<string> => {
  const { bestCase, infrastructureAsFailure, scoredOnly } = glance.score
  return [
    "",
    ...scoredOnly.value === null
      ? []
      : [
        `Score:    ${estimate(scoredOnly)}${
          scoredOnly.lower === null ? ", too few tasks for an interval" : " at 95 %"
        }${
          glance.unscored === 0
            ? ""
            : `; ${score(infrastructureAsFailure.value)} if unscored battles count as 0, ${
              score(bestCase.value)
            } if as 1`
        }`
      ],
    `Report:   ${invocation()} report --db ${header.file} -o report.html`
  ]
}
