/**
 * The faults that a request brings with it: in `x-sim-fault`, written as everywhere, or in llm-d-inference-sim's
 * `x-return-error`, a status.
 *
 * A header that cannot be read refuses the request: a test must not pass because its fault was misspelt.
 */
import * as Result from "effect/Result"
import { badRequest, type ErrorBody } from "../ErrorBody.ts"
import * as FaultSpecification from "./FaultSpecification.ts"

type Specifications = ReadonlyArray<FaultSpecification.FaultSpecification>

const faultsOfStatus = (text: string): string | undefined => {
  if (!/^[45]\d\d$/.test(text)) return undefined
  if (text === "429") return "rate-limited"
  if (text.startsWith("5")) return `server-error:status=${text}`
  return `rejected:status=${text}`
}

/** What the headers ask for; the failure is the body of a 400. */
export const read = (
  headers: Readonly<Record<string, string | undefined>>
): Result.Result<Specifications, ErrorBody> => {
  const asked = headers["x-sim-fault"]
  const status = headers["x-return-error"]?.trim()
  const fromStatus = status === undefined ? "" : faultsOfStatus(status)
  if (fromStatus === undefined) return Result.fail(badRequest(`x-return-error must be a status, not "${status}"`))
  return Result.mapError(
    FaultSpecification.read([asked ?? "", fromStatus].join(";")),
    (problem) => badRequest(`x-sim-fault: ${problem}`)
  )
}
