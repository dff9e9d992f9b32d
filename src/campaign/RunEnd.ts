/**
 * How a runner ended: everything has its outcome, or somebody or something stopped it before.
 */
export type RunEnd =
  | { readonly _tag: "Ended" }
  /** Battles are pending, and the campaign can be resumed. `why` is a sentence without its full stop. */
  | { readonly _tag: "Paused"; readonly why: string }
  /** What was pending has been given up. */
  | { readonly _tag: "Cancelled" }
  /** Nothing is left but battles of engines that may not go on; a reason for each. */
  | { readonly _tag: "Halted"; readonly why: ReadonlyArray<string> }
