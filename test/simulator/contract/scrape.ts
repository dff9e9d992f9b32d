// GET /metrics as somebody else's parser reads it, the most used one on npm.
//
// That parser folds a histogram with TYPE "histogram" into one object, and drops its labels, its `_count` and its `_sum`
// where there are labels. Without the TYPE it takes each of the three for a family of its own and keeps everything, so
// the text is read twice: once as it is for the types, once without the TYPE lines of histograms for the samples.
import * as Effect from "effect/Effect"
import parse from "parse-prometheus-text-format"
import { get, textOf } from "../harness.ts"

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Scrape {
  /** The text as it came. */
  readonly text: string
  /** "COUNTER", "GAUGE" or "HISTOGRAM", by the name of the family. */
  readonly types: ReadonlyMap<string, string>
  readonly samples: ReadonlyArray<Sample>
  /** The sum of all series of this name with these labels, without the prefix `vllm:`. Throws if there is none. */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number
}

export const read = (text: string): Scrape => {
  const types = new Map(parse(text).map(({ name, type }) => [name, type]))
  const samples = parse(text.replaceAll(/^# TYPE \S+ histogram\n/gm, "")).flatMap(({ metrics, name }) =>
    metrics.map(({ labels, value }) => ({
      name,
      labels: labels ?? {},
      value: Number(value!.replace("Inf", "Infinity"))
    }))
  )
  return {
    text,
    types,
    samples,
    value: (name, labels = {}) => {
      const found = samples.filter((sample) =>
        sample.name === `vllm:${name}` && Object.entries(labels).every(([label, text]) => sample.labels[label] === text)
      )
      if (found.length === 0) throw new Error(`no series ${name} ${JSON.stringify(labels)}`)
      return found.reduce((sum, sample) => sum + sample.value, 0)
    }
  }
}

/** The metrics of now. */
export const scrape = Effect.map(Effect.flatMap(get("/metrics"), textOf), read)

/** The names, without prefix and buckets, of the series that are not the same in both. */
export const changes = (before: Scrape, after: Scrape): ReadonlyArray<string> => {
  const keyed = ({ samples }: Scrape) =>
    new Map(samples.map(({ labels, name, value }) => [`${name} ${JSON.stringify(labels)}`, value]))
  const old = keyed(before)
  const changed = Array.from(keyed(after)).filter(([key, value]) => old.get(key) !== value).map(([key]) => key)
  return Array.from(
    new Set(changed.map((key) => key.split(" ")[0]!.replace("vllm:", "").replace(/_bucket$/, "_count")))
  )
    .toSorted()
}
