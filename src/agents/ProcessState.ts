/**
 * How an agent that we started by its command line is doing: a pure reducer over what happens to its process.
 *
 *     starting ──card──► ready ──died──► exited ──started──► restarting ──card──► ready
 *                                           └─────────────────────┴──died──► exited, or given-up
 *
 * Laws: only a death leaves ready; the delays before restarts double up to a bound; deaths count in a row, and one that
 * comes after the agent was ready for long enough begins a new row; given-up is final, and comes with the last death that
 * is allowed.
 *
 * A death is the end of a life, however it came: the process has ended, its card never answered, it could not be started.
 * The first life is no exception here; that a command that never worked is not tried again is decided by its caller.
 */

export interface RestartLimits {
  /** The delay before the first restart in a row, and how it grows. Milliseconds. */
  readonly firstMillis: number
  readonly factor: number
  readonly mostMillis: number
  /** Who was ready for so long has not died quickly. */
  readonly settledMillis: number
  /** So many quick deaths in a row are enough. */
  readonly mostDeaths: number
}

export const restartDefaults: RestartLimits = {
  firstMillis: 1_000,
  factor: 2,
  mostMillis: 30_000,
  settledMillis: 60_000,
  mostDeaths: 10
}

export type ProcessPhase = "starting" | "ready" | "exited" | "restarting" | "given-up"

/** All times are those of the caller's monotonic clock, in milliseconds. */
export interface ProcessState {
  readonly phase: ProcessPhase
  readonly sinceMillis: number
  /** Deaths in a row. */
  readonly deaths: number
  /** How the last life ended, in words; null before the first death. */
  readonly lastDeath: string | null
  /** When the next life is due; null where none is waited for. */
  readonly restartAtMillis: number | null
}

export type ProcessInput =
  | { readonly _tag: "Started" | "CardAnswered"; readonly at: number }
  | { readonly _tag: "Died"; readonly at: number; readonly why: string }

export const initial = (at: number): ProcessState => ({
  phase: "starting",
  sinceMillis: at,
  deaths: 0,
  lastDeath: null,
  restartAtMillis: null
})

/** The state after one more input; the same one where the input does not belong to it. */
export const step = (
  state: ProcessState,
  input: ProcessInput,
  limits: RestartLimits = restartDefaults
): ProcessState => {
  const enter = (phase: ProcessPhase): ProcessState => ({
    ...state,
    phase,
    sinceMillis: input.at,
    restartAtMillis: null
  })
  switch (input._tag) {
    case "Started":
      return state.phase === "exited" ? enter("restarting") : state
    case "CardAnswered":
      return state.phase === "starting" || state.phase === "restarting" ? enter("ready") : state
    case "Died":
      return state.phase === "exited" || state.phase === "given-up"
        ? state
        : died(state, enter, input, limits)
  }
}

const died = (
  state: ProcessState,
  enter: (phase: ProcessPhase) => ProcessState,
  { at, why }: Extract<ProcessInput, { readonly _tag: "Died" }>,
  limits: RestartLimits
): ProcessState => {
  const isSettled = state.phase === "ready" && at - state.sinceMillis >= limits.settledMillis
  const deaths = isSettled ? 1 : state.deaths + 1
  if (deaths >= limits.mostDeaths) return { ...enter("given-up"), deaths, lastDeath: why }
  const delay = Math.min(limits.mostMillis, limits.firstMillis * limits.factor ** (deaths - 1))
  return { ...enter("exited"), deaths, lastDeath: why, restartAtMillis: at + delay }
}
