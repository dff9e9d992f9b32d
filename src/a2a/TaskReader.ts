/**
 * One reader's place in a task's log.
 *
 * It takes what waits for it, with neighbouring deltas joined: one event at a time where it keeps up, fewer and larger
 * ones where it does not. It holds nothing but its place, so a reader that stands still costs nobody anything.
 */
import * as LogEntry from "./LogEntry.ts"
import type { TaskLog } from "./TaskLog.ts"

/** About how many characters a reader takes at once. */
const TAKEN_CHARACTERS = 64 * 1024

/** A reader; see `TaskLog.readAll` and `TaskLog.readOn`. */
export class TaskReader {
  readonly #log: TaskLog
  #generation: number
  #wake: (() => void) | undefined
  #closed = false

  /** Only for the log; see `TaskLog.readAll` and `TaskLog.readOn`. */
  constructor(log: TaskLog, generation: number) {
    this.#log = log
    this.#generation = generation
  }

  /** The generation of the last event that it has taken. */
  get generation(): number {
    return this.#generation
  }

  /** Whether it has given up its place. */
  get closed(): boolean {
    return this.#closed
  }

  /** Whether it has taken the last event there will ever be. */
  get done(): boolean {
    return this.#log.ended && this.generation === this.#log.generation
  }

  /** What waits for it, or nothing. */
  take(): ReadonlyArray<LogEntry.LogEntry> {
    const entries = this.#log.after(this.generation, TAKEN_CHARACTERS)
    this.#generation = entries.at(-1)?.generation ?? this.#generation
    return LogEntry.join(entries)
  }

  /** Calls `wake` once, when there is something to take or the reader is closed. Gives back how to stop waiting. */
  onReady(wake: () => void): () => void {
    if (this.#closed || this.#log.generation > this.generation) {
      wake()
      return () => {}
    }
    this.#wake = wake
    return () => {
      this.#wake = undefined
    }
  }

  /** Called by the log when it has grown. */
  wake(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** Gives up its place. */
  close(): void {
    this.#closed = true
    this.#log.remove(this)
    this.wake()
  }
}
