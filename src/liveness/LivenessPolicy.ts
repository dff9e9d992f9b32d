/**
 * The liveness policy: everything that decides when a run is called slow or hung, what follows, and how it is tried
 * again, as one value.
 *
 * It can be printed, compared (`Equal.equals`, also as a key), told apart (`diff`), kept as JSON (`encode`, `decode`) and
 * handed on as a service: whatever watches takes `CurrentPolicy` from its context unless it is told otherwise. That are
 * `Liveness.watch`, `Liveness.watchWith`, `Liveness.layer`, `Liveness.schedule`, `WatchedEngine` and `EngineGate`.
 *
 * Laws:
 * - A policy that contradicts itself does not exist: `make`, `decode` and the schema refuse it, and the error names both
 *   settings.
 * - `decode(encode(policy))` equals the policy, through JSON, too. What is encoded is complete, so it means the same where
 *   defaults are others; what is decoded may leave out settings, which then are the defaults, but no name is unknown.
 * - `diff` is empty exactly for equal policies, and equal policies print the same.
 *
 * Gotcha: `stallLimitMillis` is no setting but a word for several, as `--stall-limit` is for the command; a policy does
 * not remember it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { textOf } from "../text/DurationText.ts"
import { nearestName } from "../text/nearestName.ts"
import { diff } from "./describePolicy.ts"
import { GateTimes } from "./GateTimes.ts"
import { InvalidPolicy } from "./InvalidPolicy.ts"
import { accepts, defaults as defaultLimits, LivenessLimits, withPatience } from "./LivenessLimits.ts"
import { RetryLimits } from "./RetryLimits.ts"
import { StallPolicy } from "./StallPolicy.ts"
import { contradictionsIn, hardCapRefusal } from "./watchRules.ts"

export {
  describe,
  type DescribedSetting,
  diff,
  type PolicyDifference,
  print,
  type PrintOptions
} from "./describePolicy.ts"
export { GateTimes } from "./GateTimes.ts"
export { InvalidPolicy } from "./InvalidPolicy.ts"
export { LivenessLimits } from "./LivenessLimits.ts"
export { RetryLimits } from "./RetryLimits.ts"
export { StallPolicy } from "./StallPolicy.ts"

const settings = {
  /** The numbers that decide about life. Times in milliseconds; `describe` tells what each means. */
  limits: LivenessLimits.pipe(Schema.withDecodingDefault(Effect.succeed({}))),
  /** What follows when a run is found hung. */
  stallPolicy: StallPolicy.pipe(Schema.withDecodingDefault(Effect.succeed("enforce" as const))),
  /** The most time a run may take, slow or not, in milliseconds; `null` for as long as it lives. */
  hardCapMillis: Schema.NullOr(Schema.Finite.check(Schema.isGreaterThan(0))).pipe(
    Schema.withDecodingDefault(Effect.succeed(null))
  ),
  /** How often a run that ended without an answer is tried again. */
  retry: RetryLimits.pipe(Schema.withDecodingDefault(Effect.succeed({}))),
  /** When the gate of an engine that was found hung asks whether it is well again. */
  gate: GateTimes.pipe(Schema.withDecodingDefault(Effect.succeed({})))
}

const Settings = Schema.Struct(settings)
type Settings = typeof Settings.Type

/** What does not go together; empty for a policy. */
const contradictionsOf = ({ gate, hardCapMillis, limits, stallPolicy }: Settings): ReadonlyArray<string> => {
  const refusal = hardCapMillis === null
    ? undefined
    : hardCapRefusal(hardCapMillis, { limits, stallPolicy }, (name) => name)
  return [
    ...contradictionsIn(limits),
    ...(refusal === undefined ? [] : [refusal]),
    ...(gate.canaryFirstMillis > gate.canaryMostMillis
      ? [
        `canary-first (${textOf(gate.canaryFirstMillis)}) is above canary-most (${
          textOf(gate.canaryMostMillis)
        }): the ` +
        "first delay would be longer than the longest"
      ]
      : [])
  ]
}

/** The policy as a value and as a schema. Make one with `make`, or `new LivenessPolicy(…)` with every setting. */
export class LivenessPolicy extends Schema.Class<LivenessPolicy>("a2a-campaign/LivenessPolicy")(
  Settings.check(Schema.makeFilter((policy) => {
    const problems = contradictionsOf(policy)
    return problems.length === 0 ? undefined : problems.join("; ")
  }))
) {
  /** One line: what differs from the defaults. */
  override toString(): string {
    const differences = diff(defaults, this).map(({ name, toText }) => `${name}=${toText}`)
    return `LivenessPolicy(${differences.length === 0 ? "defaults" : differences.join(", ")})`
  }
}

/** The policy that holds unless somebody says otherwise. */
export const defaults: LivenessPolicy = new LivenessPolicy(Schema.decodeSync(Settings)({}))

/** The settings that differ from the defaults; times in milliseconds. */
export interface PolicyInput {
  /**
   * Silence after which a run is given up about whose engine nothing is known: sets every limit that such a run meets, as
   * `--stall-limit` does. What `limits` says wins over it.
   */
  readonly stallLimitMillis?: number
  /** See `describe` for what each limit means. */
  readonly limits?: Partial<LivenessLimits>
  /** "enforce" unless given. */
  readonly stallPolicy?: StallPolicy
  /** The most time a run may take, slow or not; none (`null`) unless given. */
  readonly hardCapMillis?: number | null
  /** How often a run is tried again. */
  readonly retry?: Partial<RetryLimits>
  /** When a hung engine is asked whether it is well. */
  readonly gate?: Partial<GateTimes>
}

