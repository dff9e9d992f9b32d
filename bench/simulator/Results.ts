/**
 * What the simulator bench has measured, and the ratios between servers: pure.
 *
 * Every number is a median over the repeats. Processor time is that of the server's process alone; a client is given
 * beside it, because on a machine with few processors it may be what limits the tokens per second.
 */
import { median } from "../support/statistics.ts"
import type { Reception, ServerName, Spread } from "./calls.ts"

/** All streams of one server, read once. */
export interface StreamsRun {
  readonly reception: Reception
  readonly serverCpuMicros: number
  readonly clientCpuMicros: number
}

export interface StreamsCell {
  readonly server: ServerName
  readonly runs: number
  readonly tokensPerSecond: number
  readonly cpuMicrosPerToken: number
  readonly cpuMicrosPerWrite: number
  readonly clientCpuMicrosPerToken: number
  readonly tokensPerWrite: number
  readonly firstByteMillis: Spread
  readonly firstTokenMillis: Spread
}

export interface IdleCell {
  readonly server: ServerName
  /** Until the headers of all streams were at the client. */
  readonly openMillis: number
  readonly rssBytesPerStream: number
  /** Of one processor, 0 to 1, while nothing was due. */
  readonly idleCpuShare: number
  /** Streams that got a token when their time had come. */
  readonly served: number
  /** From the client's leaving until the server counted no open stream. */
  readonly goneMillis: number
}

/** Ours divided by another server. */
export interface StreamsRatio {
  readonly to: ServerName
  readonly tokensPerSecond: number
  readonly cpuPerToken: number
  /** A server that is late joins tokens, so this says more about paced streams than `cpuPerToken`. */
  readonly cpuPerWrite: number
}

export interface Results {
  readonly flatOut: { readonly cells: ReadonlyArray<StreamsCell>; readonly ratios: ReadonlyArray<StreamsRatio> } | null
  readonly paced: {
    /** What the streams offer together. */
    readonly offeredTokensPerSecond: number
    readonly cells: ReadonlyArray<StreamsCell>
    readonly ratios: ReadonlyArray<StreamsRatio>
  } | null
  readonly idle: { readonly cells: ReadonlyArray<IdleCell>; readonly rssPerStream: number | null } | null
}

/** One run or more of one server. */
export const streamsCell = (server: ServerName, runs: ReadonlyArray<StreamsRun>): StreamsCell => {
  const over = (number: (run: StreamsRun) => number) => median(runs.map(number))
  const spread = (times: (reception: Reception) => Spread): Spread => ({
    median: over(({ reception }) => times(reception).median),
    p99: over(({ reception }) => times(reception).p99)
  })
  return {
    server,
    runs: runs.length,
    tokensPerSecond: over(({ reception }) => reception.tokens * 1000 / reception.wallMillis),
    cpuMicrosPerToken: over(({ reception, serverCpuMicros }) => serverCpuMicros / reception.tokens),
    cpuMicrosPerWrite: over(({ reception, serverCpuMicros }) => serverCpuMicros / reception.writes),
    clientCpuMicrosPerToken: over(({ clientCpuMicros, reception }) => clientCpuMicros / reception.tokens),
    tokensPerWrite: over(({ reception }) => reception.tokens / reception.writes),
    firstByteMillis: spread(({ firstByteMillis }) => firstByteMillis),
    firstTokenMillis: spread(({ firstTokenMillis }) => firstTokenMillis)
  }
}

/** Ours to each of the others. */
export const streamsRatios = (cells: ReadonlyArray<StreamsCell>): ReadonlyArray<StreamsRatio> => {
  const ours = cells.find(({ server }) => server === "ours")
  if (ours === undefined) return []
  return cells.filter((cell) => cell !== ours).map((cell) => ({
    to: cell.server,
    tokensPerSecond: ours.tokensPerSecond / cell.tokensPerSecond,
    cpuPerToken: ours.cpuMicrosPerToken / cell.cpuMicrosPerToken,
    cpuPerWrite: ours.cpuMicrosPerWrite / cell.cpuMicrosPerWrite
  }))
}

/** Memory of an idle stream, ours to the bare server's; null if the bare one's is lost in the noise. */
export const rssRatio = (cells: ReadonlyArray<IdleCell>): number | null => {
  const of = (name: ServerName) => cells.find(({ server }) => server === name)?.rssBytesPerStream ?? NaN
  const ratio = of("ours") / of("bare")
  return ratio > 0 && Number.isFinite(ratio) ? ratio : null
}
