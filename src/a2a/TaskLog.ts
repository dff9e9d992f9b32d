/**
 * The append-only log of one task. Readers are cursors into it.
 *
 * Laws: every reader sees every event from its cursor on, once and in order; an event appended after `Ended` is
 * dropped, because final states never change; appending costs the same however long the log and however many readers.
 * A reader that falls behind costs nothing but its cursor: what waits for it is in the log anyway. An ended log that
 * nobody reads can forget its events; the snapshot stays.
 *
 * Gotcha: waking resumes readers synchronously and they may wait again inside the loop, so the set of waiters is
 * swapped before it is woken.
 */
import * as Transcript from "../token/Transcript.ts"
import { type Artifact, type FinalState, isTokenEvent, type OpenState, type TaskEvent } from "./TaskEvent.ts"
import type { TaskIdentity } from "./WireTask.ts"

/** What a task is at one moment. */
export interface TaskSnapshot {
  readonly state: OpenState | FinalState
  /** The text of the last status. */
  readonly statusText: string
  /** When the state was last set, in milliseconds since 1970. */
  readonly statusAt: number
  readonly transcript: Transcript.Transcript
  readonly artifacts: ReadonlyArray<Artifact>
}

export class TaskLog implements TaskIdentity {
  readonly taskId: string
  readonly contextId: string
  readonly #now: () => number
  #events: Array<TaskEvent> = []
  #forgotten = 0
  #waiters = new Set<() => void>()
  #snapshot: TaskSnapshot
  /** The task before its first event: where a reader from the start begins. */
  readonly beginning: TaskSnapshot

  /** `now` gives the wall-clock time in milliseconds. */
  constructor(identity: TaskIdentity, now: () => number) {
    this.taskId = identity.taskId
    this.contextId = identity.contextId
    this.#now = now
    this.beginning = {
      state: "submitted",
      statusText: "",
      statusAt: now(),
      transcript: Transcript.empty,
      artifacts: []
    }
    this.#snapshot = this.beginning
  }

  /** The number of events so far: the cursor of a reader that has seen everything. */
  get length(): number {
    return this.#forgotten + this.#events.length
  }

  get snapshot(): TaskSnapshot {
    return this.#snapshot
  }

  get ended(): boolean {
    return this.#events.at(-1)?._tag === "Ended"
  }

  append(events: ReadonlyArray<TaskEvent>): void {
    if (this.ended || events.length === 0) return
    for (const event of events) {
      this.#events.push(event)
      this.#snapshot = this.#step(this.#snapshot, event)
      if (event._tag === "Ended") break
    }
    const waiters = this.#waiters
    this.#waiters = new Set()
    for (const wake of waiters) wake()
  }

  /** The events from a cursor on, as far as they are kept. */
  from(cursor: number): ReadonlyArray<TaskEvent> {
    return cursor >= this.length ? [] : this.#events.slice(Math.max(0, cursor - this.#forgotten))
  }

  /** Gives back the memory of the events of an ended log. Its end and its snapshot stay. */
  forgetEvents(): void {
    if (!this.ended) return
    this.#forgotten += this.#events.length - 1
    this.#events = this.#events.slice(-1)
  }

  /** Calls `wake` once, when there is more than `cursor` events. Gives back how to stop waiting. */
  onLonger(cursor: number, wake: () => void): () => void {
    if (this.length > cursor) {
      wake()
      return () => {}
    }
    this.#waiters.add(wake)
    return () => {
      this.#waiters.delete(wake)
    }
  }

  #step(snapshot: TaskSnapshot, event: TaskEvent): TaskSnapshot {
    if (isTokenEvent(event)) return { ...snapshot, transcript: Transcript.step(snapshot.transcript, event) }
    switch (event._tag) {
      case "Status":
      case "Ended":
        return { ...snapshot, state: event.state, statusText: event.text, statusAt: this.#now() }
      case "Artifact":
        return {
          ...snapshot,
          artifacts: [...snapshot.artifacts.filter((known) => known.artifactId !== event.artifactId), event]
        }
      case "Heartbeat":
        return snapshot
      case "Replaced":
        return { ...snapshot, transcript: { ...snapshot.transcript, content: event.text } }
    }
  }
}
