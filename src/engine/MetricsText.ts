/**
 * Reads Prometheus' text format (0.0.4 and 1.0.0), as far as an engine's series go.
 *
 * Only series whose name is wanted are kept, so that a server with very many others costs little more than a look at
 * each line. A wanted line that cannot be read, or a line that is neither comment nor sample, refuses the whole text:
 * half of an engine's counters are no evidence.
 *
 * Ours, because the packages there are lose labels: `parse-prometheus-text-format` drops those of a histogram's sums and
 * counts, which are what tells one data-parallel engine from another.
 */
import * as Result from "effect/Result"

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** May be infinite or not a number. */
  readonly value: number
}

/** A name, labels in braces, a value, maybe a timestamp or an exemplar behind it. */
const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?[ \t]+(\S+)(?:[ \t].*)?$/
const nameAtStart = /^[a-zA-Z_:][\w:]*/
const label = /[ \t]*([a-zA-Z_]\w*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|$)/y

const unescape = (text: string) =>
  text.includes("\\") ? text.replaceAll(/\\(.)/g, (_, escaped: string) => escaped === "n" ? "\n" : escaped) : text

const readLabels = (text: string): Record<string, string> | undefined => {
  const labels: Record<string, string> = {}
  label.lastIndex = 0
  while (label.lastIndex < text.length) {
    const found = label.exec(text)
    if (found === null) return undefined
    labels[found[1]!] = unescape(found[2]!)
  }
  return labels
}

const numbers: Readonly<Record<string, number>> = { "+Inf": Infinity, "Inf": Infinity, "-Inf": -Infinity, "NaN": NaN }

const readNumber = (text: string): number | undefined => {
  if (Object.hasOwn(numbers, text)) return numbers[text]
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined
}

/** The samples whose name is wanted, in their order; the failure says which line is none. */
export const parse = (
  text: string,
  wanted: (name: string) => boolean
): Result.Result<ReadonlyArray<Sample>, string> => {
  const samples: Array<Sample> = []
  let from = 0
  for (let line = 1; from < text.length; line++) {
    const end = text.indexOf("\n", from)
    const content = text.slice(from, end < 0 ? undefined : end).trim()
    from = end < 0 ? text.length : end + 1
    if (content === "" || content.startsWith("#")) continue
    const name = nameAtStart.exec(content)?.[0]
    if (name !== undefined && !wanted(name)) continue
    const found = name === undefined ? null : sampleLine.exec(content)
    const labels = found === null ? undefined : readLabels(found[2] ?? "")
    const value = found === null ? undefined : readNumber(found[3]!)
    if (name === undefined || labels === undefined || value === undefined) {
      return Result.fail(`line ${line} is no sample: ${content.slice(0, 60)}`)
    }
    samples.push({ name, labels, value })
  }
  return Result.succeed(samples)
}
