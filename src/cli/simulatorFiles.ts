/**
 * Files that the simulated engine is told to use: a trace of latencies, a script of answers.
 *
 * A file that cannot be used gives one line: which file, which line or key, what was expected, what was found.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { AnswerSource } from "../simulator/Answers.ts"
import { LatencyDistribution } from "../simulator/LatencyOptions.ts"
import { type CommandError, inputError } from "./CommandError.ts"

/** The text of a file that a flag names. */
export const readText = Effect.fnUntraced(function*(flag: string, file: string) {
  const fileSystem = yield* FileSystem.FileSystem
  return yield* fileSystem.readFileString(file).pipe(
    Effect.mapError(({ reason }) =>
      inputError(
        reason._tag === "NotFound"
          ? `--${flag}: there is no file ${file}; check the path`
          : `--${flag}: cannot read ${file}: ${reason.message}`
      )
    )
  )
})

const longest = 300

/** What is wrong in one line that a person can read, even if the file's whole content is quoted. */
const line = (message: string): string => {
  const flat = message.replaceAll(/\s*\n\s*/g, " ")
  return flat.length <= longest ? flat : `${flat.slice(0, longest / 2)} … ${flat.slice(-longest / 2)}`
}

/** Reads JSON of the given shape; a key too many is an error, because it is a key misspelled. */
const decodeJson = <A, E>(schema: Schema.Codec<A, E>, text: string): Result.Result<A, string> =>
  // Not by Schema, whose error does not say where the JSON is wrong.
  Result.try({ try: (): unknown => JSON.parse(text), catch: (error) => line(`not JSON: ${(error as Error).message}`) })
    .pipe(
      Result.flatMap((json) =>
        Schema.decodeUnknownResult(schema)(json, { onExcessProperty: "error" }).pipe(
          Result.mapError((error) => line(error.message))
        )
      )
    )

const traceExpected =
  "expected one gap in ms per line (# begins a comment), or JSON such as {\"gapsMillis\": [12, 9.5], \"timesToFirstTokenMillis\": [310]}"

/** The gaps of a plain list, or what is wrong with which line. */
const parseList = (text: string): Result.Result<ReadonlyArray<number>, string> => {
  const gaps: Array<number> = []
  for (const [index, full] of text.split("\n").entries()) {
    const entry = full.replace(/#.*/, "").trim()
    if (entry === "") continue
    const gap = Number(entry)
    if (!Number.isFinite(gap) || gap < 0) {
      return Result.fail(`line ${index + 1}: ${JSON.stringify(entry.slice(0, 40))} is not a number of milliseconds`)
    }
    gaps.push(gap)
  }
  return Result.succeed(gaps)
}

const { Recorded } = LatencyDistribution.cases

/** A trace as a text: JSON if it begins with a brace, else a list. The failure is one line without the file's name. */
export const parseLatencyTrace = (text: string): Result.Result<typeof Recorded.Type, string> => {
  const isJson = text.trimStart().startsWith("{")
  const content = isJson
    ? decodeJson(
      Schema.Struct({
        gapsMillis: Recorded.fields.gapsMillis,
        timesToFirstTokenMillis: Recorded.fields.timesToFirstTokenMillis
      }),
      text
    )
    : Result.flatMap(
      parseList(text),
      ([first, ...others]) =>
        first === undefined
          ? Result.fail("there is no gap in it")
          : Result.succeed({ gapsMillis: [first, ...others] as const })
    )
  return content.pipe(
    Result.map((times) => ({ _tag: "Recorded" as const, ...times })),
    Result.mapError((wrong) => `${wrong}; ${traceExpected}`)
  )
}

/** Reads measured gaps and, in JSON, times to the first token. */
export const readLatencyTrace = Effect.fn("simulatorFiles.readLatencyTrace")(function*(
  file: string
): Effect.fn.Return<typeof Recorded.Type, CommandError, FileSystem.FileSystem> {
  const parsed = parseLatencyTrace(yield* readText("latency-trace", file))
  return yield* Effect.fromResult(Result.mapError(parsed, (wrong) => inputError(`--latency-trace ${file}: ${wrong}`)))
})

const { Script } = AnswerSource.cases

/** Reads patterns and their answers. */
export const readAnswerScript = Effect.fn("simulatorFiles.readAnswerScript")(function*(
  file: string
): Effect.fn.Return<typeof Script.Type, CommandError, FileSystem.FileSystem> {
  const text = yield* readText("answer-script", file)
  const entries = decodeJson(Script.fields.entries, text)
  if (Result.isSuccess(entries)) return { _tag: "Script", entries: entries.success }
  return yield* inputError(
    `--answer-script ${file}: ${entries.failure}; expected JSON such as [{"pattern": "sum|add", "answers": ["4"]}]`
  )
})
