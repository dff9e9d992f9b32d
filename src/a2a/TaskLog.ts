/**
 * The append-only log of one task. Readers are cursors into it.
 *
 * Laws: a reader gets every event after the place where it began, in order, once; neighbouring deltas that wait for it
 * come joined. An event appended after `Ended` is dropped, because final states never change. The snapshot is the fold of
 * all events, at the generation it names. Appending costs the same however long the log; what a reader that falls behind
 * costs is bounded by the text that waits for it, for events that nobody waits for are dropped once they are in the
 * snapshot, and those that somebody waits for are joined.
 *
 * Gotcha: waking resumes readers synchronously and they may wait again at once, so a waiter is taken before it is called.
 */
import type { Message } from "@a2a-js/sdk"
import * as Transcript from "../token/Transcript.ts"
import * as LogEntry from "./LogEntry.ts"
import {
  type Artifact,
  type Ended,
  type FinalState,
  isTokenEvent,
  type OpenState,
  type TaskEvent
} from "./TaskEvent.ts"
import { TaskReader } from "./TaskReader.ts"
import { partsOf, recordOf, type TaskRecord } from "./TaskRecord.ts"
import type { TaskIdentity } from "./WireTask.ts"

/** What a task is at one moment. */
export interface TaskSnapshot {
  /** The number of events that are in it. */
  readonly generation: number
  /** Tokens of all deltas so far. */
  readonly total: number
  /** The state that was last set; `submitted` before any. */
  readonly state: OpenState | FinalState
  /** The text of the last status. */
  readonly statusText: string
  /** When the state was last set, in milliseconds since 1970. */
  readonly statusAt: number
  /** The generation of the event that set it. */
  readonly statusGeneration: number
  /** What its tokens said. */
  readonly transcript: Transcript.Transcript
  /** Its artifacts besides the answer, each as it was given last. */
  readonly artifacts: ReadonlyArray<Artifact>
}

/** The times of a task, in milliseconds since it began. */
export interface TaskTimings {
  /** `null` until there is one. */
  readonly firstTokenMillis: number | null
  /** `null` until there is one. */
  readonly lastTokenMillis: number | null
  /** Up to now while it has not ended. */
  readonly endMillis: number
}

/** Who may see a task; empty where nobody said. */
export interface TaskOwner {
  /** As the client names it in the address. */
  readonly tenant: string
  /** As the server's authenticator names it. */
  readonly user: string
}

/** What a log needs of a clock; Effect's `Clock` is one. */
export interface LogClock {
  /** Milliseconds since 1970. */
  readonly currentTimeMillisUnsafe: () => number
  /** Nanoseconds of a clock that is never set. */
  readonly monotonicTimeNanosUnsafe: () => bigint
}

/** From so many entries on they are joined or dropped; after that when they have doubled. */
const COMPACT_FROM = 512
/** Roughly what an event weighs besides its text, in bytes. */
const EVENT_BYTES = 150

/** The log; for its laws see the head of this file. */
export class TaskLog implements TaskIdentity {
  /** Its own id, which no other task has. */
  readonly taskId: string
  /** The conversation that it is part of. */
  readonly contextId: string
  /** See `TaskOwner`. */
  readonly tenant: string
  /** See `TaskOwner`. */
  readonly user: string
  /** What was said to the task and by it in earlier turns, oldest first. */
  readonly history: Array<Message> = []
  readonly #clock: LogClock
  #startedAt: number
  #entries: Array<LogEntry.LogEntry> = []
  readonly #compactFrom: number
  #compactAt: number
  readonly #readers = new Set<TaskReader>()
  #settledWaiters = new Set<() => void>()
  #folded: TaskSnapshot
  #state: OpenState | FinalState = "submitted"
  #last = LogEntry.start
  #firstTokenMillis: number | null = null
  #lastTokenMillis: number | null = null
  #endMillis: number | undefined
  #end: Ended | undefined

