/**
 * The connection under one response: what is recorded of it, and how a fault tears it.
 *
 * The journal's byte-level events of a response come from here: headers, writes, end, and a client that leaves. They are
 * recorded just before the bytes are handed to Node.
 *
 * Gotcha: NodeHttpServer writes the head of a stream response before it starts the body, but Node keeps it back until
 * the first byte. So whoever wants the headers to leave flushes them here, in the body.
 */
import * as Effect from "effect/Effect"
import type { ServerResponse } from "node:http"
import type { Piece, Wire } from "./faults/BodyFaults.ts"
import type { Journal } from "./Journal.ts"

export interface Connection extends Wire {
  readonly flushHeaders: () => void
  /** A piece of the body is written now, as so many bytes. */
  readonly written: (piece: Piece, bytes: number) => void
  /** Closes the connection without an answer. */
  readonly drop: Effect.Effect<never>
}

/** Watches a response from now on. `onLeave` hears of a client that closes before all of it was handed over. */
export const make = (
  id: string,
  response: ServerResponse,
  journal: Journal,
  onLeave: () => void
): Connection => {
  let flushed = false
  let torn = false
  let bytesBefore = false
  let tokensBefore = false
  // Recorded before anything reacts to it.
  response.prependListener("close", () => {
    if (torn || response.writableFinished) return
    journal.record(id, "close-seen")
    onLeave()
  })
  response.prependListener("finish", () => journal.record(id, "end"))

  const tear = (close: () => void) =>
    Effect.andThen(
      Effect.sync(() => {
        torn = true
        journal.record(id, "torn")
        close()
      }),
      Effect.never
    )

  return {
    flushHeaders: () => {
      if (flushed) return
      flushed = true
      response.flushHeaders()
      journal.record(id, "headers")
    },
    written: ({ finishes, tokens }, bytes) => {
      if (!bytesBefore) journal.record(id, "first-byte")
      bytesBefore = true
      if (tokens > 0) {
        if (!tokensBefore) journal.record(id, "first-token")
        tokensBefore = true
        journal.record(id, "chunk", { tokens, bytes })
      } else journal.record(id, "other-bytes", { bytes })
      if (finishes) journal.record(id, "finish")
    },
    // A reset destroys what is on its way; what was written before must get the time to arrive.
    reset: Effect.delay(tear(() => response.socket?.resetAndDestroy()), 200),
    cut: tear(() => response.socket?.end("3e8\r\ndata: {\"id\":\"chatcmpl-")),
    drop: tear(() => response.socket?.destroy())
  }
}
