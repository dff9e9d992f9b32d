/**
 * The numbers of a campaign from the file and the command line, each with its origin.
 *
 * Laws: the command line wins over the file, and the file over the default. A stall limit sets all limits that a run
 * without evidence meets; one limit of the same place wins over it, and what the command line says over both of the
 * file. Origins are told under the names that the settings have: `limits.frozenFloorMillis`, `policy.attempts`.
 */
import { expectedOf } from "../../liveness/limitText.ts"
import {
  accepts,
  boundsOf,
  defaults,
  keyOf,
  type LivenessLimits,
  nameOf,
  type SettingKey,
  settingKeys,
  withPatience
} from "../../liveness/LivenessLimits.ts"
import { contradictionIn, hardCapRefusal } from "../../liveness/watchRules.ts"
import { timeOf } from "../../text/DurationText.ts"
import { type Concurrency, fixed } from "../Concurrency.ts"
import { defaultPolicy, type FailurePolicy } from "../FailurePolicy.ts"
import type { CampaignSettings } from "./CampaignSettings.ts"
import { adaptiveTable, policyTable, type TopTable } from "./campaignTables.ts"
import { type ConfigPath, isTable } from "./ConfigDocument.ts"
import { millisOf } from "./fileValues.ts"
import type { Override, Overrides } from "./Overrides.ts"
import { type Reading, unknownKey } from "./Reading.ts"

const DEFAULT_ORIGIN = "default"

/** What holds where neither the file nor the command line says otherwise; a scenario is played once, by itself. */
export interface NumberDefaults {
  readonly repetitions: number
  readonly concurrency: number
}

type Numbers = Omit<CampaignSettings, "tasks" | "engines" | "agents" | "judge">

/** All numbers of a campaign. */
export const resolveNumbers = (
  reading: Reading,
  top: TopTable,
  overrides: Overrides,
  fallback: NumberDefaults
): Numbers => {
  const pick = <A>(
    name: string,
    key: keyof TopTable,
    written: A | undefined,
    override: Override<A> | undefined,
    otherwise: A
  ) => chosen(reading, name, [key], written, override, otherwise)
  const stallPolicy = pick("stallPolicy", "stall-policy", top["stall-policy"], overrides.stallPolicy, "enforce")
  const limits = resolveLimits(reading, top, overrides)
  const cap = top["hard-cap"] === undefined ? undefined : millisOf(top["hard-cap"])
  const hardCapMillis = pick<number | null>("hardCapMillis", "hard-cap", cap, overrides.hardCapMillis, null)
  if (hardCapMillis !== null) {
    const refusal = hardCapRefusal(
      hardCapMillis,
      { limits, stallPolicy },
      (name) => name === "hard-cap" ? "the hard cap" : name
    )
    if (refusal !== undefined) refuseAt(reading, ["hard-cap"], overrides.hardCapMillis?.origin, refusal)
  }
  return {
    repetitions: pick("repetitions", "repeat", top.repeat, overrides.repetitions, fallback.repetitions),
    seed: pick("seed", "seed", top.seed, overrides.seed, 1),
    concurrency: pick(
      "concurrency",
      "concurrency",
      readConcurrency(reading, ["concurrency"]),
      overrides.concurrency,
      fixed(fallback.concurrency)
    ),
    policy: resolvePolicy(reading),
    limits,
    stallPolicy,
    hardCapMillis
  }
}

/** One setting, with its origin told. */
export const chosen = <A>(
  { findings, placeText }: Reading,
  name: string,
  path: ConfigPath,
  written: A | undefined,
  override: Override<A> | undefined,
  otherwise: A
): A => {
  findings.origins.set(
    name,
    override !== undefined ? override.origin : written !== undefined ? placeText(path) : DEFAULT_ORIGIN
  )
  return override !== undefined ? override.value : written !== undefined ? written : otherwise
}

/** Tells a problem of a line of the file, or of what was asked for on the command line. */
export const refuseAt = (reading: Reading, path: ConfigPath, origin: string | undefined, text: string): void => {
  if (origin === undefined) reading.refuse(path, text)
  else reading.findings.problems.push({ file: origin, line: null, column: null, path: "", text })
}

/** A concurrency as it is written at a path: a number, or from what to what it may be adapted. */
export const readConcurrency = (reading: Reading, path: ConfigPath): Concurrency | undefined => {
  const written = reading.at(path)
  if (written === undefined) return undefined
  if (Number.isSafeInteger(written) && written as number >= 1) return fixed(written as number)
  if (!isTable(written)) {
    return reading.refuse(
      path,
      `expected a whole number of at least 1, or { first = 2, most = 16 } for one that is found, not ${
        JSON.stringify(written)
      }`
    )
  }
  const table = reading.decode(path, adaptiveTable)
  if (table === undefined) return undefined
  const { first = 1, most } = table
  return first > most
    ? reading.refuse(
      [...path, "first"],
      `it cannot begin at ${first}, above its most (${most}); lower first or raise most`
    )
    : { _tag: "Adaptive", first, most }
}

