/**
 * What is wrong with an agent's answer, found before or after the SDK has seen it: travels as an error through the SDK,
 * which hands on what its `fetch` throws.
 *
 * Law: whatever was thrown, `reasonOf` gives a reason, in one line and of bounded length, because it is text from
 * outside that is stored and shown.
 */
import { A2AError } from "@a2a-js/sdk/errors"
import * as Data from "effect/Data"
import * as EngineFailure from "../engine/EngineFailure.ts"
import { FailReason } from "../liveness/Failed.ts"
import { AddressRefused } from "./GuardedDispatcher.ts"

/** The most characters of foreign text in an error. */
const MOST_FOREIGN_TEXT = 300

export class AgentFault extends Data.TaggedError("AgentFault")<{ readonly reason: FailReason }> {
  override get message(): string {
    return "detail" in this.reason ? this.reason.detail : this.reason._tag
  }
}

/** Foreign text in one line, without control characters, and not too long. */
export const oneLine = (text: string): string => {
  // oxlint-disable-next-line no-control-regex
  const line = text.replaceAll(/[\s\u0000-\u001f\u007f-\u009f]+/g, " ").trim()
  return line.length > MOST_FOREIGN_TEXT ? `${line.slice(0, MOST_FOREIGN_TEXT)}…` : line
}

/** An answer that is not of the protocol. */
export const malformed = (detail: string): AgentFault =>
  new AgentFault({ reason: FailReason.cases.Malformed.make({ detail: oneLine(detail) }) })

/** The fault behind a connection that could not be made or broke. */
export const ofTransport = (url: string, error: unknown): AgentFault => {
  const refused = causeThat(error, (cause) => cause instanceof AddressRefused)
  return new AgentFault({
    reason: refused instanceof AddressRefused
      ? FailReason.cases.Unsupported.make({ detail: refused.message })
      : EngineFailure.fromTransport(url, error)
  })
}

/** The reason behind anything that the SDK's client throws. What is nobody else's fault is an answer it cannot read. */
export const reasonOf = (url: string, error: unknown): FailReason => {
  const fault = causeThat(error, (cause) => cause instanceof AgentFault)
  if (fault instanceof AgentFault) return fault.reason
  const text = error instanceof Error ? error.message : String(error)
  if (a2aErrorOf(error) !== undefined) {
    return FailReason.cases.MidStreamError.make({ code: null, detail: oneLine(text) })
  }
  const transport = EngineFailure.fromTransport(url, error)
  return transport._tag === "Rejected" ? transport : malformed(text).reason
}

/** The A2A error that an agent answered with, if it did. The SDK wraps those of error frames in plain errors. */
export const a2aErrorOf = (error: unknown): A2AError | undefined =>
  causeThat(error, (cause) => cause instanceof A2AError) as A2AError | undefined

const causeThat = (error: unknown, is: (cause: unknown) => boolean): unknown => {
  let current = error
  for (let depth = 0; depth < 8 && current !== undefined && current !== null; depth++) {
    if (is(current)) return current
    if (!(current instanceof Error)) return undefined
    current = current instanceof AggregateError && current.errors.length > 0 ? current.errors[0] : current.cause
  }
  return undefined
}
