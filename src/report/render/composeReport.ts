/**
 * The report of a campaign as a document: which sections there are, and in which order they are read.
 *
 * The first is for a minute; the rest goes from what was scored over how fast it was to what went wrong, what nobody can
 * know, and how each number was made.
 */
import type { Comparison } from "../Comparison.ts"
import type { Report } from "../Report.ts"
import type { Document } from "./Document.ts"
import { censoredSection } from "./sections/censored.ts"
import { comparisonSection } from "./sections/comparison.ts"
import { counterfactualSection } from "./sections/counterfactual.ts"
import { coverageSection } from "./sections/coverage.ts"
import { failuresSection } from "./sections/failures.ts"
import { latenciesSection } from "./sections/latencies.ts"
import { methodsSection, unknownSection } from "./sections/methods.ts"
import { provenanceSection } from "./sections/provenance.ts"
import { retriesSection } from "./sections/retries.ts"
import { scoresSection } from "./sections/scores.ts"
import { stallsSection } from "./sections/stalls.ts"
import { summarySection } from "./sections/summary.ts"
import { moment } from "./words.ts"

/** Everything, with the comparison where there is one. */
export const composeReport = (report: Report, comparison: Comparison | null): Document => ({
  title: `Campaign ${report.header.campaign}`,
  subtitle: `Report as of ${moment(report.header.asOf)}${report.header.isRunning ? ", while it runs" : ""}`,
  sections: [
    summarySection(report),
    coverageSection(report),
    scoresSection(report),
    latenciesSection(report),
    censoredSection(report),
    stallsSection(report),
    failuresSection(report),
    retriesSection(report),
    provenanceSection(report),
    counterfactualSection(report),
    ...comparison === null ? [] : [comparisonSection(comparison)],
    unknownSection(report),
    methodsSection(report)
  ]
})
