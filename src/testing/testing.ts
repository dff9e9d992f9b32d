/**
 * Test your own limits, classifier or reducer: generators of what engines do, the laws of the liveness logic, a reference
 * model, and the real watch under a clock in which an hour passes at once. Subpath `a2a-campaign/testing`.
 *
 * - What happens: `World` is one request and its engine in stretches of time; `schedulesOf`, `healthyRuns`, `worldsFor`
 *   and `faults` draw them by chance.
 * - What must hold: `laws` of any reducer under any limits that go together; `neverGivenUp` and `foundWithin` make laws of
 *   your own engine.
 * - Asking: `checkAll` and `check` run laws by themselves and print counter-examples as text. `law.cases(subjectOf())` is
 *   an `Arbitrary` for any runner, such as `it.prop` of @effect/vitest.
 * - Watching: `replay` puts a world through `Liveness.watch`; `streamOf` and `evidenceOf` are its two halves.
 *
 * Laws: everything is drawn from a seed and nothing looks at the machine; nothing needs a socket or a test runner. What is
 * pure is plain functions, and effects need no services.
 *
 * Gotcha: made for tests. Generated worlds hold up to some ten thousand inputs, and effect's `Arbitrary` and `TestClock`
 * come along: import this where you test, not where you serve.
 */
export type { BindingStatus } from "../liveness/Binding.ts"
export type { EngineSample } from "../liveness/EngineSample.ts"
export type { FailKind } from "../liveness/FailKind.ts"
export type { LearnedLimits } from "../liveness/LimitInForce.ts"
export type { Ended, Frame, Opened, Scrape, Tick } from "../liveness/LivenessInput.ts"
export type { StallKind } from "../liveness/StallKind.ts"
export type { RunName } from "../liveness/Verdict.ts"
export { type BrokenLaw, check, checkAll, type CheckOptions, LawsBroken, LimitsContradict } from "./check.ts"
export { describeWorld, inWords } from "./describeWorld.ts"
export { type Fault, type FaultName, faults, type InForce } from "./faults.ts"
export {
  type AnswerKind,
  describeSchedule,
  type GapSchedule,
  schedulesOf,
  type Surroundings,
  usualAnswers,
  worldOf
} from "./GapSchedule.ts"
export type { GapShape } from "./GapShape.ts"
export * as shapes from "./GapShape.ts"
export { type HealthyName, healthyRuns, healthyStretches, inARow, lasting, tokensFor } from "./healthyRuns.ts"
export { frame, headers, opened, sample, scrape, tick } from "./inputs.ts"
export { differs, type Law, law, type LawCase, unless, type Violation } from "./Law.ts"
export { laws } from "./laws.ts"
export { describeLimits, limitsByChance, type SubjectLimits } from "./limitsByChance.ts"
export { foundWithin, neverGivenUp } from "./ownLaws.ts"
export { play, type Played, playWorld } from "./play.ts"
export { type Random, randomOf } from "./Random.ts"
export { type Reducer, reducer, type Subject, subjectOf } from "./Reducer.ts"
export { type ReferenceEnd, referenceVerdict } from "./reference/referenceVerdict.ts"
export {
  type Arrival,
  arrivalsOf,
  evidenceOf,
  type OwnElements,
  replay,
  type Replayed,
  type ReplayOptions,
  replayWith,
  streamOf,
  tokenEventsOf
} from "./replay.ts"
export {
  horizonOf,
  inputsOf,
  type Kind,
  kinds,
  lengthOf,
  type Metrics,
  type Rhythm,
  type Stretch,
  usualRhythm,
  type World,
  type WorldEnd
} from "./World.ts"
export { allEnds, allMetrics, worldsFor } from "./worlds.ts"
