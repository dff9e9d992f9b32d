/**
 * Whether battles may start at an endpoint: a pure reducer over what its runs and its canary report.
 *
 *     closed ──cause──► suspect ──canary failed──► open ──canary passed──► half-open ──tokens of a battle──► closed
 *                          └──────canary passed──────────────────────────►    └──cause──► open
 *
 * As in a circuit: closed lets everything through, open nothing; half-open lets one battle in at a time. A cause is what
 * the retry table gates: a proved stall of such a kind, a failure of such a kind, or enough failures in a row. While the
 * gate is suspect or open all further causes are the same trouble and change nothing, so that a thousand streams that
 * hang at once make one gate, one alarm and one canary.
 *
 * Laws: only a cause leaves closed; only the canary leaves suspect and open; at most one battle has the place of
 * half-open; at most one canary is under way; the delays between canaries double up to a bound and begin anew when the
 * gate closes.
 *
 * Half-open closes with the second token of a battle, not with its end: the canary has shown a small prompt and decoding,
 * that shows a real prompt and decoding, and an end may be an hour away. A run whose silence began before the canary
 * passed is a straggler of the trouble that is over, and no cause.
 *
 * An endpoint that nobody has tried yet may be doubted: it is suspect until its canary has passed, and then closed, since
 * no battle has shown anything against it.
 *
 * Where there is no canary time takes its place: suspect opens, and after the delay the gate is half-open.
 */
import { defaults as gateDefaults, type GateTimes } from "./GateTimes.ts"
import { inSeconds } from "./inSeconds.ts"
import { retryKindOf, rowOf } from "./RetryTable.ts"
import type { RunError } from "./RunError.ts"

/** When a gate asks, and whom it believes. */
export interface GateLimits extends GateTimes {
  /**
   * What an error says of the endpoint: nothing, that it is in trouble, or that it is where so many have come in a row.
   */
  readonly weigh: (error: RunError) => "no" | "yes" | number
}

/** For an engine: what the retry table gates. */
const weighForEngine = (error: RunError): "no" | "yes" | number => {
  const { gate } = rowOf(error)
  if (error._tag === "Stalled" && error.confidence !== "proved") return "no"
  // What an agent says of its own stream says nothing of its engine.
  return error._tag === "Failed" && gate === "yes" && error.hop !== "engine" ? "no" : gate
}

export const defaults: GateLimits = { ...gateDefaults, weigh: weighForEngine }

/** `closed`: requests flow. `suspect`: the canary is asked. `open`: nobody starts. `half-open`: one may try. */
export type GatePhase = "closed" | "suspect" | "open" | "half-open"

/** A run's report: an error, its end with an answer, or `began`: at least two tokens of it have come. */
export type RunOutcome = RunError | "began" | "completed"

/** All times are those of the caller's monotonic clock, in milliseconds. */
export type GateInput =
  | { readonly _tag: "Entered" | "Left"; readonly at: number; readonly ticket: number }
  | { readonly _tag: "Reported"; readonly at: number; readonly outcome: RunOutcome }
  | { readonly _tag: "Doubted" | "CanaryBegan" | "CanaryPassed" | "CanaryAbsent" | "Tick"; readonly at: number }
  | { readonly _tag: "CanaryFailed"; readonly at: number; readonly why: string }

export interface GateState {
  readonly phase: GatePhase
  readonly sinceMillis: number
  /** What brought the gate into its phase, in words. */
  readonly why: string
  /** Whether a canary is under way. */
  readonly asking: boolean
  /** When the next canary is due; `null` where none is waited for. */
  readonly nextCanaryAtMillis: number | null
  /** How often the gate has opened since it was closed. */
  readonly openings: number
  /** When it first did. */
  readonly openedMillis: number | null
  /** The operator has been told. */
  readonly alarmed: boolean
  /** Who has the place of half-open. */
  readonly probe: number | undefined
  /** When a canary last passed, or time did in its place. */
  readonly passedMillis: number | null
  /** Failures in a row of a row that gates only after several. */
  readonly failures: number
  /** Nothing has happened yet: the canary alone decides. */
  readonly untried: boolean
  /** Requests that may still run in the engine for nobody, because nothing has shown that they were dropped. */
  readonly unconfirmed: number
}

export const initial = (at: number): GateState => ({
  phase: "closed",
  sinceMillis: at,
  why: "nothing has happened",
  asking: false,
  nextCanaryAtMillis: null,
  openings: 0,
  openedMillis: null,
  alarmed: false,
  probe: undefined,
  passedMillis: null,
  failures: 0,
  untried: false,
  unconfirmed: 0
})

/** Whether the next battle may start. */
export const admits = (state: GateState): boolean =>
  state.phase === "closed" || (state.phase === "half-open" && state.probe === undefined)

/** Whether a canary must be sent now. */
export const wantsCanary = (state: GateState, at: number): boolean =>
  !state.asking && state.nextCanaryAtMillis !== null && at >= state.nextCanaryAtMillis

