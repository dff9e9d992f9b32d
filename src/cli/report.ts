/**
 * `campaign report`: a campaign as it is stored, whether it is done, runs, or was interrupted: its summary on stdout, or
 * the whole report as a file for a browser, for a repository or for a program. It never writes into the campaign.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { extname, resolve } from "node:path"
import { compareReports } from "../report/compareReports.ts"
import { reportOf } from "../report/ReportFold.ts"
import { inputError, orExit, usageError } from "./CommandError.ts"
import { optional, text } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import { resumeCommand } from "./invocation.ts"
import { renderComparison } from "./renderComparison.ts"
import { renderIntervals } from "./renderIntervals.ts"
import { renderSummary } from "./renderSummary.ts"
import { type ReportKind, reportKinds } from "./reportKinds.ts"
import * as resultFile from "./resultFile.ts"

const output = optional(
  Flag.withAlias(
    text("output", {
      metavar: "FILE",
      description:
        "The file to write, replaced if it is there; its kind follows from its end: .html, one file with its " +
        "figures; .md, with figures in a folder beside it; or .json"
    }),
    "o"
  )
)

const compare = optional(text("compare", {
  metavar: "FILE",
  description: "The SQLite file of an earlier campaign: also what differs from it, with intervals"
}))

/** What the end of a name asks for, or one line that says what it may be. */
const kindOf = Effect.fnUntraced(function*(file: string) {
  const end = extname(file).toLowerCase()
  const kind = reportKinds[end]
  if (kind !== undefined) return kind
  return yield* usageError(
    `--output ${file} ends in ${
      end === "" ? "nothing that says what to write" : `${end}, which is no kind of report`
    }; it may end in .html, .md or .json; \`campaign export\` writes rows`
  )
})

const stored = Effect.fnUntraced(function*(db: string, flag: string) {
  return yield* Effect.flatMap(
    orExit(reportOf(db)),
    Option.match({
      onSome: Effect.succeed,
      onNone: () => Effect.fail(inputError(`${db} holds no campaign; name the file of one with ${flag}`))
    })
  )
})

export const report = Command.make(
  "report",
  { db: flags.storedDatabase, output, compare, json: flags.json },
  Effect.fn("campaign.report")(function*({ compare, db, json, output }) {
    if (json && output !== undefined) {
      return yield* usageError("--json prints on stdout and --output writes a file; take one of them (-o FILE.json)")
    }
    if (compare !== undefined && resolve(compare) === resolve(db)) {
      return yield* usageError(`--compare ${compare} is the campaign itself; name the file of another one`)
    }
    const kind: ReportKind | undefined = output === undefined ? undefined : yield* kindOf(output)
    const made = yield* stored(db, "--db")
    const comparison = compare === undefined ? null : compareReports(yield* stored(compare, "--compare"), made)
    if (output !== undefined && kind !== undefined) {
      // What draws takes half a second to load, which nobody who only reads the summary is to wait for.
      const { writeReport } = yield* Effect.promise(() => import("./writeReport.ts"))
      return yield* Console.log(yield* writeReport({ report: made, comparison, kind, file: output, database: db }))
    }
    const printed = json
      ? JSON.stringify({
        ...made.summary,
        state: made.header.state,
        db,
        report: made,
        ...comparison === null ? {} : { comparison }
      })
      : [
        renderSummary(made.summary, { database: db, resume: resumeCommand(db) }),
        ...renderIntervals(made),
        ...comparison === null ? [] : renderComparison(comparison)
      ].join("\n")
    yield* orExit(resultFile.toStdout(Stream.make(new TextEncoder().encode(`${printed}\n`))))
  })
).pipe(
  Command.withDescription(
    "Print the summary of a stored campaign, or write its report: scores in three columns with their intervals, pass@k, " +
      "latencies, every stall with its evidence, retries, what a fixed timeout would have done, and what nobody can know. " +
      "It may be running meanwhile. docs/report.md says what each number rests on."
  ),
  Command.withShortDescription("Print the summary of a stored campaign, or write its report."),
  Command.withExamples([
    { command: "campaign report --db night.db", description: "The summary" },
    { command: "campaign report --db night.db -o night.html", description: "One file with figures, for any browser" },
    {
      command: "campaign report --db night.db -o night.md",
      description: "For a repository; figures in night-figures/"
    },
    {
      command: "campaign report --db night.db --compare before.db -o night.html",
      description: "Also what differs from an earlier campaign"
    },
    { command: "campaign report --db night.db --json", description: "All of its numbers as one JSON object" }
  ])
)
