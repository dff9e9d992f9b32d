/**
 * Which series of `/metrics` move when: the calibration that evidence rests on. Pure.
 *
 * Each pair of looks in a row is one interval, and belongs to one phase: `idle` before anything was asked, `start` if a
 * request was sent in it, `prefill` between a request and its first token, `first` if a first token came in it, `decode`
 * from then to the last token, `end` if the last token came in it, and `after`. One in which several of these happened
 * is `mixed`: a short answer between two looks shows nothing. A movement that is seen in an interval is
 * of that phase and of no other, so a long prompt that is short on a fast machine shows no prefill at all: not known is
 * not the same as not moving.
 */
import type { EngineLook } from "./EngineLook.ts"
import type { EngineMeasurements } from "./EngineMeasurements.ts"
import type { EngineStream } from "./EngineStream.ts"
import { tokenArrivals } from "./EngineTokens.ts"

export const phases = ["idle", "start", "prefill", "first", "decode", "end", "after", "mixed"] as const
export type MovementPhase = typeof phases[number]

export interface Interval {
  readonly before: EngineLook
  readonly after: EngineLook
  readonly phase: MovementPhase
}

/** What one series did in one phase. */
export interface Moved {
  /** Intervals in which it changed, of all of the phase. */
  readonly moved: number
  readonly intervals: number
  /** By how much altogether, up and down apart. */
  readonly rose: number
  readonly fell: number
}

export interface SeriesMovement {
  readonly name: string
  readonly phases: Readonly<Record<MovementPhase, Moved>>
}

interface Span {
  readonly sent: number
  readonly first: number
  readonly last: number
}

const spanOf = (stream: EngineStream): Span => {
  const arrivals = tokenArrivals(stream)
  const first = arrivals[0]?.at ?? stream.endedAt
  return { sent: stream.sentAt, first, last: Math.max(first, arrivals.at(-1)?.at ?? stream.endedAt) }
}

/** A stream that was closed is being decoded until then. */
const spansOf = (streams: ReadonlyArray<EngineStream>): ReadonlyArray<Span> =>
  streams.filter(({ status }) => status === 200).map(spanOf).toSorted((one, other) => one.sent - other.sent)

/** Looks that have values. */
export const readable = (looks: ReadonlyArray<EngineLook>): ReadonlyArray<EngineLook> =>
  looks.filter(({ problem }) => problem === null)

const phaseOf = (spans: ReadonlyArray<Span>, from: number, to: number): MovementPhase => {
  const touched = spans.filter(({ last, sent }) => sent < to && last >= from)
  const within = (at: number) => at >= from && at < to
  const events = new Set(touched.flatMap(({ first, last, sent }) => [
    ...(within(sent) ? ["start" as const] : []),
    ...(within(first) ? ["first" as const] : []),
    ...(within(last) ? ["end" as const] : [])
  ]))
  if (events.size > 1) return "mixed"
  const [only] = events
  if (only !== undefined) return only
  if (touched.length > 0) return touched.some(({ first }) => first >= to) ? "prefill" : "decode"
  return spans.some(({ last }) => last < from) ? "after" : "idle"
}

/** All intervals between looks in a row, each in its phase. */
export const intervalsOf = (measured: Pick<EngineMeasurements, "looks" | "streams">): ReadonlyArray<Interval> => {
  const spans = spansOf(measured.streams)
  const looks = readable(measured.looks)
  return looks.slice(1).map((after, index) => {
    const before = looks[index]!
    return { before, after, phase: phaseOf(spans, before.askedAt, after.at) }
  })
}

const nothing: Moved = { moved: 0, intervals: 0, rose: 0, fell: 0 }

/** What every series did in every phase; those that never moved too. */
export const movementOf = (intervals: ReadonlyArray<Interval>): ReadonlyArray<SeriesMovement> => {
  const series = new Map<string, Record<MovementPhase, Moved>>()
  for (const { after, before, phase } of intervals) {
    for (const [name, value] of after.values) {
      const earlier = before.values.get(name)
      if (earlier === undefined) continue
      const own = series.get(name) ??
        {
          idle: nothing,
          start: nothing,
          prefill: nothing,
          first: nothing,
          decode: nothing,
          end: nothing,
          after: nothing,
          mixed: nothing
        }
      const { fell, intervals, moved, rose } = own[phase]
      own[phase] = {
        moved: moved + (value === earlier ? 0 : 1),
        intervals: intervals + 1,
        rose: rose + Math.max(0, value - earlier),
        fell: fell + Math.max(0, earlier - value)
      }
      series.set(name, own)
    }
  }
  return Array.from(series, ([name, phases]) => ({ name, phases }))
}

/** Whether a series moved in any of these phases. */
export const movesIn = ({ phases }: SeriesMovement, ...among: ReadonlyArray<MovementPhase>): boolean =>
  among.some((phase) => phases[phase].moved > 0)

/** Whether a name is of a model's server, and not of its process, its language or its HTTP side. */
export const isEngines = (name: string): boolean =>
  !/^(?:process|python|http|go|nodejs|promhttp)_/.test(name) &&
  !/^(?:vllm|sglang):(?:http_|lora_requests_info)/.test(name)
