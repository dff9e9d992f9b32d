/**
 * Whether a piece of an artifact is appended, for agents of A2A 0.3 over HTTP+JSON: the SDK's client (1.3.0) loses it on
 * its way through the words of 0.3, so that each piece would replace the one before it and the answer be the last piece.
 *
 * It is written into the metadata of the event, which come through, before the SDK reads it, and read from there after.
 *
 * Gotcha: it relies on pieces of the stream that hold whole events, one to a line, as EventStreamGuard.ts hands them on.
 */
import type { StreamResponse } from "@a2a-js/sdk"
import * as Result from "effect/Result"
import { isObject, parseJson } from "./WireShape.ts"

const APPENDED = "urn:a2a-campaign:appended"
/** Where agents of 0.3 have their streams. */
const STREAM_PATH = /\/v1\/(message:stream|tasks\/[^/]+:subscribe)$/

/** A `fetch` that marks the events which append. */
export const marking = (fetchImpl: typeof globalThis.fetch): typeof globalThis.fetch => (input, init) =>
  fetchImpl(input, init).then((response) =>
    response.body === null || !STREAM_PATH.test(String(input)) ||
      response.headers.get("content-type") !== "text/event-stream"
      ? response
      : new Response(marked(response.body), { status: response.status, headers: response.headers })
  )

const marked = (body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> => {
  const reader = body.getReader()
  return new ReadableStream({
    pull: (controller) =>
      reader.read().then(({ done, value }) => {
        if (done) return controller.close()
        controller.enqueue(encoder.encode(decoder.decode(value).split("\n").map(markedLine).join("\n")))
      }),
    cancel: (reason) => reader.cancel(reason)
  }, { highWaterMark: 0 })
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()

const markedLine = (line: string): string => {
  if (!line.startsWith("data: ") || !line.includes("\"append\"")) return line
  const event = Result.getOrUndefined(parseJson(line.slice("data: ".length)))
  const update = isObject(event) ? event["artifactUpdate"] ?? event["artifact_update"] : undefined
  if (!isObject(update) || update["append"] !== true) return line
  const metadata = isObject(update["metadata"]) ? update["metadata"] : {}
  return `data: ${JSON.stringify({ artifactUpdate: { ...update, metadata: { ...metadata, [APPENDED]: true } } })}`
}

/** The event with what its mark says. */
export const restored = (event: StreamResponse): StreamResponse =>
  event.payload?.$case === "artifactUpdate" && event.payload.value.metadata?.[APPENDED] === true
    ? { payload: { $case: "artifactUpdate", value: { ...event.payload.value, append: true } } }
    : event
