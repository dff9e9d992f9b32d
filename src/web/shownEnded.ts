/**
 * An attempt that has ended, as the page shows it: what it came to, and what proved a stall.
 *
 * Texts of agents and engines are cut here, not escaped: the page shows them as text.
 */
import type { AttemptRecord } from "../campaign/AttemptRecord.ts"
import { describeLimit } from "../liveness/describeLimit.ts"
import type { EvidenceSample } from "../liveness/EngineRecord.ts"
import type { RunError } from "../liveness/RunError.ts"
import { resultOf } from "../terminal/Ended.ts"
import type { Ended, Named, Sample, Stall } from "./Frame.ts"

/** The longest text of a line, in UTF-16 units. */
const LONGEST = 600

/** A text that is not too long for a line; never ends within a character. */
export const cut = (text: string, longest = LONGEST): string =>
  text.length <= longest ? text : `${text.slice(0, longest - 1).replace(/[\ud800-\udbff]$/, "")}…`

/** The attempt of a battle; `atMillis` is when it ended. */
export const endedOf = (record: AttemptRecord, named: Named, atMillis: number): Ended => {
  const { error, outcome } = record
  const grade = outcome._tag === "Scored" ? outcome.grade : undefined
  return {
    ...named,
    attempt: record.number,
    atMillis: Math.round(atMillis),
    verdict: record.verdict,
    result: resultOf(outcome),
    score: grade?.score ?? null,
    reason: cut(grade?.explanation ?? (outcome._tag === "Unscored" ? outcome.reason : error?.message ?? "")),
    tokens: record.tokens,
    tokensPerSecond: record.tokensPerSecond,
    timeToFirstTokenMillis: record.timeToFirstTokenMillis,
    durationMillis: record.durationMillis,
    stall: stallOf(error)
  }
}

/** What an error proves, if it is a stall. */
export const stallOf = (error: RunError | null): Stall | null => {
  if (error?._tag !== "Stalled") return null
  const { circumstances: { decidedBy, evidence }, limit } = error
  return {
    hop: error.hop,
    kind: error.kind,
    confidence: error.confidence,
    phase: error.phase,
    tokens: error.tokens,
    silentMillis: error.silentMillis,
    limit: { name: limit.name, millis: limit.millis, words: describeLimit(limit) },
    // The message of the error says the same after its last semicolon, for people.
    proof: error.message.slice(error.message.lastIndexOf("; ") + 2),
    decidedBy,
    binding: evidence.binding,
    frozenMillis: evidence.frozenMillis,
    cancel: error.cancel,
    samples: evidence.samples.map(sampleOf)
  }
}

const sampleOf = ({ atMillis, outcome, sample }: EvidenceSample): Sample => ({
  atMillis,
  outcome,
  running: sample?.running ?? null,
  waiting: sample?.waiting ?? null,
  kvCacheUsage: sample?.kvCacheUsage ?? null,
  generationTokens: sample?.generationTokens ?? null
})
