/**
 * The state of one run: all that has to be remembered to judge it. A value; `LivenessStep.step` makes the next one.
 *
 * Times are milliseconds of the run (RunClock.ts), so a state does not depend on when it began, and moving every
 * deadline for a local pause is to let no time pass.
 */
import * as Binding from "./Binding.ts"
import * as EngineRecord from "./EngineRecord.ts"
import { type LearnedLimits, type LimitInForce, nothingLearned, type ToldLimit } from "./LimitInForce.ts"
import type { EngineDigest } from "./LivenessInput.ts"
import type { LivenessLimits } from "./LivenessLimits.ts"
import type { Phase } from "./Phase.ts"
import * as Progress from "./Progress.ts"
import * as RequestPlace from "./RequestPlace.ts"
import * as RunClock from "./RunClock.ts"
import type { SlowReason } from "./SlowReason.ts"
import type { Degenerate, FinalVerdict, RunName } from "./Verdict.ts"

export interface PhaseEntry {
  readonly phase: Phase
  readonly sinceMillis: number
}

/** What the last heartbeat of an agent said. */
export interface Agent {
  /** When anything that only the agent itself sends was last heard. */
  readonly heardMillis: number
  readonly intervalMillis: number
  readonly tokens: number
  /** When its last token came, as it says itself. */
  readonly tokenMillis: number
  readonly engine: EngineDigest
  readonly working: boolean
  /** When it last vouched for its run. */
  readonly vouchedMillis: number
  /** The limit of which it said that it counts. */
  readonly limit: ToldLimit | undefined
}

/** Why and since when a run is called slow. */
export interface SlowNow {
  readonly reason: SlowReason
  readonly sinceMillis: number
  readonly limit: LimitInForce
}

/** Opaque: the state of the reducer. `verdictOf` and `heartbeatOf` say what there is to know of it. */
export interface RunState {
  readonly limits: LivenessLimits
  readonly run: RunName
  readonly learned: LearnedLimits
  readonly firstRun: boolean
  readonly maxTokens: number | undefined
  readonly budgetMillis: number | undefined
  /** `undefined` until the first input. */
  readonly clock: RunClock.RunClock | undefined
  readonly phase: Phase
  /** The phases entered, oldest first; the last ones only. */
  readonly phases: ReadonlyArray<PhaseEntry>
  readonly progress: Progress.Progress
  readonly finish: { readonly reason: string; readonly atMillis: number } | undefined
  /** `undefined` where nobody promises heartbeats. */
  readonly agent: Agent | undefined
  readonly engine: EngineRecord.EngineRecord
  readonly binding: Binding.Binding
  readonly place: RequestPlace.RequestPlace
  /** Tokens received when the last sample came. */
  readonly tokensAtSample: number
  /** After a local pause nobody is given up before this. */
  readonly quietUntilMillis: number
  /** The last tick found it stalled; the next one will say so, unless something comes in between. */
  readonly condemned: boolean
  readonly slow: SlowNow | undefined
  readonly degenerate: Degenerate | undefined
  readonly outcome: FinalVerdict | undefined
}

const PHASES_KEPT = 32

/** A run of which nothing is known yet. */
export const initial = (limits: LivenessLimits): RunState => ({
  limits,
  run: { hop: "engine", attempt: 1, endpoint: "", model: "" },
  learned: nothingLearned,
  firstRun: false,
  maxTokens: undefined,
  budgetMillis: undefined,
  clock: undefined,
  phase: "connecting",
  phases: [{ phase: "connecting", sinceMillis: 0 }],
  progress: Progress.none(limits.gapWindow),
  finish: undefined,
  agent: undefined,
  engine: EngineRecord.empty(),
  binding: Binding.inherit("unproven"),
  place: RequestPlace.seen(undefined),
  tokensAtSample: 0,
  quietUntilMillis: 0,
  condemned: false,
  slow: undefined,
  degenerate: undefined,
  outcome: undefined
})

/** Milliseconds of the run. */
export const now = (state: RunState): number => state.clock === undefined ? 0 : RunClock.now(state.clock)

/** When the last token came: to us, or to the agent if it says that its own is older. */
export const lastToken = (state: RunState): number =>
  Math.min(state.progress.lastMillis, state.agent?.tokenMillis ?? Infinity)

/** How long there has been no token, in milliseconds. */
export const silence = (state: RunState): number => now(state) - lastToken(state)

/** Tokens the run has given, as far as anybody told us. */
export const tokens = (state: RunState): number =>
  Math.min(Number.MAX_SAFE_INTEGER, Math.max(Progress.tokensOf(state.progress), state.agent?.tokens ?? 0))

/** The metrics are those of our engine, and new enough to say something about now. */
export const hasEvidence = (state: RunState): boolean =>
  Binding.isBound(state.binding) && state.engine.sample !== undefined &&
  now(state) - state.engine.asOfMillis <= state.limits.evidenceFreshMillis

/** Whether an agent vouches for its run: its engine moves or sleeps, or it works on something else. */
export const vouches = ({ engine, working }: Pick<Agent, "engine" | "working">): boolean =>
  working || engine === "moving" || engine === "asleep"

/** The state in another phase. */
export const enter = (state: RunState, phase: Phase): RunState =>
  state.phase === phase ? state : {
    ...state,
    phase,
    phases: [...state.phases, { phase, sinceMillis: now(state) }].slice(-PHASES_KEPT)
  }
