/**
 * A battle in flight in words: what the strip shows to the eye, for whoever reads or hears. Pure.
 *
 * Law: nothing is said that is not known: without a limit there is no "of", without the engine's word no engine.
 *
 * Gotcha: the silence that a limit counts may begin later than the silence itself, because something vouched for the
 * battle in between; then both are said.
 */
import type { Ended, Result, Row } from "../Frame.ts"
import { singleLine } from "./harmless.ts"
import { silenceOf } from "./PageState.ts"
import { QUIET_MILLIS } from "./stripShape.ts"
import { clockTime, count, duration, listed, many, quiet, score } from "./words.ts"

export interface RowWords {
  readonly phase: string
  /** How long it has been quiet, of how long it may; empty where tokens come. */
  readonly quiet: string
  /** What else is known of its silence: the engine, and why it is slow. */
  readonly why: string
  /** How much of the limit is used up, 0 to 1; `null` where nothing is. */
  readonly used: number | null
  readonly tone: "plain" | "slow" | "waiting"
}

/** The words of a row at `now`, in milliseconds of campaign time. */
export const describeRow = (row: Row, now: number): RowWords => {
  if (row.waiting !== null) {
    const left = row.waiting.untilMillis - now
    return {
      phase: "waiting",
      quiet: left > 0 ? `attempt ${row.attempt} in ${duration(left)}` : `attempt ${row.attempt} waits for its turn`,
      why: singleLine(row.waiting.reason),
      used: null,
      tone: "waiting"
    }
  }
  const silent = silenceOf(row, now)
  const isQuiet = silent > QUIET_MILLIS
  const used = row.limit === null || !isQuiet ? null : Math.min(1, countedOf(row, now) / row.limit.millis)
  return {
    phase: row.phase,
    quiet: isQuiet ? quietWords(row, silent, now) : "",
    why: listed([
      row.stalled !== null && `✕ ${singleLine(row.stalled, 60)}`,
      row.slow !== null && `slow: ${singleLine(row.slow, 60)}`,
      isQuiet && row.engine !== null && engineWords(row.engine)
    ]),
    used,
    tone: row.stalled !== null || row.slow !== null || (used ?? 0) > 0.5 ? "slow" : "plain"
  }
}

/** The part of the silence that the limit counts. */
const countedOf = ({ limit }: Row, now: number): number => limit === null ? 0 : Math.max(0, now - limit.sinceMillis)

const quietWords = (row: Row, silent: number, now: number): string => {
  if (row.limit === null) return quiet(silent, null)
  const counted = countedOf(row, now)
  return silent - counted > QUIET_MILLIS
    ? `quiet ${clockTime(silent)}, ${clockTime(counted)} of ${clockTime(row.limit.millis)} counts`
    : quiet(silent, row.limit.millis)
}

/** What the engine does, and who says so. */
const engineWords = ({ by, word }: NonNullable<Row["engine"]>): string => {
  const teller = by === null ? "" : by === "metrics" ? ", by its metrics" : `, says the ${singleLine(by, 40)}`
  return `engine ${singleLine(word, 40)}${teller}`
}

/** How far back `describeStrip` looks, in milliseconds: what every page has been told of a strip. */
const STRIP_MILLIS = 30_000

/** The last half minute of a strip in words, for whoever does not see it. */
export const describeStrip = ({ marks }: Row, now: number): string => {
  const recent = marks.filter(([atMillis]) => atMillis > now - STRIP_MILLIS)
  const last = recent.at(-1)
  if (last === undefined) return "nothing in the last 30 s"
  const tokens = recent.reduce((sum, [, each]) => sum + each, 0)
  const reasoning = recent.reduce((sum, [, each, channel]) => sum + (channel === 1 ? each : 0), 0)
  const pause = recent.reduce(
    (longest, [atMillis], index) => Math.max(longest, atMillis - (recent[index - 1]?.[0] ?? atMillis)),
    now - last[0]
  )
  return listed([
    `${many(tokens, "token")} in the last 30 s`,
    reasoning > 0 && `${reasoning === tokens ? "all" : count(reasoning)} of them reasoning`,
    pause > QUIET_MILLIS && `longest silence ${duration(pause)}`
  ])
}

/** The limit of a silence with its origin; empty where there is none. */
export const limitWords = ({ limit }: Row): string =>
  limit === null ? "" : `limit ${singleLine(limit.name, 40)}: ${singleLine(limit.words, 160)}`

/** The sign of a result: colour is never the only one. */
export const signs: Record<Result, string> = {
  passed: "✓",
  partial: "◐",
  failed: "✗",
  unscored: "∅",
  pending: "·"
}

/** What came of a battle or attempt, in a word or two. */
export const resultWords = (result: Result, value: number | null): string =>
  value === null || result === "unscored" || result === "pending"
    ? result
    : result === "passed" && value >= 1
    ? "passed"
    : `${result === "passed" ? "passed, " : ""}score ${score(value)}`

/** What became of an attempt that has ended: its battle's result, or how it ended where another one follows. */
export const endedWords = ({ attempt, result, score: value, verdict }: Ended): string =>
  result === "pending" ? `attempt ${attempt} ${verdict}` : resultWords(result, value)

/** The sign of an attempt that has ended. */
export const endedSign = ({ result, stall, verdict }: Ended): string =>
  result === "pending" && (stall !== null || verdict !== "completed") ? "✕" : signs[result]
