/**
 * Finds the JSON in an agent's answer, which is JSON, Markdown with a block of it, or prose with a value somewhere in it.
 * Pure.
 *
 * Which value: the whole answer, if it is JSON; else the last block fenced as `json` that can be read; else the first
 * object or array in the text (numbers and words in prose mean nothing).
 *
 * Laws: an object or array put into prose without brackets, or into a fence, is found; whatever the text, the work is
 * bounded by `workLimit` characters looked at, since a text of nothing but opening brackets would cost the square of its
 * length.
 */
import * as Result from "effect/Result"
import { fencedBlocks } from "./AnswerCode.ts"

const workLimit = 20_000_000

export const parseJson = (text: string): Result.Result<unknown, string> =>
  Result.mapError(Result.try(() => JSON.parse(text) as unknown), () => "it is not JSON")

/** Where the bracket at `start` is closed (the index behind it), or none; brackets in texts do not count. */
const closing = (text: string, start: number): number | undefined => {
  let depth = 0
  let inText = false
  for (let index = start; index < text.length; index++) {
    const character = text.charCodeAt(index)
    if (inText) {
      if (character === 0x5c) index++
      else if (character === 0x22) inText = false
      // a line break cannot stand in a text of JSON
      else if (character === 0x0a) return undefined
    } else if (character === 0x22) inText = true
    else if (character === 0x7b || character === 0x5b) depth++
    else if (character === 0x7d || character === 0x5d) {
      depth--
      if (depth === 0) return index + 1
    }
  }
  return undefined
}

const firstValue = (text: string): Result.Result<unknown, string> => {
  let work = 0
  const opening = /[{[]/g
  for (let match = opening.exec(text); match !== null && work < workLimit; match = opening.exec(text)) {
    const end = closing(text, match.index)
    work += (end ?? text.length) - match.index
    if (end === undefined) continue
    const value = parseJson(text.slice(match.index, end))
    if (Result.isSuccess(value)) return value
  }
  return Result.fail("the answer contains no JSON")
}

/** The JSON value of an answer, or why there is none. */
export const findJson = (answer: string): Result.Result<unknown, string> => {
  const whole = parseJson(answer.trim())
  if (Result.isSuccess(whole)) return whole
  const block = fencedBlocks(answer).filter(({ label }) => label === "json").map(({ content }) => parseJson(content))
    .findLast(Result.isSuccess)
  return block ?? firstValue(answer)
}

/** What stands at a dotted path ("a.b.0") in a JSON value, or why nothing does. */
export const atPath = (value: unknown, path: string): Result.Result<unknown, string> => {
  let found = value
  for (const name of path.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) {
      return Result.fail(`the answer's JSON has nothing at "${path}"`)
    }
    found = Reflect.get(found, name)
  }
  return Result.succeed(found)
}
