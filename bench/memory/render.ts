/**
 * The memory bench's results for people: pure.
 */
import { criteriaLines } from "../support/Criterion.ts"
import { significant, table } from "../support/table.ts"
import { type Holder, type IdleCell, type Kind, type PausedCell, type Results, shapeText } from "./Results.ts"

const legend = [
  "Resident memory of the agent's process, after a collection of garbage, over that before. ours: PurpleAgent; raw:",
  "node:http and undici; sdk: DefaultRequestHandler, InMemoryTaskStore and Express; bare: node:http, no agent."
]

/** Lines for stdout. */
export const render = ({ criteria, idle, paused }: Results): string =>
  [
    ...(paused === null ? [] : pausedLines(paused)),
    ...(idle === null ? [] : idleLines(idle)),
    ...legend,
    "",
    ...criteriaLines(criteria)
  ].join("\n")

const pausedLines = (cells: ReadonlyArray<PausedCell>) => [
  "Paused readers",
  ...table([
    ["readers", "agent", "growth", "highest", ""],
    ...cells.map(({ agent, collected, detail, finished, growthBytes, peakGrowthBytes, shape }) => [
      shapeText[shape],
      agent,
      (finished ? "" : "> ") + megabytes(growthBytes),
      megabytes(peakGrowthBytes),
      detail ?? [finished ? "" : "stopped before its end", collected ? "" : "too busy to collect garbage"]
        .filter((text) => text !== "").join(", ")
    ])
  ], ["left", "left", "right", "right", "left"]),
  ""
]

const idleLines = (cells: ReadonlyArray<IdleCell>) => {
  const of = (holder: Holder, kind: Kind) =>
    cells.find((cell) => cell.holder === holder && cell.kind === kind)?.bytesPerStream ?? null
  const task = of("ours", "task")
  const stream = of("ours", "stream")
  const rawTask = of("raw", "task")
  const bare = of("bare", "stream")
  const share = task === null || stream === null || rawTask === null || bare === null ? [] : [
    `A task of ours: ${kilobytes(stream)} for its stream, ${kilobytes(task - stream)} for its engine request and the ` +
    "task.",
    `An engine request of the raw relay: ${kilobytes(rawTask - bare)}.`
  ]
  return [
    "Idle streams",
    ...table([
      ["streams", "server", "memory per stream", "CPU while idle", ""],
      ...cells.map(({ bytesPerStream, detail, holder, idleCpuShare, kind }) => [
        holder === "bare" ? "of an engine" : kind === "task" ? "with a task each" : "of one task",
        holder,
        kilobytes(bytesPerStream),
        idleCpuShare === null ? "–" : `${significant(idleCpuShare * 100)} %`,
        detail ?? ""
      ])
    ], ["left", "left", "right", "right", "left"]),
    ...share,
    ""
  ]
}

const megabytes = (bytes: number | null): string => bytes === null ? "–" : `${significant(bytes / 1e6)} MB`
const kilobytes = (bytes: number | null): string => bytes === null ? "–" : `${significant(bytes / 1000)} kB`
