/**
 * The telemetry bench's results for people: pure.
 */
import { criteriaLines, type Criterion } from "../support/Criterion.ts"
import { significant, table } from "../support/table.ts"
import type { Summary } from "./Results.ts"

const legend = [
  "off: nothing is counted; metrics: Metrics.layer around everything. agent, tap: processor time of ours over the",
  "tokens that its clients got; watch: the stream operator by itself, one token an arrival, as fast as it goes. Medians over",
  "the rounds; a ratio, and what is added, are those within a round."
]

/** Lines for stdout. */
export const render = ({ loads, watch }: Summary, criteria: ReadonlyArray<Criterion>): string =>
  [
    ...table([
      ["", "off", "metrics", "", ""],
      ...loads.map((load) => [
        load.target,
        `${significant(load.offMicrosPerToken)} µs/token`,
        `${significant(load.onMicrosPerToken)} µs/token`,
        `${load.cpuRatio.toFixed(3)}x`,
        `${significant(load.tokensPerSecond)} tokens/s`
      ]),
      ...(watch === null ? [] : [[
        "watch",
        `${significant(watch.offNanosPerArrival)} ns/arrival`,
        `${significant(watch.onNanosPerArrival)} ns/arrival`,
        `${watch.addedNanos < 0 ? "" : "+"}${significant(watch.addedNanos)} ns`,
        ""
      ]])
    ]),
    "",
    ...loads.flatMap(({ page, target }) =>
      page === null ? [] : [
        `The page of the ${target} under that load: ${significant(page.characters / 1000)} kB, made in ${
          page.millis.toFixed(1)
        } ms.`
      ]
    ),
    "",
    ...legend,
    "",
    ...criteriaLines(criteria)
  ].join("\n")
