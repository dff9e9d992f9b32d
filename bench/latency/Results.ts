/**
 * What the latency bench has measured, and whether it is good enough: pure.
 *
 * What an agent adds is the difference at a percentile between the way through it and the direct one, in the same run:
 * the engine's, the client's and the machine's own delays are in both.
 */
import { atLeast, atMost, type Criterion } from "../support/Criterion.ts"
import { median } from "../support/statistics.ts"
import { significant } from "../support/table.ts"
import type { Delays, PathName, Window } from "./calls.ts"

export interface PathCell {
  readonly path: PathName
  /** Why nothing was measured. */
  readonly detail: string | null
  /** The parts of the time listened, one after the other. */
  readonly windows: ReadonlyArray<Window>
  /** Medians over the windows. */
  readonly delays: Delays | null
  /** Tokens the engine wrote, and the client read, while the client listened. */
  readonly sent: number
  readonly delivered: number
  readonly tokensPerSecond: number
  /** Processor time over the tokens delivered; null of the agent that is not there. */
  readonly agentCpuMicrosPerToken: number | null
  readonly engineCpuMicrosPerToken: number
  readonly clientCpuMicrosPerToken: number
}

export interface Added {
  readonly path: PathName
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

export interface Load {
  readonly streams: number
  /** Of each stream. */
  readonly tokensPerSecond: number
}

export interface PartResults extends Load {
  readonly cells: ReadonlyArray<PathCell>
  /** In milliseconds, of each agent. */
  readonly added: ReadonlyArray<Added>
}

export interface Results {
  readonly latency: PartResults | null
  readonly hold: PartResults | null
  readonly criteria: ReadonlyArray<Criterion>
}

/** The cell of a path that did not work. */
export const failedCell = (path: PathName, detail: string): PathCell => ({
  path,
  detail,
  windows: [],
  delays: null,
  sent: 0,
  delivered: 0,
  tokensPerSecond: 0,
  agentCpuMicrosPerToken: null,
  engineCpuMicrosPerToken: 0,
  clientCpuMicrosPerToken: 0
})

/** The median of each percentile; null if a window was empty. */
export const typicalDelays = (windows: ReadonlyArray<Window>): Delays | null => {
  const delays = windows.map((window) => window.delays).filter((delays) => delays !== null)
  if (delays.length === 0 || delays.length < windows.length) return null
  const typical = (name: keyof Delays) => median(delays.map((one) => one[name]))
  return { p50: typical("p50"), p90: typical("p90"), p99: typical("p99"), max: typical("max") }
}

/** The cell in the middle of one or more, by tokens per second; the lower one of two. */
export const medianCell = (cells: ReadonlyArray<PathCell>): PathCell =>
  cells.toSorted((left, right) => left.tokensPerSecond - right.tokensPerSecond)[Math.floor((cells.length - 1) / 2)]!

/** The cells of a load with what the agents add. */
export const partResults = (load: Load, cells: ReadonlyArray<PathCell>): PartResults => {
  const direct = cells.find(({ path }) => path === "direct")?.delays
  return {
    ...load,
    cells,
    added: direct === undefined || direct === null ?
      [] :
      cells.flatMap(({ delays, path }) =>
        path === "direct" || delays === null ? [] : [{
          path,
          p50: delays.p50 - direct.p50,
          p90: delays.p90 - direct.p90,
          p99: delays.p99 - direct.p99
        }]
      )
  }
}

const MOST_ADDED_MILLIS = { p50: 1, p99: 10 } as const
const LEAST_DELIVERED = 0.98

const loadText = ({ streams, tokensPerSecond }: Load): string => `${streams} x ${significant(tokensPerSecond)} tokens/s`

/** What has to hold, of what was measured. */
export const criteriaOf = (latency: PartResults | null, hold: PartResults | null): ReadonlyArray<Criterion> => [
  ...latency === null ? [] : addedLittle(latency),
  ...hold === null ? [] : held(hold)
]

const addedLittle = (part: PartResults): ReadonlyArray<Criterion> => {
  const isAsked = (name: PathName) => part.cells.some(({ path }) => path === name)
  if (!isAsked("direct") || !isAsked("ours")) return []
  const of = (path: PathName) => part.added.find((added) => added.path === path)
  return (["p50", "p99"] as const).map((percentile) => {
    const raw = of("raw")
    return atMost(MOST_ADDED_MILLIS[percentile], {
      name: `added latency at ${loadText(part)}, ${percentile}`,
      value: of("ours")?.[percentile] ?? NaN,
      unit: "ms",
      ...(raw === undefined ? {} : { note: `the raw relay adds ${significant(raw[percentile])} ms` })
    })
  })
}

const held = (part: PartResults): ReadonlyArray<Criterion> => {
  const cell = part.cells.find(({ path }) => path === "ours")
  if (cell === undefined) return []
  const name = loadText(part)
  const first = cell.windows[0]?.delays?.p50 ?? NaN
  const last = cell.windows.at(-1)?.delays?.p50 ?? NaN
  return [
    atLeast(LEAST_DELIVERED, {
      name: `${name}: tokens delivered, to those the engine sent`,
      value: cell.delivered / cell.sent,
      unit: "",
      ...(cell.detail === null ? {} : { note: cell.detail })
    }),
    atLeast(LEAST_DELIVERED, {
      name: `${name}: tokens delivered, to those offered`,
      value: cell.tokensPerSecond / (part.streams * part.tokensPerSecond),
      unit: ""
    }),
    {
      name: `${name}: p50 of the last third, against the first`,
      // A backlog that grows doubles the delay within seconds; what is below 20 ms is no backlog.
      wanted: Number.isNaN(first) ? "a token in each" : `at most ${significant(2 * first + 20)} ms`,
      measured: Number.isNaN(last) ? "nothing" : `${significant(last)} ms`,
      passed: last <= 2 * first + 20
    },
    atLeast(part.streams, {
      name: `${name}: streams with tokens to the end`,
      value: cell.windows.at(-1)?.streams ?? 0,
      unit: ""
    })
  ]
}
