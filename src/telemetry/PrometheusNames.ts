/**
 * What Prometheus calls a metric: OpenTelemetry's rules for the way from one to the other (specification,
 * compatibility/prometheus_and_openmetrics.md), so that a dashboard works with our own page and behind a collector alike.
 *
 * Dots become underscores; the unit is put behind (`_seconds`, `_bytes`; a gauge of unit 1 is a `_ratio`; a unit in braces
 * is none); a counter ends in `_total`. Metrics that are not ours keep their names.
 */
import { everyMetric, type MetricDefinition } from "./MetricCatalogue.ts"

const unitNames: Readonly<Record<string, string>> = { s: "seconds", By: "bytes" }

/** The name of a metric in Prometheus; that of a histogram's series has `_bucket`, `_sum` or `_count` behind it. */
export const prometheusName = ({ kind, name, unit }: Pick<MetricDefinition, "kind" | "name" | "unit">): string => {
  const suffix = unitNames[unit] ?? (unit === "1" && kind === "gauge" ? "ratio" : undefined)
  const base = [underscored(name), ...suffix === undefined ? [] : [suffix]].join("_")
  return kind === "counter" ? `${base}_total` : base
}

/** The name of a label in Prometheus. */
export const prometheusLabel = (label: string): string => underscored(label)

const underscored = (name: string): string => name.replaceAll(".", "_")

const names = new Map(everyMetric.map((metric) => [metric.name, prometheusName(metric)]))

/** The name for one that a registry holds. */
export const prometheusNameOf = (name: string): string => names.get(name) ?? name
