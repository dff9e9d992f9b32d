/**
 * Kaplan–Meier curves of a campaign: how long until an attempt completes, and until its first token, where those that were
 * given up, interrupted or are in flight count as what is known of them.
 *
 * Gotcha: who was proved hung had no prospect of completing, and who failed had another; the curve reads them as if they
 * had been like the rest. The report says so (`unknowns.ts`).
 */
import type { AttemptRow, BattleRow } from "./CampaignRows.ts"
import type { Censored, SurvivalCurve, SurvivalStep } from "./LatencyReport.ts"
import { CONFIDENCE } from "./sampled.ts"
import { type Observed, survivalCurve, survivalQuantile } from "./statistics/survival.ts"

/** More than a drawing can tell apart. */
const MOST_STEPS = 400

export const censoredOf = (rows: ReadonlyArray<BattleRow>, agents: ReadonlyArray<string>): Censored => {
  const curvesOf = (observed: (row: BattleRow) => ReadonlyArray<Observed>) => ({
    overall: curveOf("all", rows.flatMap(observed)),
    byAgent: agents.map((agent) =>
      curveOf(agent, rows.filter(({ battle }) => battle.agent === agent).flatMap(observed))
    )
  })
  return { query: "censored", completion: curvesOf(completions), firstToken: curvesOf(firstTokens) }
}

const completions = ({ attempts, inFlight }: BattleRow): ReadonlyArray<Observed> => [
  ...attempts.filter(isInTime).map(({ durationMillis, verdict }) => ({
    time: durationMillis,
    done: verdict === "completed"
  })),
  ...inFlight.map(({ durationMillis }) => ({ time: durationMillis, done: false }))
]

/** A completed attempt that tells no first token has none: its agent answers all at once. */
const firstTokens = ({ attempts, inFlight }: BattleRow): ReadonlyArray<Observed> =>
  [
    ...attempts.filter((attempt) =>
      isInTime(attempt) && (attempt.verdict !== "completed" || attempt.timeToFirstTokenMillis !== null)
    ),
    ...inFlight
  ].map(({ durationMillis, timeToFirstTokenMillis }) => ({
    time: timeToFirstTokenMillis ?? durationMillis,
    done: timeToFirstTokenMillis !== null
  }))

const isInTime = ({ superseded }: AttemptRow): boolean => !superseded

const curveOf = (name: string, observed: ReadonlyArray<Observed>): SurvivalCurve => {
  const curve = survivalCurve(observed, CONFIDENCE)
  if (curve === null) {
    return {
      name,
      n: 0,
      events: 0,
      censored: 0,
      steps: [],
      isThinned: false,
      medianMillis: null,
      medianLowerMillis: null,
      medianUpperMillis: null,
      level: CONFIDENCE
    }
  }
  const median = survivalQuantile(curve, 0.5)
  const steps = stepsOf(curve, observed)
  return {
    name,
    n: curve.count,
    events: curve.count - curve.censored,
    censored: curve.censored,
    steps: thinned(steps),
    isThinned: steps.length > MOST_STEPS,
    medianMillis: median.value,
    medianLowerMillis: median.low,
    medianUpperMillis: median.high,
    level: CONFIDENCE
  }
}

/** The steps of the curve with the moments between them at which something ended without the event. */
const stepsOf = (
  curve: NonNullable<ReturnType<typeof survivalCurve>>,
  observed: ReadonlyArray<Observed>
): ReadonlyArray<SurvivalStep> => {
  const ended = new Map<number, number>()
  for (const { done, time } of observed) if (!done) ended.set(time, (ended.get(time) ?? 0) + 1)
  const came = new Map(curve.steps.map((step) => [step.time, step]))
  const times = [...new Set([...came.keys(), ...ended.keys()])].toSorted((left, right) => left - right)
  let atRisk = curve.count
  let last: Pick<SurvivalStep, "survival" | "lower" | "upper"> = { survival: 1, lower: 1, upper: 1 }
  return times.map((atMillis): SurvivalStep => {
    const step = came.get(atMillis)
    if (step !== undefined) last = { survival: step.survival, lower: step.low, upper: step.high }
    const events = step?.done ?? 0
    const censored = ended.get(atMillis) ?? 0
    atRisk -= events + censored
    return { atMillis, ...last, atRisk: atRisk + events + censored, events, censored }
  })
}

/** Evenly many moments to a step, the last one among them; nothing that is counted is lost. */
const thinned = (steps: ReadonlyArray<SurvivalStep>): ReadonlyArray<SurvivalStep> => {
  if (steps.length <= MOST_STEPS) return steps
  const every = Math.ceil(steps.length / MOST_STEPS)
  const kept: Array<SurvivalStep> = []
  let events = 0
  let censored = 0
  let atRisk: number | undefined
  for (const [index, step] of steps.entries()) {
    events += step.events
    censored += step.censored
    atRisk ??= step.atRisk
    if ((index + 1) % every !== 0 && index !== steps.length - 1) continue
    kept.push({ ...step, atRisk, events, censored })
    events = 0
    censored = 0
    atRisk = undefined
  }
  return kept
}
