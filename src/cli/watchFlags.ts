/**
 * The flags that say how runs are watched, and what follows from a verdict.
 *
 * Laws: `--stall-limit` sets all limits that a run without evidence meets; `--liveness` sets one each and wins over it.
 * Settings that contradict each other are wrong usage, and so is a hard cap within which a stall could not be found.
 *
 * Gotcha: what the engine's own metrics prove is not waited for, whatever the stall limit is.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { readLimits } from "../liveness/limitText.ts"
import { defaults, type LivenessLimits, withPatience } from "../liveness/LivenessLimits.ts"
import type { StallPolicy } from "../liveness/StallPolicy.ts"
import { contradictionIn, hardCapRefusal } from "../liveness/watchRules.ts"
import { usageError } from "./CommandError.ts"
import { choice, timeWithUnit, variableOf } from "./flagKinds.ts"

/** Limits as they were written, and where. */
export interface WrittenLimits {
  readonly source: string
  readonly texts: ReadonlyArray<string>
}

const notWritten: WrittenLimits = { source: "", texts: [] }

export const watchFlags = {
  stallPolicy: choice("stall-policy", {
    choices: ["enforce", "warn", "off"],
    default: "enforce",
    description: "What follows when a run is found hung: enforce ends and retries it, warn tells, off does not look"
  }),
  stallLimit: timeWithUnit(
    "stall-limit",
    "Silence after which a run without engine evidence is given up, such as 90s (15 minutes, 30 before the first token)"
  ),
  liveness: Flag.String("liveness").pipe(
    Flag.withMetavar("NAME=VALUE"),
    Flag.withDescription(
      "Any one limit, such as frozen-floor=90s or \"lost-scrapes=4, fail-runaway=true\"; wins over --stall-limit; may " +
        "be given more than once; `campaign validate` shows all (their defaults)"
    ),
    Flag.atLeast(1),
    Flag.map((texts): WrittenLimits => ({ source: "--liveness", texts })),
    Flag.withFallbackConfig(
      Config.map(
        Config.String(variableOf("liveness")),
        (text): WrittenLimits => ({ source: variableOf("liveness"), texts: [text] })
      )
    ),
    Flag.withDefault(notWritten)
  )
}

export const hardCap = timeWithUnit(
  "hard-cap",
  "The most time an attempt may take, slow or not, such as 2h (none: what lives is waited for)"
)

export interface WatchValues {
  readonly stallPolicy: StallPolicy
  readonly stallLimit: number | undefined
  readonly liveness: WrittenLimits
}

/** The settings that the flags ask for. Fails with wrong usage. */
export const settingsOf = Effect.fnUntraced(function*({ liveness, stallLimit, stallPolicy }: WatchValues) {
  if (stallLimit === 0) return yield* usageError("--stall-limit must be longer than nothing")
  const written = readLimits(liveness.texts)
  if (Result.isFailure(written)) return yield* usageError(`${liveness.source}: ${written.failure}`)
  const limits: LivenessLimits = {
    ...(stallLimit === undefined ? defaults : withPatience(defaults, stallLimit)),
    ...written.success
  }
  const contradiction = contradictionIn(limits)
  return contradiction === undefined ? { limits, stallPolicy } : yield* usageError(contradiction)
})

/** The hard cap in milliseconds. Fails with wrong usage where watchRules.ts refuses it. */
export const hardCapMillis = Effect.fnUntraced(function*(
  cap: number | undefined,
  settings: { readonly limits: LivenessLimits; readonly stallPolicy: StallPolicy }
) {
  if (cap === undefined) return null
  const refusal = hardCapRefusal(cap, settings, (name) => `--${name}`)
  return refusal === undefined ? cap : yield* usageError(refusal)
})
