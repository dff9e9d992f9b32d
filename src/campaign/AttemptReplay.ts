/**
 * What was stored of an attempt in flight, as the task events that it came from: a pure reducer over reports.
 *
 * Laws: the tokens are those of the arrivals, each at its time; the texts joined are those of the reports, and in the end
 * those of the record. Nothing is told twice.
 *
 * Gotcha: a report does not say which of its text came with which of its tokens, so its tokens come without text, one by
 * one, and its text with the last of them.
 */
import { Heartbeat, Replaced, type TaskEvent } from "../a2a/TaskEvent.ts"
import { Delta, Finish, Usage } from "../token/TokenEvent.ts"
import { type AttemptOutlook, calm } from "./AttemptOutlook.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import type { Report } from "./StoredLook.ts"
import * as TokenTimings from "./TokenTimings.ts"

/** Events that came together, in milliseconds since 1970. */
export interface Replayed {
  readonly at: number
  readonly events: ReadonlyArray<TaskEvent>
}

export interface AttemptReplay {
  readonly startedAt: number
  /** How much was told. */
  readonly arrivals: number
  readonly content: string
  readonly reasoning: string
}

type Step = readonly [replay: AttemptReplay, news: ReadonlyArray<Replayed>]

export const begin = (startedAt: number): AttemptReplay => ({ startedAt, arrivals: 0, content: "", reasoning: "" })

const textOf = (channel: "content" | "reasoning", text: string): ReadonlyArray<TaskEvent> =>
  text === "" ? [] : [Delta.make({ channel, text, tokens: 0 })]

/** What one more report tells. */
export const reported = (replay: AttemptReplay, report: Report): Step => {
  const { arrivals, at, content, outlook = calm, phase, reasoning, tokens } = report
  const news = arrivalsOf(replay, arrivals, phase === "thinking" ? "reasoning" : "content")
  const toldAt = news.at(-1)?.at ?? at
  const beat = Heartbeat.make({
    phase,
    tokens,
    tokenAgeMillis: 0,
    engine: outlook.engine === "still" ? "moving" : outlook.engine,
    intervalMillis: 0,
    ...limitAt(outlook, toldAt - replay.startedAt)
  })
  return [
    {
      ...replay,
      arrivals: replay.arrivals + arrivals.length,
      content: replay.content + content,
      reasoning: replay.reasoning + reasoning
    },
    [...news, {
      at: toldAt,
      events: [...textOf("reasoning", reasoning), ...textOf("content", content), beat]
    }]
  ]
}

/** The limit of which an outlook says that it counts, when the attempt is so old. */
const limitAt = ({ limit }: AttemptOutlook, ageMillis: number) => {
  if (limit === null) return {}
  const { sinceMillis, ...rest } = limit
  return { limit: { ...rest, usedMillis: Math.max(0, ageMillis - sinceMillis) } }
}

/** What its record tells besides. */
export const ended = (replay: AttemptReplay, record: AttemptRecord): Step => {
  const arrivals = TokenTimings.decode(record.timings).slice(replay.arrivals)
  const end: Array<TaskEvent> = [
    ...(record.reasoning.startsWith(replay.reasoning)
      ? textOf("reasoning", record.reasoning.slice(replay.reasoning.length))
      : []),
    ...(record.content.startsWith(replay.content)
      ? textOf("content", record.content.slice(replay.content.length))
      : [Replaced.make({ text: record.content })]),
    ...(record.promptTokens === null
      ? []
      : [Usage.make({ promptTokens: record.promptTokens, completionTokens: record.tokens })]),
    ...(record.finishReason === null ? [] : [Finish.make({ reason: record.finishReason })])
  ]
  const news = arrivalsOf(replay, arrivals, "content")
  const last = news.at(-1)
  return [
    { ...replay, arrivals: replay.arrivals + arrivals.length, content: record.content, reasoning: record.reasoning },
    [
      ...news.slice(0, -1),
      { at: last?.at ?? replay.startedAt + record.durationMillis, events: [...last?.events ?? [], ...end] }
    ]
  ]
}

const arrivalsOf = (
  { startedAt }: AttemptReplay,
  arrivals: ReadonlyArray<TokenTimings.Arrival>,
  channel: "content" | "reasoning"
): ReadonlyArray<Replayed> =>
  arrivals.map(({ atMillis, tokens }) => ({
    at: startedAt + atMillis,
    events: [Delta.make({ channel, text: "", tokens })]
  }))
