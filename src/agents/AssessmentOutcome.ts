/**
 * What somebody else's green agent has found: a grade out of whatever shape its result has, or why there is none.
 *
 * Results are data parts, or JSON in text parts where there are none, or in the last status text where there is nothing
 * else. Data come first because text may be what a participant said, who could then write its own score. A task's score path is looked for in each of them, the last one first, and in `{"results": [all]}`, which
 * is the file that AgentBeats keeps. Without a path the shapes below are tried, in their order.
 *
 * Laws: what cannot be read is a reason that says which path to set, never a score of 0; neither is a result that reports an
 * error, whatever else it says; results that disagree are not chosen among. The function is total and pure.
 *
 * Known shapes: our own; then, in the result itself and after that in its `summary`, `result`, `result_data`, `evaluation`,
 * `metrics`, `detail`, and `results` (an object, or a list of one), the first that can be read of the keys of `scoreKeys`.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { TaskEvent } from "../a2a/TaskEvent.ts"
import { type Grade, oneLine } from "../grading/Grade.ts"
import { nearestName } from "../text/nearestName.ts"
import { AssessmentResult } from "./AssessmentResult.ts"
import { jsonIn } from "./EmbeddedJson.ts"
import * as ScorePath from "./ScorePath.ts"
import * as ScoreReading from "./ScoreReading.ts"

/** What a green agent's task holds when it is over. */
export interface FinishedAssessment {
  /** The data parts of its artifacts, by artifact, in the order in which they came. */
  readonly artifacts: ReadonlyMap<string, ReadonlyArray<unknown>>
  /** The text parts of its artifacts, one after another. */
  readonly text: string
  /** Of the last status that had one. */
  readonly statusText: string
}

/** A task of which nothing is known yet. */
export const begin: FinishedAssessment = { artifacts: new Map(), text: "", statusText: "" }

/** In UTF-16 units; of a longer text the end is kept. */
const MOST_TEXT = 1_000_000

/** What the task holds after one more event. */
export const step = (finished: FinishedAssessment, event: TaskEvent): FinishedAssessment => {
  switch (event._tag) {
    case "Delta":
      return event.channel === "content" ? { ...finished, text: keptOf(finished.text + event.text) } : finished
    case "Replaced":
      return { ...finished, text: keptOf(event.text) }
    case "Artifact": {
      const data = event.parts.flatMap((part): ReadonlyArray<unknown> =>
        part._tag === "Data" ? [part.data] : jsonIn(part.text)
      )
      return { ...finished, artifacts: new Map([...finished.artifacts, [event.artifactId, data]]) }
    }
    case "Status":
    case "Ended":
      return event.text === "" ? finished : { ...finished, statusText: event.text }
    default:
      return finished
  }
}

const keptOf = (text: string): string => text.length > 2 * MOST_TEXT ? text.slice(-MOST_TEXT) : text

export interface OutcomeOptions {
  /** Where the score stands (ScorePath.ts); `null`: where one usually does. */
  readonly score: string | null
  /** The participants' roles; the first is whose score it is, where a winner is named. */
  readonly roles: ReadonlyArray<string>
}

export interface AssessmentOutcome {
  readonly grade: Result.Result<Grade, string>
  /** All that it holds, as JSON where there is any, cut at `evidenceLimit`. */
  readonly evidence: string
}

/** In UTF-16 units. */
export const evidenceLimit = 20_000
const MOST_REASON = 500
const MOST_EXPLANATION = 300

/** The keys under which a score is looked for, in their order. */
const scoreKeys = (
  "score overall_score final_score total_score average_score avg_score mean_score meanScore score_total cis_score " +
  "pass_rate success_rate win_rate accuracy overall_accuracy reward average_reward avg_reward passed winner"
).split(" ")
const containers = ["", "summary", "result", "result_data", "evaluation", "metrics", "detail", "results", "results.0"]

/** What the finished task of a green agent is worth. */
export const outcomeOf = (finished: FinishedAssessment, options: OutcomeOptions): AssessmentOutcome => {
  const values = valuesOf(finished)
  const evidence = values.length === 0
    ? `${finished.text}\n${finished.statusText}`.trim()
    : JSON.stringify(values.length === 1 ? values[0] : values)
  return {
    grade: Result.mapError(gradeOf(values, options), (reason) => oneLine(reason, MOST_REASON)),
    evidence: evidence.length <= evidenceLimit ? evidence : `${evidence.slice(0, evidenceLimit - 1).toWellFormed()}…`
  }
}

const valuesOf = ({ artifacts, statusText, text }: FinishedAssessment): ReadonlyArray<unknown> =>
  [[...artifacts.values()].flat(), jsonIn(text)].find((values) => values.length > 0) ?? jsonIn(statusText)

const gradeOf = (values: ReadonlyArray<unknown>, options: OutcomeOptions): Result.Result<Grade, string> => {
  if (values.length === 0) {
    return Result.fail("the green agent completed its task without a result: no data part, and no text that is JSON")
  }
  return options.score === null ? gradeByShape(values, options) : gradeByPath(values, options.score, options)
}

/** What a result says of an error of its own. */
const errorIn = (value: unknown): string | undefined => {
  for (const place of [...ScorePath.resolve(value, ["error"]), ...ScorePath.resolve(value, ["result", "error"])]) {
    const error = place.value
    if (error === null || error === false || error === "" || error === 0) continue
    return `the green agent reports an error: ${typeof error === "string" ? error : JSON.stringify(error)}`
  }
  for (const key of ["outcome", "status", "state"]) {
    const said = ScorePath.resolve(value, [key])[0]?.value
    if (typeof said === "string" && /^(error|errored|exception|timeout|timed[_ -]?out)$/i.test(said)) {
      return `the green agent reports an error: ${key} is ${JSON.stringify(said)}`
    }
  }
  return undefined
}

