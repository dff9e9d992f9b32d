/** The table of metrics says what the catalogue says, and every expression of the dashboard file asks for what there is. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { BindingStatus } from "../../src/liveness/Binding.ts"
import { everyMetric, type MetricDefinition } from "../../src/telemetry/MetricCatalogue.ts"
import { prometheusLabel, prometheusName } from "../../src/telemetry/PrometheusNames.ts"
import { root } from "../support/command.ts"
import { tableOf } from "./metricTables.ts"

const textOf = (path: string) => readFileSync(join(root, path), "utf8")

describe("docs/metrics.md", () => {
  const text = textOf("docs/metrics.md")

  for (const source of ["gen-ai", "ours", "runtime"] as const) {
    it(`has the table of ${source}`, () => {
      const table = tableOf(source)
      assert.isTrue(text.includes(table), `docs/metrics.md does not have this table:\n${table}`)
    })
  }

  it("says where each histogram's buckets end", () => {
    const ends = new Set(everyMetric.flatMap(({ bounds }) => bounds?.at(-1) ?? []))
    assert.deepStrictEqual(Array.from(ends).filter((end) => !text.includes(` ${end} s`)), [])
  })
})

interface Target {
  readonly expr: string
  readonly legendFormat: string
  readonly refId: string
}

interface Panel {
  readonly type: string
  readonly title: string
  readonly id: number
  readonly targets?: ReadonlyArray<Target>
}

/** The series that Prometheus keeps of a metric. */
const seriesOf = (metric: MetricDefinition): ReadonlyArray<readonly [string, ReadonlyArray<string>]> => {
  const name = prometheusName(metric)
  const labels = [...metric.labels.map(prometheusLabel), "job", "instance"]
  return metric.kind === "histogram"
    ? [[`${name}_bucket`, [...labels, "le"]], [`${name}_sum`, labels], [`${name}_count`, labels]]
    : [[name, labels]]
}

const known = new Map(everyMetric.flatMap(seriesOf))

/** What labels of a few words can say. */
const words: Readonly<Record<string, ReadonlyArray<string>>> = {
  campaign_verdict: ["stalled", "failed", "completed", "cancelled"],
  campaign_state: ["pending", "in-flight", "scored", "unscored", "closed", "suspect", "open", "half-open"],
  campaign_gate_of: ["engine", "agent"],
  campaign_binding: BindingStatus.literals
}

const functions = ["sum", "max", "by", "le", "rate", "increase", "histogram_quantile", "or", "vector", "label_values"]

/** What is wrong with an expression: it asks for what is not there, or is not whole. */
const faultsOf = (expression: string): ReadonlyArray<string> => {
  const faults: Array<string> = []
  const groups: Array<string> = []
  let selected: ReadonlyArray<string> | undefined
  const rest = expression.replaceAll(/([a-z_:][\w:]*)\{([^}]*)\}(\[[^\]]*\])?/gi, (_, name: string, inside: string) => {
    const labels = known.get(name)
    if (labels === undefined) faults.push(`there is no ${name}`)
    selected = labels ?? []
    for (const matcher of inside === "" ? [] : inside.split(/,(?=[a-z_])/)) {
      const [, label, , value] = /^([a-z_]\w*)(=~|=|!=|!~)"([^"]*)"$/.exec(matcher) ?? []
      if (label === undefined || value === undefined) faults.push(`${matcher} is no matcher`)
      else if (!selected.includes(label)) faults.push(`${name} has no label ${label}`)
      else if (words[label] !== undefined && !value.startsWith("$")) {
        for (const word of value.split("|")) if (!words[label].includes(word)) faults.push(`${label} is never ${word}`)
      }
    }
    if (/_total$|_bucket$/.test(name) && !/(rate|increase)\($/.test(expression.slice(0, expression.indexOf(_)))) {
      faults.push(`${name} rises for ever, and is shown without rate or increase`)
    }
    groups.push(...selected)
    return " "
  })
  if (selected === undefined) faults.push("it asks for nothing")
  for (const [, by] of rest.matchAll(/by \(([^)]*)\)/g)) {
    for (const label of by!.split(/, */)) if (!groups.includes(label)) faults.push(`nothing has a label ${label}`)
  }
  for (const [word] of rest.replaceAll(/by \([^)]*\)/g, "").matchAll(/[a-z_]\w*/gi)) {
    const isLabel = expression.startsWith("label_values(") && [...groups].includes(word)
    if (!functions.includes(word) && !isLabel) faults.push(`${word} is no function that is expected here`)
  }
  if (expression.includes("histogram_quantile") && !expression.includes("(le,")) faults.push("a quantile needs le")
  const depth = [...rest].reduce((sum, sign) => sum + (sign === "(" ? 1 : sign === ")" ? -1 : 0), 0)
  return depth === 0 ? faults : [...faults, "its brackets are not closed"]
}

