/**
 * Which features of a streamed answer a server really has: each was asked for, and counts only if it was seen to do
 * something. Pure.
 *
 * A field may be refused, or accepted and ignored, and what it asks for may come unasked: only the comparison of an answer
 * with all fields with one without any tells them apart. Reasoning cannot be asked for, so it is seen or not.
 */
import * as Schema from "effect/Schema"
import { type EngineMeasurements, streamFor } from "./EngineMeasurements.ts"
import type { EngineStream } from "./EngineStream.ts"
import { chunksOf, figuresOf, finishReasonOf, usageOf } from "./EngineTokens.ts"

export const FeatureState = Schema.Literals([
  "works",
  /** It comes, whether or not it is asked for. */
  "always",
  "ignored",
  "refused",
  "not-seen",
  "not-tried"
])
export type FeatureState = typeof FeatureState.Type

const Feature = Schema.Struct({ state: FeatureState, detail: Schema.String })
type Feature = typeof Feature.Type

export const featureNames = [
  "include_usage",
  "continuous_usage_stats",
  "return_token_ids",
  "reasoning",
  "max_tokens",
  "finish_reason",
  "done",
  "usage_agrees"
] as const
export const Features = Schema.Record(Schema.Literals(featureNames), Feature)
export type Features = typeof Features.Type

const feature = (state: FeatureState, detail = ""): Feature => ({ state, detail })
const notTried = feature("not-tried")

/** A usage that came before the finish, beside text: with every chunk. */
const chunksWithUsage = (stream: EngineStream): number =>
  chunksOf(stream).filter(({ chunk }) => chunk.usage !== null && !chunk.usageAlone && chunk.finishReason === null)
    .length

const idsIn = (stream: EngineStream): number =>
  chunksOf(stream).reduce((sum, { chunk }) => sum + (chunk.tokenIds ?? 0), 0)

/** Which of the mini requests with one field alone was refused. */
const isRefused = (measured: EngineMeasurements, field: string): boolean =>
  measured.streams.some(({ end, fields, purpose }) =>
    purpose === "field" && end === "refused" && fields.length === 1 && fields[0] === field
  )

const asked = (
  measured: EngineMeasurements,
  field: string,
  seen: (stream: EngineStream) => Feature | undefined,
  comesAnyway: (stream: EngineStream) => boolean
): Feature => {
  if (isRefused(measured, field)) return feature("refused", "the request with it was refused")
  const stream = measured.streams.findLast(({ end, fields, purpose, status }) =>
    (purpose === "tokens" || purpose === "field") && status === 200 && end !== "refused" && fields.includes(field)
  )
  if (stream === undefined || chunksOf(stream).length === 0) return notTried
  const found = seen(stream)
  if (found === undefined) return feature("ignored", "accepted, and nothing came of it")
  const plain = streamFor(measured, "plain")
  return plain !== undefined && comesAnyway(plain) ? feature("always", `${found.detail}, also unasked`) : found
}

const reasoningOf = (stream: EngineStream): Feature => {
  const fields = chunksOf(stream).flatMap(({ chunk }) => chunk.reasoningField ?? [])
  return fields.length > 0
    ? feature("works", `delta.${fields[0]}, in ${fields.length} events`)
    : feature("not-seen", "not with this prompt")
}

const limitOf = (stream: EngineStream): Feature => {
  const { counted, usage } = figuresOf(stream)
  const tokens = Math.max(counted, usage ?? 0)
  if (tokens > stream.maxTokens) return feature("ignored", `${tokens} tokens for ${stream.maxTokens}`)
  if (tokens === stream.maxTokens || finishReasonOf(stream) === "length") {
    return feature("works", `${tokens} tokens for ${stream.maxTokens}`)
  }
  return feature("not-seen", `the answer ended by itself after ${tokens}`)
}

const agreementOf = (stream: EngineStream): Feature => {
  const usage = usageOf(stream)
  if (usage === null) return notTried
  const ids = idsIn(stream)
  const events = figuresOf(stream).events
  if (ids > 0) {
    return ids === usage
      ? feature("works", `${usage} by usage and by token ids`)
      : feature("ignored", `${usage} by usage, ${ids} by token ids`)
  }
  const texts = chunksOf(stream).filter(({ chunk }) => chunk.content + chunk.reasoning + chunk.toolCall > 0).length
  // A token may have no text of its own, or an event several tokens.
  return texts === usage || texts === usage - 1
    ? feature("works", `${usage} by usage, ${texts} events with text`)
    : feature("not-seen", `${usage} by usage in ${Math.max(texts, events)} events`)
}

/** Never throws. */
export const featuresOf = (measured: EngineMeasurements): Features => {
  const stream = streamFor(measured, "tokens")
  const finished = stream !== undefined && (stream.end === "complete" || stream.end === "left-open")
  return {
    include_usage: asked(
      measured,
      "include_usage",
      (stream) => usageOf(stream) === null ? undefined : feature("works", `${usageOf(stream)} tokens at the end`),
      (plain) => usageOf(plain) !== null
    ),
    continuous_usage_stats: asked(
      measured,
      "continuous_usage_stats",
      (stream) =>
        chunksWithUsage(stream) === 0 ? undefined : feature("works", `with ${chunksWithUsage(stream)} events`),
      (plain) => chunksWithUsage(plain) > 0
    ),
    return_token_ids: asked(
      measured,
      "return_token_ids",
      (stream) => idsIn(stream) === 0 ? undefined : feature("works", `${idsIn(stream)} ids`),
      (plain) => idsIn(plain) > 0
    ),
    reasoning: stream === undefined || chunksOf(stream).length === 0 ? notTried : reasoningOf(stream),
    max_tokens: stream === undefined || (!finished && stream.end !== "too-much") ? notTried : limitOf(stream),
    finish_reason: !finished
      ? notTried
      : finishReasonOf(stream) === null
      ? feature("ignored", "the answer ended without one")
      : feature("works", finishReasonOf(stream) ?? ""),
    done: !finished
      ? notTried
      : stream.arrivals.some(({ kind }) => kind === "done")
      ? feature("works")
      : feature("ignored", "the answer ended without it"),
    usage_agrees: !finished ? notTried : agreementOf(stream)
  }
}
