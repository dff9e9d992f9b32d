/**
 * The heart: one run, judged. `step` takes the state of a run and one input to its next state.
 *
 * It is pure and total: no clock, no effects, and any inputs in any order give a state. Time comes in with the inputs;
 * frames only move the run on, and only ticks judge it (Judgement.ts). Whatever is silent is slow; slow is never final.
 *
 * Laws:
 * - There is at most one final verdict, and nothing after it changes anything.
 * - Only `finish_reason` completes a run. After it nothing can fail it any more; at the latest after the grace it is
 *   complete. An end without it is a failure.
 * - Only progress (Progress.ts) ends a silence: no comment, no header, no empty delta, no repeated count, no gauge.
 * - Nobody is given up at one glance. The tick that finds a run stalled condemns it, and the next tick carries it out
 *   unless something came in between. So what arrives at the same instant counts, in whatever order it is told, and an
 *   operator that lets its event loop turn once between two ticks can lose nothing that already waits in a socket.
 */
import * as Binding from "./Binding.ts"
import * as EngineRecord from "./EngineRecord.ts"
import { type FailKind, ofStatus, ofStreamError } from "./FailKind.ts"
import * as Gaps from "./Gaps.ts"
import { inSeconds } from "./inSeconds.ts"
import { judge, limitsOf, type Stall, standstillOf } from "./Judgement.ts"
import type * as Input from "./LivenessInput.ts"
import type { Phase } from "./Phase.ts"
import * as Progress from "./Progress.ts"
import * as RequestPlace from "./RequestPlace.ts"
import * as RunClock from "./RunClock.ts"
import { type Agent, enter, hasEvidence, initial, now, type RunState, silence, tokens, vouches } from "./RunState.ts"
import type { StallKind } from "./StallKind.ts"
import type * as Verdict from "./Verdict.ts"

const GAPS_TOLD = 8

/** The state after one more input. */
export const step = (state: RunState, input: Input.LivenessInput): RunState => {
  if (state.outcome !== undefined) return state
  const timed = passTime(state, input)
  switch (input._tag) {
    case "Opened":
      return state.clock === undefined ? open(timed, input) : timed
    case "Headers":
    case "TransportOnly":
      return accepted(timed)
    case "Frame":
      return received(accepted(timed), input)
    case "Heartbeat":
      return heard(accepted(timed), input)
    case "Scrape":
      return scraped(timed, input)
    case "Health":
      return { ...timed, engine: EngineRecord.probed(timed.engine, input.status, now(timed), timed.limits) }
    case "Ended":
      return timed.finish === undefined ? broken(timed, input) : completed(timed, closedBy[input.how])
    case "Rejected":
      return timed.finish === undefined ? rejected(timed, input) : completed(timed, "reset-after-finish")
    case "Worthless":
      return worthless(timed, input)
    case "Cancelled":
      return timed.finish === undefined ? cancelled(timed, input) : completed(timed, "grace")
    case "Reading":
      return timed.clock === undefined ? timed : { ...timed, clock: { ...timed.clock, reading: input.on } }
    case "Tick":
      return ticked(timed)
  }
}

/** What can be said of a run now. */
export const verdictOf = (state: RunState): Verdict.Verdict => {
  if (state.outcome !== undefined) return state.outcome
  const common = { phase: state.phase, tokens: tokens(state), silentMillis: silence(state) }
  if (state.slow === undefined) {
    const { tokensPerSecond } = Progress.rateAt(state.progress, now(state))
    return { _tag: "Alive", ...common, tokensPerSecond }
  }
  const engine = Binding.isBound(state.binding) ? state.engine.recent.at(-1) ?? null : null
  return { _tag: "Slow", ...common, ...state.slow, engine }
}

export { engineDigestOf } from "./Judgement.ts"
export { initial }

