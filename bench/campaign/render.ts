/**
 * The campaign bench's results for people: pure.
 */
import { criteriaLines, type Criterion } from "../support/Criterion.ts"
import { significant, table } from "../support/table.ts"
import { type Measured, summarize } from "./Results.ts"

/** Lines for stdout. */
export const render = (measured: Measured, criteria: ReadonlyArray<Criterion>): string => {
  const { bare, battles, concurrency, fileBytes, ours, tokens } = measured
  const { battlesPerSecond, cpuMillisPerBattle } = summarize(measured)
  const { loopDelay } = ours
  return [
    `${battles} battles of ${tokens} tokens, ${concurrency} at once; a store of ${significant(fileBytes / 1e6)} MB`,
    ...table([
      ["", "battles", "battles/s", "CPU per battle"],
      ["runner", String(ours.scored), significant(battlesPerSecond.ours), milliseconds(cpuMillisPerBattle.ours)],
      ["bare loop", String(bare.battles), significant(battlesPerSecond.bare), milliseconds(cpuMillisPerBattle.bare)],
      ["ratio", "", "", `${significant(cpuMillisPerBattle.ratio)}x`]
    ], ["left", "right", "right", "right"]),
    "",
    `Of the runner's, the store ${
      milliseconds(ours.sqliteMillis / ours.scored)
    } per battle. Its event loop was late by ` +
    `${milliseconds(loopDelay.p50)} (median), ${milliseconds(loopDelay.p99)} (p99), ${milliseconds(loopDelay.max)} ` +
    "(longest; by the worst of twenty parts).",
    `Heap, collected, in MB: ${ours.heaps.map((bytes) => significant(bytes / 1e6)).join(" ")}`,
    "",
    ...criteriaLines(criteria)
  ].join("\n")
}

const milliseconds = (millis: number): string => `${significant(millis)} ms`
