/**
 * The telemetry bench's results for people: pure.
 */
import { criteriaLines, type Criterion } from "../support/Criterion.ts"
import { significant, table } from "../support/table.ts"
import { onNames } from "./calls.ts"
import type { Summary } from "./Results.ts"

const legend = [
  "off: nothing is counted; metrics: Metrics.layer around everything; exported: and Telemetry.layerConfig, to a collector on this",
  "machine, metrics every second. agent, tap: processor time of ours over the tokens that its clients got; watch: the stream",
  "operator by itself, one token an arrival, as fast as it goes. Medians over the rounds; a ratio, and what is added, are those",
  "within a round."
]

/** Lines for stdout. */
export const render = ({ loads, watch }: Summary, criteria: ReadonlyArray<Criterion>): string =>
  [
    ...table([
      ["", "off", ...onNames.flatMap((way) => [way, ""]), ""],
      ...loads.map(({ offMicrosPerToken, on, target, tokensPerSecond }) => [
        target,
        `${significant(offMicrosPerToken)} µs/token`,
        ...onNames.flatMap((
          way
        ) => [`${significant(on[way].microsPerToken)} µs/token`, `${on[way].cpuRatio.toFixed(3)}x`]),
        `${significant(tokensPerSecond)} tokens/s`
      ]),
      ...(watch === null ? [] : [[
        "watch",
        `${significant(watch.offNanosPerArrival)} ns/arrival`,
        ...onNames.flatMap((way) => {
          const { addedNanos, nanosPerArrival } = watch.on[way]
          return [
            `${significant(nanosPerArrival)} ns/arrival`,
            `${addedNanos < 0 ? "" : "+"}${significant(addedNanos)} ns`
          ]
        }),
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