/** Every input says what time it is. A pause of ours is no time, and right after one nobody is given up. */
const passTime = (state: RunState, input: Input.LivenessInput): RunState => {
  if (state.clock === undefined) return { ...state, clock: RunClock.begin(input.at) }
  const { clock, paused } = RunClock.advance(state.clock, input.at, state.limits)
  const timed = { ...state, clock }
  return paused
    ? { ...timed, condemned: false, quietUntilMillis: now(timed) + state.limits.localPauseMillis }
    : timed
}

const open = (state: RunState, input: Input.Opened): RunState => ({
  ...state,
  run: input.run,
  learned: input.learned ?? state.learned,
  firstRun: input.firstRun ?? false,
  maxTokens: input.maxTokens,
  budgetMillis: input.budgetMillis,
  binding: Binding.inherit(input.binding ?? "unproven"),
  engine: EngineRecord.empty(input.longestStepMillis),
  agent: input.heartbeatMillis === undefined ? undefined : unheard(input.heartbeatMillis)
})

/** An agent of which nothing was heard yet. */
const unheard = (intervalMillis: number): Agent => ({
  heardMillis: 0,
  intervalMillis,
  tokens: 0,
  tokenMillis: 0,
  engine: "unknown",
  working: false,
  vouchedMillis: 0,
  limit: undefined
})

const accepted = (state: RunState): RunState => state.phase === "connecting" ? enter(state, "awaiting") : state

const received = (state: RunState, frame: Input.Frame): RunState => {
  const life = Progress.isLife(state.progress, frame)
  const progress = Progress.receive(state.progress, frame, now(state), state.limits.rateWindowMillis)
  const counted = { ...state, progress }
  if (state.finish !== undefined) return counted
  const moved = life ? enter(alive(counted), phaseAfter(state.phase, frame.channel)) : counted
  if (frame.finishReason !== null) return finished(moved, frame.finishReason)
  const isTooLong = state.limits.failRunaway && state.maxTokens !== undefined && tokens(moved) > state.maxTokens
  return isTooLong ? failed(moved, "runaway", "check", { detail: `more than ${state.maxTokens} tokens` }) : moved
}

/** A token ends every suspicion, and speaks against whatever said that our server is gone or another. */
const alive = (state: RunState): RunState => ({
  ...state,
  slow: undefined,
  condemned: false,
  agent: state.agent === undefined ? undefined : { ...state.agent, tokenMillis: now(state) },
  place: RequestPlace.seen(state.engine.sample),
  binding: state.engine.change === undefined ? state.binding : Binding.contradict(state.binding, state.limits),
  engine: EngineRecord.spoke(state.engine)
})

/** A token without text says that the engine decodes, not what. */
const phaseAfter = (phase: Phase, channel: Input.Frame["channel"]): Phase => {
  if (channel === null) return phase === "thinking" || phase === "tool-call" ? phase : "decoding"
  return phaseOfChannel[channel]
}

const phaseOfChannel = {
  content: "decoding",
  reasoning: "thinking",
  "tool-call": "tool-call",
  work: "agent-work"
} as const

const finished = (state: RunState, reason: string): RunState => {
  if (reason === "abort") return failed(state, "aborted-by-server", "engine", {})
  if (reason === "error") return failed(state, "finish-error", "engine", {})
  return enter(
    {
      ...state,
      finish: { reason, atMillis: now(state) },
      slow: undefined,
      degenerate: reason === "repetition" ? "repetition" : state.degenerate
    },
    "finishing"
  )
}

/**
 * An agent lives. Its last token is as old as it says, if that is longer ago than what we saw ourselves; its count is
 * life only if it rose.
 */
const heard = (state: RunState, beat: Input.Heartbeat): RunState => {
  const at = now(state)
  const age = Number.isFinite(beat.tokenAgeMillis) ? beat.tokenAgeMillis : 0
  const count = Number.isInteger(beat.tokens) ? beat.tokens : 0
  const known = state.agent ?? unheard(state.limits.heartbeatMillis)
  const said = { engine: beat.engine, working: beat.phase === "agent-work" }
  const agent = {
    ...said,
    heardMillis: at,
    intervalMillis: beat.intervalMillis ?? known.intervalMillis,
    tokens: Math.max(known.tokens, count),
    tokenMillis: Math.max(0, at - age),
    vouchedMillis: vouches(said) ? at : known.vouchedMillis,
    limit: beat.limit
  }
  const rose = count > Math.max(known.tokens, Progress.tokensOf(state.progress))
  const told = rose
    ? alive({ ...state, progress: Progress.arrive(state.progress, at, state.limits.rateWindowMillis) })
    : state
  return state.finish === undefined ? enter({ ...told, agent }, beat.phase) : { ...told, agent }
}

