/**
 * Every number that decides about life: its default, and what it means to the person who changes it.
 *
 * The numbers are defaults to be configured, worked out by simulation (60 s of a frozen engine: no false kill with
 * pauses of 15 to 50 s; 45 s kills 7 %) or taken from vLLM (300 s is its own limit for a step). Nothing else in this
 * folder holds a number of its own. `explain` is what `campaign validate` prints.
 *
 * The formulas that use them stand in LimitInForce.ts; limits learned from finished runs (LimitLearner.ts) come in with
 * the run.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const NotNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

interface Setting {
  readonly fallback: number
  readonly meaning: string
}

const setting = (fallback: number, meaning: string): Setting => ({ fallback, meaning })

const settings = {
  tickMillis: setting(1000, "How often every run is looked at."),
  localPauseMillis: setting(
    5000,
    "Nothing at all for this much longer than a tick means that this machine stood still: all deadlines move, and for " +
      "as long again nobody is given up."
  ),
  headersMillis: setting(
    900_000,
    "How long a server may take to answer a request at all. vLLM does so before it queues; others only with a token."
  ),
  finishGraceMillis: setting(5000, "How long a connection may stay open after the finish reason."),

  suspectFactor: setting(8, "A run is suspect after this many times the gap that `suspectQuantile` of its gaps keep."),
  suspectQuantile: setting(0.95, "The share of a run's own gaps that are not remarkable."),
  suspectFloorMillis: setting(5000, "No run is suspect, and none given up, before this much silence."),
  suspectCeilingMillis: setting(60_000, "Every run is suspect after this much silence."),
  suspectPriorMillis: setting(30_000, "How much silence makes a run suspect that has too few gaps of its own."),
  suspectPriorGaps: setting(16, "How many gaps of its own a run needs to be judged by them."),
  gapWindow: setting(256, "How many of a run's last gaps count."),

  frozenFloorMillis: setting(60_000, "An engine whose counters stand still for less than this is not hung."),
  frozenCeilingMillis: setting(300_000, "An engine whose counters stand still for this long is hung."),
  frozenGapFactor: setting(
    3,
    "An engine is hung after this many times the largest gap of the run, within its floor and ceiling."
  ),
  frozenStepFactor: setting(
    2,
    "An engine is hung after this many times the longest step it made while it was well, within floor and ceiling."
  ),
  frozenEmptyMillis: setting(
    180_000,
    "How long a request may be prepared (tokenised, images loaded) before the engine knows of it."
  ),
  frozenFirstRunMillis: setting(
    180_000,
    "The least limit for a hung engine in the first run after its start, when it compiles."
  ),
  preemptedMillis: setting(
    900_000,
    "How long a begun answer may be without a token while the engine works and nothing proves that it cannot decode."
  ),
  lostScrapes: setting(3, "So many scrapes in a row must show fewer requests than we have open there."),
  deferredMillis: setting(600_000, "How long a request may wait for a transfer or an adapter."),
  deadScrapes: setting(2, "So many refused scrapes in a row prove that the server is gone."),
  unhealthyMillis: setting(5000, "How long the server must say 503 of its own health to be believed."),
  restartScrapes: setting(2, "So many scrapes must show the new process before a restart is believed."),

  bindingTokens: setting(5, "Tokens received between two scrapes that the engine's own counter must have seen."),
  bindingContradictions: setting(2, "So many contradictions prove that the metrics are not those of our engine."),
  bindingProofsToForget: setting(6, "So many confirmations in a row wipe out a contradiction."),
  evidenceFreshMillis: setting(20_000, "Older metrics prove nothing."),

  silentGapFactor: setting(
    16,
    "Without evidence a run is given up after this many times its largest gap, within its floor and ceiling."
  ),
  silentFloorMillis: setting(120_000, "Without evidence no run is given up before this much silence."),
  silentCeilingMillis: setting(
    900_000,
    "Without evidence every run is given up after this much silence, and none before it until limits are learned."
  ),
  firstTokenFloorMillis: setting(
    120_000,
    "Without evidence no run is given up before this much waiting for its first token."
  ),
  firstTokenCeilingMillis: setting(
    1_800_000,
    "Without evidence every run is given up after this much waiting for its first token, and none before it until " +
      "limits are learned."
  ),

  learnedFalseAlarms: setting(
    0.005,
    "The share of healthy runs that a limit learned from finished runs may take for dead. It needs as many finished " +
      "runs as one over it, less one: 199 for 0.005. 0 for never learning."
  ),
  learnedRuns: setting(
    2000,
    "Limits are learned from so many of the last finished runs of the same endpoint, model, shape and load. Fewer than " +
      "`learnedFalseAlarms` needs never teach anything."
  ),

  heartbeatMillis: setting(5000, "How often our agents say that they live."),
  heartbeatsMissed: setting(3, "So many heartbeats may be missing, and the slack beside, before an agent is given up."),
  heartbeatSlackMillis: setting(15_000, "How much longer than its missing heartbeats an agent is waited for."),
  nestedHeartbeats: setting(
    2,
    "Each hop further out waits so many heartbeats longer for a token, so that the hop that knows most decides first."
  ),
  nestedSlackMillis: setting(5000, "How much longer than those heartbeats each hop further out waits."),

  cancelProofMillis: setting(
    10_000,
    "How long a run that was given up waits for proof that the engine dropped its request."
  ),

  rateWindowMillis: setting(30_000, "Tokens per second are counted over one to two of these."),
  minimumTokensPerSecond: setting(0, "Below this rate a run is called slow; 0 for never. Nothing is given up for it.")
} as const

type SettingName = keyof typeof settings

type NumberWithDefault = Schema.withDecodingDefault<typeof NotNegative>

const numbers = Object.fromEntries(
  Object.entries(settings).map(([name, { fallback, meaning }]) => [
    name,
    NotNegative.annotate({ description: meaning }).pipe(Schema.withDecodingDefault(Effect.succeed(fallback)))
  ])
) as unknown as { readonly [Name in SettingName]: NumberWithDefault }

/** All settings; decoding `{}` gives the defaults. Times are in milliseconds. */
export const LivenessLimits = Schema.Struct({
  ...numbers,
  /** Whether an answer longer than asked for, or found worthless, fails the run. */
  failRunaway: Schema.Boolean.pipe(Schema.withDecodingDefault(Effect.succeed(false)))
})
export type LivenessLimits = typeof LivenessLimits.Type

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

export interface ExplainedLimit {
  readonly name: string
  readonly value: number | boolean
  readonly isDefault: boolean
  readonly meaning: string
}

/** Every setting with its value and its meaning, in the order in which they stand above. */
export const explain = (limits: LivenessLimits): ReadonlyArray<ExplainedLimit> => [
  ...(Object.keys(settings) as Array<SettingName>).map((name) => ({
    name,
    value: limits[name],
    isDefault: limits[name] === settings[name].fallback,
    meaning: settings[name].meaning
  })),
  {
    name: "failRunaway",
    value: limits.failRunaway,
    isDefault: !limits.failRunaway,
    meaning: "Whether an answer longer than asked for, or found worthless, fails the run."
  }
]
