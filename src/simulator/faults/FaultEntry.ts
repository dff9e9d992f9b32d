/**
 * The shape of an entry in the fault catalogue, and short ways to write one.
 *
 * An entry is complete: what the fault does, its parameters with their defaults, what can be seen on the wire and in
 * /metrics, and the outcome that an observer must come to who watches tokens and engine. The outcome's words are those
 * of liveness verdicts: completed, stalled or failed with a kind, slow with a reason on the way.
 */
import type { Alarm } from "../EngineLoop.ts"
import type { FaultAction } from "./FaultAction.ts"

/** A number with its unit, or one of several words. */
export type Parameter =
  | {
    readonly kind: "number"
    readonly default: number
    readonly least: number
    readonly most: number
    readonly whole: boolean
    readonly meaning: string
  }
  | {
    readonly kind: "choice"
    readonly choices: ReadonlyArray<string>
    readonly default: string
    readonly meaning: string
  }

export type ParameterValues = Readonly<Record<string, number | string>>

/** Seconds, not negative. */
export const seconds = (byDefault: number, meaning: string) =>
  ({
    kind: "number",
    default: byDefault,
    least: 0,
    most: 1e9,
    whole: false,
    meaning: `${meaning}, in seconds`
  }) as const

/** A whole number from `least` to `most`. */
export const count = (byDefault: number, meaning: string, least = 0, most = 1e9) =>
  ({ kind: "number", default: byDefault, least, most, whole: true, meaning }) as const

/** A positive number. */
export const rate = (byDefault: number, meaning: string) =>
  ({ kind: "number", default: byDefault, least: 1e-6, most: 1e9, whole: false, meaning }) as const

/** One of these words; the first unless given. */
export const choice = <const Choices extends readonly [string, ...ReadonlyArray<string>]>(
  choices: Choices,
  meaning: string
) => ({ kind: "choice", choices, default: choices[0] as Choices[number], meaning }) as const

/** When a request begins what concerns everybody. */
export const afterTokens = count(10, "tokens the request has got before; 0: when it gets its place in the engine")

/** That moment, as the engine knows it. */
export const atToken = (tokens: number): Alarm["when"] => tokens === 0 ? "admitted" : tokens

/** Why a run that is alive is slow, by the words of verdicts. */
export type SlowReason =
  | "queued"
  | "prefill"
  | "preempted"
  | "silent-decoding"
  | "engine-asleep"
  | "silent-unverified"
  | "below-rate"

/** What must become of an attempt that meets the fault. */
export interface Outcome {
  readonly verdict: "completed" | "stalled" | "failed"
  /** The stall or failure; if there are several, each is right. Empty: completed. */
  readonly kinds: ReadonlyArray<string>
  /** What it must be called on the way, "any": slow for whatever reason; null: it need not be slow. */
  readonly slow: SlowReason | "any" | null
  /** "no": the same attempt would fail again; "once"; "policy": as the retry policy says, so that the battle completes. */
  readonly retry: "no" | "once" | "policy"
  /** Limits of time, and what else must be true. */
  readonly note: string
}

export const completed = (note = ""): Outcome => ({ verdict: "completed", kinds: [], slow: null, retry: "no", note })

export const slowly = (slow: SlowReason | "any", note = ""): Outcome => ({ ...completed(note), slow })

export const stalled = (kinds: ReadonlyArray<string>, note = "", slow: Outcome["slow"] = null): Outcome => ({
  verdict: "stalled",
  kinds,
  slow,
  retry: "policy",
  note
})

export const failed = (kinds: ReadonlyArray<string>, note = "", retry: Outcome["retry"] = "policy"): Outcome => ({
  verdict: "failed",
  kinds,
  slow: null,
  retry,
  note
})

/** An outcome as people read it. */
export const describeOutcome = ({ kinds, note, retry, slow, verdict }: Outcome): string => {
  const before = slow === null ? "" : slow === "any" ? "slow, then " : `slow (${slow}), then `
  const kind = kinds.length === 0 ? "" : ` (${kinds.join(" or ")})`
  const again = verdict === "completed" || retry === "policy" ? "" : retry === "no" ? ", not retried" : ", retried once"
  return `${before}${verdict}${kind}${again}${note === "" ? "" : `: ${note}`}`
}

/** When a fault happens unless the user says so; see FaultSpecification.ts. */
export interface DefaultTrigger {
  /** The number of the request, from 1. */
  readonly request?: number
  /** Seconds. */
  readonly for?: number
}

export interface FaultEntry {
  readonly name: string
  readonly summary: string
  /** "request": each request that it concerns has it for itself; "server": it concerns everybody. */
  readonly scope: "request" | "server"
  readonly parameters: Readonly<Record<string, Parameter>>
  readonly trigger: DefaultTrigger
  /** As a user would write it. */
  readonly example: string
  readonly wire: string
  readonly metrics: string
  readonly outcome: Outcome
  readonly actions: (values: ParameterValues) => ReadonlyArray<FaultAction>
}

type ValuesOf<Parameters extends Readonly<Record<string, Parameter>>> = {
  readonly [Name in keyof Parameters]: Parameters[Name] extends { readonly choices: infer Choices }
    ? Choices extends ReadonlyArray<infer Choice> ? Choice : never
    : number
}

/** An entry whose actions see their parameters with their types. */
export const entry = <const Parameters extends Readonly<Record<string, Parameter>> = {}>(
  definition: Omit<FaultEntry, "parameters" | "actions" | "trigger" | "example"> & {
    readonly parameters?: Parameters
    readonly trigger?: DefaultTrigger
    readonly example?: string
    readonly actions: (values: ValuesOf<Parameters>) => ReadonlyArray<FaultAction>
  }
): FaultEntry => ({
  ...definition,
  parameters: definition.parameters ?? {},
  trigger: definition.trigger ?? {},
  example: definition.example ?? definition.name,
  // What reads specifications checks values against `parameters`, so they have the types that these say.
  actions: (values) => definition.actions(values as ValuesOf<Parameters>)
})
