/**
 * Limits by chance: any that go together, as `contradictionsOf` understands it (LimitContradictions.ts).
 *
 * Drawn the other way round: what must be larger is drawn as a difference, so hardly anything has to be thrown away. Looks
 * come every half to two seconds and scrapes at most every ten, so that worlds have as many inputs as with the defaults.
 * What learns and what bounds rates stays as it is: no law of a single run depends on it.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { contradictionsOf } from "../liveness/LimitContradictions.ts"
import { defaults, explain, type LivenessLimits } from "../liveness/LivenessLimits.ts"
import { inWords, readable } from "./describeWorld.ts"
import type { Subject } from "./Reducer.ts"
import { wholeBetween } from "./worlds.ts"

/** What goes into a subject beside its reducer. */
export type SubjectLimits = Pick<Subject, "limits" | "scrapeMillis">

/** The settings that are not the defaults, and how often is scraped. */
export const describeLimits = ({ limits, scrapeMillis }: SubjectLimits): string =>
  [
    `scraped every ${inWords(scrapeMillis)}`,
    ...explain(limits).flatMap(({ isDefault, kind, name, value }) =>
      isDefault ? [] : [`${name} = ${kind === "time" ? inWords(Number(value)) : value}`]
    )
  ].join("\n")

const seconds = (from: number, to: number) => wholeBetween(from * 1000, to * 1000)

const Parts = Schema.Struct({
  tickMillis: Schema.Literals([1000, 500, 2000]),
  scrapeMillis: seconds(1, 10),
  localPauseMillis: seconds(0.1, 10),
  finishGraceMillis: seconds(0, 10),
  suspectFloor: seconds(0, 10),
  suspectPrior: seconds(0, 30),
  suspectCeiling: seconds(0, 60),
  frozenFloor: seconds(0, 90),
  frozenCeiling: seconds(0, 240),
  silentFloor: seconds(0, 120),
  silentCeiling: seconds(0, 600),
  firstTokenFloor: seconds(0, 120),
  firstTokenCeiling: seconds(0, 900),
  headers: seconds(0, 300),
  suspectFactor: wholeBetween(0, 20),
  suspectQuantilePercent: wholeBetween(0, 100),
  suspectPriorGaps: wholeBetween(1, 20),
  gapWindow: wholeBetween(0, 256),
  frozenGapFactor: wholeBetween(0, 6),
  frozenStepFactor: wholeBetween(0, 4),
  silentGapFactor: wholeBetween(0, 30),
  frozenEmptyMillis: seconds(0, 300),
  preempted: seconds(0, 900),
  deferred: seconds(0, 600),
  lostScrapes: wholeBetween(1, 5),
  deadScrapes: wholeBetween(1, 5),
  restartScrapes: wholeBetween(1, 5),
  unhealthyMillis: seconds(0, 20),
  bindingTokens: wholeBetween(1, 10),
  bindingContradictions: wholeBetween(1, 4),
  bindingProofsToForget: wholeBetween(1, 10),
  evidenceFresh: seconds(0.001, 30)
})

/** Limits that go together, and how often the engine is scraped. */
export const limitsByChance: Arbitrary.Arbitrary<SubjectLimits> = Arbitrary.filter(
  Arbitrary.map(Arbitrary.schema(Parts), (made): SubjectLimits => {
    const suspectFloorMillis = made.tickMillis + made.suspectFloor
    const suspectPriorMillis = suspectFloorMillis + made.suspectPrior
    const suspectCeilingMillis = suspectPriorMillis + made.suspectCeiling
    const bounds = (floor: number, ceiling: number) => {
      const least = suspectFloorMillis + floor
      return { least, most: Math.max(least, suspectCeilingMillis) + ceiling }
    }
    const frozen = bounds(made.frozenFloor, made.frozenCeiling)
    const silent = bounds(made.silentFloor, made.silentCeiling)
    const firstToken = bounds(made.firstTokenFloor, made.firstTokenCeiling)
    const limits: LivenessLimits = {
      ...defaults,
      tickMillis: made.tickMillis,
      localPauseMillis: made.localPauseMillis,
      finishGraceMillis: made.finishGraceMillis,
      headersMillis: suspectPriorMillis + made.headers,
      suspectFactor: made.suspectFactor,
      suspectQuantile: made.suspectQuantilePercent / 100,
      suspectFloorMillis,
      suspectPriorMillis,
      suspectCeilingMillis,
      suspectPriorGaps: made.suspectPriorGaps,
      gapWindow: made.suspectPriorGaps + made.gapWindow,
      frozenFloorMillis: frozen.least,
      frozenCeilingMillis: frozen.most,
      frozenGapFactor: made.frozenGapFactor,
      frozenStepFactor: made.frozenStepFactor,
      frozenEmptyMillis: made.frozenEmptyMillis,
      preemptedMillis: frozen.least + made.preempted,
      lostScrapes: made.lostScrapes,
      deferredMillis: made.deferred,
      deadScrapes: made.deadScrapes,
      unhealthyMillis: made.unhealthyMillis,
      restartScrapes: made.restartScrapes,
      bindingTokens: made.bindingTokens,
      bindingContradictions: made.bindingContradictions,
      bindingProofsToForget: made.bindingProofsToForget,
      evidenceFreshMillis: made.scrapeMillis + made.evidenceFresh,
      silentGapFactor: made.silentGapFactor,
      silentFloorMillis: silent.least,
      silentCeilingMillis: silent.most,
      firstTokenFloorMillis: firstToken.least,
      firstTokenCeilingMillis: firstToken.most
    }
    return readable({ limits, scrapeMillis: made.scrapeMillis }, describeLimits)
  }),
  ({ limits, scrapeMillis }) => contradictionsOf(limits, { scrapeMillis, write: inWords }).length === 0
)
