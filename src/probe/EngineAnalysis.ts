/**
 * From the measurements of an engine to its report: findings, what can be proved here, and whether it is fit. Pure.
 *
 * Laws: it never throws, whatever was measured. Fit is an engine that streams tokens and ends with a finish reason, and
 * that no finding forbids; evidence is no condition, because a campaign can watch without. What is said to be provable
 * rests on metrics that were seen to be those of the engine that answered.
 */
import * as Schema from "effect/Schema"
import { printable } from "./EngineAnswer.ts"
import { type EngineFacts, factsOf } from "./EngineFacts.ts"
import type { EngineMeasurements } from "./EngineMeasurements.ts"
import { metricsFindings } from "./EngineMetricsFindings.ts"
import { movesIn, phases, readable } from "./EngineMovement.ts"
import { EngineReport, type Finding, type Proof, type ProofName } from "./EngineReport.ts"
import { streamFindings } from "./EngineStreamFindings.ts"

const MOST_SERIES = 200

const order = { blocker: 0, loss: 1, note: 2 } as const

/** The phases in which tokens come. */
const writing = ["first", "decode", "end", "mixed"] as const

const proof = (can: boolean, why: string): typeof Proof.Type => ({ can, why })

/** What a campaign could prove of a run that falls silent at this engine, each with its reason. */
const proofsOf = ({ abort, evidence, measured, series }: EngineFacts): Record<ProofName, typeof Proof.Type> => {
  const looks = readable(measured.looks)
  const sample = looks.findLast(({ samples }) => samples.length === 1)?.samples[0]
  const bound = evidence.binding === "proven" && sample !== undefined
  const unbound = looks.length === 0
    ? "no metrics"
    : sample === undefined
    ? looks.some(({ samples }) => samples.length > 1)
      ? "whose engine's metrics count is not known"
      : "no series that evidence reads"
    : "the metrics were not proved to be those of this engine"
  const needs = (has: boolean, what: string, lacks: string) =>
    !bound ? proof(false, unbound) : has ? proof(true, what) : proof(false, lacks)
  const decodes = series.some((one) =>
    /^vllm:(?:inter_token_latency|time_per_output_token)_seconds_count$/.test(one.name) && movesIn(one, ...writing)
  )
  const engineMoves = series.some((one) => one.name.startsWith("vllm:") && movesIn(one, ...writing))
  const answered = measured.models !== undefined && measured.models.problem === null
  return {
    hung: needs(engineMoves, "its counters move while it writes", "no counter moves while it writes"),
    decodeHung: needs(decodes, "decoded tokens have a counter of their own", "no count of decoded tokens that moves"),
    lost: needs(
      sample?.running !== null && sample?.waiting !== null,
      "it tells how many requests it holds",
      "it does not tell how many requests it holds"
    ),
    restarted: needs(
      true,
      looks.some(({ startedAtSeconds }) => startedAtSeconds !== null)
        ? "it tells when its process began"
        : "counters that fall tell it",
      ""
    ),
    dead: answered
      ? proof(true, "a server that is gone refuses connections")
      : proof(false, "it did not answer"),
    cancelled: abort.outcome === "honoured"
      ? bound
        ? proof(true, "it was seen to drop a request whose client left")
        : proof(false, "it does stop, but a campaign cannot read its metrics")
      : proof(false, abort.outcome === "ignored" ? "it goes on when its client leaves" : abort.why)
  }
}

const restsOnOf = (fit: boolean, proofs: Record<ProofName, typeof Proof.Type>, frozenMillis: number): string => {
  if (!fit) return "A campaign cannot watch this engine; mend the blockers first."
  const seconds = `${Math.round(frozenMillis / 1000)} s`
  if (proofs.hung.can) {
    return `A campaign watches every token and rests on the engine's own metrics: a hang is proved about ${seconds} after ` +
      "it began, and a run that is merely slow is never ended."
  }
  return "A campaign watches every token, and rests on limits of time alone: a silent run is given up after 15 minutes " +
    "(30 before its first token), or sooner once finished runs have taught what is usual."
}

const isFit = ({ stream, tokens }: EngineFacts, findings: ReadonlyArray<Finding>): boolean =>
  !findings.some(({ severity }) => severity === "blocker") &&
  stream !== undefined && tokens !== undefined && tokens.counted > 0 &&
  (tokens.finishReason !== null || stream.end === "too-long")

/** The report. Never throws. */
export const analyse = (measured: EngineMeasurements): EngineReport => {
  const facts = factsOf(measured)
  const { abort, evidence, features, identity, prefillMillis, series, step, tokens } = facts
  const findings = [...streamFindings(facts), ...metricsFindings(facts)]
    .toSorted((one, other) => order[one.severity] - order[other.severity])
  const fit = isFit(facts, findings)
  const proofs = proofsOf(facts)
  const looks = readable(measured.looks)
  return {
    probe: "engine",
    url: measured.url,
    server: identity.kind,
    signs: identity.signs,
    version: identity.version,
    model: measured.model,
    models: identity.models.map(({ id }) => id),
    contextTokens: identity.models.find(({ id }) => id === measured.model)?.contextTokens ?? null,
    asked: {
      requests: measured.streams.length,
      maxTokens: measured.streams.reduce((sum, { maxTokens }) => sum + maxTokens, 0),
      promptTokens: measured.promptTokens
    },
    features,
    tokens: tokens ?? null,
    metrics: {
      looks: measured.looks.length,
      readable: looks.length,
      engines: [...new Set(looks.flatMap(({ samples }) => samples.map(({ engine }) => printable(engine))))],
      startTime: looks.some(({ startedAtSeconds }) => startedAtSeconds !== null),
      binding: evidence.binding,
      behindTokens: evidence.behindTokens,
      settleMillis: evidence.settleMillis,
      stillMillis: evidence.stillMillis,
      prefillMillis,
      prefillTokens: measured.promptTokens,
      series: series.filter((one) => movesIn(one, ...phases)).slice(0, MOST_SERIES)
    },
    abort: { outcome: abort.outcome, afterMillis: abort.afterMillis, tokensAfter: abort.tokensAfter, why: abort.why },
    step,
    proofs,
    findings,
    fit,
    restsOn: restsOnOf(fit, proofs, step.frozenMillis)
  }
}

/** The report as one line of JSON. */
export const toJson = (report: EngineReport): string => JSON.stringify(Schema.encodeSync(EngineReport)(report))
