/**
 * Faults of one response: refusals, late or no headers, bodies that end wrongly or are written strangely.
 *
 * The engine does its part as always. Where an answer is not streamed, what cuts a stream closes the connection before
 * the answer, but an error event becomes the status it names; what only changes how bytes are written has no effect.
 */
import { queueFull } from "../EngineErrors.ts"
import { choice, completed, count, entry, failed, type FaultEntry, seconds, slowly } from "./FaultEntry.ts"

const afterTokens = count(10, "tokens that are told before; longer than the answer: it does not happen", 1)

const abandoned = "an abort: running falls, no request_success"
const everything = "everything moves"
const nothing = "nothing moves"

const refusals: Readonly<Record<number, readonly [type: string, message: string, param?: string]>> = {
  400: ["BadRequestError", "Invalid request: missing required parameter 'model'.", "model"],
  401: ["AuthenticationError", "Incorrect API key provided."],
  403: ["PermissionDeniedError", "You are not allowed to use this model."],
  404: ["NotFoundError", "The model does not exist.", "model"],
  413: ["RequestEntityTooLargeError", "The request body is too large."],
  422: ["UnprocessableEntityError", "The request could not be processed."]
}

const retryAfter = seconds(0, "the value of the header Retry-After; 0: there is none")

export const wireFaultEntries: ReadonlyArray<FaultEntry> = [
  entry({
    name: "none",
    summary: "No fault: in a request's header it keeps all others away from this request.",
    scope: "request",
    wire: "as always",
    metrics: everything,
    outcome: completed(),
    actions: () => [{ _tag: "Exempt" }]
  }),
  entry({
    name: "rejected",
    summary: "The request is refused as wrong.",
    scope: "request",
    parameters: { status: count(400, "the status", 400, 499) },
    example: "rejected:status=404",
    wire: "the status with an error body",
    metrics: nothing,
    outcome: failed(["rejected"], "", "no"),
    actions: ({ status }) => {
      const [type, message, param] = refusals[status] ?? ["BadRequestError", "The request was refused."]
      return [{ _tag: "Refuse", status, type, message, ...(param === undefined ? {} : { param }) }]
    }
  }),
  entry({
    name: "context-length",
    summary: "The request is refused because it is longer than the model's context.",
    scope: "request",
    wire: "400 with vLLM's words for it",
    metrics: nothing,
    outcome: failed(["rejected"], "", "no"),
    actions: () => [{
      _tag: "Refuse",
      status: 400,
      type: "BadRequestError",
      message: "This model's maximum context length is 4096 tokens. However, you requested 0 output tokens and your " +
        "prompt contains at least 4097 input tokens, for a total of at least 4097 tokens. Please reduce the length of " +
        "the input prompt or the number of requested output tokens.",
      param: "input_tokens"
    }]
  }),
  entry({
    name: "rate-limited",
    summary: "The request is refused because there were too many.",
    scope: "request",
    parameters: { "retry-after": retryAfter },
    example: "rate-limited:retry-after=5,times=3",
    wire: "429, with or without Retry-After",
    metrics: nothing,
    outcome: failed(["rate-limited"], "waits, then completes; attempts are not used up"),
    actions: (p) => [{
      _tag: "Refuse",
      status: 429,
      type: "RateLimitError",
      message: "Rate limit reached for requests per minute.",
      retryAfterSeconds: p["retry-after"]
    }]
  }),
  entry({
    name: "queue-full",
    summary: "The request is refused because the engine's queue is full.",
    scope: "request",
    parameters: { "retry-after": retryAfter },
    example: "queue-full:probability=0.2",
    wire: "503, with or without Retry-After",
    metrics: "admission_rejections counts it, nothing else moves",
    outcome: failed(["unavailable"], "waits, then completes; attempts are not used up"),
    actions: (p) => [{
      _tag: "Refuse",
      status: 503,
      type: queueFull.error.type,
      message: queueFull.error.message,
      retryAfterSeconds: p["retry-after"],
      queueFull: true
    }]
  }),
  entry({
    name: "server-error",
    summary: "The request fails before its first token.",
    scope: "request",
    parameters: { status: count(500, "the status", 500, 599) },
    wire: "the status with an error body",
    metrics: nothing,
    outcome: failed(["server-error", "unavailable"], "503 is unavailable, all others are server-error"),
    actions: ({ status }) => [{
      _tag: "Refuse",
      status,
      type: "InternalServerError",
      message: "The server is overloaded or not ready yet."
    }]
  }),
  entry({
    name: "headers-never",
    summary: "The request is read and never answered.",
    scope: "request",
    wire: "no byte",
    metrics: nothing,
    outcome: failed(["connect-timeout"]),
    actions: () => [{ _tag: "NoAnswer" }]
  }),
  entry({
    name: "late-headers",
    summary: "Headers come with the first token, and that takes ten minutes.",
    scope: "request",
    parameters: { seconds: seconds(600, "how late") },
    example: "late-headers:seconds=30",
    wire: "no byte, then the whole answer",
    metrics: "as with long-prefill",
    outcome: completed("no cut after 300 s"),
    actions: (p) => [{ _tag: "HoldHeaders" }, { _tag: "Pace", firstTokenSeconds: p.seconds, chunked: true }]
  }),
  entry({
    name: "connection-dropped",
    summary: "The connection is closed before any answer.",
    scope: "request",
    wire: "closed without a byte",
    metrics: nothing,
    outcome: failed(["connect-error", "connection-lost"]),
    actions: () => [{ _tag: "Drop" }]
  }),
  entry({
    name: "mid-stream-error",
    summary: "An error event with code 500 in the middle of the answer.",
    scope: "request",
    parameters: { "after-tokens": afterTokens },
    wire: "data: {\"error\": …, \"code\": 500}, then [DONE]",
    metrics: abandoned,
    outcome: failed(["mid-stream-error"]),
    actions: (p) => [{ _tag: "End", afterTokens: p["after-tokens"], end: { _tag: "ErrorEvent", code: 500 } }]
  }),
  entry({
    name: "mid-stream-bad-request",
    summary: "An error event with code 400 in the middle of the answer, as for errors inside the server.",
    scope: "request",
    parameters: { "after-tokens": afterTokens },
    wire: "data: {\"error\": …, \"code\": 400}, then [DONE]",
    metrics: abandoned,
    outcome: failed(["mid-stream-error"], "", "once"),
    actions: (p) => [{
      _tag: "End",
      afterTokens: p["after-tokens"],
      end: { _tag: "ErrorEvent", code: 400, message: "list index out of range" }
    }]
  }),
  entry({
    name: "truncated",
    summary: "The stream ends properly, without finish reason and [DONE].",
    scope: "request",
    parameters: { "after-tokens": afterTokens },
    wire: "a clean end",
    metrics: abandoned,
    outcome: failed(["truncated"]),
    actions: (p) => [{ _tag: "End", afterTokens: p["after-tokens"], end: { _tag: "CleanEnd" } }]
  }),
  entry({
    name: "done-without-finish",
    summary: "[DONE] comes without a finish reason.",
    scope: "request",
    parameters: { "after-tokens": afterTokens },
    wire: "[DONE] and a clean end",
    metrics: abandoned,
    outcome: failed(["done-without-finish"]),
    actions: (p) => [{ _tag: "End", afterTokens: p["after-tokens"], end: { _tag: "Done" } }]
  }),
  entry({
    name: "connection-reset",
    summary: "The connection is reset in the middle of the answer.",
    scope: "request",
    parameters: { "after-tokens": afterTokens },
    wire: "RST, a fifth of a second after the last token",
    metrics: abandoned,
    outcome: failed(["connection-lost"], "the partial answer is kept"),
    actions: (p) => [{ _tag: "End", afterTokens: p["after-tokens"], end: { _tag: "Reset" } }]
  }),
  entry({
    name: "connection-cut",
    summary: "The connection is closed inside a chunk of HTTP's chunked encoding.",
    scope: "request",
    parameters: { "after-tokens": afterTokens },
    wire: "half a chunk, then FIN",
    metrics: abandoned,
    outcome: failed(["connection-lost"], "the partial answer is kept"),
    actions: (p) => [{ _tag: "End", afterTokens: p["after-tokens"], end: { _tag: "Cut" } }]
  }),
  entry({
    name: "half-event",
    summary: "The stream ends properly in the middle of an event.",
    scope: "request",
    parameters: { "after-tokens": afterTokens },
    wire: "half an event, then a clean end",
    metrics: abandoned,
    outcome: failed(["truncated", "malformed"]),
    actions: (p) => [{ _tag: "End", afterTokens: p["after-tokens"], end: { _tag: "HalfEvent" } }]
  }),
  entry({
    name: "malformed-json",
    summary: "An event whose data are no JSON, in the middle of a good answer.",
    scope: "request",
    parameters: { "after-tokens": afterTokens },
    wire: "data: {\"id\": …, then the rest of the answer",
    metrics: everything,
    outcome: failed(["malformed"], "", "once"),
    actions: (p) => [{ _tag: "BrokenEvent", afterTokens: p["after-tokens"] }]
  }),
  entry({
    name: "wrong-content-type",
    summary: "The stream calls itself plain text.",
    scope: "request",
    wire: "content-type: text/plain; the body is a good stream",
    metrics: everything,
    outcome: completed(),
    actions: () => [{ _tag: "ContentType", value: "text/plain; charset=utf-8" }]
  }),
  entry({
    name: "html-page",
    summary: "Something in front of the server answers 200 with a page for people.",
    scope: "request",
    wire: "200, content-type: text/html, and a page instead of a stream",
    metrics: nothing,
    outcome: failed(["malformed"], "", "once"),
    actions: () => [{ _tag: "Page" }]
  }),
  entry({
    name: "finish-without-done",
    summary: "The stream ends behind the chunk with the finish reason, which carries text.",
    scope: "request",
    wire: "no usage, no [DONE], a clean end",
    metrics: everything,
    outcome: completed("all text is kept"),
    actions: () => [{ _tag: "AfterFinish", usage: false, then: "end" }]
  }),
  entry({
    name: "finish-then-open",
    summary: "The connection stays open for ever behind the finish reason.",
    scope: "request",
    parameters: { usage: choice(["no", "yes"], "whether the usage is told before") },
    wire: "no [DONE], no end",
    metrics: everything,
    outcome: completed("in about 5 s; the client closes the connection"),
    actions: (p) => [{ _tag: "AfterFinish", usage: p.usage === "yes", then: "stay-open" }]
  }),
  entry({
    name: "finish-then-reset",
    summary: "The connection is reset behind the finish reason.",
    scope: "request",
    parameters: { usage: choice(["no", "yes"], "whether the usage is told before") },
    wire: "no [DONE], RST a fifth of a second later",
    metrics: everything,
    outcome: completed(),
    actions: (p) => [{ _tag: "AfterFinish", usage: p.usage === "yes", then: "reset" }]
  }),
  entry({
    name: "one-byte-writes",
    summary: "Every byte of the body is a write of its own.",
    scope: "request",
    wire: "an HTTP chunk per byte, also inside characters and line ends",
    metrics: everything,
    outcome: completed(),
    actions: () => [{ _tag: "Encode", how: "one-byte-writes" }]
  }),
  entry({
    name: "split-characters",
    summary: "Every write ends inside a character of several bytes.",
    scope: "request",
    wire: "comments with such a character, and every one of the answer's, are cut in two writes",
    metrics: everything,
    outcome: completed(),
    actions: () => [{ _tag: "Encode", how: "split-characters" }]
  }),
  entry({
    name: "crlf",
    summary: "Lines end with CR LF.",
    scope: "request",
    wire: "CR LF for every LF",
    metrics: everything,
    outcome: completed(),
    actions: () => [{ _tag: "Encode", how: "crlf" }]
  }),
  entry({
    name: "byte-order-mark",
    summary: "The body begins with a byte order mark.",
    scope: "request",
    wire: "EF BB BF before the first event",
    metrics: everything,
    outcome: completed(),
    actions: () => [{ _tag: "Encode", how: "byte-order-mark" }]
  }),
  entry({
    name: "huge-event",
    summary: "An event of 5 MB in the middle of the answer.",
    scope: "request",
    parameters: { "after-tokens": afterTokens, megabytes: count(5, "its size", 1) },
    wire: "an empty delta with a very long key that nobody knows",
    metrics: everything,
    outcome: completed(),
    actions: (p) => [{ _tag: "HugeEvent", afterTokens: p["after-tokens"], bytes: p.megabytes * 1e6 }]
  }),
  entry({
    name: "comments",
    summary: "Keep-alive comments, whatever else is sent.",
    scope: "request",
    parameters: { every: seconds(15, "time between two") },
    wire: "a comment now and then",
    metrics: everything,
    outcome: completed("a comment is no token"),
    actions: (p) => [{ _tag: "Noise", frame: "comment", everySeconds: p.every }]
  }),
  entry({
    name: "proxy-idle-cut",
    summary: "A proxy closes the connection after a minute without a byte.",
    scope: "request",
    parameters: { seconds: seconds(60, "how long it waits") },
    example: "proxy-idle-cut:seconds=60; long-prefill:seconds=90",
    wire: "closed without an end of the body when nothing was sent for so long",
    metrics: abandoned,
    outcome: failed(["connection-lost"], "with the hint that a proxy may have cut an idle connection"),
    actions: (p) => [{ _tag: "IdleCut", seconds: p.seconds }]
  }),
  entry({
    name: "proxy-buffering",
    summary: "A proxy keeps everything back until the answer is complete.",
    scope: "request",
    wire: "no byte, then headers and the whole answer at once",
    metrics: everything,
    outcome: slowly("any", "with the hint that something buffers"),
    actions: () => [{ _tag: "Buffer" }]
  })
]
