/**
 * The span of a request that an agent serves, named by its method as OpenTelemetry's page on A2A wants it (docs/gen-ai/
 * a2a.md of semantic-conventions-genai). It covers the response stream to its end.
 *
 * The requests that begin, follow or end a task have one; those that only look have none, because a poll comes every
 * second. The work of a task runs under the span of the request that began it, and may outlive it.
 *
 * It is kept in the context of the call, as is all that the SDK does not hand through. Calls without one are not told of.
 */
import type { ServerCallContext } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Tracer from "effect/Tracer"
import { Attribute } from "../telemetry/SpanNames.ts"
import * as Spans from "../telemetry/Spans.ts"
import type { AgentRequest } from "./AgentExecutor.ts"
import type { TaskLog } from "./TaskLog.ts"

const PARENT = "a2a-campaign/parent-span"
const SPAN = "a2a-campaign/span"
const LOG = "a2a-campaign/span-task"

/** Puts the span that a request belongs to into its context. */
export const provideParent = (context: ServerCallContext, parent: Tracer.AnySpan | undefined): void => {
  if (parent !== undefined) context.state.set(PARENT, parent)
}

const spanOf = (context: ServerCallContext): Spans.OpenSpan =>
  (context.state.get(SPAN) as Spans.OpenSpan | undefined) ?? Spans.none

/** Opens the span of a call. */
export const open = (method: string, context: ServerCallContext): Effect.Effect<void> =>
  Effect.map(
    Spans.open(method, {
      kind: "server",
      parent: (context.state.get(PARENT) as Tracer.AnySpan | undefined) ?? null,
      attributes: {
        [Attribute.a2aMethod]: method,
        [Attribute.a2aVersion]: context.requestedVersion,
        [Attribute.a2aTenant]: context.tenant === "" ? undefined : context.tenant?.slice(0, MOST_ID)
      }
    }),
    (span) => void context.state.set(SPAN, span)
  )

/** What clients name may be of any length. */
const MOST_ID = 128

/** Tells which message it brings, and in which conversation. */
export const tellRequest = (
  context: ServerCallContext,
  messageId: string,
  { contextId, taskId }: Pick<AgentRequest, "contextId" | "taskId">
): void =>
  spanOf(context).set({
    [Attribute.a2aMessage]: messageId.slice(0, MOST_ID),
    [Attribute.a2aTask]: taskId.slice(0, MOST_ID),
    [Attribute.conversation]: contextId.slice(0, MOST_ID)
  })

/** Tells which task it is about; how that stands is told at the end. */
export const tellTask = (context: ServerCallContext, log: TaskLog): void => {
  context.state.set(LOG, log)
  spanOf(context).set({ [Attribute.a2aTask]: log.taskId, [Attribute.conversation]: log.contextId.slice(0, MOST_ID) })
}

/** The effect, with the span for the parent of what it opens; without one, with what the request said. */
export const under = <A, E>(context: ServerCallContext, effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  const { span } = spanOf(context)
  return span === undefined ? effect : Effect.provideService(effect, Tracer.ParentSpan, span)
}

/** Ends the span with the answer. */
export const answered = <A>(context: ServerCallContext, answer: Promise<A>): Promise<A> =>
  answer.then(
    (value) => {
      end(context, Exit.void)
      return value
    },
    (error: unknown) => {
      spanOf(context).end(Exit.fail(error))
      throw error
    }
  )

/** Ends the span with the request, or with the refusal of what it asks for. */
export const begun = <A>(context: ServerCallContext, beginning: Promise<A>, over: AbortSignal): Promise<A> =>
  beginning.then(
    (value) => {
      const gone = () => end(context, Exit.interrupt())
      if (over.aborted) gone()
      else if (spanOf(context).isRecording) over.addEventListener("abort", gone, { once: true })
      return value
    },
    (error: unknown) => {
      spanOf(context).end(Exit.fail(error))
      throw error
    }
  )

/** The state names of A2A 1.0. */
const stateName = (state: TaskLog["state"]): string => `TASK_STATE_${state.replace("-", "_").toUpperCase()}`

/** Ends it as its task has ended; `otherwise` where that is still at work. */
const end = (context: ServerCallContext, otherwise: Exit.Exit<void>): void => {
  const span = spanOf(context)
  const log = context.state.get(LOG) as TaskLog | undefined
  if (log === undefined) return span.end(otherwise)
  span.set({ [Attribute.a2aState]: stateName(log.state) })
  if (log.state === "failed" || log.state === "rejected") {
    return span.end(Exit.fail(log.end?.error ?? { _tag: `task-${log.state}` }))
  }
  span.end(log.ended || log.interrupted ? Exit.void : otherwise)
}
