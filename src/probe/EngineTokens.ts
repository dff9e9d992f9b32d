/**
 * How tokens came: how many in an event, how far apart, how many events at once, and what the server itself counted.
 * Pure, over one stream that was measured.
 *
 * What counts as a token is what `engine/ChatCompletionReader.ts` would count: the rise of `usage.completion_tokens` if a
 * chunk tells it, else the chunk's `token_ids`, else one for a chunk with text.
 */
import { type Arrival, type EngineStream, hasToken } from "./EngineStream.ts"

/** Tokens that arrived at one moment. */
export interface TokenArrival {
  readonly at: number
  readonly tokens: number
}

/** Arrivals closer than this came in one read. */
const TOGETHER_MILLIS = 0.5

type ChunkArrival = Extract<Arrival, { readonly kind: "chunk" }>

/** The chunks of a stream. */
export const chunksOf = (stream: EngineStream): ReadonlyArray<ChunkArrival> =>
  stream.arrivals.filter((arrival) => arrival.kind === "chunk")

/** The events that carried tokens, in order. */
export const tokenArrivals = (stream: EngineStream): ReadonlyArray<TokenArrival> => {
  let counted = 0
  const arrivals: Array<TokenArrival> = []
  for (const { at, chunk } of chunksOf(stream)) {
    if (chunk.usageAlone) continue
    const tokens = chunk.usage === null
      ? chunk.tokenIds ?? (hasToken(chunk) ? 1 : 0)
      : Math.max(0, chunk.usage - counted)
    counted += tokens
    if (tokens > 0) arrivals.push({ at, tokens })
  }
  return arrivals
}

/** So many tokens a stream had brought by a moment. */
export const tokensBy = (arrivals: ReadonlyArray<TokenArrival>, at: number): number =>
  arrivals.reduce((sum, arrival) => arrival.at < at ? sum + arrival.tokens : sum, 0)

export const finishReasonOf = (stream: EngineStream): string | null =>
  chunksOf(stream).find(({ chunk }) => chunk.finishReason !== null)?.chunk.finishReason ?? null

/** What the server says it has made, at the end. */
export const usageOf = (stream: EngineStream): number | null =>
  chunksOf(stream).findLast(({ chunk }) => chunk.usage !== null)?.chunk.usage ?? null

/** The tokens of the prompt, if the server tells. */
export const promptTokensOf = (stream: EngineStream): number | null =>
  chunksOf(stream).findLast(({ chunk }) => chunk.promptTokens !== null)?.chunk.promptTokens ?? null

export interface TokenFigures {
  /** As counted by what came, and as the server says. */
  readonly counted: number
  readonly usage: number | null
  readonly events: number
  /** Moments at which events came; fewer than events where several came together. */
  readonly reads: number
  readonly tokensPerEvent: number
  readonly mostTokensPerEvent: number
  readonly mostEventsPerRead: number
  /** From the request to the headers, to the first token, and to the end; milliseconds. */
  readonly headersMillis: number | null
  readonly firstTokenMillis: number | null
  readonly totalMillis: number
  /** Between reads that carried tokens; `null` with fewer than two of them. */
  readonly gaps: GapFigures | null
  readonly tokensPerSecond: number | null
  readonly finishReason: string | null
  /** Everything came at the end. */
  readonly buffered: boolean
}

export interface GapFigures {
  readonly count: number
  readonly medianMillis: number
  readonly p95Millis: number
  readonly p99Millis: number
  readonly largestMillis: number
}

/** The `share` quantile of a sorted list by nearest rank. */
const quantile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length))) - 1] ?? 0

interface Read {
  readonly at: number
  readonly last: number
  readonly tokens: number
  readonly events: number
}

const readsOf = (arrivals: ReadonlyArray<TokenArrival>): ReadonlyArray<Read> => {
  const reads: Array<Read> = []
  for (const { at, tokens } of arrivals) {
    const open = reads.at(-1)
    if (open !== undefined && at - open.last < TOGETHER_MILLIS) {
      reads[reads.length - 1] = { at: open.at, last: at, tokens: open.tokens + tokens, events: open.events + 1 }
    } else reads.push({ at, last: at, tokens, events: 1 })
  }
  return reads
}

/** The gaps between reads, in milliseconds, in their order. */
const gapsBetween = (reads: ReadonlyArray<Read>): ReadonlyArray<number> =>
  reads.slice(1).map(({ at }, index) => at - reads[index]!.last)

/** All figures of a stream. */
export const figuresOf = (stream: EngineStream): TokenFigures => {
  const arrivals = tokenArrivals(stream)
  const reads = readsOf(arrivals)
  const gaps = gapsBetween(reads).toSorted((one, other) => one - other)
  const counted = arrivals.reduce((sum, { tokens }) => sum + tokens, 0)
  const first = reads[0]
  const last = reads.at(-1)
  const spread = first === undefined || last === undefined ? 0 : last.last - first.at
  return {
    counted,
    usage: usageOf(stream),
    events: arrivals.length,
    reads: reads.length,
    tokensPerEvent: arrivals.length === 0 ? 0 : counted / arrivals.length,
    mostTokensPerEvent: Math.max(0, ...arrivals.map(({ tokens }) => tokens)),
    mostEventsPerRead: Math.max(0, ...reads.map(({ events }) => events)),
    headersMillis: stream.headersAt === null ? null : stream.headersAt - stream.sentAt,
    firstTokenMillis: first === undefined ? null : first.at - stream.sentAt,
    totalMillis: stream.endedAt - stream.sentAt,
    gaps: gaps.length === 0 ? null : {
      count: gaps.length,
      medianMillis: quantile(gaps, 0.5),
      p95Millis: quantile(gaps, 0.95),
      p99Millis: quantile(gaps, 0.99),
      largestMillis: gaps.at(-1)!
    },
    tokensPerSecond: spread > 0 ? (counted - first!.tokens) / spread * 1000 : null,
    finishReason: finishReasonOf(stream),
    buffered: isBuffered(reads, counted, first === undefined ? 0 : first.at - stream.sentAt, spread)
  }
}

/** So few tokens may well come in one step. */
const FEW_TOKENS = 16

/**
 * Whether an answer was kept back: nine tenths of it in one read, or all of it within a fiftieth of the time that nothing
 * came, faster than any engine writes (5000 tokens a second).
 */
const isBuffered = (reads: ReadonlyArray<Read>, counted: number, waited: number, spread: number): boolean =>
  counted >= FEW_TOKENS &&
  (reads.some(({ tokens }) => tokens >= 0.9 * counted) ||
    (reads.length > 1 && spread < waited / 50 && counted / Math.max(spread, 0.001) > 5))
