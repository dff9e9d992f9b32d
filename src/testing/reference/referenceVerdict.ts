/**
 * A reference model: what must become of a run, stated a second time, slowly and simply, from docs/liveness.md.
 *
 * It reads a diary of all that was told (Diary.ts) and, with each look at the run, asks the rules of the document one
 * after the other, of the whole past. The law that compares it with a reducer is the strongest of all (referenceLaws.ts):
 * whatever the reducer forgets, mixes up or asks in another order shows as another kind, or another time.
 *
 * It knows what a diary knows: no agents, no consumer that does not read, no pause of the machine.
 */
import type { EngineSample } from "../../liveness/EngineSample.ts"
import { nothingLearned } from "../../liveness/LimitInForce.ts"
import type { LivenessInput } from "../../liveness/LivenessInput.ts"
import type { LivenessLimits } from "../../liveness/LivenessLimits.ts"
import type { StallKind } from "../../liveness/StallKind.ts"
import { begin, type Diary, isBound, noteFrame, noteHealth, noteScrape, type Sighting } from "./Diary.ts"
import { firstTokenLimit, frozenLimit, silentLimit, suspectLimit } from "./referenceLimits.ts"

/** How a run must end. */
export interface ReferenceEnd {
  /** What the final verdict is. */
  readonly tag: "Completed" | "Failed" | "Stalled"
  /** The kind of a stall; `undefined` for other ends. */
  readonly kind: StallKind | "connect-timeout" | undefined
  /** When, in milliseconds of the inputs' clock. */
  readonly endedAt: number
  /** How many tokens it must have counted. */
  readonly tokens: number
}

/** How a run must end that is told these inputs, the first of which opens it; `undefined` if it goes on. */
export const referenceVerdict = (
  inputs: ReadonlyArray<LivenessInput>,
  limits: LivenessLimits
): ReferenceEnd | undefined => {
  const [opened, ...rest] = inputs
  if (opened?._tag !== "Opened") return undefined
  const diary = begin(limits, opened)
  let finishedAt: number | undefined
  let past: Past | undefined
  for (const input of rest) {
    const at = input.at - opened.at
    const ended = (tag: ReferenceEnd["tag"], kind?: ReferenceEnd["kind"]): ReferenceEnd => ({
      tag,
      kind,
      endedAt: input.at,
      tokens: diary.tokens
    })
    if (input._tag !== "Tick") past = undefined
    switch (input._tag) {
      case "Headers":
      case "TransportOnly":
        diary.accepted = true
        break
      case "Frame":
        noteFrame(diary, input, at)
        if (input.finishReason !== null && finishedAt === undefined) finishedAt = at
        break
      case "Health":
        noteHealth(diary, input.status, at)
        break
      case "Scrape":
        noteScrape(diary, input, at)
        break
      case "Ended":
      case "Rejected":
        return ended(finishedAt === undefined ? "Failed" : "Completed")
      case "Tick": {
        if (finishedAt !== undefined) {
          if (at - finishedAt >= limits.finishGraceMillis) return ended("Completed")
          break
        }
        // Nobody is asked of before this, and nothing need be looked up.
        if (at - (diary.arrivals.at(-1) ?? 0) <= limits.suspectFloorMillis) break
        past ??= pastOf(diary)
        const kind = stallOf(diary, past, at)
        if (kind !== undefined) return ended(kind === "connect-timeout" ? "Failed" : "Stalled", kind)
      }
    }
  }
  return undefined
}

/** What follows from a diary, whatever time it is. */
interface Past {
  readonly lastMillis: number
  readonly gaps: ReadonlyArray<number>
  readonly suspectMillis: number
  readonly last: Sighting | undefined
  readonly movedMillis: number
  readonly decodedMillis: number
  readonly longestStepMillis: number
  readonly refusals: number
  readonly place: Place
}

const held = ({ running, waiting }: EngineSample): number | undefined =>
  running === null || waiting === null ? undefined : running + waiting

const rose = (before: number | null | undefined, after: number | null | undefined): number =>
  typeof before === "number" && typeof after === "number" ? Math.max(0, after - before) : 0

/** A first sight counts as a sign of life, and so does an engine that is asleep. */
const isSign = (sighting: Sighting, sign: (sighting: Sighting) => boolean): boolean =>
  sighting.before === undefined || sighting.sample.asleep === true || sign(sighting)

const decoded = ({ before, sample }: Sighting): boolean => rose(before?.decodeOutputs, sample.decodeOutputs) > 0

const lastSign = (sightings: ReadonlyArray<Sighting>, sign: (sighting: Sighting) => boolean): number =>
  sightings.findLast((sighting) => isSign(sighting, sign))?.atMillis ?? 0

const pastOf = (diary: Diary): Past => {
  const { arrivals, limits, opened, outcomes, sightings } = diary
  const gaps = arrivals.slice(1).map((at, index) => at - arrivals[index]!)
  const engineP99 = isBound(diary) ? sightings.at(-1)?.sample.decodeP99Millis ?? null : null
  return {
    lastMillis: arrivals.at(-1) ?? 0,
    gaps,
    suspectMillis: suspectLimit(limits, gaps, engineP99),
    last: sightings.at(-1),
    movedMillis: lastSign(sightings, ({ moved }) => moved),
    decodedMillis: lastSign(sightings, decoded),
    longestStepMillis: longestStepOf(sightings, opened.longestStepMillis ?? 0),
    refusals: outcomes.length - 1 - outcomes.findLastIndex((outcome) => outcome !== "refused"),
    place: placeOf(diary)
  }
}

