/**
 * What the cancel bench has measured, and whether it is good enough: pure.
 */
import type { AgentName } from "../relay/calls.ts"
import { atMost, type Criterion } from "../support/Criterion.ts"
import { median } from "../support/statistics.ts"
import type { Resumption } from "./calls.ts"

/** By CancelTask, or by closing the connection. */
export const ways = ["cancel", "disconnect"] as const
export type Way = typeof ways[number]

/** An engine that goes on sending, or one that is silent with its stream open. */
export const engineStates = ["flowing", "stalled"] as const
export type EngineState = typeof engineStates[number]

export interface ClosingCell {
  readonly agent: AgentName
  readonly way: Way
  readonly engine: EngineState
  /** From the client's leaving to the end of the engine's connection, in milliseconds, one for each run. */
  readonly closedMillis: ReadonlyArray<number>
  /** How long was waited for the run after those in vain, in seconds; null if all closed. */
  readonly notWithinSeconds: number | null
  readonly detail: string | null
}

export interface ResumeCell {
  readonly agent: AgentName
  readonly tokens: number
  readonly drops: number
  /** Null if it did not end. */
  readonly resumption: Resumption | null
  readonly textRight: boolean
  readonly notWithinSeconds: number | null
  readonly detail: string | null
}

export interface Results {
  readonly graceMillis: number
  readonly closing: ReadonlyArray<ClosingCell>
  readonly resuming: ReadonlyArray<ResumeCell>
  readonly criteria: ReadonlyArray<Criterion>
}

const MOST_CANCEL_MILLIS = 50
const MOST_BEYOND_GRACE_MILLIS = 100

/** What has to hold, of what was measured. */
export const criteriaOf = (
  { closing, graceMillis, resuming }: Omit<Results, "criteria">
): ReadonlyArray<Criterion> => [
  ...closing.filter(({ agent }) => agent === "ours").flatMap((cell) =>
    cell.way === "cancel" ? cancelled(cell) : disconnected(cell, graceMillis)
  ),
  ...resuming.filter(({ agent }) => agent === "ours").flatMap(resumed)
]

/** Why a cell says nothing, in words; null if it does. */
export const faultOf = (
  { detail, notWithinSeconds }: Pick<ClosingCell, "detail" | "notWithinSeconds">
): string | null => detail ?? (notWithinSeconds === null ? null : `not within ${notWithinSeconds} s`)

const unlessFault = (cell: ClosingCell | ResumeCell, criterion: Criterion): Criterion => {
  const fault = faultOf(cell)
  return fault === null ? criterion : { ...criterion, measured: fault, passed: false }
}

const cancelled = (cell: ClosingCell): ReadonlyArray<Criterion> =>
  ([["median", median], ["max", largest]] as const).map(([name, of]) =>
    unlessFault(
      cell,
      atMost(MOST_CANCEL_MILLIS, {
        name: `CancelTask to closed, ${cell.engine}: ${name} of ${cell.closedMillis.length}`,
        value: of(cell.closedMillis),
        unit: "ms"
      })
    )
  )

const disconnected = (cell: ClosingCell, graceMillis: number): ReadonlyArray<Criterion> => [
  unlessFault(
    cell,
    atMost(graceMillis + MOST_BEYOND_GRACE_MILLIS, {
      name: `disconnect to closed, ${cell.engine}: max of ${cell.closedMillis.length}`,
      value: largest(cell.closedMillis),
      unit: "ms"
    })
  ),
  unlessFault(cell, {
    name: `disconnect to closed, ${cell.engine}: min of ${cell.closedMillis.length}`,
    wanted: `the grace of ${graceMillis} ms`,
    measured: `${Math.round(smallest(cell.closedMillis))} ms`,
    passed: smallest(cell.closedMillis) >= graceMillis
  })
]

const resumed = (cell: ResumeCell): ReadonlyArray<Criterion> => {
  const { drops, resumption, textRight, tokens } = cell
  const name = `${tokens} tokens, ${drops} times away`
  return [
    ...(["lost", "doubled"] as const).map((what) =>
      unlessFault(cell, {
        name: `${name}: ${what}`,
        wanted: "none",
        measured: String(resumption?.[what] ?? "nothing"),
        passed: resumption?.[what] === 0
      })
    ),
    unlessFault(cell, {
      name: `${name}: hash of the text, and the end`,
      wanted: "right",
      measured: !textRight ? "another text" : resumption?.completed === true ? "right" : "no end",
      passed: textRight && resumption?.completed === true
    })
  ]
}

const largest = (values: ReadonlyArray<number>): number => values.length === 0 ? NaN : Math.max(...values)
const smallest = (values: ReadonlyArray<number>): number => values.length === 0 ? NaN : Math.min(...values)
