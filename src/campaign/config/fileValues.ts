/**
 * The kinds of values that stand in files of settings, each with the words for what is expected.
 *
 * Each is one schema that accepts or refuses a value as a whole, so that a refusal is one line. Times stay texts here;
 * what reads a table turns them into milliseconds.
 */
import * as Schema from "effect/Schema"
import { timeOf } from "../../text/DurationText.ts"

const value = <A>(expected: string, accepts: (value: unknown) => boolean, isPrivate = false) =>
  Schema.declare((value): value is A => accepts(value), { expected, isPrivate })

const isText = (value: unknown): value is string => typeof value === "string"

export const text = value<string>("a text in quotes", isText)

export const someText = value<string>("a text that is not empty", (value) => isText(value) && value.trim() !== "")

export const texts = value<ReadonlyArray<string>>(
  "a list of texts such as [\"one\", \"two\"]",
  (value) => Array.isArray(value) && value.every(isText)
)

export const command = value<readonly [string, ...ReadonlyArray<string>]>(
  "a program and its arguments such as [\"python3\", \"grade.py\"]",
  (value) => Array.isArray(value) && value.length > 0 && value.every((part) => isText(part) && part !== "")
)

export const textTable = value<Readonly<Record<string, string>>>(
  "a table of texts such as { NAME = \"value\" }",
  (value) => typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(isText)
)

export const count = value<number>(
  "a whole number of at least 1",
  (value) => Number.isSafeInteger(value) && value as number >= 1
)

export const countOrNone = value<number>(
  "a whole number of at least 0",
  (value) => Number.isSafeInteger(value) && value as number >= 0
)

export const whole = value<number>("a whole number", Number.isSafeInteger)

export const number = value<number>("a number", Number.isFinite)

export const notNegative = value<number>(
  "a number of at least 0",
  (value) => Number.isFinite(value) && value as number >= 0
)

export const share = value<number>(
  "a number from 0 to 1",
  (value) => Number.isFinite(value) && value as number >= 0 && value as number <= 1
)

export const truth = value<boolean>("true or false", (value) => typeof value === "boolean")

export const time = value<string>(
  "a time in quotes with its unit, longer than nothing, such as \"90s\" or \"2min\"",
  (value) => isText(value) && (timeOf(value) ?? 0) > 0
)

/** The milliseconds of a time that was accepted. */
export const millisOf = (time: string): number => timeOf(time)!

const alternatives = (words: ReadonlyArray<string>): string =>
  `${words.slice(0, -1).map((each) => `"${each}"`).join(", ")} or "${words.at(-1)}"`

/** One of some words. */
export const word = <const Words extends ReadonlyArray<string>>(...words: Words) =>
  value<Words[number]>(alternatives(words), (value) => words.some((each) => each === value))

/** The name of an environment variable. Whoever wrote the key itself instead must not see it again. */
export const variableName = value<string>(
  "the name of an environment variable such as \"MY_KEY\" (never the key itself)",
  (value) => isText(value) && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value),
  true
)

/** An address, which might hold a key. */
export const address = value<string>("an address such as \"http://127.0.0.1:9009\"", isText, true)

/** The address of an engine, or the word for the one in this package. */
export const engineUrl = value<string>(
  "the address of an engine such as \"http://127.0.0.1:8000/v1\", or \"simulated\" for the one in this package",
  isText,
  true
)

export const list = value<ReadonlyArray<unknown>>("a list such as [1, \"two\"]", Array.isArray)

/** Anything, where a later look decides. */
export const anything = value<unknown>("a value", (value) => value !== undefined)