const scraped = (state: RunState, scrape: Input.Scrape): RunState => {
  const { outcome } = scrape
  const waited = scrape.at - scrape.askedAt
  const took = Number.isFinite(waited) ? Math.max(0, waited) : Infinity
  const asked = Math.max(0, now(state) - took)
  const before = state.engine.sample
  const engine = EngineRecord.scraped(state.engine, outcome, now(state), asked)
  const isForeign = engine.alternates || scrape.modelServed === false
  const binding = isForeign ? Binding.refute(state.binding) : state.binding
  if (typeof outcome === "string") return { ...state, engine, binding }

  const received = Progress.tokensOf(state.progress)
  const seen = { ...state, engine, binding, tokensAtSample: received }
  const sameProcess = before !== undefined && (engine.change === undefined || engine.change.scrapes > 1)
  if (!sameProcess) return labelled(seen)
  const interval = {
    before,
    after: outcome,
    tokens: received - state.tokensAtSample,
    prompt: took <= state.limits.tickMillis
  }
  const ours = state.progress.begun ? 0 : 1
  return labelled({
    ...seen,
    binding: Binding.observe(binding, interval, state.limits),
    place: RequestPlace.observe(state.place, before, outcome, {
      askedMillis: asked,
      lastTokenMillis: state.progress.lastMillis,
      expected: scrape.openStreams === null ? -Infinity : Math.max(1, scrape.openStreams + ours),
      isMissing: scrape.isMissing ?? true
    })
  })
}

/** Before the first token only evidence tells what is being waited for; these are labels, they decide nothing. */
const labelled = (state: RunState): RunState => {
  const { phase } = state
  if ((phase !== "awaiting" && phase !== "queued" && phase !== "prefill") || !hasEvidence(state)) return state
  const sample = state.engine.sample
  return (sample?.waiting ?? 0) > 0
    ? enter(state, "queued")
    : (sample?.running ?? 0) > 0
    ? enter(state, "prefill")
    : state
}

const ticked = (state: RunState): RunState => {
  const { clock, finish, limits } = state
  if (clock?.reading === false) return state
  if (finish !== undefined) {
    return now(state) - finish.atMillis >= limits.finishGraceMillis ? completed(state, "grace") : state
  }
  if (now(state) >= (state.budgetMillis ?? Infinity)) return cancelled(state, { by: "budget" })
  if (now(state) < state.quietUntilMillis) return state
  const { slow, stall } = judge(state)
  const judged = {
    ...state,
    condemned: stall !== undefined,
    slow: slow === undefined ? undefined : {
      ...slow,
      sinceMillis: state.slow?.reason === slow.reason ? state.slow.sinceMillis : now(state)
    }
  }
  if (stall === undefined || !state.condemned) return judged
  // A server that never took the request has not lost it.
  return state.phase === "connecting" && unansweredKinds.has(stall.kind)
    ? failed(judged, "connect-timeout", stall.decidedBy, {
      detail: `no answer to the request within ${inSeconds(stall.limit.millis)}`
    })
    : stalled(judged, stall)
}

/** What is seen of an engine, or of nobody, while a request waits in front of the server. */
const unansweredKinds: ReadonlySet<StallKind> = new Set(["engine-idle", "orphaned", "silent", "agent-silent"])

const stalled = (state: RunState, stall: Stall): RunState => ({
  ...state,
  outcome: {
    _tag: "Stalled",
    kind: stall.kind,
    confidence: stall.confidence,
    phase: state.phase,
    tokens: tokens(state),
    silentMillis: silence(state),
    limit: stall.limit,
    circumstances: circumstances(state, stall.decidedBy)
  }
})

