/**
 * The worlds of the kit (src/testing) in the words of our own tests: a look each second, a scrape every five, and limits
 * as a second argument.
 */
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import type { RunState } from "../../src/liveness/RunState.ts"
import { play as playSubject, type Played } from "../../src/testing/play.ts"
import { subjectOf } from "../../src/testing/Reducer.ts"
import { usualRhythm } from "../../src/testing/World.ts"

export { frame, headers, opened, sample, scrape, tick } from "../../src/testing/inputs.ts"
export { randomOf } from "../../src/testing/Random.ts"
export { inputsOf, type Metrics, type Stretch, type World } from "../../src/testing/World.ts"

export const TICK = usualRhythm.tickMillis
export const SCRAPE = usualRhythm.scrapeMillis

/** Feeds inputs to the reducer; a tick that condemns is followed by another look at the same instant. */
export const play = (
  inputs: ReadonlyArray<Input.LivenessInput>,
  limits: LivenessLimits = defaults,
  from?: RunState
): Played => playSubject(inputs, subjectOf({ limits }), from)
