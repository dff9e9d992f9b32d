/**
 * Finds in an agent's answer what its task says is to be graded, as a text or as a JSON value. Pure; the failures say for
 * people why there is nothing to grade, which is the agent's fault and no error.
 *
 * Laws: a text put into a fence and asked for as code comes back (line ends become \n); what `jsonAt` finds at a place is
 * what `textAt` finds there, read or written as JSON.
 */
import * as Result from "effect/Result"
import { fencedBlocks } from "./AnswerCode.ts"
import { atPath, findJson, parseJson } from "./AnswerJson.ts"
import { AnswerPlace } from "./AnswerPlace.ts"

const lastBlock = (answer: string, language: string | undefined): Result.Result<string, string> => {
  const wanted = language?.toLowerCase()
  const block = fencedBlocks(answer).findLast(({ content, label }) =>
    content.trim() !== "" && (wanted === undefined || label === wanted)
  )
  if (block !== undefined) return Result.succeed(block.content)
  return Result.fail(`the answer contains no fenced block${language === undefined ? "" : ` of ${language}`}`)
}

const jsonValue = (answer: string, path: string | undefined): Result.Result<unknown, string> =>
  Result.flatMap(findJson(answer), (value) => path === undefined ? Result.succeed(value) : atPath(value, path))

/** A value may be nested too deep to be written. */
const written = (value: unknown): Result.Result<string, string> =>
  typeof value === "string"
    ? Result.succeed(value)
    : Result.mapError(Result.try(() => JSON.stringify(value)), () => "the answer's JSON is nested too deep")

/** The text at a place, or why there is none. */
export const textAt = (place: AnswerPlace, answer: string): Result.Result<string, string> =>
  AnswerPlace.match(place, {
    Text: () => Result.succeed(answer.trim()),
    Code: ({ language }) => lastBlock(answer, language),
    Json: ({ path }) => Result.flatMap(jsonValue(answer, path), written)
  })

/** The JSON value at a place, or why there is none. */
export const jsonAt = (place: AnswerPlace, answer: string): Result.Result<unknown, string> =>
  AnswerPlace.match(place, {
    Text: () => Result.mapError(parseJson(answer.trim()), () => "the answer is not JSON"),
    Code: ({ language }) =>
      Result.flatMap(
        lastBlock(answer, language),
        (code) => Result.mapError(parseJson(code), () => "the answer's block is not JSON")
      ),
    Json: ({ path }) => jsonValue(answer, path)
  })
