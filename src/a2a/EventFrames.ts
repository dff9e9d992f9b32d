/**
 * What one reader of a task is sent: server-sent events as text, as far as there are any.
 *
 * Each event has the generation of the log as its id. What waits for the reader is taken at once, however much it is. It
 * ends behind the last event of the task, or, where the stream says so, behind the one that makes the task wait for its
 * client. A comment stands in for silence; it is no event.
 */
import type { EventsAnswer } from "./HttpAnswer.ts"
import type { KeepAlive } from "./KeepAlive.ts"
import type { LogEntry } from "./LogEntry.ts"
import { type Encode, makeEncoder } from "./TaskEventEncoder.ts"
import type { TaskFollowing } from "./TaskFollowing.ts"
import { summaryOf } from "./TaskSummary.ts"

const COMMENT = ": keep-alive\n\n"

export class EventFrames {
  readonly #following: TaskFollowing
  readonly #envelope: EventsAnswer["envelope"]
  readonly #encode: Encode
  readonly #keepAlive: KeepAlive
  #text: string
  #ended = false
  #lastWrite: number

  /** The first event is as it comes; the others are what the reader takes. */
  constructor(
    { dialect, envelope, first }: Pick<EventsAnswer, "dialect" | "envelope" | "first">,
    following: TaskFollowing,
    keepAlive: KeepAlive
  ) {
    const { log, reader } = following
    this.#following = following
    this.#envelope = envelope
    this.#keepAlive = keepAlive
    this.#lastWrite = keepAlive.now()
    this.#text = frame(reader.generation, first)
    this.#encode = makeEncoder(log, {
      ...following,
      dialect,
      summary: (ended) => summaryOf(log, ended),
      answer: () => log.snapshot.transcript.content
    })
  }

  /** Whether nothing will come any more. */
  get ended(): boolean {
    return this.#ended || this.#following.reader.closed
  }

  /** What waits; empty where nothing does. */
  take(): string {
    let text = this.#text
    this.#text = ""
    for (const entry of this.#following.reader.take()) {
      for (const event of this.#encode(entry)) text += frame(entry.generation, this.#envelope(event))
      if (this.#isLast(entry)) {
        this.#ended = true
        break
      }
    }
    if (text !== "") this.#lastWrite = this.#keepAlive.now()
    return text
  }

  /** Calls `wake` once, when there is something to take. Gives back how to stop waiting. */
  onReady(wake: () => void): () => void {
    return this.#following.reader.onReady(wake)
  }

  /** Calls `write` with a comment whenever nothing has been taken for long. Gives back how to stop. */
  onSilence(write: (comment: string) => void): () => void {
    return this.#keepAlive.onDue(() => this.#lastWrite, () => {
      this.#lastWrite = this.#keepAlive.now()
      write(COMMENT)
    })
  }

  #isLast({ event }: LogEntry): boolean {
    return event._tag === "Ended" ||
      (this.#following.endsAtInterruption && event._tag === "Status" &&
        (event.state === "input-required" || event.state === "auth-required"))
  }
}

const frame = (generation: number, event: unknown): string => `id: ${generation}\ndata: ${JSON.stringify(event)}\n\n`

/** An event of no task. */
export const onlyEvent = (event: unknown): string => `data: ${JSON.stringify(event)}\n\n`
