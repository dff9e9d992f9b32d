/**
 * llm-d-inference-sim's failures, by its names: so many of 100 requests are refused, each in one of several ways.
 *
 * They are faults like all others; this file only translates.
 */
const failureTypes = {
  rate_limit: "rate-limited",
  invalid_api_key: "rejected:status=401",
  context_length: "context-length",
  server_error: "server-error:status=503",
  invalid_request: "rejected:status=400",
  model_not_found: "rejected:status=404"
} as const

export type FailureType = keyof typeof failureTypes

/** All types, in the order in which they are tried. */
export const allTypes = Object.keys(failureTypes) as ReadonlyArray<FailureType>

export const isType = (name: string): name is FailureType => Object.hasOwn(failureTypes, name)

/**
 * The faults that refuse `percent` of all requests, 0 to 100, each type as often as the others. No types: all of them.
 *
 * A request is refused by the first of its faults, so the chance of each is made larger by what the ones before it took
 * away: of k types with p together the i-th, from 0, has p/k / (1 - i p/k).
 */
export const faultsOf = (percent: number, types: ReadonlyArray<FailureType>): ReadonlyArray<string> => {
  if (percent === 0) return []
  const tried = types.length === 0 ? allTypes : types
  const each = percent / 100 / tried.length
  return tried.map((type, index) => {
    const fault = failureTypes[type]
    const chance = Math.min(1, each / (1 - index * each)).toFixed(9)
    return `${fault}${fault.includes(":") ? "," : ":"}probability=${chance}`
  })
}
