/**
 * Whose metrics are these? Whether the metrics we scrape are those of the engine that serves our stream.
 *
 * Laws: nothing is concluded from metrics that are not bound. Bound means `proven` in this run, or `inherited` from an
 * earlier run or a canary at the same endpoint, which is what holds before the first token. Refuted is for good: another
 * replica, a cache, an address of several servers.
 *
 * The proof: tokens that we received between two scrapes must have moved the engine's own counter. One contradiction
 * proves nothing, because a scrape can be older than the tokens, and tokens may have waited in a proxy; so it takes
 * several, of scrapes that were answered at once, and enough confirmations wipe out what there was of them. Tokens that a
 * counter has not shown it still owes at the next scrape: a run that falls silent after its first burst would otherwise
 * be judged by an idle replica that an earlier run had vouched for.
 */
import * as Schema from "effect/Schema"
import { type EngineSample, rise } from "./EngineSample.ts"
import type { LivenessLimits } from "./LivenessLimits.ts"

/**
 * Whether metrics are those of the engine that serves us: proved by tokens that it counted, taken over, or refuted.
 */
export const BindingStatus = Schema.Literals(["unproven", "proven", "inherited", "refuted"])
export type BindingStatus = typeof BindingStatus.Type

export interface Binding {
  readonly status: BindingStatus
  readonly contradictions: number
  /** Confirmations since the last contradiction. */
  readonly proofs: number
  /** The sample before tokens that no later one has shown. */
  readonly owing: EngineSample | undefined
}

/** The binding at the start of a run, from what earlier runs at the same endpoint have found. */
export const inherit = (status: BindingStatus): Binding => ({
  status: status === "proven" ? "inherited" : status,
  contradictions: 0,
  proofs: 0,
  owing: undefined
})

/** Whether metrics may be believed. */
export const isBound = (binding: Binding): boolean => binding.status === "proven" || binding.status === "inherited"

export interface Interval {
  readonly before: EngineSample
  readonly after: EngineSample
  /** Tokens that we received in it. */
  readonly tokens: number
  /** Whether the later sample was answered at once, so that it cannot be older than the tokens. */
  readonly prompt: boolean
}

/** The binding after one more interval between two scrapes of one process. */
export const observe = (binding: Binding, interval: Interval, limits: LivenessLimits): Binding => {
  const isOwing = binding.owing !== undefined
  if (binding.status === "refuted" || (!isOwing && interval.tokens < limits.bindingTokens)) return binding
  const before = binding.owing ?? interval.before
  if (before.generationTokens === null || interval.after.generationTokens === null) return binding
  if (rise(before.generationTokens, interval.after.generationTokens) > 0) {
    const proofs = binding.proofs + 1
    return {
      status: "proven",
      proofs,
      contradictions: proofs >= limits.bindingProofsToForget ? 0 : binding.contradictions,
      owing: undefined
    }
  }
  return interval.prompt ? { ...contradict(binding, limits), owing: before } : binding
}

/** The binding after something that cannot be true of our engine. */
export const contradict = (binding: Binding, limits: LivenessLimits): Binding => {
  const contradictions = binding.contradictions + 1
  return {
    ...binding,
    status: contradictions >= limits.bindingContradictions ? "refuted" : binding.status,
    contradictions,
    proofs: 0
  }
}

/** The binding once it is certain that several servers, or another one, answer. */
export const refute = (binding: Binding): Binding => ({ ...binding, status: "refuted" })
