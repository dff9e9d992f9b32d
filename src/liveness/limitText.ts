/**
 * Limits as people write them: `frozen-floor=90s`, several of them with `,` or `;` between.
 *
 * Laws: what `writeValue` writes is read as exactly the same value; whatever is refused, is refused in one line that
 * says what would be right; nothing is read that the setting may not have.
 *
 * Gotcha: a time needs its unit, because nobody can know whether 90 are seconds.
 */
import * as Result from "effect/Result"
import { textOf, timeOf } from "../text/DurationText.ts"
import { nearestName } from "../text/nearestName.ts"
import {
  accepts,
  boundsOf,
  keyOf,
  type LivenessLimits,
  nameOf,
  type SettingKey,
  settingKeys
} from "./LivenessLimits.ts"

const names = settingKeys.map(nameOf)

const decimal = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

const readValue = (key: SettingKey, text: string): number | boolean | undefined => {
  switch (boundsOf(key).kind) {
    case "time":
      return timeOf(text)
    case "switch":
      return text === "true" ? true : text === "false" ? false : undefined
    default:
      return decimal.test(text) ? Number(text) : undefined
  }
}

/** The value of a setting as a person writes it. */
export const writeValue = (key: SettingKey, value: number | boolean): string =>
  boundsOf(key).kind === "time" && typeof value === "number" ? textOf(value) : String(value)

/** What a person may write, for the line that refuses something else. */
export const expectedOf = (key: SettingKey): string => {
  const { kind, least, most } = boundsOf(key)
  switch (kind) {
    case "time":
      return `a time such as 90s or 2min${least > 0 ? `, of at least ${textOf(least)}` : ""} and at most 365 days`
    case "count":
      return `a whole number from ${least} to ${most}`
    case "share":
      return "a part of 1, such as 0.95"
    case "switch":
      return "true or false"
    default:
      return `a number from ${least} to ${most}`
  }
}

const readOne = (text: string): Result.Result<readonly [SettingKey, number | boolean], string> => {
  const at = text.indexOf("=")
  if (at < 1) return Result.fail(`"${text}" must have the form NAME=VALUE, such as frozen-floor=90s`)
  const name = text.slice(0, at).trim()
  const key = keyOf(name)
  if (key === undefined) {
    return Result.fail(
      `there is no limit "${name}"; did you mean ${nearestName(name, names)}? \`campaign validate\` shows all`
    )
  }
  const written = text.slice(at + 1).trim()
  const value = readValue(key, written)
  return value !== undefined && accepts(key, value)
    ? Result.succeed([key, value])
    : Result.fail(`${name} must be ${expectedOf(key)}, not "${written}"`)
}

/** Reads the limits of several texts. The failure is one line. */
export const readLimits = (texts: ReadonlyArray<string>): Result.Result<Partial<LivenessLimits>, string> =>
  Result.flatMap(
    Result.all(
      texts.flatMap((text) => text.split(/[,;]/)).filter((part) => part.trim() !== "").map((part) =>
        readOne(part.trim())
      )
    ),
    (pairs) => {
      const twice = pairs.find(([key], index) => pairs.findIndex(([other]) => other === key) < index)
      return twice === undefined
        ? Result.succeed(Object.fromEntries(pairs) as Partial<LivenessLimits>)
        : Result.fail(`${nameOf(twice[0])} is given twice`)
    }
  )
