/**
 * What a view of one task knows, of an agent's or of a battle's: a pure reducer over task events, verdicts and time.
 *
 * What is told of any battle is kept by `BattleProgress`; here is what a person who looks at one task wants besides: its
 * rhythm, how it is followed, how long its silence may last, and what it came to.
 *
 * Laws
 * - `tokens` is what was told; a report of the engine's usage replaces what was counted before it.
 * - What it says of a limit, the reducer of the watch says too: it is that reducer (LivenessStep.ts), fed with the same,
 *   or what the heartbeats of whoever watches it say. Where there is no limit for the silence of now (somebody vouches for the run, or nobody watches) there is none here.
 * - The first final verdict stays. Without one, how the stream ended is the verdict.
 *
 * All times are monotonic milliseconds of one clock; renderings are given their `now`.
 */
import { inputsOf } from "../a2a/LivenessInputs.ts"
import { type Followed, isTokenEvent, type TaskEvent } from "../a2a/TaskEvent.ts"
import * as BattleProgress from "../agents/BattleProgress.ts"
import type { LimitInForce, ToldLimit } from "../liveness/LimitInForce.ts"
import type { LivenessLimits } from "../liveness/LivenessLimits.ts"
import * as LivenessStep from "../liveness/LivenessStep.ts"
import type { EngineState } from "../liveness/Outlook.ts"
import { limitOf } from "../liveness/outlookOf.ts"
import * as Progress from "../liveness/Progress.ts"
import type { RunError } from "../liveness/RunError.ts"
import { lastToken, type RunState } from "../liveness/RunState.ts"
import type { RunName, Verdict } from "../liveness/Verdict.ts"
import { tokensOf } from "../token/TokenEvent.ts"
import * as Cadence from "./Cadence.ts"

/** What it came to: what a stream can end with, or that its user did not wait for that. */
export type End = { readonly _tag: "Completed" | "Interrupted" } | { readonly _tag: "Broken"; readonly error: RunError }

export interface TaskView {
  readonly beganAt: number
  readonly progress: BattleProgress.BattleProgress
  readonly cadence: Cadence.Cadence
  /** `undefined` where this process does not watch it. */
  readonly run: RunState | undefined
  /** The limit that whoever watches it said last to be counting; nothing has come since. */
  readonly toldLimit: { readonly limit: ToldLimit; readonly at: number } | undefined
  /** How it is followed, once that was told. */
  readonly followed: Followed | undefined
  /** The last verdict that was told, where somebody judges. */
  readonly verdict: Verdict | undefined
  /** Tokens that came together with the first one; they have no rate. */
  readonly firstTokens: number
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number } | undefined
  readonly finishReason: string | undefined
  /** The last text of a status, which some agents have for an answer. */
  readonly lastText: string
  readonly end: (End & { readonly atMillis: number }) | undefined
}

/** What a watch is told when it begins. */
export interface Watched {
  readonly run: RunName
  readonly limits: LivenessLimits
}

/** A task that begins at `now`. */
export const begin = (now: number, watched?: Watched): TaskView => ({
  beganAt: now,
  progress: BattleProgress.begin(now),
  cadence: Cadence.begin(now),
  run: watched === undefined
    ? undefined
    : LivenessStep.step(LivenessStep.initial(watched.limits), { _tag: "Opened", at: now, run: watched.run }),
  toldLimit: undefined,
  followed: undefined,
  verdict: undefined,
  firstTokens: 0,
  usage: undefined,
  finishReason: undefined,
  lastText: "",
  end: undefined
})

/** The view after events that arrived together. */
export const step = (view: TaskView, events: ReadonlyArray<TaskEvent>, now: number): TaskView => {
  let { finishReason, followed, lastText, toldLimit, usage } = view
  let arrived = 0
  for (const event of events) {
    if (isTokenEvent(event)) {
      arrived += tokensOf(event)
      if (event._tag === "Usage") usage = event
      else if (event._tag === "Finish") finishReason = event.reason
    } else if (event._tag === "Heartbeat") {
      toldLimit = event.limit === undefined
        ? undefined
        : { limit: event.limit, at: now }
    } else if (event._tag === "Followed") followed = event
    else if (event._tag === "Status" || event._tag === "Ended") lastText = event.text || lastText
  }
  const progress = BattleProgress.step(view.progress, events, now)
  return {
    ...view,
    progress,
    cadence: Cadence.step(view.cadence, now, arrived),
    run: view.run === undefined ? undefined : inputsOf(events, now).reduce(LivenessStep.step, view.run),
    toldLimit: arrived > 0 ? undefined : toldLimit,
    firstTokens: view.progress.received.begun ? view.firstTokens : arrived,
    followed,
    usage,
    finishReason,
    lastText
  }
}

