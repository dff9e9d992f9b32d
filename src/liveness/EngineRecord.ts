/**
 * What the scrapes of one engine label have shown so far: a pure reducer over scrapes and health probes.
 *
 * It says when the engine last moved, whether its server is gone, and whether it is another process than before. Whether
 * that engine is the one that serves our stream is for Binding.ts to say, and where our request is in it for
 * RequestPlace.ts. Times are those of the caller's clock, in milliseconds.
 *
 * Laws:
 * - A movement counts from the scrape that saw it, a standstill only up to the time the last scrape was asked for: both
 *   err for the engine.
 * - A scrape that fails says nothing. Only refused connections, several in a row, say that the server is gone.
 * - A restart is believed when several scrapes in a row show the new process. A process that began earlier than the last
 *   one, counters that fall twice, or that come back, belong to several servers behind one address: `alternates`.
 */
import * as Schema from "effect/Schema"
import { counters, EngineSample, fell, rise } from "./EngineSample.ts"
import type { LivenessLimits } from "./LivenessLimits.ts"

/** One scrape as it is stored with a verdict. */
export const EvidenceSample = Schema.Struct({
  /** When the answer came, in milliseconds since the run began. */
  atMillis: Schema.Finite,
  outcome: Schema.Literals(["ok", "refused", "failed"]),
  sample: Schema.NullOr(EngineSample)
})
export type EvidenceSample = typeof EvidenceSample.Type

export interface EngineRecord {
  /** The last sample. */
  readonly sample: EngineSample | undefined
  /** When the last sample was asked for. */
  readonly asOfMillis: number
  /** When the engine was last seen to have moved, or was first seen, or was last seen asleep. */
  readonly movedMillis: number
  /** The same for outputs after a first token. */
  readonly decodedMillis: number
  /** Whether such outputs came with its last movement that was seen. */
  readonly decoding: boolean
  /** Refused scrapes in a row. */
  readonly refusals: number
  readonly unhealthySinceMillis: number | undefined
  /** The server has said 503 of itself for longer than a blip. */
  readonly unhealthy: boolean
  /** Another process answers than `from`, for so many scrapes. */
  readonly change: { readonly from: EngineSample; readonly scrapes: number } | undefined
  /** Several servers answer under this address. */
  readonly alternates: boolean
  /** The longest standstill that ended by itself while requests were running. */
  readonly longestStepMillis: number
  /** The last three scrapes. */
  readonly recent: ReadonlyArray<EvidenceSample>
}

const RECENT = 3

/** Nothing seen; `longestStepMillis` is what earlier runs at this endpoint saw. */
export const empty = (longestStepMillis = 0): EngineRecord => ({
  sample: undefined,
  asOfMillis: 0,
  movedMillis: 0,
  decodedMillis: 0,
  decoding: false,
  refusals: 0,
  unhealthySinceMillis: undefined,
  unhealthy: false,
  change: undefined,
  alternates: false,
  longestStepMillis,
  recent: []
})

/** The record after one more scrape, answered at `now` and asked for at `asked`. */
export const scraped = (
  record: EngineRecord,
  outcome: EngineSample | "refused" | "failed",
  now: number,
  asked: number
): EngineRecord => {
  const recent = [
    ...record.recent,
    typeof outcome === "string"
      ? { atMillis: now, outcome, sample: null }
      : { atMillis: now, outcome: "ok" as const, sample: outcome }
  ].slice(-RECENT)
  if (outcome === "failed") return { ...record, recent, refusals: 0 }
  if (outcome === "refused") return { ...record, recent, refusals: record.refusals + 1 }
  const last = record.sample
  if (last === undefined) {
    return {
      ...record,
      recent,
      refusals: 0,
      sample: outcome,
      asOfMillis: asked,
      movedMillis: now,
      decodedMillis: now
    }
  }
  const moved = outcome.heartbeat !== last.heartbeat
  const awake = outcome.asleep !== true
  const decoded = rise(last.decodeOutputs, outcome.decodeOutputs) > 0
  const worked = moved && awake && (last.running ?? 0) > 0
  return {
    ...processAfter(record, last, outcome),
    recent,
    refusals: 0,
    unhealthySinceMillis: moved ? undefined : record.unhealthySinceMillis,
    unhealthy: record.unhealthy && !moved,
    sample: outcome,
    asOfMillis: asked,
    movedMillis: moved || !awake ? now : record.movedMillis,
    decodedMillis: decoded || !awake ? now : record.decodedMillis,
    decoding: moved || !awake ? decoded : record.decoding,
    longestStepMillis: worked
      ? Math.max(record.longestStepMillis, record.asOfMillis - record.movedMillis)
      : record.longestStepMillis
  }
}

/** The record after a health probe. */
export const probed = (record: EngineRecord, status: number, now: number, limits: LivenessLimits): EngineRecord => {
  if (status !== 503) return { ...record, unhealthySinceMillis: undefined, unhealthy: false }
  const since = record.unhealthySinceMillis ?? now
  return { ...record, unhealthySinceMillis: since, unhealthy: now - since >= limits.unhealthyMillis }
}

/** The record after a token of ours: whatever it held against the server is refuted. */
export const spoke = (record: EngineRecord): EngineRecord =>
  record.refusals === 0 && record.unhealthySinceMillis === undefined && record.change === undefined
    ? record
    : { ...record, refusals: 0, unhealthySinceMillis: undefined, unhealthy: false, change: undefined }

/** The server is gone. */
export const isDead = (record: EngineRecord, limits: LivenessLimits): boolean =>
  record.unhealthy || record.refusals >= limits.deadScrapes

/** The server is another process than before. */
export const isRestarted = (record: EngineRecord, limits: LivenessLimits): boolean =>
  record.change !== undefined && record.change.scrapes >= limits.restartScrapes

/** No process is followed any more. */
const severalServers = { change: undefined, alternates: true } as const

const processAfter = (
  record: EngineRecord,
  last: EngineSample,
  sample: EngineSample
): Pick<EngineRecord, "change" | "alternates"> => {
  const { alternates, change } = record
  const began = { before: last.startedAtSeconds, after: sample.startedAtSeconds }
  const changed = { change: { from: last, scrapes: 1 }, alternates }
  if (began.before !== null && began.after !== null) {
    if (began.after > began.before) return changed
    if (began.after < began.before || fell(last, sample)) return severalServers
  } else if (fell(last, sample)) {
    return change === undefined ? changed : severalServers
  } else if (change !== undefined && hasCaughtUp(change.from, sample)) {
    return severalServers
  }
  return { change: change === undefined ? undefined : { ...change, scrapes: change.scrapes + 1 }, alternates }
}

/** No counter is lower than it was: this is the old process again. */
const hasCaughtUp = (from: EngineSample, sample: EngineSample): boolean =>
  counters.every((counter) => rise(sample[counter], from[counter]) === 0)
