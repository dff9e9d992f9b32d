/**
 * One task in words: the line that is redrawn while it goes on, the lines of a log, and what it came to.
 *
 *     0:52  decoding     340 tokens   41/s  quiet 0:41 of 15:00, engine stepping   ▁▂▂▁▂▂▂····
 *
 * Laws: pure functions of the view and the time; the line is never wider than `columns`, and what an agent has said is
 * harmless in all of them. What comes and goes stands at the end, so the rest stays where it is.
 */
import { describeLimit } from "../liveness/describeLimit.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { Verdict } from "../liveness/Verdict.ts"
import * as Cadence from "./Cadence.ts"
import { runs, signsOf } from "./CadenceStrip.ts"
import { clockTime, count, duration, rate } from "./Quantities.ts"
import { line, seconds, shortened } from "./renderPlain.ts"
import { engineWords } from "./silenceNote.ts"
import { type Piece, piece, toLine } from "./StyledLine.ts"
import * as TaskView from "./TaskView.ts"
import { clip, fit, singleLine, widthOf } from "./TextWidth.ts"

export interface LineOptions {
  readonly columns: number
  readonly color: boolean
}

/** Silence that is worth a word, in milliseconds. */
const QUIET_MILLIS = 1000
/** The time over which the rate is taken, in milliseconds. */
const RATE_MILLIS = 5000
/** The longest phase, `agent-work` or `connecting`. */
const PHASE = 10
const LEAST_STRIP = 8
const LEAST_SAID = 12

type Pieces = ReadonlyArray<Piece>

/** The line at `now`, without a line break. */
export const statusLine = (view: TaskView.TaskView, now: number, { color, columns }: LineOptions): string => {
  const { cadence, progress: { received, says, stage } } = view
  const counted = `${count(TaskView.tokens(view))} ${TaskView.unit(view)}`
  const perSecond = received.begun
    ? Cadence.rate(cadence, now, RATE_MILLIS, view.beganAt + received.firstMillis)
    : undefined
  const fixed: Pieces = [
    piece(fit(clockTime(now - view.beganAt), 4, "right"), "dim"),
    piece(`  ${fit(stage, PHASE)}`),
    piece(`  ${fit(counted, 13, "right")}`),
    piece(`  ${fit(perSecond === undefined ? "" : `${rate(perSecond)}/s`, 6, "right")}`)
  ]
  const notes = notesOf(view, now, columns - widthOfAll(fixed) - 2)
  const left = columns - widthOfAll([...fixed, ...notes]) - 2
  const tail: Pieces = !received.begun && says !== ""
    ? left < LEAST_SAID ? [] : [piece(`  ${clip(`"${singleLine(says)}"`, left)}`, "dim")]
    : !received.begun || left < LEAST_STRIP
    ? []
    : [piece("  "), ...stripOf(cadence, now, left)]
  return toLine([...fixed, ...notes, ...tail], columns, color)
}

const widthOfAll = (pieces: Pieces): number => pieces.reduce((sum, { text }) => sum + widthOf(text), 0)

/** The present is at the right edge. */
const stripOf = (cadence: Cadence.Cadence, now: number, columns: number): Pieces => {
  const signs = signsOf(cadence, now, columns)
  return [piece(" ".repeat(columns - signs.length)), ...runs(signs)]
}

/** What is to be said of a silence: how long it is, and as much of what is known of it as fits. */
const notesOf = (view: TaskView.TaskView, now: number, columns: number): Pieces => {
  const silentMillis = TaskView.silence(view, now)
  const { verdict } = view
  const engine = engineWords[TaskView.engineOf(view)]
  const trouble = verdict?._tag === "Slow" ? verdict.reason : verdict?._tag === "Stalled" ? "stalled" : undefined
  const limit = TaskView.patience(view)
  const quiet = silentMillis <= QUIET_MILLIS
    ? ""
    : `quiet ${clockTime(silentMillis)}${limit === undefined ? "" : ` of ${clockTime(limit.millis)}`}`
  if (quiet === "") return []
  const text = [engine === undefined ? undefined : `engine ${engine}`, trouble].reduce<string>(
    (known, more) => more === undefined || widthOf(`${known}, ${more}`) > columns ? known : `${known}, ${more}`,
    quiet
  )
  return [piece("  "), piece(text, "amber")]
}

/** How it is followed, for a person; `undefined` until that was told. */
export const followedText = ({ followed }: TaskView.TaskView): string | undefined => {
  if (followed === undefined) return undefined
  const what = followed.mode === "blocking"
    ? "nothing is told before the end"
    : followed.exact
    ? "every token is told"
    : "pieces are counted, not tokens"
  const why = singleLine(followed.why)
  return `mode ${followed.mode}: ${what}${why === "" ? "" : `; ${why}`}`
}

/** What a rate is called in a log. */
const perSecondOf = (view: TaskView.TaskView): string => TaskView.unit(view) === "tokens" ? "tok_s" : "pieces_s"

/** A log's line about how the task stands. */
export const plainProgress = (view: TaskView.TaskView, now: number, kind = "progress"): string => {
  const { cadence, progress: { received, stage } } = view
  const engine = TaskView.engineOf(view)
  const limit = TaskView.patience(view)
  const silentMillis = TaskView.silence(view, now)
  return line(now - view.beganAt, kind, {
    phase: stage,
    [TaskView.unit(view)]: TaskView.tokens(view),
    [perSecondOf(view)]: received.begun ? rate(Cadence.rate(cadence, now, RATE_MILLIS) ?? 0) : undefined,
    quiet: seconds(silentMillis),
    limit: limit === undefined || silentMillis <= QUIET_MILLIS ? undefined : seconds(limit.millis),
    engine: engine === "unknown" ? undefined : engine
  })
}

