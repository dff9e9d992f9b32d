/**
 * How one policy came through one night.
 */

export interface NightRun {
  /** Battles with a result. */
  readonly scored: number
  readonly attempts: number
  /** Attempts ended by the policy while the engine worked at them. */
  readonly falseKills: number
  /** From the hang to the end of each attempt that was ended because of one. */
  readonly foundAfterSeconds: ReadonlyArray<number>
  /** Made by the engine for attempts without a result. */
  readonly tokensThrownAway: number
  /** Until nothing is left to be done. */
  readonly wallSeconds: number
  /** Attempts that failed and count against their battle. */
  readonly charged: number
  /** How often the gate of the engine opened; 0 where there is none. */
  readonly openings: number
  /** How often somebody was told to look. */
  readonly alarms: number
}

/** The sum of the tokens. */
export const producedBy = (ends: ReadonlyArray<{ readonly tokens: number }>): number =>
  ends.reduce((sum, { tokens }) => sum + tokens, 0)