interface FailDetails {
  readonly status?: number
  readonly code?: number | null | undefined
  readonly retryAfterMillis?: number | null
  readonly detail?: string | undefined
}

const failed = (state: RunState, kind: FailKind, by: Verdict.DecidedBy, details: FailDetails): RunState => ({
  ...state,
  outcome: {
    _tag: "Failed",
    kind,
    phase: state.phase,
    status: integerOf(details.status),
    code: integerOf(details.code),
    retryAfterMillis: finiteOf(details.retryAfterMillis),
    detail: details.detail ?? "",
    tokens: tokens(state),
    silentMillis: silence(state),
    circumstances: circumstances(state, by)
  }
})

const rejected = (state: RunState, { detail, retryAfterMillis, status }: Input.Rejected): RunState =>
  failed(state, ofStatus(status), "engine", { status, retryAfterMillis, detail })

/** The connection ended without a finish reason. */
const broken = (state: RunState, input: Input.Ended): RunState => {
  const details = { code: input.code, detail: input.detail }
  switch (input.how) {
    case "done":
      return failed(state, "done-without-finish", "engine", details)
    case "eof":
      return failed(state, "truncated", "transport", details)
    case "reset":
      return failed(state, "connection-lost", "transport", details)
    case "error":
      return failed(state, ofStreamError(details.code, state.progress.begun), "engine", details)
    case "malformed":
      return failed(state, "malformed", "engine", details)
    case "connect-error":
    case "connect-timeout":
      return failed(state, input.how, "transport", details)
    case "runaway":
      return failed(state, input.how, "check", details)
    case "unsupported":
    case "agent-failed":
      return failed(state, input.how, "agent", details)
  }
}

/** How a connection that has brought its finish reason may end. */
const closedBy: Record<Input.Ended["how"], Verdict.Closed> = {
  done: "done",
  eof: "eof",
  reset: "reset-after-finish",
  error: "reset-after-finish",
  malformed: "reset-after-finish",
  "connect-error": "reset-after-finish",
  "connect-timeout": "reset-after-finish",
  runaway: "reset-after-finish",
  unsupported: "reset-after-finish",
  "agent-failed": "reset-after-finish"
}

const completed = (state: RunState, closed: Verdict.Closed): RunState => ({
  ...state,
  outcome: {
    _tag: "Completed",
    finishReason: state.finish?.reason ?? "",
    closed,
    tokens: tokens(state),
    degenerate: state.degenerate ?? null
  }
})

const worthless = (state: RunState, { as }: Input.Worthless): RunState =>
  state.limits.failRunaway && state.finish === undefined
    ? failed(state, "runaway", "check", { detail: as })
    : { ...state, degenerate: as }

const cancelled = (state: RunState, { by }: Pick<Input.Cancelled, "by">): RunState => ({
  ...state,
  outcome: {
    _tag: "Cancelled",
    by,
    slow: state.slow?.reason ?? null,
    phase: state.phase,
    tokens: tokens(state),
    silentMillis: silence(state),
    circumstances: circumstances(state, by)
  }
})

const circumstances = (state: RunState, decidedBy: Verdict.DecidedBy): Verdict.Circumstances => {
  const { frozen, silent, suspect } = limitsOf(state)
  return {
    run: state.run,
    decidedBy,
    atMillis: now(state),
    phases: state.phases,
    gapsMillis: Gaps.values(state.progress.gaps).slice(-GAPS_TOLD),
    limits: [suspect, frozen, silent],
    evidence: {
      binding: state.binding.status,
      frozenMillis: state.engine.sample === undefined ? null : standstillOf(state),
      samples: state.engine.recent
    }
  }
}

const integerOf = (value: number | null | undefined): number | null =>
  Number.isSafeInteger(value) ? value as number : null

const finiteOf = (value: number | null | undefined): number | null => Number.isFinite(value) ? value as number : null
