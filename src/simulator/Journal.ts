/**
 * What the simulator did, event by event, for tests that must know the truth behind the wire.
 *
 * All events but one are about the wire and are recorded by the HTTP side: the request was accepted, its headers were
 * flushed, a chunk was written (one event per write, with the number of tokens in it; `first-token` just before the
 * first), the last output was written, the client was seen to close before that. `abort-honoured` is recorded by the
 * engine loop when it drops a request it has not finished; a request that had finished in the engine before the client
 * closed has `close-seen` only. A request that does not stream has no `headers` and one chunk.
 *
 * The journal keeps the last 100 000 events; `sequence` goes on counting, so a gap at the front can be seen.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export type JournalEventKind =
  | "request"
  | "headers"
  | "first-token"
  | "chunk"
  | "finish"
  | "close-seen"
  | "abort-honoured"

export interface JournalEvent {
  readonly sequence: number
  /** Monotonic milliseconds since the simulator started. */
  readonly atMillis: number
  /** The id of the request as its client sees it ("chatcmpl-..."). */
  readonly request: string
  readonly event: JournalEventKind
  /** Number of tokens in this write; only with "chunk". */
  readonly tokens?: number
}

export interface Journal {
  /** Synchronous, because the engine loop and the encoder record in the middle of synchronous work. */
  readonly record: (request: string, event: JournalEventKind, tokens?: number) => void
  /** The kept events, oldest first. */
  readonly events: Effect.Effect<ReadonlyArray<JournalEvent>>
}

const kept = 100_000

/** An empty journal whose time begins now. */
export const make: Effect.Effect<Journal> = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const start = clock.monotonicTimeNanosUnsafe()
  let events: Array<JournalEvent> = []
  let sequence = 0
  return {
    record: (request, event, tokens) => {
      const atMillis = Number(clock.monotonicTimeNanosUnsafe() - start) / 1e6
      events.push({ sequence: sequence++, atMillis, request, event, ...(tokens === undefined ? {} : { tokens }) })
      // Cutting only every `kept` events keeps the cost of a record constant.
      if (events.length >= 2 * kept) events = events.slice(-kept)
    },
    events: Effect.sync(() => events.slice(-kept))
  }
})
