/**
 * The faults that a request brings with it: in `x-sim-fault`, written as everywhere, or in llm-d-inference-sim's
 * `x-return-error`, a status.
 *
 * A header that cannot be read refuses the request: a test must not pass because its fault was misspelt. So does one that
 * says which requests have it, how often or from when: this one has it, once and now. Only a server's fault may say how
 * long it lasts.
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

const meaningless = ({ entry, keys }: FaultSpecification.FaultSpecification): string | undefined => {
  const others = ["request", "probability", "times", "from", ...(entry.scope === "request" ? ["for"] : [])]
  const key = others.find((other) => keys.has(other))
  return key === undefined ? undefined : `${key} of ${entry.name} means nothing for one request; leave it out`
}

/** What the headers ask for; the failure is the body of a 400. */
export const read = (
  headers: Readonly<Record<string, string | undefined>>
): Result.Result<Specifications, ErrorBody> => {
  const asked = headers["x-sim-fault"]
  const status = headers["x-return-error"]?.trim()
  const fromStatus = status === undefined ? "" : faultsOfStatus(status)
  if (fromStatus === undefined) return Result.fail(badRequest(`x-return-error must be a status, not "${status}"`))
  return FaultSpecification.read([asked ?? "", fromStatus].join(";")).pipe(
    Result.flatMap((specifications) => {
      const problem = specifications.map(meaningless).find((found) => found !== undefined)
      return problem === undefined ? Result.succeed(specifications) : Result.fail(problem)
    }),
    Result.mapError((problem) => badRequest(`x-sim-fault: ${problem}`))
  )
}