  constructor(identity: TaskIdentity & TaskOwner, clock: LogClock, compactFrom = COMPACT_FROM) {
    this.#compactFrom = compactFrom
    this.#compactAt = compactFrom
    this.taskId = identity.taskId
    this.contextId = identity.contextId
    this.tenant = identity.tenant
    this.user = identity.user
    this.#clock = clock
    this.#startedAt = millisOf(clock)
    this.#folded = {
      generation: 0,
      total: 0,
      state: "submitted",
      statusText: "",
      statusAt: clock.currentTimeMillisUnsafe(),
      statusGeneration: 0,
      transcript: Transcript.empty,
      artifacts: []
    }
  }

  /** The log of a task that was recorded, as it was then; see TaskRecord.ts. */
  static restore(record: TaskRecord, clock: LogClock): TaskLog {
    const log = new TaskLog(record, clock)
    const { history, snapshot } = partsOf(record)
    const { endMillis, firstTokenMillis, lastTokenMillis } = record.timings
    log.history.push(...history)
    log.#folded = snapshot
    log.#last = snapshot
    log.#state = snapshot.state
    log.#firstTokenMillis = firstTokenMillis
    log.#lastTokenMillis = lastTokenMillis
    // The time for which it lay there is none of the task's.
    log.#startedAt -= endMillis
    if (record.end === null) return log
    log.#end = record.end
    log.#endMillis = endMillis
    return log
  }

  /** The number of events so far. */
  get generation(): number {
    return this.#last.generation
  }

  /** The state that was last set. */
  get state(): OpenState | FinalState {
    return this.#state
  }

  /** Whether it has come to its end; then nothing is appended any more. */
  get ended(): boolean {
    return this.#end !== undefined
  }

  /** The event that ended it; `undefined` while it has not ended. */
  get end(): Ended | undefined {
    return this.#end
  }

  /** Whether the task waits for its client. */
  get interrupted(): boolean {
    return this.#state === "input-required" || this.#state === "auth-required"
  }

  /** The fold of all events so far. Costs what has come since it was asked for last. */
  get snapshot(): TaskSnapshot {
    this.#fold()
    return this.#folded
  }

  /** Its times so far. */
  get timings(): TaskTimings {
    return {
      firstTokenMillis: this.#firstTokenMillis,
      lastTokenMillis: this.#lastTokenMillis,
      endMillis: this.#endMillis ?? this.#sinceStart()
    }
  }

  /** The task as it is now, as data that can be written down; see TaskRecord.ts. */
  get record(): TaskRecord {
    return recordOf(this)
  }

  /** Roughly the memory it takes, in bytes. */
  get bytes(): number {
    const { artifacts, transcript } = this.snapshot
    return (transcript.content.length + transcript.reasoning.length + lengthOf(artifacts) + lengthOf(this.history)) *
        2 +
      this.#entries.length * EVENT_BYTES
  }

  /** Appends events that came together, and wakes whoever waits. What comes after an `Ended` is dropped. */
  append(events: ReadonlyArray<TaskEvent>): void {
    if (this.ended || events.length === 0) return
    const at = this.#clock.currentTimeMillisUnsafe()
    for (const event of events) {
      const entry = LogEntry.next(this.#last, event, at)
      this.#entries.push(entry)
      this.#note(entry)
      this.#last = entry
      if (this.ended) break
    }
    if (this.#entries.length >= this.#compactAt || this.#isUnread) this.#compact()
    for (const reader of this.#readers) reader.wake()
    if (this.ended || this.interrupted) {
      const waiters = this.#settledWaiters
      this.#settledWaiters = new Set()
      for (const wake of waiters) wake()
    }
  }

  /**
   * A reader of everything from the first event on. Only while nothing has been dropped, which is certain before the
   * first event.
   */
  readAll(): TaskReader {
    return this.#add(new TaskReader(this, 0))
  }

  /** A reader of everything after the snapshot that comes with it. */
  readOn(): { readonly reader: TaskReader; readonly snapshot: TaskSnapshot } {
    return { reader: this.#add(new TaskReader(this, this.generation)), snapshot: this.snapshot }
  }

  /** The entries after a generation, as far as they are kept: all, or so many that they have about `characters`. */
  after(generation: number, characters = Infinity): ReadonlyArray<LogEntry.LogEntry> {
    const start = this.#firstAfter(generation)
    let end = start
    for (let left = characters; end < this.#entries.length && left > 0; end++) {
      left -= LogEntry.charactersOf(this.#entries[end]!)
    }
    return start === end ? [] : this.#entries.slice(start, end)
  }

  /** Forgets a reader, and what only it waited for. */
  remove(reader: TaskReader): void {
    this.#readers.delete(reader)
    if (this.#isUnread) this.#compact()
  }

  /** Calls `wake` once, when the task has ended or waits for its client. Gives back how to stop waiting. */
  onSettled(wake: () => void): () => void {
    if (this.ended || this.interrupted) {
      wake()
      return () => {}
    }
    this.#settledWaiters.add(wake)
    return () => {
      this.#settledWaiters.delete(wake)
    }
  }

  /** Whether nobody waits for anything any more, or ever will. */
  get #isUnread(): boolean {
    return this.ended && this.#readers.size === 0
  }

  /** The index of the first entry after a generation. */
  #firstAfter(generation: number): number {
    let low = 0
    let high = this.#entries.length
    // Most readers have seen all but the last.
    if (high > 0 && (this.#entries[high - 2]?.generation ?? 0) <= generation) low = high - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#entries[middle]!.generation > generation) high = middle
      else low = middle + 1
    }
    return low
  }

  #add(reader: TaskReader): TaskReader {
    this.#readers.add(reader)
    return reader
  }

  #note({ event, total }: LogEntry.LogEntry): void {
    if (isTokenEvent(event)) {
      if (total === this.#last.total) return
      this.#lastTokenMillis = this.#sinceStart()
      this.#firstTokenMillis ??= this.#lastTokenMillis
      return
    }
    if (event._tag !== "Status" && event._tag !== "Ended") return
    this.#state = event.state
    if (event._tag !== "Ended") return
    this.#end = event
    this.#endMillis = this.#sinceStart()
  }

  #sinceStart(): number {
    return millisOf(this.#clock) - this.#startedAt
  }

  #fold(): void {
    for (const entry of LogEntry.join(this.after(this.#folded.generation))) this.#folded = step(this.#folded, entry)
  }

  #compact(): void {
    const places = new Set<number>()
    for (const reader of this.#readers) places.add(reader.generation)
    // Joined before they are folded, so that the snapshot is made of the same texts, but not with what is in it already.
    this.#entries = [...LogEntry.join(this.#entries, new Set([...places, this.#folded.generation]))]
    this.#fold()
    const first = Math.min(...places, this.generation)
    this.#entries = [...this.after(first)]
    this.#compactAt = Math.max(this.#compactFrom, 2 * this.#entries.length)
  }
}

const step = (before: TaskSnapshot, { at, event, generation, total }: LogEntry.LogEntry): TaskSnapshot => {
  const snapshot = { ...before, generation, total }
  if (isTokenEvent(event)) return { ...snapshot, transcript: Transcript.step(snapshot.transcript, event) }
  switch (event._tag) {
    case "Status":
    case "Ended":
      return { ...snapshot, state: event.state, statusText: event.text, statusAt: at, statusGeneration: generation }
    case "Artifact":
      return {
        ...snapshot,
        artifacts: [...snapshot.artifacts.filter((known) => known.artifactId !== event.artifactId), event]
      }
    case "Heartbeat":
    case "Followed":
      return snapshot
    case "Replaced":
      return { ...snapshot, transcript: { ...snapshot.transcript, content: event.text } }
  }
}

const millisOf = (clock: LogClock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

const lengthOf = (values: ReadonlyArray<unknown>): number => values.length === 0 ? 0 : JSON.stringify(values).length
