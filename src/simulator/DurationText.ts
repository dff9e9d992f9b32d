/**
 * Times as users write them: `100ms`, `1.5s`, `2m`, `1m30s`, `250us` (as for llm-d-inference-sim), `90 seconds` (as for
 * the other flags of the command), or a plain number of milliseconds.
 *
 * Laws: never negative, always finite; a plain number means the same as a text and as a JSON number.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

const millisPerUnit = { ns: 1e-6, us: 1e-3, "µs": 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g
const parts = new RegExp(`^(?:${part.source})+$`)

/** The milliseconds that a text stands for; undefined if it is no time. */
export const millisOf = (text: string): number | undefined => {
  const trimmed = text.trim()
  const millis = parts.test(trimmed)
    ? Array.from(
      trimmed.matchAll(part),
      ([, amount, unit]) => Number(amount) * millisPerUnit[unit as keyof typeof millisPerUnit]
    ).reduce((sum, each) => sum + each)
    : trimmed !== "" && Number.isFinite(Number(trimmed))
    ? Number(trimmed)
    : Duration.fromInput(trimmed as Duration.Input).pipe(Option.map(Duration.toMillis), Option.getOrUndefined)
  return millis !== undefined && Number.isFinite(millis) && millis >= 0 ? millis : undefined
}

const expected = "a time such as 100ms, 1.5s, 2m or 250us, or a number of milliseconds, not negative"

/** A text as milliseconds. */
export const MillisFromText = Schema.String.check(
  Schema.makeFilter((text: string) => millisOf(text) === undefined ? `Expected ${expected}; got "${text}"` : undefined)
).pipe(
  Schema.decodeTo(Schema.Finite, SchemaTransformation.transform({ decode: (text) => millisOf(text)!, encode: String }))
)

/** Milliseconds, written as a number or as a text. */
export const Millis = Schema.Union([Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)), MillisFromText])
