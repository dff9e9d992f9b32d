/**
 * What the memory bench has measured, and whether it is good enough: pure.
 *
 * All is resident memory of the agent's process after garbage was collected, against the same before. The system gives
 * memory out in steps, so differences of a megabyte or two in all mean nothing.
 */
import type { AgentName } from "../relay/calls.ts"
import { atMost, type Criterion } from "../support/Criterion.ts"
import { significant } from "../support/table.ts"

/**
 * A task for each reader, one task for all of them, or that with tokens so long that no kernel takes the answer: sockets
 * of one machine hold megabytes, so readers of short tokens cost the kernel's memory and not the agent's.
 */
export const shapes = ["tasks", "readers", "long"] as const
export type Shape = typeof shapes[number]

export interface PausedCell {
  readonly agent: AgentName
  readonly shape: Shape
  /** Why nothing was measured. */
  readonly detail: string | null
  readonly growthBytes: number | null
  /** How far the highest memory ever was above that before. */
  readonly peakGrowthBytes: number | null
  /** The engine's tokens were all taken, and the agent had nothing more to do, before the budget was used up. */
  readonly finished: boolean
  /** The agent was too busy to collect its garbage. */
  readonly collected: boolean
}

/** `bare` is the engine itself, a `node:http` server with open responses. */
export type Holder = AgentName | "bare"

/** A stream of a task that others read, too, or one that has a task and a request at the engine of its own. */
export type Kind = "stream" | "task"

export interface IdleCell {
  readonly holder: Holder
  readonly kind: Kind
  readonly detail: string | null
  readonly bytesPerStream: number | null
  /** Of one processor, 0 to 1, while nothing happened. */
  readonly idleCpuShare: number | null
}

export interface Results {
  readonly paused: ReadonlyArray<PausedCell> | null
  readonly idle: ReadonlyArray<IdleCell> | null
  readonly criteria: ReadonlyArray<Criterion>
}

const MOST_GROWTH_MEGABYTES = 30
const MOST_STREAM_KILOBYTES = 40

/** What has to hold, of what was measured. */
export const criteriaOf = (
  paused: ReadonlyArray<PausedCell> | null,
  idle: ReadonlyArray<IdleCell> | null
): ReadonlyArray<Criterion> => [
  ...(paused ?? []).filter(({ agent }) => agent === "ours").map((cell) => bounded(cell, paused ?? [])),
  ...(idle ?? []).filter(({ holder, kind }) => holder === "ours" && kind === "stream").map((cell) =>
    cheap(cell, idle ?? [])
  )
]

export const shapeText: Record<Shape, string> = {
  tasks: "of a task each",
  readers: "of one task",
  long: "of one task, long tokens"
}

const bounded = ({ detail, finished, growthBytes, shape }: PausedCell, cells: ReadonlyArray<PausedCell>): Criterion => {
  const sdk = cells.find((cell) => cell.agent === "sdk" && cell.shape === shape)
  return atMost(MOST_GROWTH_MEGABYTES, {
    name: `paused readers ${shapeText[shape]}: growth`,
    value: growthBytes === null ? NaN : growthBytes / 1e6,
    unit: "MB",
    // What has not taken all tokens yet may grow further.
    atLeast: !finished,
    ...(detail !== null
      ? { note: detail }
      : sdk?.growthBytes === null || sdk === undefined
      ? {}
      : { note: `SDK ${sdk.finished ? "" : "> "}${significant(sdk.growthBytes / 1e6)} MB` })
  })
}

const cheap = ({ bytesPerStream, detail }: IdleCell, cells: ReadonlyArray<IdleCell>): Criterion => {
  const bare = cells.find(({ holder }) => holder === "bare")?.bytesPerStream ?? null
  return atMost(MOST_STREAM_KILOBYTES, {
    name: "an idle open stream",
    value: bytesPerStream === null ? NaN : bytesPerStream / 1000,
    unit: "kB",
    ...(detail !== null ? { note: detail } : bare === null ? {} : { note: `bare ${significant(bare / 1000)} kB` })
  })
}
