/**
 * What a request's faults change of its part in the engine: how long its tokens take, which they are, when it has to
 * wait, and what happens to it on the way.
 *
 * Pure but for the alarms, which begin waits that `run` carries out beside everything else.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { Answer } from "../Answers.ts"
import type { Alarm, EngineRequest } from "../EngineLoop.ts"
import type { LatencyOptions } from "../LatencyOptions.ts"
import { blockTokens } from "../Sequence.ts"
import { tokenize } from "../Tokenizer.ts"
import type { ServerAction } from "./FaultAction.ts"
import type { OwnAction, RequestFaults } from "./FaultBoard.ts"

/** What faults need of the world around the engine. */
export interface FaultContext {
  /** Runs beside everything else, at once until it first waits. */
  readonly run: (effect: Effect.Effect<void>) => void
  readonly perform: (action: ServerAction) => Effect.Effect<void, never, Scope.Scope>
  readonly latency: () => Pick<LatencyOptions, "interTokenMillis">
}

const rankOf = (when: Alarm["when"]) => when === "queued" ? -2 : when === "admitted" ? -1 : when

const endless = (text: string): Answer => {
  const tokens = tokenize(text)
  return { length: Infinity, token: (index) => tokens[index % tokens.length]! }
}

/** So many tokens take about so long. */
const tokensFor = (seconds: number, gapMillis: number) => Math.max(1, Math.round(seconds * 1000 / gapMillis))

const withHiddenReasoning = (answer: Answer, tokens: number): Answer => ({
  length: tokens + 2 + answer.length,
  token: (index) => {
    if (index === 0) return "<think>"
    if (index <= tokens) return " hm"
    return index === tokens + 1 ? "</think>" : answer.token(index - tokens - 2)
  }
})

const toolCall = (name: string, tokens: number): Answer => {
  const before = tokenize(`<tool_call>{"name": ${JSON.stringify(name)}, "arguments": {"text": "`)
  const after = tokenize("\"}}</tool_call>")
  const inside = Math.max(1, tokens - before.length - after.length)
  return {
    length: before.length + inside + after.length,
    token: (index) =>
      before[index] ?? (index < before.length + inside ? " text" : after[index - before.length - inside]!)
  }
}

/** Lets a request wait for so long, while other requests keep the engine busy. */
const waiting = (context: FaultContext, seconds: number, others: number, end: () => void) =>
  context.run(
    Effect.scoped(Effect.andThen(
      others === 0 ? Effect.void : context.perform({ _tag: "OtherRequests", count: others }),
      Effect.sleep(Duration.seconds(seconds))
    )).pipe(Effect.andThen(Effect.sync(end)))
  )

const applyOne = (
  request: EngineRequest,
  action: OwnAction,
  context: FaultContext,
  tool: string | undefined
): EngineRequest => {
  const gapMillis = context.latency().interTokenMillis || 1
  switch (action._tag) {
    case "Pace": {
      const { chunked = false, firstTokenSeconds, gapSeconds, tokensPerStep } = action
      const { pace } = request
      // In chunks of a second, each of which needs a block of its own: that moves the gauge of the KV cache.
      const promptTokens = chunked
        ? Math.max(request.promptTokens ?? 0, Math.ceil(firstTokenSeconds ?? 0) * blockTokens)
        : request.promptTokens
      const longestChunk = chunked ? Math.ceil((promptTokens ?? 1) / Math.max(1, firstTokenSeconds ?? 1)) : undefined
      return {
        ...request,
        pace: {
          ...pace,
          timeToFirstToken: firstTokenSeconds === undefined ? pace.timeToFirstToken : () => firstTokenSeconds * 1000,
          gap: gapSeconds === undefined ? pace.gap : () => gapSeconds * 1000
        },
        ...(promptTokens === undefined ? {} : { promptTokens }),
        ...(longestChunk === undefined ? {} : { longestChunk }),
        ...(tokensPerStep === undefined ? {} : { tokensOfStep: () => tokensPerStep })
      }
    }
    case "Endless":
      return { ...request, answer: endless(action.text) }
    case "HiddenReasoning":
      // What is hidden must not use up what the client asked for.
      return {
        ...request,
        maxTokens: request.maxTokens + tokensFor(action.seconds, gapMillis) + 2,
        answer: withHiddenReasoning(request.answer, tokensFor(action.seconds, gapMillis))
      }
    case "BufferedToolCall": {
      const answer = toolCall(tool ?? "lookup", tokensFor(action.seconds, gapMillis))
      // A call that is cut is never told.
      return { ...request, maxTokens: Math.max(request.maxTokens, answer.length), answer }
    }
    case "Hold":
      return {
        ...request,
        heldAs: action.reason,
        alarms: [...request.alarms ?? [], {
          when: "queued",
          ring: ({ release }) => waiting(context, action.seconds, action.others, release)
        }]
      }
    case "Preempt":
      return {
        ...request,
        alarms: [
          ...request.alarms ?? [],
          ...Array.from({ length: action.times }, (_, index): Alarm => ({
            when: action.afterTokens * (index + 1),
            ring: ({ hold, release }) => {
              hold("capacity")
              waiting(context, action.seconds, action.others, release)
            }
          }))
        ]
      }
    case "Lose":
      return {
        ...request,
        alarms: [...request.alarms ?? [], {
          when: action.afterTokens === 0 ? "admitted" : action.afterTokens,
          ring: ({ lose }) => lose()
        }]
      }
    case "IgnoreAbort":
      return { ...request, ignoresAbort: true }
    default:
      return request
  }
}

/** The request as the engine gets it. `tool`: the name of the first tool that it may call. */
export const apply = (
  request: EngineRequest,
  faults: RequestFaults,
  context: FaultContext,
  tool: string | undefined
): EngineRequest => {
  const changed = faults.actions.reduce((before, action) => applyOne(before, action, context, tool), request)
  const alarms = [...changed.alarms ?? [], ...faults.alarms]
  if (alarms.length === 0) return changed
  return { ...changed, alarms: alarms.toSorted((left, right) => rankOf(left.when) - rankOf(right.when)) }
}
