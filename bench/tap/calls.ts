/**
 * What the tap bench asks of its child processes, and what they answer.
 */

/**
 * The ways from the client to the engine: none between them; the shortest proxy of the same libraries; the tap; the tap
 * with a battle for each stream, which is followed.
 */
export const wayNames = ["direct", "bare", "tap", "battles"] as const
export type WayName = typeof wayNames[number]

export interface Load {
  readonly streams: number
  readonly seconds: number
}

export interface Calls {
  /** Starts a proxy in front of the engine at this address; gives its own. Neither has a slash at its end. */
  readonly startProxy: { readonly input: { readonly engineUrl: string }; readonly output: string }
  /** Times from sending a request to the first byte of its answer, one request after the other, in milliseconds. */
  readonly firstBytes: {
    readonly input: { readonly url: string; readonly requests: number }
    readonly output: ReadonlyArray<number>
  }
  /** Opens streams and waits until each has a token; `battles` follows a battle for each. */
  readonly open: {
    readonly input: { readonly url: string; readonly streams: number; readonly battles: boolean }
    readonly output: null
  }
  /** Reads for so long; gives the tokens and the bytes that came. */
  readonly listen: {
    readonly input: { readonly millis: number }
    readonly output: { readonly tokens: number; readonly millis: number }
  }
  /** Closes everything that is open. */
  readonly close: { readonly input: null; readonly output: null }
}
