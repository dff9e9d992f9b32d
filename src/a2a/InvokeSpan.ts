/**
 * The span of a task that an agent is asked for: `invoke_agent` of OpenTelemetry's GenAI conventions, from the card to the
 * end of the task, in whatever way it is followed.
 *
 * Every request about the task carries its context. The requests themselves have no spans at this side: a task that is
 * polled would have thousands. The agent's side has (ServedSpan.ts), one for each request that begins, follows or ends a
 * task.
 */
import type * as Stream from "effect/Stream"
import type { Hop } from "../liveness/Hop.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { Verdict } from "../liveness/Verdict.ts"
import { verdictAttributes } from "../telemetry/errorAttributes.ts"
import { serverAttributes } from "../telemetry/serverAttributes.ts"
import { Attribute, Event, Span } from "../telemetry/SpanNames.ts"
import * as Spans from "../telemetry/Spans.ts"

/** What is asked of whom. */
export interface InvokedMessage {
  readonly url: string
  readonly hop: Hop
  readonly contextId?: string
  readonly onContext?: ((contextId: string) => void) | undefined
  readonly span?: Spans.OpenSpan
}

/** The stream of a task in its span: in that of whoever asks, if it was given one. */
export const stream = <A, R>(
  { contextId, hop, span, url }: InvokedMessage,
  body: (span: Spans.OpenSpan) => Stream.Stream<A, RunError, R>
): Stream.Stream<A, RunError, R> =>
  span !== undefined ? body(span) : Spans.stream(`${Span.invokeAgent} ${hop}`, {
    kind: "client",
    attributes: {
      [Attribute.operation]: "invoke_agent",
      [Attribute.hop]: hop,
      [Attribute.conversation]: contextId,
      ...serverAttributes(url)
    }
  }, body)

/** Tells who the agent is; gives what is to be told of its conversation and its task. */
export const tell = (
  span: Spans.OpenSpan,
  { name }: { readonly name: string },
  { onContext }: InvokedMessage
) => {
  span.set({ [Attribute.agentName]: name.slice(0, MOST_NAME) })
  return {
    onContext: (contextId: string) => {
      span.set({ [Attribute.conversation]: contextId.slice(0, MOST_NAME) })
      onContext?.(contextId)
    },
    onTask: (taskId: string) => span.set({ [Attribute.a2aTask]: taskId.slice(0, MOST_NAME) })
  }
}

/** What an agent says of itself may be of any length. */
const MOST_NAME = 128

/** Tells the span of every verdict, and then who else is to know. */
export const tellingVerdicts =
  (span: Spans.OpenSpan, onVerdict: ((verdict: Verdict) => void) | undefined) => (verdict: Verdict): void => {
    span.event(Event.verdict, verdictAttributes(verdict))
    onVerdict?.(verdict)
  }