describe("examples/grafana-dashboard.json", () => {
  const dashboard: {
    readonly schemaVersion: number
    readonly panels: ReadonlyArray<Panel>
    readonly templating: { readonly list: ReadonlyArray<{ name: string; type: string; definition?: string }> }
  } = JSON.parse(textOf("examples/grafana-dashboard.json"))
  const targets = dashboard.panels.flatMap(({ targets = [], title }) => targets.map((target) => ({ ...target, title })))
  const variables = dashboard.templating.list

  it("asks only for metrics, labels and words that there are", () => {
    assert.isAbove(targets.length, 30)
    const expressions = [...targets.map(({ expr }) => expr), ...variables.flatMap(({ definition }) => definition ?? [])]
    assert.deepStrictEqual(expressions.flatMap((expr) => faultsOf(expr).map((fault) => `${fault}: ${expr}`)), [])
  })

  it("names in its legends what its expressions have, and only variables that it has", () => {
    const names = [...variables.map(({ name }) => name), "__rate_interval"]
    for (const { expr, legendFormat, title } of targets) {
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        const by = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels]) => labels!.split(/, */))
        assert.isTrue(by.includes(label!) || (by.length === 0 && label === "instance"), `${title}: ${legendFormat}`)
      }
      for (const [, name] of expr.matchAll(/\$(\w+)/g)) assert.include(names, name, title)
    }
  })

  it("shows every metric of ours", () => {
    const all = targets.map(({ expr }) => expr).join("\n")
    const missing = everyMetric.filter((metric) =>
      metric.source !== "runtime" && !seriesOf(metric).some(([name]) => all.includes(`${name}{`))
    )
    assert.deepStrictEqual(missing.map(({ name }) => name), [])
  })

  it("is for a Grafana of today, at any Prometheus, with each panel once", () => {
    assert.isAtLeast(dashboard.schemaVersion, 39)
    assert.isTrue(variables.some(({ name, type }) => name === "datasource" && type === "datasource"))
    assert.strictEqual(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length)
    assert.notMatch(JSON.stringify(dashboard), /"type":"prometheus","uid":"(?!\$\{datasource\})/)
  })

  it("would notice", () => {
    const wrong = [
      "sum(campaign_battels{})",
      "sum(campaign_battles{campaign_state=\"lost\"})",
      "sum by (le) (campaign_battles{})",
      "sum(campaign_attempts_total{})",
      "summ(campaign_battles{})",
      "sum(campaign_battles{server_port=\"1\"})",
      "sum(campaign_battles{})) + 1",
      "histogram_quantile(0.5, sum by (gen_ai_agent_name) (rate(gen_ai_workflow_duration_seconds_bucket{}[5m])))",
      "rate(gen_ai_workflow_duration_seconds{}[5m])",
      "vector(0)"
    ]
    for (const expression of wrong) assert.isAbove(faultsOf(expression).length, 0, expression)
  })
})
