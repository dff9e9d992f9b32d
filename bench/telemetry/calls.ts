/**
 * What the telemetry bench asks of its child processes, and what they answer.
 */

/** The same process without metrics, and with them. */
export const wayNames = ["off", "metrics"] as const
export type WayName = typeof wayNames[number]

/** What stands between the clients and the engine. */
export const targetNames = ["agent", "tap"] as const
export type TargetName = typeof targetNames[number]

export interface Calls {
  /** Starts one of ours in front of an engine (with its `/v1`); gives its address. */
  readonly start: {
    readonly input: { readonly engineUrl: string; readonly target: TargetName; readonly way: WayName }
    readonly output: string
  }
  /** The length of the page for Prometheus, in characters, and how long it took to make, in milliseconds. */
  readonly page: { readonly input: null; readonly output: { readonly characters: number; readonly millis: number } }
  /**
   * Watches so many arrivals of one token each, as fast as they can be; gives the processor time of this thread that it
   * took, in milliseconds. Nothing else is done with them.
   */
  readonly watch: {
    readonly input: { readonly way: WayName; readonly arrivals: number }
    readonly output: number
  }
}
