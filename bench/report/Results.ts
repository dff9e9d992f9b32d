/**
 * What the report bench has measured, and whether it is good enough: pure.
 */
import { atMost, type Criterion } from "../support/Criterion.ts"
import { median } from "../support/statistics.ts"
import { significant } from "../support/table.ts"

/** `summary` prints on stdout; the others are kinds of files. */
export const kinds = ["summary", "html", "md", "json"] as const

/** `rows` is the baseline. */
export type Kind = "rows" | (typeof kinds)[number]

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

export interface KindSummary extends Made {
  /** Wall time to that of the baseline. */
  readonly ratio: number
}

const MOST_SECONDS = 10
const MOST_MEGABYTES = 500

/** Medians of every kind that was made, the baseline first; of memory the most. */
export const summarize = ({ made }: Pick<Measured, "made">): ReadonlyArray<KindSummary> => {
  const byKind = Map.groupBy(made, ({ kind }) => kind)
  const wallOf = (some: ReadonlyArray<Made>) => median(some.map(({ wallMillis }) => wallMillis))
  return Array.from(byKind, ([kind, some]) => ({
    kind,
    wallMillis: wallOf(some),
    cpuMillis: median(some.map(({ cpuMillis }) => cpuMillis)),
    peakBytes: Math.max(...some.map(({ peakBytes }) => peakBytes)),
    fileBytes: Math.max(...some.map(({ fileBytes }) => fileBytes)),
    ratio: wallOf(some) / wallOf(byKind.get("rows") ?? [])
  }))
}

/** What has to hold. */
export const criteriaOf = (measured: Measured): ReadonlyArray<Criterion> => {
  const html = summarize(measured).find(({ kind }) => kind === "html")
  return html === undefined ? [] : [
    atMost(MOST_SECONDS, {
      name: "the report in one file, from the start of its process to its end",
      value: html.wallMillis / 1000,
      unit: "s",
      note: `${significant(html.ratio)}x reading all rows`
    }),
    atMost(MOST_MEGABYTES, { name: "the most memory that it had", value: html.peakBytes / 1e6, unit: "MB" })
  ]
}
