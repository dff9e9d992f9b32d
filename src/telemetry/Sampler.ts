/**
 * Which spans are sent: the samplers of OpenTelemetry's specification (`OTEL_TRACES_SAMPLER`), as a pure decision.
 *
 * A sampler that follows its parent does what that does, wherever it came from; any other one asks nobody, and then
 * requests of strangers cannot decide what is sent. A ratio decides by the trace id, so that all parts of a trace are sent
 * or none.
 */

/** The samplers, by their names in the specification. */
export const samplers = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio"
] as const
export type SamplerName = (typeof samplers)[number]

export interface Sampler {
  readonly name: SamplerName
  /** The share of traces that a ratio sends, from 0 to 1. */
  readonly ratio: number
}

export const everything: Sampler = { name: "parentbased_always_on", ratio: 1 }

/** Whether a span is sent. `parent` says whether its parent is; undefined where it has none. */
export const isSampled = ({ name, ratio }: Sampler, traceId: string, parent: boolean | undefined): boolean => {
  if (name.startsWith("parentbased_") && parent !== undefined) return parent
  switch (name) {
    case "always_on":
    case "parentbased_always_on":
      return true
    case "always_off":
    case "parentbased_always_off":
      return false
    case "traceidratio":
    case "parentbased_traceidratio":
      // The last digits are random in every id that follows level 2 of the W3C recommendation; 52 bits are exact in a number.
      return Number.parseInt(traceId.slice(-13), 16) / 2 ** 52 < ratio
  }
}
