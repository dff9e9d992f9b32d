/**
 * A limit in force in one short phrase for a person: how long, and why so long.
 *
 * "60 s, floor"; "2 min 10 s, learned from 412 runs"; "15 min, not learned yet (12 of 199 runs)".
 *
 * Gotcha: a floor or a ceiling that cuts what was learned is called a floor or a ceiling, because that is what a person
 * can change; how many runs there were stands in `learning`.
 */
import type { Learning, LimitInForce } from "./LimitInForce.ts"

/** One line without a full stop. */
export const describeLimit = (limit: LimitInForce): string => `${duration(limit.millis)}, ${reasonOf(limit)}`

const reasonOf = ({ learning, origin }: LimitInForce): string => {
  switch (origin) {
    case "default":
    case "floor":
    case "ceiling":
      return origin
    case "own-gaps":
      return "from the gaps of this run"
    case "engine-latency":
      return "from the engine's own latency"
    case "engine-steps":
      return "from the engine's longest step"
    case "learned":
      return learning === null ? "learned from finished runs" : `learned from ${runs(learning.runs)}`
    case "not-learned":
      return learning === null ? "nothing learned" : `not learned yet (${progressOf(learning)})`
    case "unbounded":
      return learning === null ? "not learned" : `not learned (too many of ${runs(learning.runs)} were given up)`
    case "first-run":
      return "first run of a new engine"
    case "preparing":
      return "the request may still be prepared"
  }
}

const runs = (count: number): string => count === 1 ? "1 run" : `${count} runs`

const progressOf = (learning: Learning): string => `${learning.runs} of ${runs(learning.needed)}`

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** To a tenth of a second below 10 s, to the second above, and never two minutes or more in seconds. */
const duration = (millis: number): string => {
  const tenths = Math.round(millis / 100)
  if (tenths < 100) return `${tenths / 10} s`
  const whole = Math.round(millis / SECOND) * SECOND
  if (whole < 2 * MINUTE) return `${whole / SECOND} s`
  const parts: ReadonlyArray<readonly [number, string]> = [
    [Math.floor(whole / HOUR), "h"],
    [Math.floor(whole % HOUR / MINUTE), "min"],
    [whole % MINUTE / SECOND, "s"]
  ]
  return parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(" ")
}
