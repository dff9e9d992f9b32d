/**
 * What a detector of hung streams is: it is told what comes in on one stream, and once a second that time passes, and
 * says after each of these whether it gives the run up.
 *
 * A detector is started anew for each run, when the request is sent, at 0 ms. No clock and no effects: it knows what it
 * is told and nothing else. All are looked at by the same tick, so those with a timer of their own would be up to a
 * second faster than here, both at finding hangs and at false kills.
 */

/** What comes in on a stream, as the client sees it. */
export type Arrival =
  /** Response headers. */
  | "headers"
  /** A data frame that carries no token: the role chunk. */
  | "role"
  /** A data frame that carries a token. */
  | "token"
  /** A comment: bytes that no SSE parser hands on. */
  | "comment"

/** True: it is given up. Times are milliseconds since the request was sent. */
export type Watcher = (what: Arrival | "tick", at: number) => boolean

export interface Detector {
  readonly name: string
  /** One line of how it decides. */
  readonly rule: string
  readonly start: () => Watcher
}

/** Whether something that comes in is a data frame. */
export const isFrame = (what: Arrival | "tick"): boolean => what === "role" || what === "token"
