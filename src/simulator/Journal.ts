/**
 * What the simulator did, event by event, for tests that must know the truth behind the wire.
 *
 * Of a request: it was accepted; a fault happened to it; its headers were flushed; its first byte and its first token
 * were written; a chunk was written (one event per write, with the tokens that it told); something else was written
 * (comments, what faults add); its last output was written; its response was ended as HTTP wants it ("end") or the
 * server tore the connection ("torn"); the client was seen to close before that ("close-seen"). `abort-honoured` is
 * recorded by the engine when it drops a request that it has not finished, `abort-ignored` when a fault makes it go on;
 * a request that had finished in the engine before the client closed has `close-seen` only. A request that does not
 * stream has no `headers` and one chunk. `bytes` are those of the body, without HTTP's own.
 *
 * Of the server, with "server" for the request: a fault happened; it stopped to listen, or listened again; it has a new
 * process.
 *
 * The journal keeps the last 100 000 events; `sequence` goes on counting, so a gap at the front can be seen.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** What the journal tells apart. */
export type JournalEventKind =
  | "request"
  | "fault"
  | "headers"
  | "first-byte"
  | "first-token"
  | "chunk"
  | "other-bytes"
  | "finish"
  | "end"
  | "torn"
  | "close-seen"
  | "abort-honoured"
  | "abort-ignored"
  | "refusing-connections"
  | "listening"
  | "new-process"

/** One thing that happened to a request, or to the server. */
export interface JournalEvent {
  /** Counted from 0, in the order in which they happened. */
  readonly sequence: number
  /** Monotonic milliseconds since the simulator started. */
  readonly atMillis: number
  /** The id of the request as its client sees it ("chatcmpl-..."), or "server". */
  readonly request: string
  /** What happened. */
  readonly event: JournalEventKind
  /** Number of tokens in this write; only with "chunk". */
  readonly tokens?: number
  /** Number of bytes in this write; only with "chunk" and "other-bytes". */
  readonly bytes?: number
  /** Only with "fault". */
  readonly fault?: string
}

export interface Journal {
  /** Synchronous, because the engine loop and the encoder record in the middle of synchronous work. */
  readonly record: (
    request: string,
    event: JournalEventKind,
    details?: { readonly tokens?: number; readonly bytes?: number; readonly fault?: string }
  ) => void
  /** The kept events, oldest first. */
  readonly events: Effect.Effect<ReadonlyArray<JournalEvent>>
  /** Forgets all events; `sequence` goes on. */
  readonly clear: Effect.Effect<void>
}

const kept = 100_000

/** An empty journal whose time begins now. */
export const make: Effect.Effect<Journal> = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const start = clock.monotonicTimeNanosUnsafe()
  let events: Array<JournalEvent> = []
  let sequence = 0
  return {
    record: (request, event, details) => {
      const atMillis = Number(clock.monotonicTimeNanosUnsafe() - start) / 1e6
      events.push({ sequence: sequence++, atMillis, request, event, ...details })
      // Cutting only every `kept` events keeps the cost of a record constant.
      if (events.length >= 2 * kept) events = events.slice(-kept)
    },
    events: Effect.sync(() => events.slice(-kept)),
    clear: Effect.sync(() => {
      events = []
    })
  }
})
