/**
 * What is told of a battle while it goes on, to clients that see no tokens: a line, and when it is due. A pure reducer.
 *
 *     roman-numerals against agent (2 of 6): decoding, 340 tokens, 41 tokens/s, quiet for 0.2 s
 *     roman-numerals against agent (2 of 6): queued, no token yet for 1:20, engine stepping
 *
 * Laws: a line is due every `everyMillis`, and earlier where the phase has changed, but never within `leastMillis` of the
 * line before; after the end none is. What arrives never costs a line, so a fast stream is not told of more often than a
 * slow one.
 *
 * All times are monotonic milliseconds of one clock.
 */
import { isTokenEvent, type TaskEvent } from "../a2a/TaskEvent.ts"
import { oneLine } from "../grading/Grade.ts"
import type { EngineDigest } from "../liveness/LivenessInput.ts"
import * as Phase from "../liveness/Phase.ts"
import * as Progress from "../liveness/Progress.ts"
import { tokensOf } from "../token/TokenEvent.ts"

/** How often a battle is told of. */
export interface Pace {
  /** Where nothing changes, in milliseconds. */
  readonly everyMillis: number
  /** Between two lines, whatever happens, in milliseconds. */
  readonly leastMillis: number
}

export const defaultPace: Pace = { everyMillis: 10_000, leastMillis: 2000 }

/** The pace of each of so many battles at once with which they together are told of no faster than one alone. */
export const shared = ({ everyMillis, leastMillis }: Pace, battles: number): Pace => ({
  everyMillis: Math.max(everyMillis, leastMillis * battles),
  leastMillis: leastMillis * battles
})

type Stage = Phase.Phase | "grading" | "over"

export interface BattleProgress {
  readonly beganAt: number
  readonly stage: Stage
  readonly stageAt: number
  /** Its times are milliseconds since the battle began. */
  readonly received: Progress.Progress
  /** What the last heartbeat said of the engine, until a token comes. */
  readonly engine: EngineDigest
  /** The last line of the participant's own log. */
  readonly says: string
  readonly toldAt: number
  readonly toldStage: Stage
}

/** The rate is measured over one to two of these, in milliseconds. */
const RATE_WINDOW = 10_000
/** A rate measured over less is none. */
const SHORTEST_RATE = 1000
/** What the engine does is worth a word where the silence is longer. */
const NOTABLE_SILENCE = 2000
const MOST_SAID = 100

/** A battle that begins at `now`, of which it has just been told that it begins. */
export const begin = (now: number): BattleProgress => ({
  beganAt: now,
  stage: "connecting",
  stageAt: now,
  received: Progress.none(1),
  engine: "unknown",
  says: "",
  toldAt: now,
  toldStage: "connecting"
})

/** The progress after events that arrived together. */
export const step = (
  progress: BattleProgress,
  events: ReadonlyArray<TaskEvent>,
  now: number
): BattleProgress => {
  let { engine, says, stage } = progress
  let tokens = 0
  let text = false
  let usage: number | null = null
  for (const event of events) {
    if (isTokenEvent(event)) {
      if (stage !== "grading" && stage !== "over") stage = Phase.step(stage, event)
      tokens += tokensOf(event)
      if (event._tag === "Delta") text ||= event.text !== ""
      else if (event._tag === "Usage") usage = event.completionTokens
    } else if (event._tag === "Heartbeat") {
      stage = event.phase
      engine = event.engine
    } else if (event._tag === "Status") {
      if (stage === "connecting") stage = "awaiting"
      says = oneLine(event.text, MOST_SAID) || says
    } else if (event._tag === "Replaced") text = true
  }
  const arrived = { tokens, text, usage }
  if (Progress.isLife(progress.received, arrived)) engine = "unknown"
  return {
    ...enter(progress, stage, now),
    engine,
    says,
    received: Progress.receive(progress.received, arrived, now - progress.beganAt, RATE_WINDOW)
  }
}

/** The battle in another stage. */
export const enter = (progress: BattleProgress, stage: Stage, now: number): BattleProgress =>
  stage === progress.stage ? progress : { ...progress, stage, stageAt: now }

/** Whether it is to be told of. */
export const isDue = ({ stage, toldAt, toldStage }: BattleProgress, now: number, pace: Pace): boolean => {
  if (stage === "over") return false
  const since = now - toldAt
  return since >= pace.everyMillis || (stage !== toldStage && since >= pace.leastMillis)
}

/** The battle after it was told of. */
export const told = (progress: BattleProgress, now: number): BattleProgress => ({
  ...progress,
  toldAt: now,
  toldStage: progress.stage
})

/** Tokens so far. */
const tokens = (progress: BattleProgress): number => Progress.tokensOf(progress.received)

/** When the first token came, in milliseconds since the battle began; `null` if none did. */
export const firstTokenMillis = ({ received }: BattleProgress): number | null =>
  received.begun ? received.firstMillis : null

/** When the last token came; when the battle began if none did. */
export const lastTokenAt = ({ beganAt, received }: BattleProgress): number => beganAt + received.lastMillis

/** The line about a battle of that name. */
export const textOf = (progress: BattleProgress, name: string, now: number): string => {
  const { beganAt, engine, received, says, stage, stageAt } = progress
  const count = tokens(progress)
  const counted = count === 1 ? "1 token" : `${count} tokens`
  if (stage === "grading") return `${name}: grading for ${lengthOf(now - stageAt)}, ${counted}`
  const silence = now - lastTokenAt(progress)
  const { overMillis, tokensPerSecond } = Progress.rateAt(received, now - beganAt)
  const parts = received.begun
    ? [
      counted,
      ...overMillis >= SHORTEST_RATE ? [`${rateOf(tokensPerSecond)} tokens/s`] : [],
      `quiet for ${lengthOf(silence)}`
    ]
    : [`no token yet for ${lengthOf(silence)}`]
  if (engine !== "unknown" && silence >= NOTABLE_SILENCE) parts.push(`engine ${engines[engine]}`)
  if (says !== "") parts.push(`says "${says}"`)
  return `${name}: ${[stages[stage], ...parts].join(", ")}`
}

const stages: Record<Stage, string> = {
  connecting: "connecting",
  awaiting: "waiting",
  queued: "queued",
  prefill: "reading the prompt",
  thinking: "thinking",
  decoding: "decoding",
  "tool-call": "calling a tool",
  "agent-work": "at work",
  finishing: "finishing",
  grading: "grading",
  over: "over"
}

/** What an engine is said to do. */
const engines: Record<EngineDigest, string> = {
  moving: "stepping",
  asleep: "asleep",
  frozen: "standing still",
  gone: "gone",
  unknown: "unknown"
}

/** `0.2 s`, `47 s`, `1:20`, `1:02:03`; cut, not rounded. */
const lengthOf = (millis: number): string => {
  const seconds = Math.max(0, millis) / 1000
  if (seconds < 10) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`
  const whole = Math.floor(seconds)
  if (whole < 60) return `${whole} s`
  const two = (value: number) => String(value % 60).padStart(2, "0")
  const minutes = Math.floor(whole / 60)
  return minutes < 60 ? `${minutes}:${two(whole)}` : `${Math.floor(minutes / 60)}:${two(minutes)}:${two(whole)}`
}

const rateOf = (perSecond: number): string => perSecond < 9.95 ? perSecond.toFixed(1) : String(Math.round(perSecond))
