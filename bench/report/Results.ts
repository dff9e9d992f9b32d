/**
 * What the report bench has measured, and whether it is good enough: pure.
 */
import { atMost, type Criterion } from "../support/Criterion.ts"
import { median } from "../support/statistics.ts"
import { significant } from "../support/table.ts"

/** `rows` is the baseline; `summary` prints on stdout; the others are kinds of files. */
export const kinds = ["rows", "summary", "html", "md", "json"] as const
export type Kind = (typeof kinds)[number]

/** One process, from its start to its end. */
export interface Made {
  readonly kind: Kind
  readonly wallMillis: number
  readonly cpuMillis: number
  readonly peakBytes: number
  /** Of the file that it wrote; 0 where it wrote none. */
  readonly fileBytes: number
}

export interface Measured {
  readonly battles: number
  /** Of each answer. */
  readonly tokens: number
  readonly attempts: number
  /** Of the store. */
  readonly storeBytes: number
  readonly made: ReadonlyArray<Made>
}

export interface KindSummary extends Omit<Made, "kind"> {
  /** Wall time to that of the baseline. */
  readonly ratio: number
}

const MOST_SECONDS = 10
const MOST_MEGABYTES = 500

/** Medians of every kind; of memory the most. */
export const summarize = ({ made }: Pick<Measured, "made">): Readonly<Record<Kind, KindSummary>> => {
  const of = (kind: Kind) => made.filter((one) => one.kind === kind)
  const wallOf = (kind: Kind) => median(of(kind).map(({ wallMillis }) => wallMillis))
  const summaryOf = (kind: Kind): KindSummary => ({
    wallMillis: wallOf(kind),
    cpuMillis: median(of(kind).map(({ cpuMillis }) => cpuMillis)),
    peakBytes: Math.max(...of(kind).map(({ peakBytes }) => peakBytes)),
    fileBytes: Math.max(...of(kind).map(({ fileBytes }) => fileBytes)),
    ratio: wallOf(kind) / wallOf("rows")
  })
  return {
    rows: summaryOf("rows"),
    summary: summaryOf("summary"),
    html: summaryOf("html"),
    md: summaryOf("md"),
    json: summaryOf("json")
  }
}

/** What has to hold. */
export const criteriaOf = (measured: Measured): ReadonlyArray<Criterion> => {
  const { html } = summarize(measured)
  return [
    atMost(MOST_SECONDS, {
      name: "the report in one file, from the start of its process to its end",
      value: html.wallMillis / 1000,
      unit: "s",
      note: `${significant(html.ratio)}x reading all rows`
    }),
    atMost(MOST_MEGABYTES, { name: "the most memory that it had", value: html.peakBytes / 1e6, unit: "MB" })
  ]
}
