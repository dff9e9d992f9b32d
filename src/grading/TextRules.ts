/**
 * Whether a text is right by a rule that can be decided at once: exact, contains, number. Pure; regular expressions, which
 * may take for ever, are searched by the sandbox.
 *
 * Laws: a finite number, written as JavaScript or with thousands separators and put into prose, is read back the same;
 * what is exactly the expected text also contains it.
 *
 * Gotchas: thousands may be separated by a comma, an apostrophe, an underscore or a narrow or unbreakable space, in groups
 * of three; the decimal sign is the point. Digits inside a word ("x2") are no number. Tolerances are absolute; a few units
 * in the last place are allowed beyond them, as 3.15 - 3.14 is not 0.01.
 */
import * as Option from "effect/Option"
import type { TextRule } from "./Task.ts"

const separators = "[,'_\\u2019\\u00a0\\u2009\\u202f]"
const numberPattern = new RegExp(
  `(?<![\\p{L}\\p{N}_.])[-+\\u2212]?(?:\\d{1,3}(?:${separators}\\d{3})+(?!\\d)|\\d+)?(?:(?<=\\d)\\.\\d+|(?<!\\d)\\.\\d+|(?<=\\d))`
    + "(?:[eE][-+]?\\d+)?",
  "gu"
)
/** A sign behind a digit, a letter or a closing bracket is an operator. */
const isOperator = (text: string, index: number): boolean =>
  /[-+\u2212]/.test(text.charAt(index)) && /[\p{L}\p{N})\]]/u.test(text.charAt(index - 1))

const separator = new RegExp(separators, "g")

/** The last number in a text. */
export const lastNumber = (text: string): Option.Option<number> => {
  let last: number | undefined
  for (const { 0: found, index } of text.matchAll(numberPattern)) {
    const written = found.replace(separator, "").replace("\u2212", "-")
    const value = Number(isOperator(text, index) ? written.slice(1) : written)
    if (Number.isFinite(value)) last = value
  }
  return Option.fromUndefinedOr(last)
}

const plain = (text: string, ignoreCase: boolean | undefined): string => {
  const normal = text.normalize("NFC").replaceAll("\r\n", "\n").trim()
  return ignoreCase === true ? normal.toLowerCase() : normal
}

type DecidedRule = Exclude<TextRule, { readonly _tag: "Regex" }>

/** Why the text is wrong, without the expected one; undefined if it is right. */
export const whyWrong = (rule: DecidedRule, text: string): string | undefined => {
  switch (rule._tag) {
    case "Exact":
      return plain(text, rule.ignoreCase) === plain(rule.expected, rule.ignoreCase)
        ? undefined
        : `"${text}" is not the expected text`
    case "Contains":
      return plain(text, rule.ignoreCase).includes(plain(rule.expected, rule.ignoreCase))
        ? undefined
        : "the expected text does not occur"
    case "Number": {
      const found = lastNumber(text)
      if (Option.isNone(found)) return "there is no number"
      const { expected, tolerance = 0 } = rule
      const slack = 4 * Number.EPSILON * Math.max(Math.abs(found.value), Math.abs(expected))
      const isNear = Math.abs(found.value - expected) <= (tolerance === 0 ? 0 : tolerance + slack)
      return isNear ? undefined : `${found.value} is not the expected number`
    }
  }
}