/** A log's line about a verdict that is worth one: what is slow, or stalled and not ended for it. */
export const plainVerdict = (view: TaskView.TaskView, verdict: Verdict, now: number): string | undefined => {
  switch (verdict._tag) {
    case "Slow":
      return line(now - view.beganAt, "verdict", "slow", {
        reason: verdict.reason,
        quiet: seconds(verdict.silentMillis),
        limit: describeLimit(verdict.limit)
      })
    case "Stalled":
      return line(now - view.beganAt, "verdict", "stalled", {
        kind: verdict.kind,
        quiet: seconds(verdict.silentMillis),
        limit: describeLimit(verdict.limit)
      })
    default:
      return undefined
  }
}

/** A log's line about how the task is followed. */
export const plainFollowed = (view: TaskView.TaskView, now: number): string | undefined =>
  view.followed === undefined
    ? undefined
    : line(now - view.beganAt, "follow", {
      mode: view.followed.mode,
      exact: String(view.followed.exact),
      why: shortened(view.followed.why)
    })

/** What it came to, in a word. */
export const outcomeOf = ({ end }: TaskView.TaskView): "completed" | "interrupted" | "stalled" | "slow" | "failed" => {
  switch (end?._tag) {
    case "Completed":
      return "completed"
    case "Broken":
      return end.error._tag === "Stalled" ? "stalled" : end.error._tag === "Slow" ? "slow" : "failed"
    default:
      return "interrupted"
  }
}

const styles = { completed: "green", interrupted: "amber", stalled: "red", slow: "amber", failed: "red" } as const
const signs = { completed: "✓", interrupted: "–", stalled: "✗", slow: "✗", failed: "✗" } as const

/** What it came to, for a person: one line, or more where the terminal is narrow. */
export const endLines = (
  view: TaskView.TaskView,
  now: number,
  { color, columns }: LineOptions
): ReadonlyArray<string> => {
  const outcome = outcomeOf(view)
  const figures = TaskView.figures(view, now)
  const { completionTokens, largestGapMillis, promptTokens, timeToFirstTokenMillis, tokensPerSecond } = figures
  const head = [piece(`${signs[outcome]} ${outcome}`, styles[outcome])]
  const lines: Array<Array<Piece>> = [head]
  const parts = [
    `${figures.tokens} ${TaskView.unit(view)} in ${duration(figures.durationMillis)}`,
    timeToFirstTokenMillis === null ? "no token came" : `first after ${brief(timeToFirstTokenMillis)}`,
    tokensPerSecond === null ? "" : `then ${rate(tokensPerSecond)}/s`,
    largestGapMillis === null ? "" : `largest gap ${brief(largestGapMillis)}`,
    promptTokens === null ? "" : `usage ${promptTokens} + ${completionTokens}`,
    figures.finishReason === null ? "" : `finish ${singleLine(figures.finishReason)}`
  ]
  for (const [index, part] of parts.filter((part) => part !== "").entries()) {
    const next = piece(`${index === 0 ? ": " : ", "}${part}`)
    const current = lines.at(-1)!
    if (widthOfAll([...current, next]) <= columns) current.push(next)
    else lines.push([piece(`  ${part}`)])
  }
  return lines.map((pieces) => toLine(pieces, columns, color))
}

/** `31 ms`, `3.8 s` and longer. */
const brief = (millis: number): string => millis < 1000 ? `${Math.round(millis)} ms` : duration(millis)

/** What it came to, as a log's line. */
export const plainEnd = (view: TaskView.TaskView, now: number): string => {
  const { completionTokens, durationMillis, finishReason, largestGapMillis, promptTokens, ...figures } = TaskView
    .figures(view, now)
  return line(durationMillis, "task", outcomeOf(view), {
    [TaskView.unit(view)]: figures.tokens,
    seconds: (durationMillis / 1000).toFixed(1),
    ttft: secondsOf(figures.timeToFirstTokenMillis),
    [perSecondOf(view)]: figures.tokensPerSecond === null ? undefined : rate(figures.tokensPerSecond),
    largest_gap: secondsOf(largestGapMillis),
    prompt_tokens: promptTokens ?? undefined,
    completion_tokens: completionTokens ?? undefined,
    finish: finishReason ?? undefined
  })
}

const secondsOf = (millis: number | null): string | undefined =>
  millis === null ? undefined : `${(millis / 1000).toFixed(3)}s`

/** What was known when it ended without an answer, beside what its error says. */
export const evidenceOf = (error: RunError): ReadonlyArray<string> => {
  const circumstances = error._tag === "Failed" ? error.verdict?.circumstances : error.circumstances
  if (circumstances === undefined) return []
  const { evidence, gapsMillis, phases } = circumstances
  const last = evidence.samples.at(-1)?.sample
  const held = last === undefined || last === null || last.running === null || last.waiting === null
    ? ""
    : `; ${last.running} running, ${last.waiting} waiting`
  return [
    error._tag === "Failed" ? "" : `limit: ${error.limit.name}, ${describeLimit(error.limit)}`,
    phases.length < 2
      ? ""
      : `phases: ${phases.map(({ phase, sinceMillis }) => `${phase} from ${brief(sinceMillis)}`).join(", ")}`,
    gapsMillis.length === 0 ? "" : `last gaps: ${gapsMillis.map(brief).join(", ")}`,
    evidence.frozenMillis === null ? "" : `engine: stood still for ${duration(evidence.frozenMillis)}${held}`,
    error._tag === "Failed" || error.cancel === "unconfirmed"
      ? ""
      : "cancelled: the engine is known to have dropped the request"
  ].filter((text) => text !== "").map(singleLine)
}
