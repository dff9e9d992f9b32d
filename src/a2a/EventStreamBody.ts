/**
 * The body of a stream of a task's events: server-sent events, as bytes.
 *
 * Each event has the generation of the log as its id. What waits for the reader goes out in one write; when nothing does,
 * the reader waits, and nothing is made for it. The body ends behind the last event of the task, or, where the stream says
 * so, behind the one that makes the task wait for its client. Whoever stops reading it gives up the reader's place.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { EventsAnswer } from "./HttpAnswer.ts"
import type { KeepAlive } from "./KeepAlive.ts"
import type { LogEntry } from "./LogEntry.ts"
import { makeEncoder } from "./TaskEventEncoder.ts"
import type { TaskFollowing } from "./TaskFollowing.ts"
import { summaryOf } from "./TaskSummary.ts"

const COMMENT = ": keep-alive\n\n"

/** The body of an answer, from the first event on. */
export const make = (
  { dialect, envelope, first }: Pick<EventsAnswer, "dialect" | "envelope" | "first">,
  { begun, endsAtInterruption, exact, log, reader }: TaskFollowing,
  keepAlive: KeepAlive
): Stream.Stream<Uint8Array> => {
  const encode = makeEncoder(log, {
    dialect,
    exact,
    begun,
    endsAtInterruption,
    summary: (ended) => summaryOf(log, ended),
    answer: () => log.snapshot.transcript.content
  })
  let ended = false
  let text = frame(reader.generation, first)
  let commentDue = false
  let lastWrite = keepAlive.now()

  const isLast = ({ event }: LogEntry) =>
    event._tag === "Ended" ||
    (endsAtInterruption && event._tag === "Status" &&
      (event.state === "input-required" || event.state === "auth-required"))

  const takeText = () => {
    for (const entry of reader.take()) {
      for (const event of encode(entry)) text += frame(entry.generation, envelope(event))
      if (isLast(entry)) {
        ended = true
        break
      }
    }
    if (text === "" && commentDue) text = COMMENT
    commentDue = false
    const taken = text
    text = ""
    return taken
  }

  const wait = Effect.callback<void>((resume) => {
    const done = () => {
      stop()
      resume(Effect.void)
    }
    let stopTimer = () => {}
    let stopReader = () => {}
    const stop = () => {
      stopReader()
      stopTimer()
    }
    stopTimer = keepAlive.onDue(() => lastWrite, () => {
      commentDue = true
      done()
    })
    stopReader = reader.onReady(done)
    return Effect.sync(stop)
  })

  const pull: Effect.Effect<readonly [Uint8Array], Cause.Done> = Effect.suspend(() => {
    if (ended || reader.closed) return Cause.done()
    const taken = takeText()
    if (taken === "") return reader.done ? Cause.done() : Effect.andThen(wait, pull)
    lastWrite = keepAlive.now()
    return Effect.succeed([encoder.encode(taken)] as const)
  })

  return Stream.fromPull(Effect.succeed(pull)).pipe(Stream.ensuring(Effect.sync(() => reader.close())))
}

/** The body of an answer that is a single event of no task. */
export const onlyEvent = (event: unknown): Uint8Array => encoder.encode(`data: ${JSON.stringify(event)}\n\n`)

const frame = (generation: number, event: unknown): string => `id: ${generation}\ndata: ${JSON.stringify(event)}\n\n`

const encoder = new TextEncoder()