/** The state after one more input. */
export const step = (state: GateState, input: GateInput, limits: GateLimits = defaults): GateState =>
  alarm(move(state, input, limits), input.at, limits)

const move = (state: GateState, input: GateInput, limits: GateLimits): GateState => {
  switch (input._tag) {
    case "Entered":
      return state.phase === "half-open" && state.probe === undefined ? { ...state, probe: input.ticket } : state
    case "Left":
      return state.probe === input.ticket ? { ...state, probe: undefined } : state
    case "Reported":
      return reported(state, input.outcome, input.at, limits)
    case "Doubted":
      return state.phase === "closed"
        ? { ...enter(state, "suspect", input.at, "it is not known yet"), nextCanaryAtMillis: input.at, untried: true }
        : state
    case "CanaryBegan":
      return wantsCanary(state, input.at) ? { ...state, asking: true, nextCanaryAtMillis: null } : state
    case "CanaryPassed":
      if (!state.asking) return state
      return state.untried && state.phase === "suspect"
        ? { ...enter(state, "closed", input.at, "the canary has passed"), passedMillis: input.at }
        : halfOpen(state, input.at, "the canary has passed")
    case "CanaryFailed":
      return state.asking ? open(state, input.at, input.why, limits) : state
    case "CanaryAbsent":
      if (!state.asking) return state
      if (state.untried) return enter(state, "closed", input.at, "there is no canary")
      return state.phase === "suspect"
        ? open(state, input.at, state.why, limits)
        : halfOpen(state, input.at, "there is no canary, and time has passed")
    case "Tick":
      return state
  }
}

const enter = (state: GateState, phase: GatePhase, at: number, why: string): GateState => ({
  ...state,
  phase,
  why,
  sinceMillis: at,
  asking: false,
  nextCanaryAtMillis: null,
  untried: false,
  probe: undefined
})

const halfOpen = (state: GateState, at: number, why: string): GateState => ({
  ...enter(state, "half-open", at, why),
  passedMillis: at
})

const open = (state: GateState, at: number, why: string, limits: GateLimits): GateState => ({
  // An open gate whose canary fails has been open all the time.
  ...enter(state, "open", state.phase === "open" ? state.sinceMillis : at, why),
  openings: state.openings + 1,
  openedMillis: state.openedMillis ?? at,
  nextCanaryAtMillis: at +
    Math.min(limits.canaryFirstMillis * limits.canaryFactor ** state.openings, limits.canaryMostMillis)
})

const reported = (before: GateState, outcome: RunOutcome, at: number, limits: GateLimits): GateState => {
  const state = counted(before, outcome, limits)
  if (typeof outcome === "string") {
    return state.phase === "half-open"
      ? {
        ...initial(at),
        why: "a battle has got its tokens",
        passedMillis: state.passedMillis,
        unconfirmed: state.unconfirmed
      }
      : state
  }
  if (state.phase === "suspect" || state.phase === "open" || !isCause(state, outcome, at, limits)) return state
  return state.phase === "half-open"
    ? open(state, at, outcome.message, limits)
    : { ...enter(state, "suspect", at, outcome.message), nextCanaryAtMillis: at }
}

/** What is counted in every phase. */
const counted = (state: GateState, outcome: RunOutcome, { weigh }: GateLimits): GateState => {
  if (typeof outcome === "string") return { ...state, failures: 0 }
  const isCounted = typeof weigh(outcome) === "number"
  if (outcome._tag === "Failed") return { ...state, failures: isCounted ? state.failures + 1 : 0 }
  const kind = retryKindOf(outcome)
  // With their process its requests are gone.
  if (kind === "engine-dead" || kind === "engine-restarted") return { ...state, unconfirmed: 0 }
  return {
    ...state,
    failures: isCounted ? state.failures + 1 : state.failures,
    unconfirmed: outcome.cancel === "unconfirmed" ? state.unconfirmed + 1 : state.unconfirmed
  }
}

/** Whether an error shuts the gate. In half-open one failure is enough: there is only one battle to fail. */
const isCause = (state: GateState, error: RunError, at: number, { weigh }: GateLimits): boolean => {
  const weight = weigh(error)
  if (weight === "no") return false
  if (weight === "yes") return error._tag !== "Stalled" || !isStraggler(state, error.silentMillis, at)
  return state.phase === "half-open" || state.failures >= weight
}

/** For times that are sums of others. */
const ROUNDING_MILLIS = 1

const isStraggler = ({ passedMillis }: GateState, silentMillis: number, at: number): boolean =>
  passedMillis !== null && at - silentMillis < passedMillis - ROUNDING_MILLIS

const alarm = (state: GateState, at: number, { alarmMillis }: GateLimits): GateState =>
  state.phase === "open" && state.openedMillis !== null && at - state.openedMillis >= alarmMillis
    ? { ...state, alarmed: true }
    : state

/** What to tell the operator. */
export const alarmOf = ({ openedMillis, why }: GateState, at: number): string =>
  `no battle could start for ${inSeconds(at - (openedMillis ?? at))}: ${why}`
