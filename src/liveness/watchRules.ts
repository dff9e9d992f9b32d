/**
 * Which settings of the watch are refused together, wherever they were written: as flags, in variables, in a file or in
 * a program.
 *
 * Law: what a campaign runs with contradicts nothing, and a stalled run is found before its hard cap ends it: a stall
 * limit at or above a hard cap is refused.
 */
import { textOf } from "../text/DurationText.ts"
import { contradictionsOf, longestSilence } from "./LimitContradictions.ts"
import { type LivenessLimits, nameOf } from "./LivenessLimits.ts"
import type { StallPolicy } from "./StallPolicy.ts"

/** How often ScrapedEvidence asks. */
const SCRAPE_MILLIS = 5000

/** The contradictions between limits, one line each, most basic first; none if all go together. */
export const contradictionsIn = (limits: LivenessLimits): ReadonlyArray<string> =>
  contradictionsOf(limits, { scrapeMillis: SCRAPE_MILLIS, write: textOf })

/** The most basic contradiction between limits in one line; undefined if all go together. */
export const contradictionIn = (limits: LivenessLimits): string | undefined => {
  const [contradiction] = contradictionsIn(limits)
  return contradiction === undefined ? undefined : `the limits contradict each other: ${contradiction}`
}

/**
 * Why a hard cap of so many milliseconds is refused, in one line; undefined if it is not. A cap is refused within which
 * a run could not be found hung, because every silent run would be called slow, and so is one that nobody enforces.
 *
 * `written` tells how a setting is written where the reader wrote it: `--hard-cap` or `hard-cap`.
 */
export const hardCapRefusal = (
  cap: number,
  { limits, stallPolicy }: { readonly limits: LivenessLimits; readonly stallPolicy: StallPolicy },
  written: (name: "hard-cap" | "stall-policy" | "stall-limit") => string
): string | undefined => {
  if (stallPolicy !== "enforce") {
    return `${written("hard-cap")} needs ${written("stall-policy")} enforce: with ${stallPolicy} nothing is ever ended`
  }
  const { key, millis } = longestSilence(limits)
  if (cap > millis) return undefined
  const name = nameOf(key)
  return `${written("hard-cap")} (${textOf(cap)}) must be longer than the longest a hung run may be silent, else it ` +
    `would be called slow: ${textOf(millis)}, which is ${name} (${textOf(Number(limits[key]))}) and the time that ` +
    `outer hops wait longer; raise the cap, or lower ${written("stall-limit")} or ${name}`
}