/**
 * The policy with these settings, and the defaults for all others. Fails if a setting is unknown or may not have its
 * value, or if two contradict each other.
 *
 * @example
 * import * as LivenessPolicy from "a2a-campaign/LivenessPolicy"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const policy = yield* LivenessPolicy.make({ stallLimitMillis: 300_000, limits: { frozenFloorMillis: 90_000 } })
 *   console.log(LivenessPolicy.diff(LivenessPolicy.defaults, policy).find(({ name }) => name === "frozen-floor")?.text)
 *   const kept = JSON.stringify(LivenessPolicy.encode(policy))
 *   console.log(String(yield* LivenessPolicy.decode(JSON.parse(kept))) === String(policy))
 *   const wrong = yield* Effect.flip(LivenessPolicy.make({ limits: { frozenFloorMillis: 400_000 } }))
 *   console.log(wrong.message)
 * })
 *
 * Effect.runSync(program)
 *
 * // prints: frozen-floor: 60 s -> 90 s
 * // prints: true
 * // prints: the liveness policy is refused: frozen-floor (6 min 40 s) is above frozen-ceiling (5 min): no limit lies between them
 */
export const make = (input: PolicyInput): Effect.Effect<LivenessPolicy, InvalidPolicy> =>
  Effect.suspend(() => Effect.fromResult(read(withStallLimit(input))))

/** `make` for a constant of a program: throws `InvalidPolicy`. */
export const makeUnsafe = (input: PolicyInput): LivenessPolicy => Result.getOrThrow(read(withStallLimit(input)))

/** The policy as JSON, complete; times in milliseconds. */
export const encode: (policy: LivenessPolicy) => typeof LivenessPolicy.Encoded = Schema.encodeSync(LivenessPolicy)

/** The policy of some JSON; settings that it leaves out are the defaults, and unknown ones are refused. */
export const decode = (json: unknown): Effect.Effect<LivenessPolicy, InvalidPolicy> =>
  Effect.suspend(() => Effect.fromResult(read(Result.succeed(json))))

/** The policy in force; the defaults where nobody provides another. */
export const CurrentPolicy: Context.Reference<LivenessPolicy> = Context.Reference("a2a-campaign/LivenessPolicy", {
  defaultValue: () => defaults
})

/** Puts a policy with these settings in force. Fails as `make` does. */
export const layer = (input: PolicyInput): Layer.Layer<never, InvalidPolicy> => Layer.effect(CurrentPolicy, make(input))

const malformed = (...problems: ReadonlyArray<string>) =>
  Result.fail(new InvalidPolicy({ reason: { _tag: "Malformed", problems } }))

/** Takes the word for several settings apart. */
const withStallLimit = ({ stallLimitMillis, ...input }: PolicyInput): Result.Result<unknown, InvalidPolicy> => {
  if (stallLimitMillis === undefined) return Result.succeed(input)
  if (!(stallLimitMillis > 0) || !accepts("silentCeilingMillis", stallLimitMillis)) {
    return malformed(`stallLimitMillis: expected a number of milliseconds above 0, got ${written(stallLimitMillis)}`)
  }
  return Result.succeed({ ...input, limits: { ...withPatience(defaultLimits, stallLimitMillis), ...input.limits } })
}

const decodeSettings = Schema.decodeUnknownResult(Settings)

const read = (input: Result.Result<unknown, InvalidPolicy>): Result.Result<LivenessPolicy, InvalidPolicy> =>
  Result.flatMap(input, (json) => {
    const decoded = decodeSettings(json, { onExcessProperty: "error", errors: "all" })
    if (Result.isFailure(decoded)) {
      return malformed(...issuesOf(decoded.failure.issue).issues.map((issue) => problemOf(issue, json)))
    }
    const problems = contradictionsOf(decoded.success)
    return problems.length === 0
      ? Result.succeed(new LivenessPolicy(decoded.success))
      : Result.fail(new InvalidPolicy({ reason: { _tag: "Contradictory", problems } }))
  })

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

type Issue = ReturnType<typeof issuesOf>["issues"][number]

/** What is wrong with one setting, in a clause. */
const problemOf = ({ message, path = [] }: Issue, json: unknown): string => {
  const keys = path.map((part) => String(typeof part === "object" ? part.key : part))
  const parent = keys.slice(0, -1).reduce(memberOf, json)
  const known = Object.keys(keys.slice(0, -1).reduce<unknown>(memberOf, defaults) ?? {})
  const last = keys.at(-1)
  if (last !== undefined && !known.includes(last)) {
    return `there is no setting ${keys.join(".")}; did you mean ${
      [...keys.slice(0, -1), nearestName(last, known)].join(".")
    }?`
  }
  const expected = message.replace(/, got .*$/s, "").replace(/^Expected/, "expected").replace(" | undefined", "")
    .replaceAll(/\s*\n\s*/g, " ")
  const given = written(last === undefined ? json : memberOf(parent, last))
  return `${last === undefined ? "" : `${keys.join(".")}: `}${expected}, got ${given}`
}

const memberOf = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined

const written = (value: unknown): string =>
  typeof value === "number" || value === undefined ? String(value) : JSON.stringify(value)
