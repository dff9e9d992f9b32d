/**
 * What the telemetry bench asks of its child processes, and what they answer.
 */

/** The same process without telemetry, with metrics, and with metrics, spans and logs that are sent to a collector. */
export const wayNames = ["off", "metrics", "exported"] as const
export type WayName = typeof wayNames[number]
export const onNames = ["metrics", "exported"] as const
export type OnName = typeof onNames[number]

/** What stands between the clients and the engine. */
export const targetNames = ["agent", "tap"] as const
export type TargetName = typeof targetNames[number]

export interface Calls {
  /** Starts one of ours in front of an engine (with its `/v1`); gives its address. */
  readonly start: {
    readonly input: {
      readonly engineUrl: string
      readonly target: TargetName
      readonly way: WayName
      /** Where what is exported goes. */
      readonly collectorUrl: string
    }
    readonly output: string
  }
  /** Starts a collector that takes everything; gives its address. */
  readonly collect: { readonly input: null; readonly output: string }
  /** How many batches of spans have come to it. */
  readonly collected: { readonly input: null; readonly output: number }
  /** The length of the page for Prometheus, in characters, and how long it took to make, in milliseconds. */
  readonly page: { readonly input: null; readonly output: { readonly characters: number; readonly millis: number } }
  /**
   * Watches so many arrivals of one token each, as fast as they can be; gives the processor time of this thread that it
   * took, in milliseconds. Nothing else is done with them.
   */
  readonly watch: {
    readonly input: { readonly way: WayName; readonly arrivals: number; readonly collectorUrl: string }
    readonly output: number
  }
}
