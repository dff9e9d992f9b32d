/**
 * What our evidence would make of these metrics: whether they would be bound to the engine that serves us, how late they
 * tell, and the longest step. Pure; the decisions are those of the liveness folder itself, fed with what was measured.
 *
 * Looks are closer here than scrapes are in a campaign, and would find contradictions where there are only delays: between
 * two of them that bind lie as many seconds as between two scrapes, and the last one comes when the counters have had
 * their time to settle.
 */
import * as Binding from "../liveness/Binding.ts"
import * as EngineRecord from "../liveness/EngineRecord.ts"
import type { EngineSample } from "../liveness/EngineSample.ts"
import { frozen } from "../liveness/LimitInForce.ts"
import { defaults } from "../liveness/LivenessLimits.ts"
import { readingOf } from "./EngineDialect.ts"
import type { EngineLook } from "./EngineLook.ts"
import type { EngineMeasurements } from "./EngineMeasurements.ts"
import { isEngines, readable } from "./EngineMovement.ts"
import type { EngineStream } from "./EngineStream.ts"
import { type TokenArrival, tokenArrivals, tokensBy } from "./EngineTokens.ts"

export interface EvidenceCheck {
  readonly binding: Binding.BindingStatus
  /** Several servers answered under this address. */
  readonly alternates: boolean
  /** Another process answered at the end than at the beginning. */
  readonly restarted: boolean
  /** Most tokens that we had received and that the server had not counted, and how long it took to count the last. */
  readonly behindTokens: number | null
  readonly settleMillis: number | null
  /** The longest time without any change of the metrics while tokens came, and in which there was a look. */
  readonly stillMillis: number | null
  /** The same while the long prompt was computed. */
  readonly stillPrefillMillis: number | null
  /** The same while more tokens came than can have been on their way: somebody keeps old answers. */
  readonly cachedMillis: number
  /** The longest standstill of the engine while it was at work, from looks; 0 where no look tells. */
  readonly longestStepMillis: number
}

/** The sample that evidence would have: of the only engine. */
const sampleOf = ({ samples }: EngineLook): EngineSample | undefined => samples.length === 1 ? samples[0] : undefined

const outcomeOf = (look: EngineLook): EngineSample | "refused" | "failed" =>
  sampleOf(look) ?? (look.problem === "refused" ? "refused" : "failed")

const recordOf = (looks: ReadonlyArray<EngineLook>) => {
  const start = looks[0]?.askedAt ?? 0
  let longestStepMillis = 0
  let changed = false
  const record = looks.reduce((record, look) => {
    const after = EngineRecord.scraped(record, outcomeOf(look), look.at - start, look.askedAt - start)
    longestStepMillis = Math.max(longestStepMillis, after.longestStepMillis)
    changed ||= EngineRecord.isRestarted(after, defaults)
    return after
  }, EngineRecord.empty())
  return { alternates: record.alternates, restarted: changed, longestStepMillis }
}

/** As often as evidence is asked for when a run is in doubt. */
const SCRAPE_MILLIS = 2000

const bindingOf = (looks: ReadonlyArray<EngineLook>, stream: EngineStream, until: number): Binding.Binding => {
  const arrivals = tokenArrivals(stream)
  const end = arrivals.at(-1)?.at ?? stream.endedAt
  const before = looks.findLast((look) => look.at <= stream.sentAt && sampleOf(look) !== undefined)
  let binding = Binding.inherit("unproven")
  if (before === undefined) return binding
  const observe = (earlier: EngineLook, later: EngineLook) => {
    const [first, after] = [sampleOf(earlier), sampleOf(later)]
    if (first === undefined || after === undefined) return
    binding = Binding.observe(binding, {
      before: first,
      after,
      tokens: tokensBy(arrivals, later.askedAt) - tokensBy(arrivals, earlier.askedAt),
      prompt: later.at - later.askedAt <= defaults.tickMillis
    }, defaults)
  }
  let last = before
  for (const look of looks) {
    if (look.askedAt < last.askedAt + SCRAPE_MILLIS || look.askedAt > end || sampleOf(look) === undefined) continue
    observe(last, look)
    last = look
  }
  // What was not counted by then is asked for twice, because one contradiction proves nothing.
  const settled = looks.findLast(({ askedAt }) => askedAt > end && askedAt < until)
  for (const look of settled === undefined ? [] : [settled, settled]) observe(before, look)
  return binding
}

