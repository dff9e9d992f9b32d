/**
 * A score between 0 and 1 out of a value that somebody else's green agent calls one.
 *
 * Read are, in this order: a truth value; a number over the divisor of the path; a number over a maximum that stands beside
 * it (`{score: 3, max_score: 5}`), or a count over a total (`{passed: 3, total: 5}`); a number called a percentage, over
 * 100; a number from 0 to 1; a rate or accuracy above 1, as a percentage. Texts are read as what they stand for (`"85%"`,
 * `"0.85"`, `"PASS"`), and a winner's name as 1 or 0. An object is read by the score in it.
 *
 * Law: what is not surely one of these is not read: a wrong score is worse than none.
 *
 * Gotcha: a rate of exactly 1 or less is a share, never a percentage; only a path with a divisor can say otherwise.
 */
import * as Result from "effect/Result"
import type { Place } from "./ScorePath.ts"

export interface Reading {
  readonly score: number
  /** For people: what was read, and where. */
  readonly note: string
}

export interface ReadingContext {
  /** A number, or a key beside the score. */
  readonly divisor?: number | string | undefined
  /** The participants' roles; the first is whose score it is. */
  readonly roles: ReadonlyArray<string>
}

const isRate = (key: string): boolean => /rate|accuracy|acc$|ratio|fraction|percent|pct|f1|precision|recall/i.test(key)
const isPercentage = (key: string): boolean => /percent|pct/i.test(key)
const isCount = (key: string): boolean =>
  /(^|_)(passed|correct|resolved|solved|completed|successes|successful)(_|$)/i.test(key)

const maximumKeys = [
  "max_score",
  "maxScore",
  "max_points",
  "max_possible_score",
  "max_reward",
  "max",
  "maximum",
  "out_of"
]
const totalKeys = ["total", "total_tasks", "num_tasks", "total_tests", "num_tests", "total_questions", "count"]

/** The score, or why there is none. */
export const read = (place: Place, context: ReadingContext): Result.Result<Reading, string> => {
  const { key, parent, path, value } = place
  if (typeof value === "boolean") return Result.succeed({ score: value ? 1 : 0, note: `${path} is ${value}` })
  if (typeof value === "string") return readText(place, value.trim(), context)
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const inner = ["score", "value", "mean"].find((key) => Object.hasOwn(value, key))
    return inner === undefined
      ? Result.fail(`${path} is an object without a score`)
      : read(
        { path: `${path}.${inner}`, key: inner, value: (value as Record<string, unknown>)[inner], parent: value },
        context
      )
  }
  if (typeof value !== "number") {
    return Result.fail(`${path} is ${Array.isArray(value) ? "a list" : value === null ? "null" : "no number"}`)
  }
  const maximum = maximumOf(key, value, parent, context.divisor)
  if (Result.isFailure(maximum)) return Result.fail(`${path}: ${maximum.failure}`)
  if (maximum.success !== undefined) return share(path, value, maximum.success)
  if (isPercentage(key)) return share(path, value, 100, "%")
  if (value >= 0 && value <= 1) return Result.succeed({ score: value, note: `${path} is ${value}` })
  if (isRate(key)) return share(path, value, 100, "%")
  return Result.fail(
    `${path} is ${value}, which is not between 0 and 1, and nothing beside it says of how many; write "${path} / <most>"`
  )
}

/** Of how many a number is; `undefined` where nothing says. */
const maximumOf = (
  key: string,
  value: number,
  parent: unknown,
  divisor: number | string | undefined
): Result.Result<number | undefined, string> => {
  if (typeof divisor === "number") return Result.succeed(divisor)
  const beside = (name: string): number | undefined => {
    const found = typeof parent === "object" && parent !== null && Object.hasOwn(parent, name)
      ? (parent as Record<string, unknown>)[name]
      : undefined
    return typeof found === "number" ? found : undefined
  }
  if (divisor !== undefined) {
    const named = beside(divisor)
    return named === undefined ? Result.fail(`there is no number "${divisor}" beside it`) : Result.succeed(named)
  }
  const own = beside(`max_${key}`) ?? beside(`${key}_max`)
  if (own !== undefined || isRate(key)) return Result.succeed(own)
  const most = (isCount(key) ? totalKeys : maximumKeys).map(beside).find((found) => found !== undefined)
  if (most !== undefined || !isCount(key)) return Result.succeed(most)
  const failed = beside("failed")
  return failed === undefined
    ? Result.fail(`it is a count of ${value}, and nothing beside it says of how many`)
    : Result.succeed(value + failed)
}

const share = (path: string, value: number, most: number, unit = ` of ${most}`): Result.Result<Reading, string> =>
  most > 0 && value >= 0 && value <= most
    ? Result.succeed({ score: value / most, note: `${path} is ${value}${unit}` })
    : Result.fail(`${path} is ${value}${unit}, which is no share`)

const readText = (place: Place, text: string, context: ReadingContext): Result.Result<Reading, string> => {
  const shown = JSON.stringify(text.slice(0, 60))
  const { key, path } = place
  const certain = (score: number) => Result.succeed({ score, note: `${path} is ${shown}` })
  const percentage = /^(\d+(?:\.\d+)?)\s*%$/.exec(text)?.[1]
  if (percentage !== undefined) return share(path, Number(percentage), 100, "%")
  if (/^-?\d+(\.\d+)?(e-?\d+)?$/i.test(text)) return read({ ...place, value: Number(text) }, context)
  if (/winner/i.test(key)) {
    const [own] = context.roles
    if (own !== undefined && text === own) return certain(1)
    if (/^(tie|draw)$/i.test(text)) return certain(0.5)
    if (context.roles.includes(text)) return certain(0)
    return Result.fail(`${path} is ${shown}, which is none of the roles ${context.roles.join(", ")}`)
  }
  if (/^(pass|passed|true)$/i.test(text)) return certain(1)
  if (/^(fail|failed|false)$/i.test(text)) return certain(0)
  return Result.fail(`${path} is ${shown}, which is no score`)
}
