/**
 * All that a run was told, kept in full, and what follows from it by looking back: the reference's view of the engine.
 *
 * Where the reducer keeps a few numbers and forgets the rest, this keeps everything and asks anew each time: which sample
 * stood before which, what has come since the last token, how long something has lasted. Slow and simple on purpose, and
 * without a line of src/liveness/EngineRecord.ts, RequestPlace.ts or Binding.ts.
 *
 * It covers what one hop at an engine is told of one request. It knows no heartbeats of agents, no consumer that does not
 * read, and no pause of the machine.
 */
import type { EngineSample } from "../../liveness/EngineSample.ts"
import type * as Input from "../../liveness/LivenessInput.ts"
import type { LivenessLimits } from "../../liveness/LivenessLimits.ts"

/** A scrape that could be read. */
export interface Sighting {
  readonly sample: EngineSample
  /** The one before it; `undefined` for the first. */
  readonly before: EngineSample | undefined
  readonly atMillis: number
  readonly askedMillis: number
  readonly moved: boolean
  /** It is of the process of the one before, or of one that is known since then. */
  readonly sameProcess: boolean
  readonly begun: boolean
  readonly scrape: Input.Scrape
  /** How many tokens had arrived, in frames, when it came. */
  readonly arrivals: number
}

/** What is written down. */
export interface Diary {
  readonly limits: LivenessLimits
  readonly opened: Input.Opened
  /** When frames with a token came. */
  readonly arrivals: Array<number>
  tokens: number
  usage: number
  accepted: boolean
  readonly sightings: Array<Sighting>
  /** What the last scrapes in a row were, since the last token. */
  outcomes: Array<"ok" | "refused" | "failed">
  /** The first of the last 503s in a row, and whether they have lasted. */
  sick: { readonly sinceMillis: number; lasting: boolean } | undefined
  binding: "unproven" | "proven" | "inherited" | "refuted"
  contradictions: number
  proofs: number
  owing: EngineSample | undefined
  tokensAtSighting: number
  /** A process that is another than this one, and in how many scrapes. */
  change: { readonly from: EngineSample; scrapes: number } | undefined
  alternates: boolean
}

/** A diary whose first line is the opening. */
export const begin = (limits: LivenessLimits, opened: Input.Opened): Diary => ({
  limits,
  opened,
  arrivals: [],
  tokens: 0,
  usage: 0,
  accepted: false,
  sightings: [],
  outcomes: [],
  sick: undefined,
  binding: opened.binding === "proven" ? "inherited" : opened.binding ?? "unproven",
  contradictions: 0,
  proofs: 0,
  owing: undefined,
  tokensAtSighting: 0,
  change: undefined,
  alternates: false
})

/** Whether the metrics are to be believed. */
export const isBound = ({ binding }: Diary): boolean => binding === "proven" || binding === "inherited"

const contradict = (diary: Diary): void => {
  diary.contradictions++
  diary.proofs = 0
  if (diary.contradictions >= diary.limits.bindingContradictions) diary.binding = "refuted"
}

/** Writes a frame down; its time is that of the run. */
export const noteFrame = (diary: Diary, frame: Input.Frame, at: number): void => {
  diary.accepted = true
  const counts = frame.usage !== null && frame.usage > diary.usage
  const rises = frame.usage !== null && frame.usage > diary.tokens
  if (counts) {
    diary.usage = frame.usage
    diary.tokens = frame.usage
  } else {
    diary.tokens += frame.tokens
  }
  if (!frame.text && frame.tokens === 0 && !rises) return
  diary.arrivals.push(at)
  diary.outcomes = []
  diary.sick = undefined
  // Nobody else can have sent a token.
  if (diary.change !== undefined) contradict(diary)
  diary.change = undefined
}

/** Writes a health probe down. */
export const noteHealth = (diary: Diary, status: number, at: number): void => {
  diary.sick = status === 503 ? diary.sick ?? { sinceMillis: at, lasting: false } : undefined
  if (diary.sick !== undefined && at - diary.sick.sinceMillis >= diary.limits.unhealthyMillis) diary.sick.lasting = true
}

/** Writes a scrape down. */
export const noteScrape = (diary: Diary, scrape: Input.Scrape, at: number): void => {
  const { outcome } = scrape
  if (scrape.modelServed === false) diary.binding = "refuted"
  diary.outcomes.push(typeof outcome === "string" ? outcome : "ok")
  if (typeof outcome === "string") return
  const took = Math.max(0, scrape.at - scrape.askedAt)
  const askedMillis = Math.max(0, at - took)
  const before = diary.sightings.at(-1)?.sample
  if (before !== undefined) noteProcess(diary, before, outcome)
  if (diary.alternates) diary.binding = "refuted"
  const moved = before !== undefined && before.heartbeat !== outcome.heartbeat
  if (moved) diary.sick = undefined
  const sameProcess = before !== undefined && (diary.change === undefined || diary.change.scrapes > 1)
  diary.sightings.push({
    sample: outcome,
    before,
    atMillis: at,
    askedMillis,
    moved,
    sameProcess,
    begun: diary.arrivals.length > 0,
    scrape,
    arrivals: diary.arrivals.length
  })
  const received = diary.tokens - diary.tokensAtSighting
  diary.tokensAtSighting = diary.tokens
  if (sameProcess) noteBinding(diary, before, outcome, received, took <= diary.limits.tickMillis)
}

const countersOf = (sample: EngineSample) => [
  sample.generationTokens,
  sample.promptTokens,
  sample.decodeOutputs,
  sample.firstTokens,
  sample.finished,
  sample.preemptions
]

const isLower = (one: number | null | undefined, other: number | null | undefined): boolean =>
  typeof one === "number" && typeof other === "number" && one < other

const anyLower = (sample: EngineSample, than: EngineSample): boolean =>
  countersOf(sample).some((count, index) => isLower(count, countersOf(than)[index]))

const noteProcess = (diary: Diary, before: EngineSample, sample: EngineSample): void => {
  const [was, is] = [before.startedAtSeconds, sample.startedAtSeconds]
  const fell = anyLower(sample, before)
  const isTold = was !== null && is !== null
  const several = isTold
    ? is < was || (is === was && fell)
    : diary.change !== undefined && (fell || !anyLower(sample, diary.change.from))
  if (several) {
    diary.change = undefined
    diary.alternates = true
  } else if (isTold ? is > was : fell) {
    diary.change = { from: before, scrapes: 1 }
  } else if (diary.change !== undefined) {
    diary.change = { ...diary.change, scrapes: diary.change.scrapes + 1 }
  }
}

const noteBinding = (
  diary: Diary,
  before: EngineSample,
  sample: EngineSample,
  received: number,
  prompt: boolean
): void => {
  const { limits, owing } = diary
  if (diary.binding === "refuted" || (owing === undefined && received < limits.bindingTokens)) return
  const from = owing ?? before
  if (from.generationTokens === null || sample.generationTokens === null) return
  if (sample.generationTokens > from.generationTokens) {
    diary.binding = "proven"
    diary.owing = undefined
    diary.proofs++
    if (diary.proofs >= limits.bindingProofsToForget) diary.contradictions = 0
  } else if (prompt) {
    contradict(diary)
    diary.owing = from
  }
}
