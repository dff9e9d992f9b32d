/**
 * Flags that win over a file of settings: what somebody gave, and where, so that it can be told; or that nobody did, and
 * then the file, or the default in the description, holds.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { DeliveryMode } from "../a2a/DeliveryMode.ts"
import { TapAddress, tapOf, textOfTap } from "../campaign/AgentFollowing.ts"
import { Concurrency, fixed } from "../campaign/Concurrency.ts"
import type { Override, Overrides } from "../campaign/config/Overrides.ts"
import { readLimits } from "../liveness/limitText.ts"
import { TimeFromText } from "../text/DurationText.ts"
import { usageError } from "./CommandError.ts"
import { optional, positive, variableOf } from "./flagKinds.ts"
import type { WrittenLimits } from "./watchFlags.ts"
import { watchFlags } from "./watchFlags.ts"

const given = <A>(name: string, flag: Flag.Flag<A>, config: Config.Config<A>) =>
  flag.pipe(
    Flag.map((value): Override<A> => ({ value, origin: `--${name}` })),
    Flag.withFallbackConfig(Config.map(config, (value): Override<A> => ({ value, origin: variableOf(name) }))),
    optional
  )

const whole = (name: string, schema: typeof positive, description: string) =>
  given(
    name,
    Flag.Int(name).pipe(Flag.withMetavar("N"), Flag.withSchema(schema), Flag.withDescription(description)),
    Config.schema(schema, variableOf(name))
  )

const time = (name: string, description: string) =>
  given(
    name,
    Flag.String(name).pipe(
      Flag.withMetavar("DURATION"),
      Flag.withDescription(description),
      Flag.withSchema(TimeFromText)
    ),
    Config.schema(TimeFromText, variableOf(name))
  )

const rangePattern = /^\s*(\d+)\s*(?:\.\.\s*(\d+)\s*)?$/

/** "8", or "2..16" for as many as the engine can take. */
const concurrencyOf = (text: string): Concurrency | undefined => {
  const [, first, most] = rangePattern.exec(text) ?? []
  if (first === undefined || Number(first) < 1) return undefined
  if (most === undefined) return fixed(Number(first))
  return Number(most) < Number(first) ? undefined : { _tag: "Adaptive", first: Number(first), most: Number(most) }
}

const ConcurrencyText = Schema.String.check(
  Schema.makeFilter((text: string) =>
    concurrencyOf(text) === undefined
      ? `Expected a number such as 8, or a range such as 2..16; got "${text}"`
      : undefined
  )
).pipe(
  Schema.decodeTo(
    Concurrency,
    SchemaTransformation.transform({
      decode: (text) => concurrencyOf(text)!,
      encode: (concurrency) =>
        concurrency._tag === "Fixed" ? String(concurrency.battles) : `${concurrency.first}..${concurrency.most}`
    })
  )
)

const TapText = Schema.String.check(
  Schema.makeFilter((text: string) => {
    const tap = tapOf(text)
    return Result.isFailure(tap) ? tap.failure : undefined
  })
).pipe(
  Schema.decodeTo(
    TapAddress,
    SchemaTransformation.transform({
      decode: (text) => Result.getOrThrow(tapOf(text)),
      encode: textOfTap
    })
  )
)

export const givenFlags = {
  repeat: whole("repeat", positive, "How often each task is played (3, or what the file says)"),
  concurrency: given(
    "concurrency",
    Flag.String("concurrency").pipe(
      Flag.withAlias("j"),
      Flag.withMetavar("N"),
      Flag.withDescription(
        "How many battles run at once at an engine, or 2..16 for as many as it can take (3, or what the file says)"
      ),
      Flag.withSchema(ConcurrencyText)
    ),
    Config.schema(ConcurrencyText, variableOf("concurrency"))
  ),
  seed: whole(
    "seed",
    Schema.Int,
    "The order of battles and the simulated engine follow from it (1, or what the file says)"
  ),
  maxTokens: whole("max-tokens", positive, "The most tokens an answer may have (4096, or what the file says)"),
  stallPolicy: given(
    "stall-policy",
    Flag.Literals("stall-policy", ["enforce", "warn", "off"]).pipe(
      Flag.withMetavar("KIND"),
      Flag.withDescription(
        "What follows when a run is found hung: enforce ends and retries it, warn tells, off does not look (enforce)"
      )
    ),
    Config.Literals(["enforce", "warn", "off"], variableOf("stall-policy"))
  ),
  stallLimit: time(
    "stall-limit",
    "Silence after which a run without engine evidence is given up, such as 90s (15 minutes, 30 before the first token)"
  ),
  liveness: watchFlags.liveness,
  mode: given(
    "mode",
    Flag.Literals("mode", DeliveryMode.literals).pipe(
      Flag.withMetavar("KIND"),
      Flag.withDescription(
        "How agents at an address are followed: stream, tap, poll or blocking (the best that each can do)"
      )
    ),
    Config.Literals(DeliveryMode.literals, variableOf("mode"))
  ),
  tap: given(
    "tap",
    Flag.String("tap").pipe(
      Flag.withMetavar("ADDRESS"),
      Flag.withDescription(
        "The pass-through between agents and their engine: http://HOST:PORT of a running `campaign tap`, or HOST:PORT for " +
          "one in this process (none)"
      ),
      Flag.withSchema(TapText)
    ),
    Config.schema(TapText, variableOf("tap"))
  ),
  hardCap: time(
    "hard-cap",
    "The most time an attempt may take, slow or not, such as 2h (none: what lives is waited for)"
  )
}

export interface GivenValues {
  readonly repeat: Override<number> | undefined
  readonly concurrency: Override<Concurrency> | undefined
  readonly seed: Override<number> | undefined
  readonly maxTokens: Override<number> | undefined
  readonly stallPolicy: Override<"enforce" | "warn" | "off"> | undefined
  readonly stallLimit: Override<number> | undefined
  readonly liveness: WrittenLimits
  readonly hardCap: Override<number> | undefined
  readonly mode: Override<DeliveryMode> | undefined
  readonly tap: Override<TapAddress> | undefined
}

/** What was given. Fails with wrong usage where a limit is none. */
export const overridesOf = Effect.fnUntraced(function*(values: GivenValues) {
  const { liveness, stallLimit } = values
  if (stallLimit?.value === 0) return yield* usageError("--stall-limit must be longer than nothing")
  const written = readLimits(liveness.texts)
  if (Result.isFailure(written)) return yield* usageError(`${liveness.source}: ${written.failure}`)
  const overrides: { -readonly [Key in keyof Overrides]: Overrides[Key] } = {}
  if (values.repeat !== undefined) overrides.repetitions = values.repeat
  if (values.seed !== undefined) overrides.seed = values.seed
  if (values.concurrency !== undefined) overrides.concurrency = values.concurrency
  if (values.maxTokens !== undefined) overrides.maxTokens = values.maxTokens
  if (values.stallPolicy !== undefined) overrides.stallPolicy = values.stallPolicy
  if (stallLimit !== undefined) overrides.stallLimitMillis = stallLimit
  if (values.hardCap !== undefined) overrides.hardCapMillis = values.hardCap
  if (values.mode !== undefined) overrides.mode = values.mode
  if (values.tap !== undefined) overrides.tap = values.tap
  if (liveness.texts.length > 0) overrides.limits = { value: written.success, origin: liveness.source }
  return overrides
})
