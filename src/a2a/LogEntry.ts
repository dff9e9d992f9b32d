/**
 * One place in a task's log: an event, or neighbouring deltas joined into one.
 *
 * The generation of an entry is the number of events of the task up to and including its last; it only grows. Law: joining
 * changes neither the text per channel, nor the sum of tokens, nor the generation and total that a reader ends at.
 */
import { Delta, tokensOf } from "../token/TokenEvent.ts"
import { isTokenEvent, type TaskEvent } from "./TaskEvent.ts"

/** An event in the log, or neighbouring deltas that were joined. */
export interface LogEntry {
  /** What happened. */
  readonly event: TaskEvent
  /** The number of events of the task up to and including it. */
  readonly generation: number
  /** Tokens of all deltas up to and including this entry. */
  readonly total: number
  /** When it came, in milliseconds since 1970. */
  readonly at: number
}

/** A place between entries: after so many events, with so many tokens. */
export type Place = Pick<LogEntry, "generation" | "total">

/** The place before the first entry. */
export const start: Place = { generation: 0, total: 0 }

/**
 * The most characters that joined deltas have, unless a single one has more. Some clients take lines of 64 kB at most,
 * and a character takes up to four bytes.
 */
const JOINED_CHARACTERS = 15_000

/** The entry that comes after a place. */
export const next = (place: Place, event: TaskEvent, at: number): LogEntry => ({
  event,
  generation: place.generation + 1,
  total: place.total + (isTokenEvent(event) ? tokensOf(event) : 0),
  at
})

/** Roughly how long an entry is on the wire, in characters, besides what every event has. */
export const charactersOf = ({ event }: LogEntry): number => event._tag === "Delta" ? event.text.length : 0

/** Joins neighbouring deltas of one channel; `keep` says after which generations a reader stands, where none are. */
export const join = (
  entries: ReadonlyArray<LogEntry>,
  keep: ReadonlySet<number> = nowhere
): ReadonlyArray<LogEntry> => {
  if (entries.length < 2) return entries
  const joined: Array<LogEntry> = []
  let run: Array<LogEntry> = []
  let characters = 0
  const close = () => {
    if (run.length > 0) joined.push(run.length === 1 ? run[0]! : joinedRun(run))
    run = []
    characters = 0
  }
  for (const entry of entries) {
    const { event } = entry
    if (event._tag !== "Delta") {
      close()
      joined.push(entry)
      continue
    }
    const last = run.at(-1)
    if (
      last !== undefined &&
      (channelOf(last) !== event.channel || characters + event.text.length > JOINED_CHARACTERS ||
        keep.has(last.generation))
    ) close()
    run.push(entry)
    characters += event.text.length
  }
  close()
  return joined
}

const nowhere: ReadonlySet<number> = new Set()

const channelOf = ({ event }: LogEntry) => event._tag === "Delta" ? event.channel : undefined

const joinedRun = (run: ReadonlyArray<LogEntry>): LogEntry => {
  const last = run.at(-1)!
  let tokens = 0
  const texts: Array<string> = []
  for (const { event } of run) {
    if (event._tag !== "Delta") continue
    texts.push(event.text)
    tokens += event.tokens
  }
  // Joined at once and not piece by piece: the pieces would stay in memory beneath the text.
  const event = Delta.make({ channel: channelOf(last) ?? "content", text: texts.join(""), tokens })
  return { ...last, event }
}
