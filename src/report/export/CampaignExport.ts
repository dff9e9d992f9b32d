/**
 * A campaign as a file for other programs: JSON, JSON lines, CSV or JUnit XML, as bytes that come as they are read.
 *
 * JSON and JSON lines hold everything, CSV one table of it, JUnit what CI shows. Memory does not grow with the campaign
 * (but for JUnit, see JUnit.ts); what is written is of the one moment in which the campaign was opened.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Csv from "effect/encoding/Csv"
import * as Stream from "effect/Stream"
import type { BattleFacts, CampaignFacts } from "../../campaign/CampaignFacts.ts"
import type { StoreError } from "../../campaign/StoreError.ts"
import { cellOf } from "./CsvCells.ts"
import { attemptOf, battleRow, campaignRow, epochRow, type ExportedAttempt, tokenRows } from "./exportedRows.ts"
import { AttemptRow, BattleRow, type ExportLine, TokenRow } from "./ExportRows.ts"
import * as JUnit from "./JUnit.ts"

export const formats = ["jsonl", "json", "csv", "junit"] as const
export type Format = typeof formats[number]

export const tables = ["battles", "attempts", "tokens"] as const
export type Table = typeof tables[number]

export interface ExportOptions {
  readonly format: Format
  /** The rows that are meant; `undefined` for everything, or in CSV for battles. */
  readonly table: Table | undefined
  /** Whether attempts come with what was said. */
  readonly transcripts: boolean
}

/** A battle with the rows of its attempts. */
interface Exported {
  readonly battle: BattleRow
  readonly attempts: ReadonlyArray<ExportedAttempt>
}

/** The export of a campaign. Fails as reading it does. */
export const bytes = (facts: CampaignFacts, options: ExportOptions): Stream.Stream<Uint8Array, StoreError> => {
  switch (options.format) {
    case "junit":
      return Stream.encodeText(JUnit.document(facts))
    case "json":
      return Stream.encodeText(document(facts, options))
    case "jsonl":
      return Stream.encodeText(lines(facts, options))
    case "csv":
      return csv(facts, options)
  }
}

const exported = (facts: CampaignFacts, { transcripts }: ExportOptions): Stream.Stream<Exported, StoreError> => {
  const campaign = facts.campaign.definition.id
  const one = (found: BattleFacts) =>
    Effect.map(
      Effect.forEach(
        [...found.attempts, ...found.inFlight].toSorted((some, other) => some.number - other.number),
        (attempt) =>
          Effect.map(
            transcripts ? facts.transcriptOf(attempt) : Effect.undefined,
            (transcript) => attemptOf(campaign, found, attempt, transcript)
          )
      ),
      (attempts): Exported => ({ battle: battleRow(campaign, found), attempts })
    )
  // With their texts, attempts are large: then one battle at a time is enough.
  return transcripts
    ? Stream.mapEffect(facts.battles, one)
    : Stream.mapArrayEffect(facts.battles, (some) => Effect.forEach(some, one))
}

const tokenTimes = ({ arrivals }: ExportedAttempt) =>
  arrivals.map(({ atMillis, tokens }) => ({ at_ms: atMillis, tokens }))

/** One JSON object; each battle is a line. */
const document = (facts: CampaignFacts, options: ExportOptions): Stream.Stream<string, StoreError> => {
  const head = JSON.stringify({ ...campaignRow(facts.campaign), epochs: facts.epochs.map(epochRow) })
  return exported(facts, options).pipe(
    Stream.map(({ attempts, battle }) =>
      JSON.stringify({
        ...battle,
        attempt_rows: attempts.map((attempt) => ({ ...attempt.row, token_times: tokenTimes(attempt) }))
      })
    ),
    Stream.zipWithIndex,
    Stream.mapArray((some) => [some.map(([text, index]) => index === 0 ? `\n${text}` : `,\n${text}`).join("")]),
    Stream.prepend([`${head.slice(0, -1)},"battles":[`]),
    Stream.concat(Stream.make("\n]}\n"))
  )
}

const lines = (facts: CampaignFacts, options: ExportOptions): Stream.Stream<string, StoreError> => {
  const { table } = options
  const head: ReadonlyArray<ExportLine> = table === undefined
    ? [
      { row: "campaign", ...campaignRow(facts.campaign) },
      ...facts.epochs.map((epoch) => ({ row: "epoch" as const, ...epochRow(epoch) }))
    ]
    : []
  return exported(facts, options).pipe(
    Stream.mapArray((some) => [textOf(some.flatMap((one) => linesOf(one, table)))]),
    Stream.prepend([textOf(head)])
  )
}

const textOf = (rows: ReadonlyArray<ExportLine>): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("")

const linesOf = ({ attempts, battle }: Exported, table: Table | undefined): ReadonlyArray<ExportLine> => [
  ...table === "tokens" || table === "attempts" ? [] : [{ row: "battle" as const, ...battle }],
  ...table === "tokens" || table === "battles"
    ? []
    : attempts.map((attempt) => ({ row: "attempt" as const, ...attempt.row, token_times: tokenTimes(attempt) })),
  ...table === "tokens" ? attempts.flatMap(tokenRows).map((row) => ({ row: "token" as const, ...row })) : []
]

const csv = (facts: CampaignFacts, options: ExportOptions): Stream.Stream<Uint8Array, StoreError> => {
  const { table = "battles", transcripts } = options
  const columns = Object.keys(fieldsOf[table]).filter((name) =>
    transcripts || (name !== "content" && name !== "reasoning")
  )
  const cells = (row: Readonly<Record<string, unknown>>) => columns.map((name) => cellOf(row[name]))
  return exported(facts, options).pipe(
    Stream.mapArray((some) => [some.flatMap((one) => rowsOf(one, table).map(cells))]),
    Stream.filter(Arr.isArrayNonEmpty),
    Stream.flattenArray,
    Stream.prepend([columns]),
    Stream.pipeThroughChannel(Csv.encode())
  )
}

const fieldsOf = { battles: BattleRow.fields, attempts: AttemptRow.fields, tokens: TokenRow.fields }

const rowsOf = ({ attempts, battle }: Exported, table: Table): ReadonlyArray<Readonly<Record<string, unknown>>> => {
  switch (table) {
    case "battles":
      return [battle]
    case "attempts":
      return attempts.map(({ row }) => row)
    case "tokens":
      return attempts.flatMap(tokenRows)
  }
}
