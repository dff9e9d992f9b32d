/** Every attempt that was found hung, with what proved it and what became of its battle. */
import { describeLimit } from "../../../liveness/describeLimit.ts"
import { nameOfHop } from "../../../liveness/Hop.ts"
import type { StallRow, Stalls } from "../../OutcomeReport.ts"
import type { Report } from "../../Report.ts"
import { type Block, paragraph, type Section, strong, type Table, unknown } from "../Document.ts"
import { basisOf, counted, estimate, hours, integer, millis, moment, none, share } from "../words.ts"
import { restsOn } from "./restsOn.ts"

/** Stalls that are told one by one at once; further ones are folded. */
const MOST_OPEN = 30
/** Stalls in a report at all: a night has tens, and a file of many megabytes is opened by nobody. */
const MOST_ROWS = 2000

export const stallsSection = ({ header, stalls }: Report): Section => ({
  id: "stalls",
  title: "What hung, and what proved it",
  blocks: [
    ...header.stallPolicy === "enforce" ? [] : [unknown(policyWords[header.stallPolicy])],
    ...stalls.rows.length === 0
      ? [paragraph("No attempt was found hung.")]
      : [
        whole(stalls),
        kindTable(stalls),
        ...rowTables(stalls)
      ],
    restsOn(stalls.query)
  ]
})

/** The rate is of attempts that ended in time; the rows have the others, too. */
const whole = (stalls: Stalls): Block => {
  const late = stalls.rows.filter(({ superseded }) => superseded).length
  return paragraph(
    `${counted(stalls.rows.length, "attempt")} ${stalls.rows.length === 1 ? "was" : "were"} given up as hung${
      late === 0 ? "" : `, ${integer(late)} of them too late to count. The others are`
    }${late === 0 ? ":" : ""} ${estimate(stalls.rate, share)} of those that ended by themselves or by a verdict (${
      basisOf(stalls.rate, "attempt")
    }). ${late === 0 ? "They" : "All of them"} took ${hours(stalls.hours)}, and ${
      counted(stalls.tokensLost, "token")
    } were lost with them. Proved means that the counters of the engine ` +
      "which serves this very stream showed it; inferred means that nothing came for longer than a limit that is made " +
      "long for that reason."
  )
}

const policyWords = {
  warn: "Hung attempts were told and not ended (stall policy warn): those that ended by themselves are not here.",
  off: "Nobody looked for hung attempts (stall policy off): what hung is among the pending or the failed ones."
} as const

const kindTable = ({ byKind }: Stalls): Table => ({
  _tag: "Table",
  caption: "By kind",
  columns: [
    { title: "kind" },
    { title: "known by" },
    { title: "stalls", numeric: true },
    { title: "time", numeric: true },
    { title: "median silence", numeric: true },
    { title: "scored later", numeric: true }
  ],
  rows: byKind.map(({ confidence, hours: took, kind, medianSilentMillis, scoredLater, stalls }) => [
    kind,
    confidence,
    integer(stalls),
    hours(took),
    millis(medianSilentMillis),
    `${integer(scoredLater)}/${integer(stalls)}`
  ])
})

const rowTables = ({ rows }: Stalls): ReadonlyArray<Block> => {
  const shown = rows.slice(0, MOST_ROWS)
  const tables = [
    stallTable("Every stall with its evidence", shown.slice(0, MOST_OPEN), false),
    ...shown.length > MOST_OPEN ? [stallTable("More stalls", shown.slice(MOST_OPEN), true)] : []
  ]
  return rows.length > MOST_ROWS
    ? [...tables, paragraph(`${counted(rows.length - MOST_ROWS, "stall")} more: campaign export has them.`)]
    : tables
}

const stallTable = (caption: string, rows: ReadonlyArray<StallRow>, folded: boolean): Table => ({
  _tag: "Table",
  caption,
  folded,
  columns: [{ title: "battle" }, { title: "verdict", prose: true }, { title: "evidence", prose: true }, {
    title: "afterwards"
  }],
  rows: rows.map((row) => [
    {
      text: `${row.battle.task} × ${row.battle.agent} #${row.battle.repetition}, attempt ${row.attempt}`,
      detail: moment(row.at)
    },
    [
      strong(row.kind),
      `, ${row.confidence}; silent for ${millis(row.silentMillis)} in phase ${row.phase}, no token from ${
        nameOfHop[row.hop]
      }; limit ${row.limit.name}: ${describeLimit(row.limit)}`
    ],
    evidenceOf(row),
    afterwardsOf(row)
  ])
})

/** Between two scrapes an engine that works may seem to stand still. */
const STILL_MILLIS = 5000

/** What the counters showed, in a sentence without verbs. */
const evidenceOf = ({ cancel, decidedBy, evidence, tokens }: StallRow): string => {
  const last = evidence.samples.at(-1)
  const sample = last?.sample ?? null
  const parts = [
    `after ${counted(tokens, "token")}`,
    evidence.frozenMillis === null
      ? ""
      : evidence.frozenMillis < STILL_MILLIS
      ? "engine at work"
      : `engine stood still for ${millis(evidence.frozenMillis)}`,
    sample === null || sample.running === null || sample.waiting === null
      ? last?.outcome === "refused" ? "connections refused" : ""
      : `${integer(sample.running)} running, ${integer(sample.waiting)} waiting`,
    evidence.samples.every(({ sample: of }) => of === null)
      ? "no metrics could be read"
      : `metrics ${evidence.binding}`,
    `decided by ${decidedBy}`,
    cancel === "confirmed" ? "engine seen to drop the request" : "not seen that the engine dropped it"
  ]
  return parts.filter((part) => part !== "").join("; ")
}

const afterwardsOf = ({ afterwards, charged, epoch, scoredIn, superseded }: StallRow): string =>
  [
    superseded
      ? "came too late to count"
      : afterwards === "scored-later"
      ? `scored in attempt ${scoredIn ?? none}`
      : afterwards === "scored-before"
      ? "scored before"
      : afterwards,
    charged ? "used up an attempt" : "used up no attempt",
    ...epoch === null ? [] : [`epoch ${epoch}`]
  ].join("; ")
