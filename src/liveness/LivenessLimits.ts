/**
 * Every number that decides about life: its default, what it may be, and what it means to the person who changes it.
 *
 * The numbers are defaults to be configured, worked out by simulation (60 s of a frozen engine: no false kill with
 * pauses of 15 to 50 s; 45 s kills 7 %) or taken from vLLM (300 s is its own limit for a step). Nothing else in this
 * folder holds a number of its own. `explain` is what `campaign validate` prints. People write a setting by its name in
 * kebab case without the unit: `frozen-floor` for `frozenFloorMillis`.
 *
 * The schema bounds each setting alone; LimitContradictions.ts tells which do not go together. The formulas that use
 * them stand in LimitInForce.ts; limits learned from finished runs (LimitLearner.ts) come in with the run.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A time in milliseconds, a whole number, a multiple, a part of 1, tokens per second, or whether. */
export type LimitKind = "time" | "count" | "factor" | "share" | "rate" | "switch"

interface Setting<Value extends number | boolean> {
  readonly kind: LimitKind
  readonly fallback: Value
  readonly meaning: string
  /** What it may be at least and at most; a switch has neither. */
  readonly least: number
  readonly most: number
}

const YEAR = 365 * 24 * 3_600_000
const MANY = 1_000_000

const time = (fallback: number, meaning: string, least = 0): Setting<number> => ({
  kind: "time",
  fallback,
  meaning,
  least,
  most: YEAR
})

const count = (fallback: number, meaning: string, least = 1): Setting<number> => ({
  kind: "count",
  fallback,
  meaning,
  least,
  most: MANY
})

const factor = (fallback: number, meaning: string): Setting<number> => ({
  kind: "factor",
  fallback,
  meaning,
  least: 0,
  most: MANY
})

const share = (fallback: number, meaning: string): Setting<number> => ({
  kind: "share",
  fallback,
  meaning,
  least: 0,
  most: 1
})

const rate = (fallback: number, meaning: string): Setting<number> => ({
  kind: "rate",
  fallback,
  meaning,
  least: 0,
  most: MANY
})

const toggle = (fallback: boolean, meaning: string): Setting<boolean> => ({
  kind: "switch",
  fallback,
  meaning,
  least: 0,
  most: 0
})

const watching = {
  tickMillis: time(1000, "How often every run is looked at.", 10),
  localPauseMillis: time(
    5000,
    "Nothing at all for this much longer than a tick means that this machine stood still: all deadlines move, and for " +
      "as long again nobody is given up.",
    100
  ),
  headersMillis: time(
    900_000,
    "How long a server may take to answer a request at all. vLLM does so before it queues; others only with a token."
  ),
  finishGraceMillis: time(5000, "How long a connection may stay open after the finish reason.")
}

const suspicion = {
  suspectFactor: factor(8, "A run is suspect after this many times its usual gap, which suspect-quantile tells."),
  suspectQuantile: share(0.95, "The share of a run's gaps that are usual: its usual gap is the longest of those."),
  suspectFloorMillis: time(5000, "No run is suspect, and none given up, before this much silence."),
  suspectCeilingMillis: time(60_000, "Every run is suspect after this much silence."),
  suspectPriorMillis: time(30_000, "How much silence makes a run suspect that has too few gaps of its own."),
  suspectPriorGaps: count(16, "How many gaps of its own a run needs to be judged by them."),
  gapWindow: count(256, "How many of a run's last gaps count.")
}