/** How late the counter of tokens is, over one stream that was watched to its end. */
const lateness = (looks: ReadonlyArray<EngineLook>, stream: EngineStream) => {
  const arrivals = tokenArrivals(stream)
  const before = looks.findLast(({ at }) => at <= stream.sentAt)
  const base = before === undefined ? null : readingOf(before, "generated")
  const last = arrivals.at(-1)
  if (base === null || last === undefined) return { behindTokens: null, settleMillis: null }
  const total = arrivals.reduce((sum, { tokens }) => sum + tokens, 0)
  let behindTokens = 0
  let settleMillis: number | null = null
  for (const look of looks) {
    if (look.askedAt < arrivals[0]!.at) continue
    const shown = (readingOf(look, "generated") ?? base) - base
    if (look.askedAt <= last.at) behindTokens = Math.max(behindTokens, tokensBy(arrivals, look.askedAt) - shown)
    else if (shown >= total) settleMillis ??= look.at - last.at
  }
  return { behindTokens, settleMillis }
}

const sameValues = (one: EngineLook, other: EngineLook): boolean => {
  for (const [name, value] of other.values) if (isEngines(name) && one.values.get(name) !== value) return false
  return true
}

/** Tokens that may be counted only after they have come. */
const ON_THE_WAY = 1

/** How long the metrics stood still between two moments, and how many tokens came meanwhile. */
const standstill = (
  looks: ReadonlyArray<EngineLook>,
  arrivals: ReadonlyArray<TokenArrival>,
  from: number | undefined,
  to: number | undefined
): Pick<EvidenceCheck, "stillMillis" | "cachedMillis"> => {
  if (from === undefined || to === undefined) return { stillMillis: null, cachedMillis: 0 }
  const during = looks.filter(({ askedAt }) => askedAt >= from && askedAt <= to)
  if (during.length < 2) return { stillMillis: null, cachedMillis: 0 }
  let since = during[0]!
  let stillMillis = 0
  let cachedMillis = 0
  for (const look of during) {
    if (sameValues(since, look)) {
      stillMillis = Math.max(stillMillis, look.askedAt - since.at)
      const tokens = tokensBy(arrivals, look.askedAt) - tokensBy(arrivals, since.at)
      if (tokens > ON_THE_WAY) cachedMillis = Math.max(cachedMillis, look.askedAt - since.at)
    } else since = look
  }
  return { stillMillis, cachedMillis }
}

/** Never throws. */
export const check = (measured: Pick<EngineMeasurements, "looks" | "streams">): EvidenceCheck => {
  const stream = measured.streams.findLast(({ purpose }) => purpose === "tokens")
  const prefill = measured.streams.findLast(({ purpose }) => purpose === "prefill")
  const watched = stream === undefined ? [] : tokenArrivals(stream)
  const looks = readable(measured.looks)
  const record = recordOf(measured.looks)
  const next = stream === undefined ? undefined : measured.streams.find(({ sentAt }) => sentAt > stream.endedAt)
  const binding = stream === undefined
    ? Binding.inherit("unproven")
    : bindingOf(looks, stream, next?.sentAt ?? Infinity)
  return {
    binding: record.alternates ? "refuted" : binding.status,
    ...record,
    ...(stream === undefined ? { behindTokens: null, settleMillis: null } : lateness(looks, stream)),
    ...standstill(looks, watched, watched[0]?.at, watched.at(-1)?.at),
    stillPrefillMillis: prefill === undefined
      ? null
      : standstill(looks, [], prefill.sentAt, tokenArrivals(prefill)[0]?.at).stillMillis
  }
}

/** How long a campaign would let the engine stand still, from what was seen of it; milliseconds, see LimitInForce.ts. */
export const frozenMillis = (largestGapMillis: number, longestStepMillis: number): number =>
  frozen(
    defaults,
    { count: 1, quantile: largestGapMillis, largest: largestGapMillis },
    { longestStepMillis, firstRun: false, preparing: false }
  ).millis