/** The longest time without a movement that a movement ended, while there was something to do. */
const longestStepOf = (sightings: ReadonlyArray<Sighting>, known: number): number => {
  let longest = known
  let movedMillis = 0
  for (const [index, sighting] of sightings.entries()) {
    const { before, moved, sample } = sighting
    if (moved && sample.asleep !== true && (before?.running ?? 0) > 0) {
      longest = Math.max(longest, sightings[index - 1]!.askedMillis - movedMillis)
    }
    if (isSign(sighting, (each) => each.moved)) movedMillis = sighting.atMillis
  }
  return longest
}

/** Where the request is, by the samples since its last token. */
interface Place {
  readonly lost: number
  readonly lostWhileMoving: boolean
  readonly deferredSinceMillis: number | undefined
  readonly maybePutBack: boolean
  readonly undecoded: number
}

const placeOf = ({ arrivals, sightings }: Diary): Place => {
  const lastMillis = arrivals.at(-1) ?? 0
  const since = sightings.filter((sighting) =>
    sighting.arrivals === arrivals.length && sighting.sameProcess && sighting.askedMillis >= lastMillis
  )
  const baseline = arrivals.length === 0
    ? undefined
    : sightings.findLast((sighting) => sighting.arrivals < arrivals.length)?.sample
  const missing = since.map(({ begun, sample, scrape }) => {
    const holds = held(sample)
    const open = scrape.openStreams === null ? -Infinity : Math.max(1, scrape.openStreams + (begun ? 0 : 1))
    return {
      isLost: holds !== undefined && holds < open && scrape.isMissing !== false && sample.asleep !== true,
      isDeferred: (sample.deferred ?? 0) > 0 && holds !== undefined && holds - (sample.deferred ?? 0) < open &&
        sample.asleep !== true
    }
  })
  const lostFrom = missing.findLastIndex(({ isLost }) => !isLost) + 1
  const deferredFrom = missing.findLastIndex(({ isDeferred }) => !isDeferred) + 1
  const decodedAt = since.findLastIndex(decoded)
  return {
    lost: missing.length - lostFrom,
    lostWhileMoving: since.slice(lostFrom + 1).some(({ moved }) => moved),
    deferredSinceMillis: since[deferredFrom]?.askedMillis,
    maybePutBack: since.some(({ sample }) =>
      (sample.waiting ?? 1) > 0 || (baseline?.waiting ?? 0) > 0 ||
      rose(baseline?.preemptions, sample.preemptions) > 0
    ),
    undecoded: since.slice(decodedAt + 1).filter(({ before, sample }) =>
      sample.decodeOutputs !== null &&
      rose(before?.firstTokens, sample.firstTokens) > rose(before?.finished, sample.finished)
    ).length
  }
}

/** The rules of the document, in its order. */
const stallOf = (diary: Diary, past: Past, at: number): ReferenceEnd["kind"] => {
  const { limits, opened } = diary
  const { gaps, last, lastMillis, place } = past
  const silence = at - lastMillis
  const begun = diary.arrivals.length > 0
  const known = isBound(diary) ? last?.sample : undefined
  if (silence <= past.suspectMillis) return undefined

  if (isBound(diary)) {
    if (past.refusals >= limits.deadScrapes || diary.sick?.lasting === true) return "engine-dead"
    if ((diary.change?.scrapes ?? 0) >= limits.restartScrapes) return "engine-restarted"
  }
  if (known !== undefined && last !== undefined && at - last.askedMillis <= limits.evidenceFreshMillis) {
    return provedBy(known, last.askedMillis)
  }
  const unvouched = at - Math.max(lastMillis, isBound(diary) ? past.movedMillis : 0)
  const learned = opened.learned ?? nothingLearned
  const silent = begun ? silentLimit(limits, gaps, learned) : firstTokenLimit(limits, learned)
  if (!diary.accepted && unvouched > limits.headersMillis) return "connect-timeout"
  return unvouched > silent ? (diary.accepted ? "silent" : "connect-timeout") : undefined

  function provedBy(sample: EngineSample, seenMillis: number): StallKind | undefined {
    const isEmpty = held(sample) === 0
    const frozen = frozenLimit(limits, gaps, {
      longestStepMillis: past.longestStepMillis,
      firstRun: opened.firstRun ?? false,
      preparing: !begun && (held(sample) ?? 0) === 0
    })
    const waitsOutside = sample.running === 0 && sample.deferred !== null && sample.deferred > 0 &&
      sample.deferred === sample.waiting
    if (place.lost >= limits.lostScrapes && (begun || silence > limits.frozenEmptyMillis)) {
      return isEmpty && !place.lostWhileMoving ? "engine-idle" : "orphaned"
    }
    if (Math.max(0, seenMillis - Math.max(past.movedMillis, lastMillis)) >= frozen && !waitsOutside) {
      return isEmpty ? "engine-idle" : "engine-hung"
    }
    if (place.deferredSinceMillis !== undefined && seenMillis - place.deferredSinceMillis >= limits.deferredMillis) {
      return "deferred-stuck"
    }
    if (!begun || sample.decodeOutputs === null) return undefined
    const isWitnessed = place.undecoded >= (place.maybePutBack ? 2 : 1)
    const undecoded = seenMillis - Math.max(past.decodedMillis, lastMillis)
    return undecoded >= (isWitnessed ? frozen : limits.preemptedMillis) ? "decode-hung" : undefined
  }
}
