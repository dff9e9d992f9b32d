/**
 * What a screen reader is told without being asked: verdicts and gates, never tokens, and seldom. Pure.
 *
 * Laws: there are at least `PAUSE_MILLIS` between two announcements; what happened in between is one of them, with
 * counts instead of a list; an announcement says something new, or there is none. What waits to be said does not grow:
 * a page that nobody looks at says nothing for hours.
 */
import type { Counts, Frame, Result, RunState } from "../Frame.ts"
import { signs } from "./describeRow.ts"
import { singleLine } from "./harmless.ts"
import { listed, many } from "./words.ts"

/** Between two announcements, in milliseconds. */
export const PAUSE_MILLIS = 10_000
/** Of what happened to the campaign, as many pieces are said. */
const NEWS_SAID = 3

export interface Announcer {
  /** Battles that have ended, by their results, and attempts that have stalled. */
  readonly over: Counts
  readonly stalls: number
  /** What happened to the campaign, in the words of its notices. */
  readonly news: ReadonlyArray<string>
  readonly run: RunState["run"] | undefined
  readonly saidAt: number
}

const nothing = { over: { passed: 0, partial: 0, failed: 0, unscored: 0, pending: 0 }, stalls: 0, news: [] }

export const initial: Announcer = { ...nothing, run: undefined, saidAt: -Infinity }

const runWords: Record<RunState["run"], string> = {
  running: "The campaign runs.",
  stopping: "The campaign stops; no battle is begun any more.",
  stored: "Nobody runs the campaign any more.",
  ended: "The campaign has ended.",
  cancelled: "The campaign was cancelled."
}

/** The announcer after a frame; a snapshot is no news, but for the state of the campaign. */
export const heard = (announcer: Announcer, frame: Frame): Announcer => {
  if (frame.kind === "beat") return announcer
  const run = frame.state?.run ?? announcer.run
  const turned = run !== undefined && announcer.run !== undefined && run !== announcer.run ? [runWords[run]] : []
  if (frame.kind === "snapshot") return { ...announcer, run, news: [...announcer.news, ...turned].slice(-NEWS_SAID) }
  const over = { ...announcer.over }
  for (const { result } of frame.ended ?? []) over[result]++
  const urgent = (frame.notices ?? []).filter((notice) => notice.urgent || notice.kind === "gate")
  return {
    ...announcer,
    run,
    over,
    stalls: announcer.stalls + (frame.ended ?? []).filter(({ stall }) => stall !== null).length,
    news: [...announcer.news, ...urgent.map(({ text }) => `${singleLine(text, 160)}.`), ...turned].slice(-NEWS_SAID)
  }
}

/** What is to be said at `now`, if anything, and the announcer after it. */
export const said = (announcer: Announcer, now: number): readonly [Announcer, string | undefined] => {
  if (now - announcer.saidAt < PAUSE_MILLIS) return [announcer, undefined]
  const { news, over, stalls } = announcer
  // A battle that is pending has not ended: another attempt follows.
  const results = (Object.keys(signs) as ReadonlyArray<Result>).filter((result) =>
    result !== "pending" && over[result] > 0
  )
  const words = listed([
    results.length > 0 &&
    `${many(results.reduce((sum, result) => sum + over[result], 0), "battle")} ended: ${
      listed(results.map((result) => `${over[result]} ${result}`))
    }.`,
    stalls > 0 && `${many(stalls, "stall")}.`,
    ...news
  ], " ")
  return words === "" ? [announcer, undefined] : [{ ...announcer, ...nothing, saidAt: now }, words]
}
