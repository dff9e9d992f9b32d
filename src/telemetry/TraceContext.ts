/**
 * The W3C Trace Context of a request: read from its headers, and written into those of the requests that come of it.
 *
 * https://www.w3.org/TR/trace-context/: a malformed `traceparent` is as good as none, and then its `tracestate` is none
 * either; a version that is not known is read as far as version 00 goes; `tracestate` goes on as it came, if it is within
 * the bounds (512 characters, 32 members) and of printable ASCII; else it is dropped.
 *
 * Gotcha: what an untrusted client sends decides whether a trace is sampled, as long as the sampler is one that follows
 * its parent (`OTEL_TRACES_SAMPLER`); it never decides anything else.
 */
import * as Context from "effect/Context"
import * as Tracer from "effect/Tracer"

/** The `tracestate` of the request that a span belongs to, among the span's annotations; empty where there was none. */
export const TraceState = Context.Reference<string>("a2a-campaign/TraceState", { defaultValue: () => "" })

/** Whether requests carry the context of their trace, and are asked for it (`OTEL_PROPAGATORS`). */
export const Propagates = Context.Reference<boolean>("a2a-campaign/Propagates", { defaultValue: () => true })

/** Headers by names in lower case. */
type ReadHeaders = Readonly<Record<string, string | undefined>>

const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const MOST_PARENT_CHARACTERS = 256
const MOST_STATE_CHARACTERS = 512
const MOST_STATE_MEMBERS = 32
const PRINTABLE = /^[\t\x20-\x7e]+$/

/** The span that the sender of a request was in; undefined where its headers name none. */
export const read = (headers: ReadHeaders): Tracer.ExternalSpan | undefined => {
  const { traceparent = "", tracestate = "" } = headers
  const found = traceparent.length > MOST_PARENT_CHARACTERS ? null : PARENT.exec(traceparent.trim())
  if (found === null) return undefined
  const [, version, traceId, spanId, flags, more] = found
  const isNone = /^0+$/.test(traceId!) || /^0+$/.test(spanId!)
  if (version === "ff" || isNone || (version === "00" && more !== undefined)) return undefined
  return Tracer.externalSpan({
    traceId: traceId!,
    spanId: spanId!,
    sampled: (Number.parseInt(flags!, 16) & 1) === 1,
    annotations: isState(tracestate) ? Context.make(TraceState, tracestate) : Context.empty()
  })
}

const isState = (text: string): boolean =>
  text.length <= MOST_STATE_CHARACTERS && PRINTABLE.test(text) && text.split(",").length <= MOST_STATE_MEMBERS

/** The headers of requests that are made in a span. */
export const write = (span: Tracer.AnySpan): Readonly<Record<string, string>> => {
  const state = Context.get(span.annotations, TraceState)
  const traceparent = `00-${span.traceId.padStart(32, "0")}-${span.spanId}-${span.sampled ? "01" : "00"}`
  return state === "" ? { traceparent } : { traceparent, tracestate: state }
}
