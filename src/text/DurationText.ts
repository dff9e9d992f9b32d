/**
 * Times as users write them: `100ms`, `1.5s`, `2m`, `1m30s`, `250us` (as for llm-d-inference-sim), `90 seconds`,
 * `2 min 10 s` (as the command itself writes them).
 *
 * Laws: never negative, always finite; a plain number means the same as a text and as a JSON number; what `textOf` writes
 * is read as exactly the same time.
 *
 * Gotcha: for the simulator a plain number is one of milliseconds. Where a person decides how long to wait that would be
 * a trap, so `TimeFromText` takes a unit with every number but 0.
 */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

const units: ReadonlyArray<readonly [millis: number, names: string]> = [
  [1e-6, "ns|nanos?"],
  [1e-3, "us|µs|micros?"],
  [1, "ms|millis?|milliseconds?"],
  [1000, "s|sec|secs|seconds?"],
  [60_000, "m|min|mins|minutes?"],
  [3_600_000, "h|hours?"],
  [86_400_000, "d|days?"],
  [604_800_000, "weeks?"]
]

const part = new RegExp(
  `((?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?)\\s*(?:${units.map(([, names]) => `(${names})`).join("|")})`,
  "g"
)
const parts = new RegExp(`^(?:${part.source}\\s*)+$`)

/** The milliseconds that a text stands for; undefined if it is no time. */
export const millisOf = (text: string): number | undefined => {
  const trimmed = text.trim()
  const millis = parts.test(trimmed)
    ? Array.from(
      trimmed.matchAll(part),
      ([, amount, ...named]) => Number(amount) * units[named.findIndex((name) => name !== undefined)]![0]
    ).reduce((sum, each) => sum + each)
    : trimmed === ""
    ? NaN
    : Number(trimmed)
  return Number.isFinite(millis) && millis >= 0 ? millis : undefined
}

/** A time as a person writes it, exactly. */
export const textOf = (millis: number): string => {
  const seconds = millis / 1000
  if (millis === 0) return "0 s"
  if (millis >= 1000 && millis < 120_000 && seconds * 1000 === millis) return `${seconds} s`
  if (millis < 120_000 || !Number.isInteger(seconds)) return `${millis} ms`
  const counts: ReadonlyArray<readonly [number, string]> = [
    [Math.floor(seconds / 3600), "h"],
    [Math.floor(seconds % 3600 / 60), "min"],
    [seconds % 60, "s"]
  ]
  return counts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(" ")
}

const fromText = (expected: string, read: (text: string) => number | undefined) =>
  Schema.String.check(
    Schema.makeFilter((text: string) => read(text) === undefined ? `Expected ${expected}; got "${text}"` : undefined)
  ).pipe(
    Schema.decodeTo(Schema.Finite, SchemaTransformation.transform({ decode: (text) => read(text)!, encode: textOf }))
  )

/** A text as milliseconds. */
export const MillisFromText = fromText(
  "a time such as 100ms, 1.5s, 2m or 250us, or a number of milliseconds, not negative",
  millisOf
)

/** The milliseconds of a text that says its unit; undefined if it is no time. */
export const timeOf = (text: string): number | undefined => {
  const millis = millisOf(text)
  return millis === 0 || !/^[\d.e+-]*$/.test(text.trim()) ? millis : undefined
}

/** A text with its unit as milliseconds. */
export const TimeFromText = fromText("a time such as 90s, \"90 seconds\" or 2min", timeOf)

/** Milliseconds, written as a number or as a text. */
export const Millis = Schema.Union([Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)), MillisFromText])
