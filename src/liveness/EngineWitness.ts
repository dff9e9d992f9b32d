/**
 * What the metrics of an engine say for a run that is not seen at it: one whose agent asks the engine itself, unseen, and
 * of which we know only that its user says which engine that is. A pure reducer over scrapes.
 *
 * Such a run cannot be found in the counters: it may be at the engine, or busy with work of its agent's. So less is
 * concluded than of a run that we opened there ourselves (Judgement.ts):
 *
 * - The engine moves, and holds at least as many requests as all our runs there could have: the run may be among them, and
 *   nobody gives it up (`moving`). If it holds fewer, one of them is not there, and nobody knows which (`unknown`).
 * - It holds requests and has stood still for the frozen limit, in which the run was silent, too: it is hung, whoever asked
 *   for what. It refuses connections: it is gone. Only these two end a run.
 * - It holds nothing: the agent does something else, or nothing at all. Nothing is concluded, ever.
 *
 * Laws: an engine whose counters do not move while pieces of the run's answer arrive, several times, is not the one that
 * serves it, whatever its user says; nothing is concluded from it any more. All times are milliseconds of one clock.
 */
import * as Binding from "./Binding.ts"
import * as EngineRecord from "./EngineRecord.ts"
import { held, onlyDeferred } from "./EngineSample.ts"
import { frozen, type LimitInForce, type ToldLimit, unlearned } from "./LimitInForce.ts"
import type { EngineDigest, Scrape } from "./LivenessInput.ts"
import type { LivenessLimits } from "./LivenessLimits.ts"

export interface EngineWitness {
  readonly record: EngineRecord.EngineRecord
  readonly binding: Binding.Binding
  /** Our runs that have begun at the engine and are seen there, by the last scrape. */
  readonly seen: number
  /** Pieces of the answer when the last sample was taken. */
  readonly piecesAtSample: number
}

/** What else is known of the run. */
export interface WitnessedRun {
  /** When the last piece of its answer came, or it began. */
  readonly lastMillis: number
  /** Pieces of its answer so far. */
  readonly pieces: number
}

/** Nothing seen yet; `longestStepMillis` is what others saw of the engine. */
export const initial = (longestStepMillis: number): EngineWitness => ({
  record: EngineRecord.empty(longestStepMillis),
  // Its user says that it is the one.
  binding: Binding.inherit("inherited"),
  seen: 0,
  piecesAtSample: 0
})

/** The witness after one more scrape. */
export const scraped = (
  witness: EngineWitness,
  { askedAt, at, openStreams, outcome }: Scrape,
  { pieces }: WitnessedRun,
  limits: LivenessLimits
): EngineWitness => {
  const before = witness.record.sample
  const record = EngineRecord.scraped(witness.record, outcome, at, askedAt)
  if (typeof outcome === "string") return { ...witness, record }
  const interval = before === undefined || record.change !== undefined ? undefined : {
    before,
    after: outcome,
    tokens: pieces - witness.piecesAtSample,
    prompt: at - askedAt <= limits.tickMillis
  }
  const observed = interval === undefined ? witness.binding : Binding.observe(witness.binding, interval, limits)
  return {
    record,
    binding: record.alternates ? Binding.refute(observed) : observed,
    seen: openStreams ?? witness.seen,
    piecesAtSample: pieces
  }
}

/** What is known of the engine, in one word; `unseen` is how many of our runs there are not seen at it, this one too. */
export const digestOf = (
  witness: EngineWitness,
  now: number,
  unseen: number,
  limits: LivenessLimits
): EngineDigest => {
  const { binding, record, seen } = witness
  if (!Binding.isBound(binding)) return "unknown"
  if (EngineRecord.isDead(record, limits)) return "gone"
  const { sample } = record
  if (sample === undefined || now - record.asOfMillis > limits.evidenceFreshMillis) return "unknown"
  if (sample.asleep === true) return "asleep"
  const holds = held(sample) ?? 0
  if (holds === 0 || onlyDeferred(sample)) return "unknown"
  if (standstillOf(witness) >= frozenLimit(witness, limits).millis) return "frozen"
  return holds >= seen + unseen ? "moving" : "unknown"
}

/** What proves that the run will not go on; `undefined` while nothing does. */
export const stallOf = (
  witness: EngineWitness,
  now: number,
  run: WitnessedRun,
  limits: LivenessLimits
): { readonly kind: "engine-hung" | "engine-dead"; readonly limit: LimitInForce } | undefined => {
  const digest = digestOf(witness, now, 0, limits)
  if (digest !== "frozen" && digest !== "gone") return undefined
  const limit = digest === "frozen"
    ? frozenLimit(witness, limits)
    : unlearned("dead", { millis: limits.suspectFloorMillis, origin: "floor" })
  const silent = Math.min(now, digest === "frozen" ? witness.record.asOfMillis : now) - run.lastMillis
  if (silent < limit.millis) return undefined
  return { kind: digest === "frozen" ? "engine-hung" : "engine-dead", limit }
}

/** The limit that counts while the engine is seen to stand still with requests of somebody. */
export const limitOf = (
  witness: EngineWitness,
  now: number,
  run: WitnessedRun,
  limits: LivenessLimits
): ToldLimit | undefined => {
  const digest = digestOf(witness, now, 0, limits)
  const usedMillis = Math.min(standstillOf(witness), witness.record.asOfMillis - run.lastMillis)
  const stands = (digest === "moving" || digest === "frozen") && usedMillis > limits.suspectFloorMillis
  return stands ? { ...frozenLimit(witness, limits), usedMillis } : undefined
}

/** For how long it has been seen to stand still, as of the last scrape. */
export const standstillOf = ({ record }: EngineWitness): number => Math.max(0, record.asOfMillis - record.movedMillis)

const frozenLimit = ({ record: { longestStepMillis } }: EngineWitness, limits: LivenessLimits): LimitInForce =>
  frozen(limits, { count: 0, quantile: 0, largest: 0 }, { longestStepMillis, firstRun: false, preparing: false })
