// A strict reader of Prometheus' text format, written from its specification and not from our writer: it throws at
// whatever a server of metrics must not send.

export interface Metrics {
  /** The value of a series; labels that are not named here may have any value. Throws unless exactly one matches. */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number
  /** All series, like `name{a="1",b="2"}` with sorted labels. */
  readonly all: ReadonlyMap<string, number>
  readonly types: ReadonlyMap<string, string>
}

const labelExpression = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y

const parseLabels = (text: string): Record<string, string> => {
  const labels: Record<string, string> = {}
  labelExpression.lastIndex = 0
  while (labelExpression.lastIndex < text.length) {
    const found = labelExpression.exec(text)
    if (found === null) throw new Error(`bad labels: ${text}`)
    if (Object.hasOwn(labels, found[1]!)) throw new Error(`label twice: ${text}`)
    labels[found[1]!] = found[2]!.replaceAll(/\\(.)/g, (_, escaped) => escaped === "n" ? "\n" : escaped)
  }
  return labels
}

const parseNumber = (text: string): number => {
  if (text === "+Inf") return Infinity
  if (!/^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(text)) throw new Error(`bad value: ${text}`)
  return Number(text)
}

const keyOf = (name: string, labels: Readonly<Record<string, string>>) =>
  `${name}{${Object.keys(labels).toSorted().map((label) => `${label}=${JSON.stringify(labels[label])}`).join(",")}}`

const checkHistograms = (
  samples: ReadonlyArray<{ readonly name: string; readonly labels: Record<string, string>; readonly value: number }>,
  all: ReadonlyMap<string, number>
) => {
  const before = new Map<string, { readonly bound: number; readonly count: number }>()
  for (const { labels, name, value } of samples) {
    if (!name.endsWith("_bucket")) continue
    const { le, ...rest } = labels
    const series = keyOf(name, rest)
    const last = before.get(series) ?? { bound: -Infinity, count: 0 }
    const bound = parseNumber(le!)
    if (bound <= last.bound || value < last.count) throw new Error(`buckets do not ascend: ${series} ${le}`)
    before.set(series, { bound, count: value })
    const count = all.get(keyOf(name.replace(/_bucket$/, "_count"), rest))
    if (bound === Infinity && value !== count) throw new Error(`count is not the last bucket: ${series}`)
  }
}

export const parseMetrics = (text: string): Metrics => {
  if (!text.endsWith("\n")) throw new Error("the last line has no end")
  const all = new Map<string, number>()
  const types = new Map<string, string>()
  const samples: Array<{ name: string; labels: Record<string, string>; value: number }> = []
  let family = ""
  for (const line of text.slice(0, -1).split("\n")) {
    const head = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line)
    if (head !== null) {
      if (head[1] === "TYPE") {
        if (types.has(head[2]!)) throw new Error(`family twice: ${line}`)
        if (!/^(counter|gauge|histogram)$/.test(head[3]!)) throw new Error(`bad type: ${line}`)
        types.set(head[2]!, head[3]!)
        family = head[2]!
      }
      continue
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (sample === null) throw new Error(`neither comment nor sample: ${line}`)
    const name = sample[1]!
    const owner = types.get(family) === "histogram" ? name.replace(/_(bucket|count|sum)$/, "") : name
    if (owner !== family) throw new Error(`${name} stands under ${family}`)
    const labels = parseLabels(sample[2] ?? "")
    const key = keyOf(name, labels)
    if (all.has(key)) throw new Error(`series twice: ${line}`)
    const value = parseNumber(sample[3]!)
    all.set(key, value)
    samples.push({ name, labels, value })
  }
  checkHistograms(samples, all)
  return {
    all,
    types,
    value: (name, wanted = {}) => {
      const found = samples.filter((sample) =>
        sample.name === name && Object.entries(wanted).every(([label, value]) => sample.labels[label] === value)
      )
      if (found.length !== 1) throw new Error(`${found.length} series ${keyOf(name, wanted)}`)
      return found[0]!.value
    }
  }
}