const proof = {
  frozenFloorMillis: time(60_000, "An engine whose counters stand still for less than this is not hung."),
  frozenCeilingMillis: time(300_000, "An engine whose counters stand still for this long is hung."),
  frozenGapFactor: factor(
    3,
    "An engine is hung after this many times the largest gap of the run, within its floor and ceiling."
  ),
  frozenStepFactor: factor(
    2,
    "An engine is hung after this many times the longest step it made while it was well, within floor and ceiling."
  ),
  frozenEmptyMillis: time(
    180_000,
    "How long a request may be prepared (tokenised, images loaded) before the engine knows of it."
  ),
  frozenFirstRunMillis: time(
    180_000,
    "The least limit for a hung engine in the first run after its start, when it compiles."
  ),
  preemptedMillis: time(
    900_000,
    "How long a begun answer may be without a token while the engine works and nothing proves that it cannot decode."
  ),
  lostScrapes: count(
    3,
    "So many scrapes in a row must show fewer requests than we have open there, before one of ours counts as lost."
  ),
  deferredMillis: time(600_000, "How long a request may wait for a transfer or an adapter."),
  deadScrapes: count(2, "So many refused scrapes in a row prove that the server is gone."),
  unhealthyMillis: time(5000, "How long the server must say 503 of its own health to be believed."),
  restartScrapes: count(2, "So many scrapes must show the new process before a restart is believed.")
}

const binding = {
  bindingTokens: count(5, "Tokens received between two scrapes that the engine's own counter must have seen."),
  bindingContradictions: count(2, "So many contradictions prove that the metrics are not those of our engine."),
  bindingProofsToForget: count(6, "So many confirmations in a row wipe out a contradiction."),
  evidenceFreshMillis: time(20_000, "Older metrics prove nothing.")
}

const silence = {
  silentGapFactor: factor(
    16,
    "Without evidence a run is given up after this many times its largest gap, within its floor and ceiling."
  ),
  silentFloorMillis: time(120_000, "Without evidence no run is given up before this much silence."),
  silentCeilingMillis: time(
    900_000,
    "Without evidence every run is given up after this much silence, and none before it until limits are learned."
  ),
  firstTokenFloorMillis: time(
    120_000,
    "Without evidence no run is given up before this much waiting for its first token."
  ),
  firstTokenCeilingMillis: time(
    1_800_000,
    "Without evidence every run is given up after this much waiting for its first token, and none before it until " +
      "limits are learned."
  )
}

const learning = {
  learnedFalseAlarms: share(
    0.005,
    "The share of healthy runs that a limit learned from finished runs may take for dead. It needs as many finished " +
      "runs as one over it, less one: 199 for 0.005. 0 for never learning."
  ),
  learnedRuns: count(
    2000,
    "Limits are learned from so many of the last finished runs of the same endpoint, model, shape and load. Fewer than " +
      "learned-false-alarms needs never teach anything.",
    0
  )
}

const hops = {
  heartbeatMillis: time(5000, "How often our agents say that they live.", 100),
  heartbeatsMissed: count(
    3,
    "So many heartbeats may be missing, and the slack beside, before an agent is given up.",
    0
  ),
  heartbeatSlackMillis: time(15_000, "How much longer than its missing heartbeats an agent is waited for."),
  nestedHeartbeats: count(
    2,
    "Each hop further out waits so many heartbeats longer for a token, so that the hop that knows most decides first.",
    0
  ),
  nestedSlackMillis: time(5000, "How much longer than those heartbeats each hop further out waits.")
}

const ending = {
  cancelProofMillis: time(
    10_000,
    "How long a run that was given up waits for proof that the engine dropped its request."
  )
}

const value = {
  rateWindowMillis: time(30_000, "Tokens per second are counted over one to two of these.", 1000),
  minimumTokensPerSecond: rate(0, "Below this rate a run is called slow; 0 for never. Nothing is given up for it."),
  failRunaway: toggle(false, "Whether an answer longer than asked for, or found worthless, fails the run.")
}

const groups = {
  "Watching a run": watching,
  "When a run is suspect, and shown as slow": suspicion,
  "When the engine's metrics prove a hang": proof,
  "When metrics are believed": binding,
  "When a run without evidence is given up": silence,
  "Learning from finished runs": learning,
  "Between agents": hops,
  "Ending a run": ending,
  "Tokens that are slow or worthless": value
}

const settings = {
  ...watching,
  ...suspicion,
  ...proof,
  ...binding,
  ...silence,
  ...learning,
  ...hops,
  ...ending,
  ...value
}

/** What a setting is called in a program. */
export type SettingKey = keyof typeof settings

/** All of them, in the order in which they stand above. */
export const settingKeys = Object.keys(settings) as ReadonlyArray<SettingKey>

