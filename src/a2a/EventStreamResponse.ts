/**
 * Writes the events of a task to a response of Node's HTTP server (adapter).
 *
 * Written where the events arise and not by a fiber that is woken for each: a token costs one write, and a stream that is
 * silent costs little more than its socket. A client that does not read is waited for, and meanwhile nothing is made for
 * it: what it misses is in the log. An event that cannot be written breaks this stream alone.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { ServerResponse } from "node:http"
import type { EventFrames } from "./EventFrames.ts"

/**
 * Writes until the last event, the client's leaving, or interruption; the response is then over. The reader of the task is
 * given up by the signal of the call, which aborts with the request.
 */
export const write = (
  request: HttpServerRequest.HttpServerRequest,
  headers: Readonly<Record<string, string>>,
  frames: EventFrames
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.callback<HttpServerResponse.HttpServerResponse>((resume) => {
    const response = NodeHttpServerRequest.toServerResponse(request) as ServerResponse
    let stopWaiting = () => {}
    let writable = true
    const flush = (): void => {
      while (writable && !response.destroyed) {
        const text = taken()
        if (text === undefined) return
        if (text !== "") writable = response.write(text)
        if (frames.ended) return end()
        if (text === "") {
          stopWaiting = frames.onReady(flush)
          return
        }
      }
    }
    /** Whoever appends to the log is here: an event that cannot be written is no fault of theirs, nor of other readers. */
    const taken = (): string | undefined => {
      try {
        return frames.take()
      } catch (error) {
        stop()
        resume(Effect.andThen(Effect.logError("an event cannot be written", error), Effect.die(error)))
        return undefined
      }
    }
    const drained = () => {
      writable = true
      flush()
    }
    const end = () => {
      stop()
      response.end(() => resume(Effect.succeed(HttpServerResponse.empty())))
    }
    const stop = () => {
      stopWaiting()
      stopComments()
      response.off("drain", drained)
    }
    const stopComments = frames.onSilence((comment) => {
      if (writable) writable = response.write(comment)
    })
    response.on("drain", drained)
    response.writeHead(200, headers)
    flush()
    return Effect.sync(() => {
      stop()
      response.destroy()
    })
  })
