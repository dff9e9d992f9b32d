/**
 * How a runner ended.
 */

/** How a play ended: everything has its outcome, or somebody or something stopped it before. */
export type RunEnd =
  | { readonly _tag: "Ended" }
  /** Battles are pending, and the campaign can be resumed. */
  | {
    readonly _tag: "Paused"
    /** A sentence without its full stop. */
    readonly why: string
  }
  /** What was pending has been given up. */
  | { readonly _tag: "Cancelled" }
  /** Nothing is left but battles of engines that may not go on. */
  | {
    readonly _tag: "Halted"
    /** A reason for each engine. */
    readonly why: ReadonlyArray<string>
  }
