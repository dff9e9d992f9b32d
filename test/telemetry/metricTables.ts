/** The tables of docs/metrics.md, as they must stand there. */
import { everyMetric, type MetricDefinition } from "../../src/telemetry/MetricCatalogue.ts"
import { prometheusLabel, prometheusName } from "../../src/telemetry/PrometheusNames.ts"

const rowOf = (metric: MetricDefinition): string => {
  const labels = metric.labels.map((label) => `\`${prometheusLabel(label)}\``).join(", ")
  return `| \`${prometheusName(metric)}\` | ${metric.kind} | ${metric.description} | ${labels === "" ? "–" : labels} |`
}

/** The lines of the table of a source. */
export const tableOf = (source: MetricDefinition["source"]): string =>
  [
    "| metric | kind | what it tells | labels |",
    "|---|---|---|---|",
    ...everyMetric.filter((metric) => metric.source === source).map(rowOf)
  ].join("\n")
