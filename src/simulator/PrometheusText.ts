/**
 * Counters, gauges and histograms, and the text in which Prometheus reads them, as Python's client library writes it.
 *
 * Laws: counters and histograms never fall; bucket counts are cumulative and the last one equals the count; a metric
 * with labels exists, with 0, from the moment it is declared; families are written in the order of declaration.
 *
 * That library's habits are kept because the engine has them: labels in alphabetical order, `1.0` for 1, `_count` before
 * `_sum`, and a `_created` gauge after every counter and histogram, which never moves.
 */

/** Label names and values. */
export type Labels = Readonly<Record<string, string>>

export interface Counter {
  /** `by` must not be negative. */
  readonly add: (by: number) => void
}

export interface Gauge {
  readonly set: (value: number) => void
}

export interface Histogram {
  readonly observe: (value: number) => void
}

export interface Registry {
  /** `name` without `_total`. Declaring a name again, with other labels, adds a series to the family. */
  readonly counter: (name: string, help: string, labels: Labels) => Counter
  readonly gauge: (name: string, help: string, labels: Labels) => Gauge
  /** `buckets`: upper bounds, ascending, without infinity. */
  readonly histogram: (name: string, help: string, labels: Labels, buckets: ReadonlyArray<number>) => Histogram
  readonly render: () => string
}

/** The content type of `render`. */
export const contentType = "text/plain; version=1.0.0; charset=utf-8"

/** The exponent as Python writes it, with at least two digits. */
const exponentText = (text: string) => text.replace(/e(?<sign>[+-])(?<digit>\d)$/, "e$<sign>0$<digit>")

/** A number as Python's client library writes it: 1.0, 0.25, 1.234567e+06, 1e-05, +Inf. */
const numberText = (value: number): string => {
  if (value === Infinity) return "+Inf"
  if (value === -Infinity) return "-Inf"
  if (Number.isNaN(value)) return "NaN"
  if (value !== 0 && Math.abs(value) < 0.0001) return exponentText(value.toExponential())
  const plain = String(value)
  // Huge numbers come with an exponent from JavaScript already.
  if (plain.includes("e")) return plain
  const text = plain.includes(".") ? plain : `${plain}.0`
  const point = text.indexOf(".")
  if (value < 0 || point <= 6) return text
  const digits = `${text[0]}.${text.slice(1, point)}${text.slice(point + 1)}`.replace(/\.?0+$/, "")
  return `${digits}e+${String(point - 1).padStart(2, "0")}`
}

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\"": "\\\"" }

const labelText = (labels: Labels): string => {
  const names = Object.keys(labels).toSorted()
  const pairs = names.map((name) => `${name}="${labels[name]!.replaceAll(/[\\\n"]/g, (found) => escapes[found]!)}"`)
  return names.length === 0 ? "" : `{${pairs.join(",")}}`
}

const headText = (name: string, help: string, type: string) => {
  const escaped = help.replaceAll(/[\\\n]/g, (found) => escapes[found]!)
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type}\n`
}

interface Family {
  readonly head: string
  /** The head of the family of `_created` gauges; empty for gauges. */
  readonly createdHead: string
  /** Writes one series each. */
  readonly series: Array<() => string>
  readonly created: Array<string>
}

/** An empty registry; `createdSeconds` (Unix time) is the value of all `_created` gauges. */
export const make = (createdSeconds: number): Registry => {
  const families = new Map<string, Family>()
  const declare = (name: string, help: string, type: "counter" | "gauge" | "histogram", labels: Labels) => {
    const found = families.get(name)
    const family = found ?? {
      head: headText(type === "counter" ? `${name}_total` : name, help, type),
      createdHead: type === "gauge" ? "" : headText(`${name}_created`, help, "gauge"),
      series: [],
      created: []
    }
    if (found === undefined) families.set(name, family)
    if (type !== "gauge") family.created.push(`${name}_created${labelText(labels)} ${numberText(createdSeconds)}\n`)
    return family
  }
  return {
    counter: (name, help, labels) => {
      let value = 0
      const text = `${name}_total${labelText(labels)}`
      declare(name, help, "counter", labels).series.push(() => `${text} ${numberText(value)}\n`)
      return {
        add: (by) => {
          value += by
        }
      }
    },
    gauge: (name, help, labels) => {
      let value = 0
      const text = name + labelText(labels)
      declare(name, help, "gauge", labels).series.push(() => `${text} ${numberText(value)}\n`)
      return {
        set: (newValue) => {
          value = newValue
        }
      }
    },
    histogram: (name, help, labels, buckets) => {
      const bounds = [...buckets, Infinity]
      const counts = bounds.map(() => 0)
      let sum = 0
      const bucketTexts = bounds.map((bound) => `${name}_bucket${labelText({ ...labels, le: numberText(bound) })}`)
      const ownLabels = labelText(labels)
      declare(name, help, "histogram", labels).series.push(() => {
        let total = 0
        let text = ""
        for (const [index, bucketText] of bucketTexts.entries()) {
          total += counts[index]!
          text += `${bucketText} ${numberText(total)}\n`
        }
        return `${text}${name}_count${ownLabels} ${numberText(total)}\n${name}_sum${ownLabels} ${numberText(sum)}\n`
      })
      return {
        observe: (value) => {
          let index = 0
          while (value > bounds[index]!) index++
          counts[index]!++
          sum += value
        }
      }
    },
    render: () => {
      let text = ""
      for (const { created, createdHead, head, series } of families.values()) {
        text += head
        for (const write of series) text += write()
        text += createdHead + created.join("")
      }
      return text
    }
  }
}
