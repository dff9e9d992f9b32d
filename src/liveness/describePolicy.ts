/**
 * A liveness policy in words: every setting with what it means, its default and where it comes from, as `campaign
 * validate` shows them, and what tells two policies apart.
 *
 * Laws: every setting stands there exactly once; what differs from its default is marked; times are written with their
 * units, exactly.
 */
import * as Equal from "effect/Equal"
import { textOf } from "../text/DurationText.ts"
import { defaults as gateDefaults, type GateTimes } from "./GateTimes.ts"
import { writeValue } from "./limitText.ts"
import { explain, type LivenessLimits } from "./LivenessLimits.ts"
import { defaults as retryDefaults, type RetryLimits } from "./RetryLimits.ts"
import { type StallPolicy, stallPolicyMeanings } from "./StallPolicy.ts"

/** What there is to be described; a `LivenessPolicy` is one. */
interface Policy {
  readonly limits: LivenessLimits
  readonly stallPolicy: StallPolicy
  readonly hardCapMillis: number | null
  readonly retry: RetryLimits
  readonly gate: GateTimes
}

/** One setting of a policy. */
export interface DescribedSetting {
  /** Where it stands in the policy, such as `limits.frozenFloorMillis`. */
  readonly path: string
  /** What people call it, such as `frozen-floor`. */
  readonly name: string
  /** What it is about, together with its neighbours. */
  readonly group: string
  /** Times in milliseconds; `null` for none. */
  readonly value: number | boolean | string | null
  /** The value as a person reads it, with its unit. */
  readonly text: string
  /** The default, likewise. */
  readonly defaultText: string
  /** Whether it has its default. */
  readonly isDefault: boolean
  /** What it means to the person who changes it, in a sentence. */
  readonly meaning: string
}

/** What a hard cap of so many milliseconds, or none, means to the person who chooses. */
export const hardCapMeaning = (millis: number | null): string =>
  millis === null
    ? "No attempt is ended for the time it takes: what lives is waited for."
    : "An attempt that is not done by then is ended, even if it lives; it counts as slow, not as stalled."

const retryMeanings: Record<keyof RetryLimits, readonly [name: string, meaning: string]> = {
  attempts: ["attempts", "Most attempts that use one up, the first among them."],
  waitMillis: ["wait", "Most time that is spent on delays after errors that use up no attempt."],
  engineFaults: ["engine-faults", "How often trouble of the whole engine may be met, which uses up no attempt."]
}

const gateMeanings: Record<keyof GateTimes, readonly [name: string, meaning: string]> = {
  canaryFirstMillis: ["canary-first", "The delay before the first canary of a gate that is shut."],
  canaryFactor: ["canary-factor", "How much longer each further delay is."],
  canaryMostMillis: ["canary-most", "The longest delay between two canaries."],
  canaryPatienceMillis: ["canary-patience", "A canary that says nothing for so long has failed."],
  alarmMillis: ["alarm", "How long a gate may be shut before somebody is called."]
}

const capText = (millis: number | null): string => millis === null ? "none" : textOf(millis)

const numbers = <Key extends string>(
  group: string,
  at: string,
  meanings: Record<Key, readonly [name: string, meaning: string]>,
  values: Record<Key, number>,
  defaults: Record<Key, number>
): ReadonlyArray<DescribedSetting> =>
  (Object.keys(meanings) as Array<Key>).map((key) => {
    const write = (value: number) => key.endsWith("Millis") ? textOf(value) : String(value)
    const [name, meaning] = meanings[key]
    return {
      path: `${at}.${key}`,
      name,
      group,
      value: values[key],
      text: write(values[key]),
      defaultText: write(defaults[key]),
      isDefault: Equal.equals(values[key], defaults[key]),
      meaning
    }
  })

/** Every setting of a policy, in the order in which people read them. */
export const describe = (policy: Policy): ReadonlyArray<DescribedSetting> => [
  {
    path: "stallPolicy",
    name: "stall-policy",
    group: "What follows",
    value: policy.stallPolicy,
    text: policy.stallPolicy,
    defaultText: "enforce",
    isDefault: policy.stallPolicy === "enforce",
    meaning: stallPolicyMeanings[policy.stallPolicy]
  },
  {
    path: "hardCapMillis",
    name: "hard-cap",
    group: "What follows",
    value: policy.hardCapMillis,
    text: capText(policy.hardCapMillis),
    defaultText: capText(null),
    isDefault: policy.hardCapMillis === null,
    meaning: hardCapMeaning(policy.hardCapMillis)
  },
  ...explain(policy.limits).map(({ default: fallback, group, isDefault, key, kind, meaning, name, value }) => {
    const write = (value: number | boolean) => writeValue(key, value) + (kind === "rate" ? " tokens/s" : "")
    const [text, defaultText] = [write(value), write(fallback)]
    return { path: `limits.${key}`, name, group, value, text, defaultText, isDefault, meaning }
  }),
  ...numbers("When it is tried again", "retry", retryMeanings, policy.retry, retryDefaults),
  ...numbers("When an engine was hung", "gate", gateMeanings, policy.gate, gateDefaults)
]

/** A setting that two policies have with different values. */
export interface PolicyDifference {
  /** Where it stands in a policy. */
  readonly path: string
  /** What people call it. */
  readonly name: string
  /** The first policy's value; times in milliseconds. */
  readonly from: DescribedSetting["value"]
  /** The other policy's. */
  readonly to: DescribedSetting["value"]
  /** The same as a person reads it. */
  readonly toText: string
  /** All of it in a few words, such as `frozen-floor: 60 s -> 90 s`. */
  readonly text: string
}

/** What the second policy has otherwise than the first; empty exactly if they are equal. */
export const diff = (from: Policy, to: Policy): ReadonlyArray<PolicyDifference> => {
  const after = describe(to)
  return describe(from).flatMap(({ name, path, text, value }, index) => {
    const other = after[index]!
    return Equal.equals(value, other.value)
      ? []
      : [{ path, name, from: value, to: other.value, toText: other.text, text: `${name}: ${text} -> ${other.text}` }]
  })
}

/** What is printed beside the settings. */
export interface PrintOptions {
  /** Where settings come from, by their path, such as a flag or a file; what has no origin is the program's. */
  readonly origins?: ReadonlyMap<string, string>
  /** Whether each setting is followed by what it means; not unless given. */
  readonly meanings?: boolean
}

/** All settings, one a line and grouped, without a line break at the end; what is not the default is marked with `*`. */
export const print = (policy: Policy, { meanings = false, origins }: PrintOptions = {}): string => {
  const described = describe(policy)
  const widest = Math.max(...described.map(({ name }) => name.length))
  const lineOf = ({ defaultText, isDefault, meaning, name, path, text }: DescribedSetting) => {
    const origin = origins?.get(path)
    const more = [...(isDefault ? [] : [`default ${defaultText}`]), ...(origin === undefined ? [] : [origin])]
    const value = text + (more.length === 0 ? "" : ` (${more.join(", ")})`)
    return `${isDefault ? " " : "*"} ${name.padEnd(widest)}  ${value}${meanings ? `\n      ${meaning}` : ""}`
  }
  return Array.from(
    Map.groupBy(described, ({ group }) => group),
    ([group, members]) => [group.toUpperCase(), ...members.map(lineOf)].join("\n")
  ).join("\n\n")
}
