/**
 * The flags that say how runs are watched, and what follows from a verdict.
 *
 * Gotcha: `--stall-limit` is the patience without evidence. What the engine's own metrics prove is not waited for.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { defaults, type LivenessLimits, withPatience } from "../liveness/LivenessLimits.ts"
import type { StallPolicy } from "../liveness/StallPolicy.ts"
import { usageError } from "./CommandError.ts"
import { choice, optional, variableOf } from "./flagKinds.ts"

const duration = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("DURATION"),
    Flag.withDescription(description),
    Flag.withSchema(Schema.DurationFromString),
    Flag.withFallbackConfig(Config.Duration(variableOf(name))),
    optional
  )

export const watchFlags = {
  stallPolicy: choice("stall-policy", {
    choices: ["enforce", "warn", "off"],
    default: "enforce",
    description: "What follows when a run is found hung: enforce ends and retries it, warn tells, off does not look"
  }),
  stallLimit: duration(
    "stall-limit",
    "Silence after which a run without engine evidence is given up, such as \"90 seconds\" (15 minutes, 30 before the " +
      "first token)"
  )
}

export const hardCap = duration(
  "hard-cap",
  "The most time an attempt may take, slow or not, such as \"2 hours\" (none: what lives is waited for)"
)

interface Values {
  readonly stallPolicy: StallPolicy
  readonly stallLimit: Duration.Duration | undefined
}

/** The settings that the flags ask for. Fails with wrong usage. */
export const settingsOf = Effect.fnUntraced(function*(
  { stallLimit, stallPolicy }: Values
) {
  if (stallLimit !== undefined && !(Duration.toMillis(stallLimit) > 0)) {
    return yield* usageError("--stall-limit must be longer than nothing")
  }
  const limits: LivenessLimits = stallLimit === undefined
    ? defaults
    : withPatience(defaults, Duration.toMillis(stallLimit))
  return { limits, stallPolicy }
})

/** The hard cap in milliseconds. A cap within which no stall could be found is refused. */
export const hardCapMillis = Effect.fnUntraced(function*(
  cap: Duration.Duration | undefined,
  limits: LivenessLimits
) {
  if (cap === undefined) return null
  const millis = Duration.toMillis(cap)
  if (millis > limits.silentCeilingMillis) return millis
  return yield* usageError(
    `--hard-cap must be longer than the stall limit (${limits.silentCeilingMillis / 1000} s), else every silent run ` +
      "would be called slow"
  )
})