type SchemaOf<S> = S extends Setting<boolean> ? typeof Schema.Boolean : typeof Schema.Finite

type Fields = { readonly [Key in SettingKey]: Schema.withDecodingDefault<SchemaOf<typeof settings[Key]>> }

const schemaOf = ({ kind, least, meaning, most }: Setting<number | boolean>): Schema.Codec<number | boolean> =>
  kind === "switch"
    ? Schema.Boolean.annotate({ description: meaning })
    : (kind === "count" ? Schema.Int : Schema.Finite).check(Schema.isBetween({ minimum: least, maximum: most }))
      .annotate({ description: meaning })

const fields = Object.fromEntries(
  settingKeys.map((key) => [
    key,
    Schema.withDecodingDefault(Effect.succeed(settings[key].fallback))(schemaOf(settings[key]))
  ])
) as unknown as Fields

/** All settings; decoding `{}` gives the defaults. Times are in milliseconds. */
export const LivenessLimits = Schema.Struct(fields)
export type LivenessLimits = typeof LivenessLimits.Type

/** Every limit at its default; see `explain` for what each means. */
export const defaults: LivenessLimits = Schema.decodeSync(LivenessLimits)({})

/** The limits of somebody who waits for so many milliseconds where there is no evidence, before the first token too. */
export const withPatience = (limits: LivenessLimits, millis: number): LivenessLimits => ({
  ...limits,
  suspectFloorMillis: Math.min(limits.suspectFloorMillis, millis),
  suspectPriorMillis: Math.min(limits.suspectPriorMillis, millis),
  suspectCeilingMillis: Math.min(limits.suspectCeilingMillis, millis),
  silentFloorMillis: millis,
  silentCeilingMillis: millis,
  firstTokenFloorMillis: millis,
  firstTokenCeilingMillis: millis,
  headersMillis: Math.min(limits.headersMillis, millis)
})

/** The limits of a run that has been given up before for silence alone: each patience without evidence times `factor`. */
export const morePatient = (limits: LivenessLimits, factor: number): LivenessLimits => ({
  ...limits,
  silentFloorMillis: factor * limits.silentFloorMillis,
  silentCeilingMillis: factor * limits.silentCeilingMillis,
  firstTokenFloorMillis: factor * limits.firstTokenFloorMillis,
  firstTokenCeilingMillis: factor * limits.firstTokenCeilingMillis,
  headersMillis: factor * limits.headersMillis
})

/** What people call a setting: in kebab case, without its unit. */
export const nameOf = (key: SettingKey): string =>
  key.replace(/Millis$/, "").replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const keys = new Map(settingKeys.map((key) => [nameOf(key), key]))

/** The setting that people call so. */
export const keyOf = (name: string): SettingKey | undefined => keys.get(name)

/** What kind of value a setting has, and its bounds; a switch has none. */
export const boundsOf = (key: SettingKey): Pick<Setting<number>, "kind" | "least" | "most"> => settings[key]

const checks = new Map(settingKeys.map((key) => [key, Schema.is(schemaOf(settings[key]))]))

/** Whether a setting may have this value, whatever the others are. */
export const accepts = (key: SettingKey, value: unknown): boolean => checks.get(key)?.(value) === true

export interface ExplainedLimit {
  readonly key: SettingKey
  readonly name: string
  readonly kind: LimitKind
  /** What it is about, together with its neighbours. */
  readonly group: string
  readonly value: number | boolean
  readonly default: number | boolean
  readonly isDefault: boolean
  readonly meaning: string
}

/** Every setting with its value and its meaning, in the order in which they stand above. */
export const explain = (limits: LivenessLimits): ReadonlyArray<ExplainedLimit> =>
  Object.entries(groups).flatMap(([group, members]) =>
    (Object.keys(members) as Array<SettingKey>).map((key) => ({
      key,
      name: nameOf(key),
      kind: settings[key].kind,
      group,
      value: limits[key],
      default: settings[key].fallback,
      isDefault: limits[key] === settings[key].fallback,
      meaning: settings[key].meaning
    }))
  )
