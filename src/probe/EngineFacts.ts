/**
 * What follows from the measurements of an engine before anybody judges it: everything that findings are made of. Pure.
 */
import { type AbortCheck, checkAbort } from "./EngineAbort.ts"
import { check, type EvidenceCheck, frozenMillis } from "./EngineEvidenceCheck.ts"
import { type Features, featuresOf } from "./EngineFeatures.ts"
import { identify, type Identity } from "./EngineIdentity.ts"
import { type EngineMeasurements, streamFor } from "./EngineMeasurements.ts"
import { intervalsOf, movementOf, type SeriesMovement } from "./EngineMovement.ts"
import type { EngineStream } from "./EngineStream.ts"
import { chunksOf, figuresOf, tokenArrivals, type TokenFigures } from "./EngineTokens.ts"

export interface EngineFacts {
  readonly measured: EngineMeasurements
  readonly identity: Identity
  /** The stream whose tokens were watched, if it was answered. */
  readonly stream: EngineStream | undefined
  readonly tokens: TokenFigures | undefined
  readonly features: Features
  readonly series: ReadonlyArray<SeriesMovement>
  readonly evidence: EvidenceCheck
  readonly abort: AbortCheck
  readonly prefillMillis: number | null
  /** Whether a pair of looks fell within the time that a prompt was computed, and whether anything moved between them. */
  readonly prefill: "moves" | "still" | "not-seen"
  readonly step: LongestStep
}

export interface LongestStep {
  readonly longestMillis: number | null
  /** What it was seen in. */
  readonly from: string
  readonly frozenMillis: number
}

/** The names of all series that were seen. */
export const seriesNames = (
  measured: Pick<EngineMeasurements, "looks">
): ReadonlyArray<string> => [...new Set(measured.looks.flatMap(({ values }) => [...values.keys()]))]

const prefillOf = (measured: EngineMeasurements): number | null => {
  const stream = streamFor(measured, "prefill")
  const first = stream === undefined ? undefined : tokenArrivals(stream)[0]
  return stream === undefined || first === undefined ? null : first.at - stream.sentAt
}

const stepOf = (facts: Omit<EngineFacts, "step">): LongestStep => {
  const gap = Math.max(
    0,
    ...facts.measured.streams.flatMap((stream) => figuresOf(stream).gaps?.largestMillis ?? [])
  )
  const prompt = facts.prefill === "moves"
    ? facts.evidence.stillPrefillMillis ?? 0
    : facts.prefillMillis ?? facts.tokens?.firstTokenMillis ?? 0
  const candidates = [
    { millis: gap, from: "the longest gap between tokens" },
    { millis: prompt, from: "a prompt that was computed while no counter moved" },
    { millis: facts.evidence.longestStepMillis, from: "the longest standstill between looks at the metrics" }
  ].toSorted((one, other) => other.millis - one.millis)
  const longest = candidates[0]!
  return {
    longestMillis: longest.millis > 0 ? longest.millis : null,
    from: longest.millis > 0 ? longest.from : "nothing was seen of it",
    frozenMillis: frozenMillis(gap, Math.max(prompt, facts.evidence.longestStepMillis))
  }
}

/** Never throws. */
export const factsOf = (measured: EngineMeasurements): EngineFacts => {
  const intervals = intervalsOf(measured)
  const series = movementOf(intervals)
  const stream = streamFor(measured, "tokens")
  const core = series.filter(({ name }) => /^(?:vllm|sglang|llamacpp):/.test(name) && !name.includes(":http_"))
  const evidence = check(measured)
  const facts = {
    measured,
    identity: identify({
      models: measured.models,
      answers: measured.answers,
      metrics: seriesNames(measured),
      fingerprints: [
        ...new Set(
          measured.streams.flatMap((stream) => chunksOf(stream).flatMap(({ chunk }) => chunk.fingerprint ?? []))
        )
      ]
    }),
    stream,
    tokens: stream === undefined || stream.status !== 200 ? undefined : figuresOf(stream),
    features: featuresOf(measured),
    series,
    evidence,
    abort: checkAbort(measured, {
      believed: evidence.binding !== "refuted",
      stillMillis: evidence.stillMillis ?? 0
    }),
    prefillMillis: prefillOf(measured),
    prefill: !intervals.some(({ phase }) => phase === "prefill")
      ? "not-seen" as const
      : core.some(({ phases }) => phases.prefill.moved > 0)
      ? "moves" as const
      : "still" as const
  }
  return { ...facts, step: stepOf(facts) }
}
