/**
 * What a screen reader is told without being asked: verdicts and gates, never tokens, and seldom. Pure.
 *
 * Laws: there are at least `PAUSE_MILLIS` between two announcements; what happened in between is one of them, with
 * counts instead of a list; an announcement says something new, or there is none.
 */
import type { Ended, Frame, RunState } from "../Frame.ts"
import { signs } from "./describeRow.ts"
import { singleLine } from "./harmless.ts"
import { listed, many } from "./words.ts"

/** Between two announcements, in milliseconds. */
export const PAUSE_MILLIS = 10_000

export interface Announcer {
  readonly ended: ReadonlyArray<Ended>
  /** What happened to the campaign, in the words of its notices. */
  readonly news: ReadonlyArray<string>
  readonly run: RunState["run"] | undefined
  readonly saidAt: number
}

export const initial: Announcer = { ended: [], news: [], run: undefined, saidAt: -Infinity }

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
  if (frame.kind === "snapshot") return { ...announcer, run, news: [...announcer.news, ...turned] }
  const urgent = (frame.notices ?? []).filter((notice) => notice.urgent || notice.kind === "gate")
  return {
    ...announcer,
    run,
    ended: frame.ended === undefined ? announcer.ended : [...announcer.ended, ...frame.ended],
    news: [...announcer.news, ...urgent.map(({ text }) => `${singleLine(text, 160)}.`), ...turned]
  }
}

/** What is to be said at `now`, if anything, and the announcer after it. */
export const said = (announcer: Announcer, now: number): readonly [Announcer, string | undefined] => {
  if (now - announcer.saidAt < PAUSE_MILLIS || (announcer.ended.length === 0 && announcer.news.length === 0)) {
    return [announcer, undefined]
  }
  const over = announcer.ended.filter(({ result }) => result !== "pending")
  const stalls = announcer.ended.filter(({ stall }) => stall !== null).length
  const results = (Object.keys(signs) as ReadonlyArray<keyof typeof signs>).map((result) => {
    const its = over.filter((ended) => ended.result === result).length
    return its > 0 && `${its} ${result}`
  })
  const words = listed([
    over.length > 0 && `${many(over.length, "battle")} ended: ${listed(results)}.`,
    stalls > 0 && `${many(stalls, "stall")}.`,
    ...announcer.news.slice(-3)
  ], " ")
  return [{ ...announcer, ended: [], news: [], saidAt: now }, words === "" ? undefined : words]
}