/** The view at `now`, nothing having come: a watch that is told of no time takes its absence for a pause of the process. */
export const tick = (view: TaskView, now: number): TaskView =>
  view.run === undefined ? view : { ...view, run: LivenessStep.step(view.run, { _tag: "Tick", at: now }) }

const isFinal = ({ _tag }: Verdict): boolean => _tag !== "Alive" && _tag !== "Slow"

/** The view after the watch has said something. */
export const judged = (view: TaskView, verdict: Verdict): TaskView =>
  view.verdict !== undefined && isFinal(view.verdict) ? view : { ...view, verdict }

/** The view of a task that is over; the first end stays. */
export const ended = (view: TaskView, end: End, now: number): TaskView =>
  view.end === undefined ? { ...view, end: { ...end, atMillis: now } } : view

/** Tokens so far. */
export const tokens = ({ progress: { received } }: TaskView): number => Progress.tokensOf(received)

/** What is counted: tokens, or pieces of text where nobody tells tokens. */
export const unit = ({ followed }: TaskView): "tokens" | "pieces" => followed?.exact === false ? "pieces" : "tokens"

/** How long nothing has come, in milliseconds; 0 after the finish, when nothing is expected. */
export const silence = ({ end, progress }: TaskView, now: number): number =>
  end !== undefined || progress.stage === "finishing" ? 0 : Math.max(0, now - BattleProgress.lastTokenAt(progress))

/**
 * How long the silence of now may last; `undefined` where nobody would end it. A limit counts from when somebody last
 * vouched for the task, so the silence may last longer than the limit by as much as that came after the last token.
 */
export const patience = (view: TaskView): LimitInForce | undefined => {
  const { end, progress, run, toldLimit, verdict } = view
  if (end !== undefined || (verdict !== undefined && isFinal(verdict))) return undefined
  if (run !== undefined) {
    const limit = limitOf(run)
    if (limit === null) return undefined
    const { sinceMillis, ...rest } = limit
    return { ...rest, millis: rest.millis + Math.max(0, sinceMillis - lastToken(run)) }
  }
  if (toldLimit === undefined) return undefined
  const { usedMillis, ...rest } = toldLimit.limit
  return {
    ...rest,
    millis: rest.millis + Math.max(0, toldLimit.at - usedMillis - BattleProgress.lastTokenAt(progress))
  }
}

/** What the engine is said to do: one that is said to move, while the limit of a standstill counts, has stopped. */
export const engineOf = (view: TaskView): EngineState => {
  const { engine } = view.progress
  return engine === "moving" && patience(view)?.name === "frozen" ? "still" : engine
}

/** What there is to say of a task that is over, or of what there is of it. Times in milliseconds. */
export interface Figures {
  readonly tokens: number
  readonly timeToFirstTokenMillis: number | null
  /** After the first arrival; `null` with fewer than two. */
  readonly tokensPerSecond: number | null
  /** Between two arrivals. */
  readonly largestGapMillis: number | null
  readonly promptTokens: number | null
  readonly completionTokens: number | null
  readonly finishReason: string | null
  readonly durationMillis: number
}

/** The figures at `now`, or at the end if that has come. */
export const figures = (view: TaskView, now: number): Figures => {
  const { beganAt, end, finishReason, firstTokens, progress: { received }, usage } = view
  const decodingMillis = received.lastMillis - received.firstMillis
  const isRate = received.begun && decodingMillis > 0
  return {
    tokens: tokens(view),
    timeToFirstTokenMillis: BattleProgress.firstTokenMillis(view.progress),
    tokensPerSecond: isRate ? Math.max(0, tokens(view) - firstTokens) / decodingMillis * 1000 : null,
    largestGapMillis: isRate ? received.longestGapMillis : null,
    promptTokens: usage?.promptTokens ?? null,
    completionTokens: usage?.completionTokens ?? null,
    finishReason: finishReason ?? null,
    durationMillis: (end?.atMillis ?? now) - beganAt
  }
}
