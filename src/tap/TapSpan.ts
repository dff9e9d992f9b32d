/**
 * The span of a completion that passes the tap: `chat {model}`, as our own agents have for theirs (engine/ChatSpan.ts).
 *
 * It belongs to the span that the agent names in its request; of an agent that names none, to that of the battle, as the
 * runner said when it opened it; else it begins a trace. The engine is told of it in the place of what the agent said.
 * Where nobody collects spans there is none, and the headers pass as they came.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { IncomingHttpHeaders } from "node:http"
import { serverAttributes } from "../telemetry/serverAttributes.ts"
import { Attribute, Span } from "../telemetry/SpanNames.ts"
import * as Spans from "../telemetry/Spans.ts"
import * as TraceContext from "../telemetry/TraceContext.ts"
import type { OpenBattle } from "./OpenBattle.ts"
import type { RequestPlan } from "./RequestPlan.ts"
import type { TapCall } from "./TapCall.ts"
import type { CallEnd, CallName } from "./TapEvent.ts"

/** Opens a span at once. */
export type OpenSpan = (options: {
  readonly baseUrl: string
  readonly battle: OpenBattle | undefined
  readonly headers: IncomingHttpHeaders
  readonly name: CallName
  readonly plan: RequestPlan
}) => Spans.OpenSpan

/** The span that a request names. */
export const parentIn = ({ traceparent, tracestate }: IncomingHttpHeaders) =>
  TraceContext.read({ traceparent: textOf(traceparent), tracestate: textOf(tracestate) })

const textOf = (header: string | ReadonlyArray<string> | undefined): string | undefined =>
  typeof header === "string" ? header : header?.join(",")

/** What opens spans, by what runs an effect at once. */
export const opener =
  (run: <A>(effect: Effect.Effect<A>) => A): OpenSpan => ({ baseUrl, battle, headers, name, plan }) =>
    run(Spans.open(`${Span.chat} ${plan.model}`.trim(), {
      kind: "client",
      parent: parentIn(headers) ?? battle?.name.parent ?? null,
      attributes: {
        [Attribute.operation]: plan.api === "chat" ? "chat" : "text_completion",
        [Attribute.provider]: "openai",
        [Attribute.requestModel]: plan.model === "" ? undefined : plan.model,
        [Attribute.requestMaxTokens]: plan.maxTokens ?? undefined,
        [Attribute.requestStream]: plan.wantsStream,
        [Attribute.hop]: "engine",
        [Attribute.agent]: battle?.name.agent,
        [Attribute.tapMode]: name.mode,
        [Attribute.tapUnattributed]: name.why ?? undefined,
        ...serverAttributes(baseUrl)
      }
    }))

/** Headers that a span of ours takes the place of. */
const OF_TRACE = new Set(["traceparent", "tracestate"])
const NONE: ReadonlySet<string> = new Set()

/** Which headers of the agent are left out. */
export const leftOut = ({ isRecording }: Spans.OpenSpan): ReadonlySet<string> => isRecording ? OF_TRACE : NONE

/** The headers that stand for them, flat: name, value. */
export const headersOf = ({ headers, isRecording }: Spans.OpenSpan): ReadonlyArray<string> =>
  isRecording ? Object.entries(headers).flat() : []

/** Ends it with its call. */
export const end = (
  { beganAt, error, feed, firstTokenAt, span }: TapCall,
  how: CallEnd,
  status: number | null
): void => {
  if (!span.isRecording) return
  span.set({
    [Attribute.outputTokens]: feed.tokens,
    [Attribute.timeToFirstChunk]: firstTokenAt === undefined ? undefined : (firstTokenAt - beganAt) / 1000,
    [Attribute.httpStatus]: status ?? undefined
  })
  if (how === "completed") return span.end(Exit.void)
  span.end(how === "client-gone" ? Exit.interrupt() : Exit.fail(error ?? { _tag: how }))
}
