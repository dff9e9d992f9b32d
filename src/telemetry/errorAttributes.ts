/**
 * What a span says of the error that ended it, and of a verdict: kinds, numbers and names of ours.
 *
 * Law: none of the words that an engine or an agent has said, because those may quote a prompt, an answer or a key.
 */
import { Failed, kindOf } from "../liveness/Failed.ts"
import { Slow } from "../liveness/Slow.ts"
import { Stalled } from "../liveness/Stalled.ts"
import type { Verdict } from "../liveness/Verdict.ts"
import { Attribute } from "./SpanNames.ts"

type Said = Readonly<Record<string, string | number | undefined>>

/** As `_OTHER` in OpenTelemetry: an error that has no type. */
const OTHER = "_OTHER"
/** An `error.type` is one of a few; what is longer is no name. */
const NAME = /^[\w.$-]{1,64}$/

/** The attributes of an error; `error.type` is the kind of a stall or a failure, or the error's tag. */
export const errorAttributes = (error: unknown): Said => {
  if (error instanceof Stalled) {
    const { cancel, circumstances, confidence, hop, kind, limit, phase, silentMillis, tokens } = error
    return {
      [Attribute.errorType]: kind,
      [Attribute.verdict]: "stalled",
      [Attribute.verdictReason]: kind,
      [Attribute.verdictHop]: hop,
      [Attribute.confidence]: confidence,
      [Attribute.phase]: phase,
      [Attribute.verdictTokens]: tokens,
      [Attribute.silence]: Math.round(silentMillis) / 1000,
      [Attribute.limit]: limit.name,
      [Attribute.limitSeconds]: Math.round(limit.millis) / 1000,
      [Attribute.binding]: circumstances.evidence.binding,
      [Attribute.cancel]: cancel
    }
  }
  if (error instanceof Slow) {
    const { cancel, hop, limit, phase, reason, silentMillis, tokens } = error
    return {
      [Attribute.errorType]: "budget",
      [Attribute.verdict]: "slow",
      [Attribute.verdictReason]: reason ?? undefined,
      [Attribute.verdictHop]: hop,
      [Attribute.phase]: phase,
      [Attribute.verdictTokens]: tokens,
      [Attribute.silence]: Math.round(silentMillis) / 1000,
      [Attribute.limit]: limit.name,
      [Attribute.limitSeconds]: Math.round(limit.millis) / 1000,
      [Attribute.cancel]: cancel
    }
  }
  if (error instanceof Failed) {
    const kind = kindOf(error)
    return {
      [Attribute.errorType]: kind,
      [Attribute.verdict]: "failed",
      [Attribute.verdictReason]: kind,
      [Attribute.verdictHop]: error.hop,
      [Attribute.verdictTokens]: error.tokens,
      ...("status" in error.reason ? { [Attribute.httpStatus]: error.reason.status } : {})
    }
  }
  return { [Attribute.errorType]: nameOf(error) }
}

/** The tag or the name of an error, if that is a name. */
const nameOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return OTHER
  const name = "_tag" in error ? error._tag : "name" in error ? error.name : undefined
  return typeof name === "string" && NAME.test(name) ? name : OTHER
}

/** The attributes of the event that tells a verdict. */
export const verdictAttributes = (verdict: Verdict): Said => {
  const { tokens } = verdict
  const common = {
    [Attribute.verdict]: verdict._tag.toLowerCase(),
    [Attribute.tokens]: tokens,
    ...("phase" in verdict ? { [Attribute.phase]: verdict.phase } : {}),
    ...("silentMillis" in verdict ? { [Attribute.silence]: Math.round(verdict.silentMillis) / 1000 } : {}),
    ...("limit" in verdict
      ? { [Attribute.limit]: verdict.limit.name, [Attribute.limitSeconds]: Math.round(verdict.limit.millis) / 1000 }
      : {}),
    ...("circumstances" in verdict ? { [Attribute.binding]: verdict.circumstances.evidence.binding } : {})
  }
  switch (verdict._tag) {
    case "Slow":
      return { ...common, [Attribute.verdictReason]: verdict.reason }
    case "Stalled":
      return { ...common, [Attribute.verdictReason]: verdict.kind, [Attribute.confidence]: verdict.confidence }
    case "Failed":
      return { ...common, [Attribute.verdictReason]: verdict.kind }
    case "Cancelled":
      return { ...common, [Attribute.verdictReason]: verdict.by }
    case "Alive":
    case "Completed":
      return common
  }
}