const resolvePolicy = (reading: Reading): FailurePolicy => {
  const table = reading.at(["policy"]) === undefined ? {} : reading.decode(["policy"], policyTable) ?? {}
  const pick = <A>(
    name: keyof FailurePolicy,
    key: keyof typeof policyTable.Type,
    written: A | undefined,
    otherwise: A
  ): A => chosen(reading, `policy.${name}`, ["policy", key], written, undefined, otherwise)
  const time = (key: "wait" | "campaign-time") => table[key] === undefined ? undefined : millisOf(table[key])
  const { campaignMillis, campaignRetries, campaignTokens } = defaultPolicy
  return {
    attempts: pick("attempts", "attempts", table.attempts, defaultPolicy.attempts),
    waitMillis: pick("waitMillis", "wait", time("wait"), defaultPolicy.waitMillis),
    engineFaults: pick("engineFaults", "engine-faults", table["engine-faults"], defaultPolicy.engineFaults),
    breakerFailures: pick(
      "breakerFailures",
      "breaker-failures",
      table["breaker-failures"],
      defaultPolicy.breakerFailures
    ),
    campaignRetries: pick<number | null>(
      "campaignRetries",
      "campaign-retries",
      table["campaign-retries"],
      campaignRetries
    ),
    campaignMillis: pick<number | null>("campaignMillis", "campaign-time", time("campaign-time"), campaignMillis),
    campaignTokens: pick<number | null>("campaignTokens", "campaign-tokens", table["campaign-tokens"], campaignTokens)
  }
}

type Limits = Record<SettingKey, number | boolean>

/** The limits that a stall limit always sets, even to what they were. */
const patienceAlone = /^(silent|firstToken)(Floor|Ceiling)Millis$/

const resolveLimits = (reading: Reading, top: TopTable, overrides: Overrides): LivenessLimits => {
  const { findings } = reading
  let limits: Limits = { ...defaults }
  for (const key of settingKeys) findings.origins.set(`limits.${key}`, DEFAULT_ORIGIN)

  const take = (taken: Partial<Limits>, originOf: (key: SettingKey) => string) => {
    for (const key of settingKeys) {
      const value = taken[key]
      if (value === undefined) continue
      limits = { ...limits, [key]: value }
      findings.origins.set(`limits.${key}`, originOf(key))
    }
  }
  const takePatience = (millis: number, origin: string) => {
    const patient: Limits = withPatience(limits as unknown as LivenessLimits, millis)
    take(
      Object.fromEntries(
        settingKeys.filter((key) => patient[key] !== limits[key] || patienceAlone.test(key)).map((
          key
        ) => [key, patient[key]])
      ),
      () => origin
    )
  }

  const { limits: single, stallLimitMillis } = overrides
  const stallLimit = top["stall-limit"]
  if (stallLimit !== undefined && stallLimitMillis === undefined) {
    takePatience(millisOf(stallLimit), reading.placeText(["stall-limit"]))
  }
  take(readLimits(reading), (key) => reading.placeText(["liveness", nameOf(key)]))
  if (stallLimitMillis !== undefined) takePatience(stallLimitMillis.value, stallLimitMillis.origin)
  if (single !== undefined) take(single.value, () => single.origin)

  const resolved = limits as unknown as LivenessLimits
  const contradiction = contradictionIn(resolved)
  if (contradiction !== undefined) refuseContradiction(reading, contradiction)
  return resolved
}

/** Tells a contradiction where the file or the command line says one of its limits. */
const refuseContradiction = (reading: Reading, contradiction: string): void => {
  const named = settingKeys.filter((key) => new RegExp(`(^|[ ;])${nameOf(key)} \\(`).test(contradiction))
  const origins = named.map((key) => reading.findings.origins.get(`limits.${key}`)!)
  const written = named.find((key) => reading.at(["liveness", nameOf(key)]) !== undefined)
  const asked = origins.find((origin) => origin !== DEFAULT_ORIGIN && !origin.startsWith(`${reading.document.file}:`))
  refuseAt(
    reading,
    written !== undefined
      ? ["liveness", nameOf(written)]
      : reading.at(["stall-limit"]) === undefined
      ? []
      : ["stall-limit"],
    asked,
    contradiction
  )
}

/** The limits of `[liveness]` that may have the value that they are given; what is wrong with the others is told. */
const readLimits = (reading: Reading): Partial<Limits> => {
  const table = reading.at(["liveness"])
  if (table === undefined) return {}
  if (!isTable(table)) {
    reading.refuse(["liveness"], "expected a table of limits such as [liveness] and frozen-floor = \"90s\" below it")
    return {}
  }
  const limits: Partial<Limits> = {}
  for (const [name, written] of Object.entries(table)) {
    const path = ["liveness", name]
    const key = keyOf(name)
    const value = key !== undefined && boundsOf(key).kind === "time"
      ? typeof written === "string" ? timeOf(written) : undefined
      : written
    if (key === undefined) {
      reading.refuse(path, `${unknownKey(name, settingKeys.map(nameOf))} \`campaign validate\` shows all`)
    } else if (accepts(key, value)) limits[key] = value as number | boolean
    else {
      const quotes = boundsOf(key).kind === "time" && typeof written === "number" ? ", in quotes" : ""
      reading.refuse(path, `expected ${expectedOf(key)}${quotes}, not ${JSON.stringify(written)}`)
    }
  }
  return limits
}
