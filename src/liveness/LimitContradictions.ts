/**
 * Which settings do not go together: those that would break a law of the judgement, or leave one of them without a
 * meaning. Each is one line for the person who chose them.
 *
 * Laws: the defaults contradict nothing, with any patience (`withPatience`) of at least the tick. Where nothing is
 * contradicted,
 * - every floor is at most its ceiling, so that a limit can be found between them;
 * - a run becomes suspect before any other limit ends it, because only suspect runs are judged;
 * - a hop further out waits longer than the one within, which needs two ticks to decide (LivenessStep.ts);
 * - what is scraped can be believed until the next scrape.
 */
import { runsNeeded } from "./ConformalBound.ts"
import * as Limit from "./LimitInForce.ts"
import { type LivenessLimits, nameOf, type SettingKey } from "./LivenessLimits.ts"

export interface Surroundings {
  /** How often the engine's metrics are asked for, in milliseconds. */
  readonly scrapeMillis: number
  /** A time as the person reads it. */
  readonly write: (millis: number) => string
}

type TimeKey = Extract<SettingKey, `${string}Millis`>

/** The first must not be above the second; why, if it were. */
const ordered: ReadonlyArray<readonly [low: TimeKey, high: TimeKey, otherwise: string]> = [
  ["suspectFloorMillis", "suspectCeilingMillis", "no limit lies between them"],
  ["frozenFloorMillis", "frozenCeilingMillis", "no limit lies between them"],
  ["silentFloorMillis", "silentCeilingMillis", "no limit lies between them"],
  ["firstTokenFloorMillis", "firstTokenCeilingMillis", "no limit lies between them"],
  ["suspectFloorMillis", "suspectPriorMillis", "it would be cut to the floor"],
  ["suspectPriorMillis", "suspectCeilingMillis", "it would be cut to the ceiling"],
  ["tickMillis", "suspectFloorMillis", "a run would become suspect between two looks at it"],
  ["suspectFloorMillis", "frozenFloorMillis", "only suspect runs are given up, so that floor would mean nothing"],
  ["suspectFloorMillis", "silentFloorMillis", "only suspect runs are given up, so that floor would mean nothing"],
  ["suspectFloorMillis", "firstTokenFloorMillis", "only suspect runs are given up, so that floor would mean nothing"],
  ["suspectCeilingMillis", "frozenCeilingMillis", "only suspect runs are given up, so that ceiling would not hold"],
  ["suspectCeilingMillis", "silentCeilingMillis", "only suspect runs are given up, so that ceiling would not hold"],
  ["suspectCeilingMillis", "firstTokenCeilingMillis", "only suspect runs are given up, so that ceiling would not hold"],
  ["frozenFloorMillis", "preemptedMillis", "an engine that works would be given up before one that stands still"],
  ["suspectPriorMillis", "headersMillis", "only suspect runs are given up, so that limit would not hold"]
]

/** What is contradicted, most basic first; empty if all goes together. */
export const contradictionsOf = (
  limits: LivenessLimits,
  { scrapeMillis, write }: Surroundings
): ReadonlyArray<string> => {
  const told = (key: SettingKey) => {
    const value = limits[key]
    return `${nameOf(key)} (${key.endsWith("Millis") ? write(Number(value)) : value})`
  }
  const needed = runsNeeded(limits.learnedFalseAlarms)
  const others: ReadonlyArray<readonly [contradicted: boolean, why: string]> = [
    [
      limits.gapWindow < limits.suspectPriorGaps,
      `${told("gapWindow")} is below ${told("suspectPriorGaps")}: no run would ever be judged by its own gaps`
    ],
    [
      limits.evidenceFreshMillis <= scrapeMillis,
      `${told("evidenceFreshMillis")} must be longer than ${write(scrapeMillis)}, the time between two scrapes: else ` +
      "what they show is never believed for long"
    ],
    [
      Limit.agentHeartbeat(limits, limits.heartbeatMillis).millis <= limits.heartbeatMillis,
      `${told("heartbeatsMissed")} and ${told("heartbeatSlackMillis")} together are no more than ` +
      `${told("heartbeatMillis")}: every agent would be given up between two heartbeats`
    ],
    [
      Limit.nestedMillis(limits) <= 2 * limits.tickMillis,
      `${told("nestedHeartbeats")} and ${told("nestedSlackMillis")} make each hop wait ` +
      `${write(Limit.nestedMillis(limits))} longer than the one within, which needs more than two ticks ` +
      `(${write(2 * limits.tickMillis)}) to decide first`
    ],
    [
      Number.isFinite(needed) && limits.learnedRuns < needed,
      `${told("learnedRuns")} is below the ${needed} runs that ${
        told("learnedFalseAlarms")
      } needs: nothing would ever ` +
      "be learned; learned-false-alarms=0 says so"
    ]
  ]
  return [
    ...ordered
      .filter(([low, high]) => limits[low] > limits[high])
      .map(([low, high, otherwise]) => `${told(low)} is above ${told(high)}: ${otherwise}`),
    ...others.filter(([contradicted]) => contradicted).map(([, why]) => why)
  ]
}

/** The hops from the engine to the campaign runner's own watch. */
const HOPS_TO_RUNNER = 2

const none = { count: 0, quantile: 0, largest: 0 }

/**
 * The longest silence without evidence, in milliseconds, after which the campaign runner itself gives a run up, and the
 * setting that it comes from: before an answer to the request, before the first token, or after it.
 */
export const longestSilence = (limits: LivenessLimits): { readonly key: SettingKey; readonly millis: number } => {
  const silent = (begun: boolean) => Limit.silent(limits, none, Limit.nothingLearned, begun, HOPS_TO_RUNNER).millis
  const candidates = [
    { key: "firstTokenCeilingMillis", millis: silent(false) },
    { key: "silentCeilingMillis", millis: silent(true) },
    { key: "headersMillis", millis: Limit.headers(limits, HOPS_TO_RUNNER).millis }
  ] as const
  return candidates.reduce((longest, each) => each.millis > longest.millis ? each : longest)
}
