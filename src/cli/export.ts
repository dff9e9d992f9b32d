/**
 * `campaign export`: a stored campaign for other programs, as JSON lines, JSON, CSV or JUnit XML. It never writes into the
 * campaign, which may run meanwhile: what is exported is of one moment.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { extname } from "node:path"
import * as CampaignFacts from "../campaign/CampaignFacts.ts"
import { type Format, formats, type Table, tables } from "../report/export/CampaignExport.ts"
import * as CampaignExport from "../report/export/CampaignExport.ts"
import { inputError, orExit, usageError } from "./CommandError.ts"
import { optional, switchedOn, text } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import * as resultFile from "./resultFile.ts"

const kinds: Readonly<Record<string, Format>> = { ".jsonl": "jsonl", ".json": "json", ".csv": "csv", ".xml": "junit" }

const output = optional(
  Flag.withAlias(
    text("output", {
      metavar: "FILE",
      description:
        "The file to write, replaced if it is there; its kind follows from its end: .jsonl, .json, .csv, or .xml " +
        "for JUnit; - for stdout"
    }),
    "o"
  )
)

const format = optional(
  Flag.Literals("format", formats).pipe(
    Flag.withMetavar("KIND"),
    Flag.withDescription("What to write where no file name says it: jsonl, json, csv or junit"),
    Flag.withFallbackConfig(Config.Literals(formats, "CAMPAIGN_FORMAT"))
  )
)

const what = optional(
  Flag.Literals("what", tables).pipe(
    Flag.withMetavar("TABLE"),
    Flag.withDescription(
      "The rows of CSV (battles), or the only ones of JSON lines (everything): battles, attempts, or tokens, with a row for " +
        "each arrival"
    ),
    Flag.withFallbackConfig(Config.Literals(tables, "CAMPAIGN_WHAT"))
  )
)

const transcripts = switchedOn("transcripts", "Also what agents said and thought aloud, with each attempt")

/** What is to be written, or one line that says why that cannot be. */
const formatOf = Effect.fnUntraced(
  function*(given: { readonly output: string | undefined; readonly format: Format | undefined }) {
    if (given.format !== undefined) return given.format
    if (given.output === undefined) {
      return yield* usageError(
        "say where to: --output FILE, which ends in .jsonl, .json, .csv or .xml, or for stdout --format jsonl|json|csv|junit"
      )
    }
    if (given.output === "-") return yield* usageError("say what stdout is to get: --format jsonl|json|csv|junit")
    const end = extname(given.output).toLowerCase()
    const kind = kinds[end]
    if (kind !== undefined) return kind
    return yield* usageError(
      `${given.output} ends in ${
        end === "" ? "nothing that says what to write" : `${end}, which is no kind of export`
      }; ` +
        "it may end in .jsonl, .json, .csv or .xml (JUnit), or --format says it"
    )
  }
)

/** Refuses what would be left out without a word. */
const check = (format: Format, table: Table | undefined, transcripts: boolean) => {
  if (table !== undefined && (format === "junit" || format === "json")) {
    return usageError(
      `--what ${table} names rows of CSV or JSON lines; ${
        format === "json" ? "JSON holds all of them" : "JUnit has battles"
      }`
    )
  }
  const without = format === "junit" ? "JUnit" : format === "csv" && table !== "attempts"
    ? `CSV of ${table ?? "battles"}`
    : format === "jsonl" && (table === "battles" || table === "tokens")
    ? `--what ${table}`
    : undefined
  return transcripts && without !== undefined
    ? usageError(`--transcripts: what was said stands with attempts, and ${without} has none; take --what attempts`)
    : undefined
}

export const exportVerb = Command.make(
  "export",
  { db: flags.storedDatabase, output, format, what, transcripts },
  Effect.fn("campaign.export")(function*({ db, what: table, transcripts, ...given }) {
    const format = yield* formatOf(given)
    const refusal = check(format, table, transcripts)
    if (refusal !== undefined) return yield* refusal
    const facts = yield* Effect.flatMap(
      orExit(CampaignFacts.open(db)),
      Option.match({
        onSome: Effect.succeed,
        onNone: () => Effect.fail(inputError(`${db} holds no campaign; name the file of one with --db`))
      })
    )
    const content = CampaignExport.bytes(facts, { format, table, transcripts })
    if (given.output === undefined || given.output === "-") {
      return yield* orExit(resultFile.toStdout(content))
    }
    const size = yield* orExit(resultFile.write(given.output, db, content))
    yield* Console.log(
      `${given.output}: ${described(format, table)} of campaign ${facts.campaign.definition.id}, ${sizeOf(size)}${
        facts.campaign.holder?.purpose === "run" ? "; it is running, and this is how it stood" : ""
      }`
    )
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Write a stored campaign for other programs: everything as JSON or JSON lines; battles, attempts or token times as CSV; " +
      "JUnit XML for CI. It may be running meanwhile. Columns are stable and documented in docs/export.md."
  ),
  Command.withShortDescription("Write a stored campaign as JSON, CSV or JUnit XML."),
  Command.withExamples([
    {
      command: "campaign export --db night.db -o night.csv",
      description: "One row a battle, for a spreadsheet or pandas"
    },
    {
      command: "campaign export --db night.db -o tokens.csv --what tokens",
      description: "One row an arrival of tokens"
    },
    {
      command: "campaign export --db night.db -o night.jsonl --transcripts",
      description: "Everything, one row a line"
    },
    { command: "campaign export --db night.db -o junit.xml", description: "For CI" },
    {
      command: "campaign export --db night.db --format jsonl --what attempts | jq .error_kind",
      description: "On stdout"
    }
  ])
)

const described = (format: Format, table: Table | undefined): string => {
  switch (format) {
    case "csv":
      return `${table ?? "battles"} as CSV`
    case "jsonl":
      return `${table ?? "everything"} as JSON lines`
    case "json":
      return "everything as JSON"
    case "junit":
      return "battles as JUnit XML"
  }
}

/** "1.2 MB". */
const sizeOf = (bytes: number): string =>
  bytes < 1000 ? `${bytes} bytes` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
