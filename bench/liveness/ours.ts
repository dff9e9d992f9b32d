/**
 * Our detector in a world: the real reducer, told what the stream operator and the evidence source would tell it.
 *
 * Metrics and health are asked for every 5 s, or 2 s while the run is slow, and answered within 50 ms; a tick comes every
 * second. A run is given up when the verdict falls, which is one tick after the reducer condemned it.
 */
import { type FinishedRun, fromState } from "../../src/liveness/FinishedRun.ts"
import type { LearnedLimits } from "../../src/liveness/LimitInForce.ts"
import type { LivenessInput } from "../../src/liveness/LivenessInput.ts"
import type { LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { initial, step } from "../../src/liveness/LivenessStep.ts"
import { opened, scrape, tick } from "../../src/testing/inputs.ts"
import type { World } from "./World.ts"

const TICK_MILLIS = 1000
const SCRAPE_MILLIS = 5000
const SUSPECT_SCRAPE_MILLIS = 2000
const ANSWER_MILLIS = 20

export interface OursOptions {
  readonly limits: LivenessLimits
  readonly learned: LearnedLimits
  /** Whether metrics are read; if so, an earlier run or a canary has proved that they are our engine's. */
  readonly evidence: boolean
}

export interface Judged {
  /** When it was given up; undefined: never. */
  readonly givenUpAt: number | undefined
  /** What the run teaches. */
  readonly finished: FinishedRun
}

/** The run as ours judges it. */
export const judge = (world: World, { evidence, learned, limits }: OursOptions): Judged => {
  const { pause, seen, until } = world
  let state = step(initial(limits), opened({ learned, binding: evidence ? "proven" : "unproven" }))
  const tell = (input: LivenessInput) => {
    state = step(state, input)
  }
  /** What should happen at a time while we stand still happens when we wake. */
  const awake = (at: number) => pause !== undefined && at >= pause.from && at < pause.to ? pause.to : at

  let next = 0
  let tickAt = awake(world.tickAt)
  let askedAt = awake(world.scrapeAt)
  let answerAt = evidence ? awake(askedAt + ANSWER_MILLIS) : Infinity
  while (state.outcome === undefined) {
    const arrival = seen[next]
    const arrivalAt = arrival?.at ?? Infinity
    const at = Math.min(arrivalAt, tickAt, answerAt)
    if (at > until) break
    if (arrival !== undefined && arrivalAt === at) {
      for (const input of arrival.inputs) tell(input)
      next++
    } else if (tickAt === at) {
      tell(tick(at))
      tickAt = awake(at + TICK_MILLIS)
    } else {
      const outcome = world.metricsAt(askedAt)
      const late = answerAt - askedAt > ANSWER_MILLIS
      if (outcome !== "refused") tell({ _tag: "Health", at, status: 200 })
      tell(scrape(at, late && world.scrapeFailsInPause ? "failed" : outcome, {
        askedAt,
        openStreams: world.otherStreams + (state.progress.begun ? 1 : 0)
      }))
      askedAt = awake(at + (state.slow === undefined ? SCRAPE_MILLIS : SUSPECT_SCRAPE_MILLIS))
      answerAt = awake(askedAt + ANSWER_MILLIS)
    }
  }
  const { outcome } = state
  return {
    givenUpAt: outcome === undefined || outcome._tag === "Completed" ? undefined : state.clock?.atMillis,
    finished: fromState(state)
  }
}
