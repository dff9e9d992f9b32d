/**
 * What the latency bench asks of its client, and what it answers.
 */
import type { AgentName } from "../relay/calls.ts"

/** The ways from the engine to the client: none between them, or an agent. */
export const pathNames = ["direct", "raw", "ours"] as const
export type PathName = Extract<AgentName, "raw" | "ours"> | "direct"

/** From the engine's writing a token to the client's reading it, in milliseconds. */
export interface Delays {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export interface Window {
  /** How long the client listened, in milliseconds. */
  readonly millis: number
  readonly tokens: number
  /** Pieces the tokens came in. */
  readonly reads: number
  /** Streams with a token in this window. */
  readonly streams: number
  /** Null where no token came. */
  readonly delays: Delays | null
}

export interface Calls {
  /** Opens so many streams, so many in a second; answers when each has got a token. */
  readonly open: {
    readonly input: {
      readonly url: string
      readonly direct: boolean
      readonly streams: number
      readonly perSecond: number
    }
    readonly output: null
  }
  /** Listens for so many windows of the same length; answers at once when they are over. */
  readonly listen: { readonly input: { readonly millis: number; readonly windows: number }; readonly output: null }
  /** What was heard then. */
  readonly heard: { readonly input: null; readonly output: ReadonlyArray<Window> }
}
