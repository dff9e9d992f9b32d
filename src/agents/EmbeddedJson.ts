/**
 * JSON inside text: as agents write it that put a result into words, alone, in a fence, or after a sentence.
 *
 *     The pro side argued better.{"winner": "pro_debater", "detail": {…}}
 *
 * Laws: the values are the outermost objects and lists in the text, in order; numbers and words are none. Never throws, and
 * the time it takes is bounded, whatever the text.
 *
 * Gotcha: Python writes `NaN` and `Infinity`, which are no JSON; they are read as null.
 */
import * as Result from "effect/Result"

/** A longer text is searched at its end only, where results stand; in UTF-16 units. */
const MOST_SEARCHED = 1_000_000
/** So much reading is enough, with what is read again because a beginning turned out to be none; some milliseconds. */
const MOST_READ = 1_500_000

/** The values in a text. */
export const jsonIn = (text: string): ReadonlyArray<unknown> => {
  const whole = parse(text)
  if (whole !== undefined) return typeof whole === "object" && whole !== null ? [whole] : []
  const searched = text.slice(-MOST_SEARCHED)
  const values: Array<unknown> = []
  let read = 0
  for (let at = 0; at < searched.length && read < MOST_READ; at++) {
    if (searched[at] !== "{" && searched[at] !== "[") continue
    const end = endOf(searched, at)
    read += (end ?? searched.length) - at
    const value = end === undefined ? undefined : parse(searched.slice(at, end))
    if (value === undefined) continue
    values.push(value)
    at = end! - 1
  }
  return values
}

const parse = (text: string): unknown => {
  const value = Result.getOrUndefined(parseStrictly(text))
  if (value !== undefined || !/NaN|Infinity/.test(text)) return value
  return Result.getOrUndefined(parseStrictly(text.replaceAll(/(?<=[:[,]\s*)(NaN|-?Infinity)(?=\s*[,\]}])/g, "null")))
}

const parseStrictly = (text: string) => Result.try(() => JSON.parse(text) as unknown)

/** Behind the bracket that closes the one at `start`; `undefined` if none does. */
const endOf = (text: string, start: number): number | undefined => {
  let depth = 0
  let quoted = false
  for (let at = start; at < text.length; at++) {
    const character = text[at]
    if (quoted) {
      if (character === "\\") at++
      else if (character === "\"") quoted = false
    } else if (character === "\"") quoted = true
    else if (character === "{" || character === "[") depth++
    else if ((character === "}" || character === "]") && --depth === 0) return at + 1
  }
  return undefined
}