const gradeByPath = (
  values: ReadonlyArray<unknown>,
  text: string,
  { roles }: OutcomeOptions
): Result.Result<Grade, string> => {
  const parsed = ScorePath.parse(text)
  if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
  const { divisor, steps } = parsed.success
  for (const root of [...values.toReversed(), { results: values }]) {
    const places = ScorePath.resolve(root, steps)
    if (places.length === 0) continue
    const error = values.includes(root) ? errorIn(root) : values.map(errorIn).find((error) => error !== undefined)
    if (error !== undefined) return Result.fail(error)
    const readings: Array<ScoreReading.Reading> = []
    for (const place of places) {
      const reading = ScoreReading.read(place, { divisor, roles })
      if (Result.isFailure(reading)) return Result.fail(reading.failure)
      readings.push(reading.success)
    }
    const score = readings.reduce((sum, { score }) => sum + score, 0) / readings.length
    return Result.succeed(
      gradeFrom(
        { score, note: readings.length === 1 ? readings[0]!.note : `the mean of ${readings.length} at ${text}` },
        readings.length === 1 ? places[0] : undefined
      )
    )
  }
  const error = values.map(errorIn).find((error) => error !== undefined)
  if (error !== undefined) return Result.fail(error)
  const leaves = ScorePath.leavesOf(rootOf(values))
  return Result.fail(
    leaves.length === 0
      ? `there is nothing at the score path "${text}", nor any number in the result`
      : `there is nothing at the score path "${text}"; did you mean "${nearestName(text.slice(0, 200), leaves)}"? ` +
        `There are ${listed(leaves)}`
  )
}

/** What paths are written for: the only result, or the file that AgentBeats keeps of several. */
const rootOf = (values: ReadonlyArray<unknown>): unknown => values.length === 1 ? values[0] : { results: values }

const listed = (names: ReadonlyArray<string>): string =>
  names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ")

const gradeByShape = (values: ReadonlyArray<unknown>, options: OutcomeOptions): Result.Result<Grade, string> => {
  const error = values.map(errorIn).find((error) => error !== undefined)
  if (error !== undefined) return Result.fail(error)
  const found: Array<{ readonly path: string; readonly grade: Grade }> = []
  const failures: Array<string> = []
  for (const [index, value] of values.entries()) {
    const prefix = values.length === 1 ? "" : `results.${index}.`
    const own = ownGrade(value)
    if (own !== undefined) {
      if (Result.isFailure(own)) return Result.fail(own.failure)
      found.push({ path: `${prefix}summary.meanScore`, grade: own.success })
      continue
    }
    const foreign = foreignGrade(value, options, failures)
    if (foreign !== undefined) found.push({ path: `${prefix}${foreign.path}`, grade: foreign.grade })
  }
  const [first, ...others] = found
  if (first === undefined) {
    const leaves = ScorePath.leavesOf(rootOf(values))
    const hint = leaves.length === 0 ? "it holds no number" : `it holds ${listed(leaves)}`
    return Result.fail(
      `no score could be read from the green agent's result${failures.length === 0 ? "" : ` (${failures[0]})`}; ` +
        `set the task's score to the path of one: ${hint}`
    )
  }
  if (others.some(({ grade }) => grade.score !== first.grade.score)) {
    return Result.fail(
      `the green agent gave ${found.length} results with different scores; ` +
        `set the task's score to the path of one: ${listed(found.map(({ path }) => path))}`
    )
  }
  return Result.succeed(first.grade)
}

const decodeOwn = Schema.decodeUnknownResult(AssessmentResult)

/** The grade in a result of our own green agent; `undefined` if it is none. */
const ownGrade = (value: unknown): Result.Result<Grade, string> | undefined => {
  const decoded = decodeOwn(value)
  if (Result.isFailure(decoded)) return undefined
  const { results, summary } = decoded.success
  const [row, ...more] = results
  if (row === undefined) return undefined
  if (more.length === 0 && row.grade !== null) return Result.succeed(row.grade)
  const scores = results.flatMap(({ grade }) => grade === null ? [] : [grade.score])
  const score = summary?.meanScore ??
    (scores.length === 0 ? null : scores.reduce((sum, each) => sum + each) / scores.length)
  return score === null
    ? Result.fail(
      `the green agent scored nothing: ${results.find(({ reason }) => reason !== null)?.reason ?? "no reason"}`
    )
    : Result.succeed(gradeFrom({ score, note: `the mean of ${scores.length} of ${results.length} battles` }, undefined))
}

const foreignGrade = (value: unknown, { roles }: OutcomeOptions, failures: Array<string>) => {
  for (const container of containers) {
    if (container === "results.0" && ScorePath.resolve(value, ["results", "1"]).length > 0) continue
    for (const key of scoreKeys) {
      const path = container === "" ? [key] : [...container.split("."), key]
      const [place] = ScorePath.resolve(value, path)
      if (place === undefined) continue
      const reading = ScoreReading.read(place, { roles })
      if (Result.isSuccess(reading)) return { path: place.path, grade: gradeFrom(reading.success, place) }
      failures.push(reading.failure)
    }
  }
  return undefined
}

const gradeFrom = ({ note, score }: ScoreReading.Reading, place: ScorePath.Place | undefined): Grade => {
  const said = place === undefined ? undefined : ScorePath.resolve(place.parent, ["passed"])[0]?.value
  return {
    score,
    passed: typeof said === "boolean" ? said : score === 1,
    tests: [],
    explanation: oneLine(note, MOST_EXPLANATION)
  }
}
