/**
 * The flags that say what a campaign is, shared by `run`, `validate` and `resume`: a file of settings, or a target and
 * tasks; and numbers, which win over the file.
 *
 * Law: nothing is contacted and nothing written here, so `validate` and `run --dry-run` refuse what `run` would refuse.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { addressesOf } from "../campaign/AgentDefinition.ts"
import type { CampaignSettings } from "../campaign/config/CampaignSettings.ts"
import type { Overrides } from "../campaign/config/Overrides.ts"
import { readConfig, settingsFrom } from "../campaign/config/readConfig.ts"
import { askedOf, originOf } from "../campaign/config/readFollowing.ts"
import { demonstrationTasks } from "../grading/DemonstrationTasks.ts"
import { nearestName } from "../text/nearestName.ts"
import { inputError, orExit, usageError } from "./CommandError.ts"
import { optional, variableOf } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import { givenFlags, type GivenValues, overridesOf } from "./givenFlags.ts"
import { type UnderTest, underTestOf } from "./targetFlags.ts"
import { hardCapMillis, settingsOf } from "./watchFlags.ts"

const pairs = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.atLeast(1),
    Flag.withFallbackConfig(Config.map(Config.String(variableOf(name)), (texts) => texts.split(/\s*,\s*/))),
    Flag.withDefault([])
  )

const config = Flag.String("config").pipe(
  Flag.withAlias("c"),
  Flag.withMetavar("FILE"),
  Flag.withDescription(
    "A campaign.toml (`campaign init` writes one), or an AgentBeats scenario.toml or scenario.json5"
  ),
  Flag.withFallbackConfig(Config.String(variableOf("config"))),
  optional
)

export const campaignFlags = {
  config,
  address: pairs(
    "address",
    "ROLE=URL",
    "Where an agent of a scenario is that its file does not say; green for the green agent; may be given more than once"
  ),
  score: optional(flags.scorePath),
  engine: Flag.optional(flags.engineUrl),
  model: Flag.optional(flags.model),
  agent: Flag.optional(flags.agentUrl),
  task: flags.tasks,
  ...givenFlags
}

export interface CampaignValues extends GivenValues {
  readonly config: string | undefined
  readonly address: ReadonlyArray<string>
  readonly score: string | undefined
  readonly engine: Option.Option<string>
  readonly model: Option.Option<string>
  readonly agent: Option.Option<string>
  readonly task: ReadonlyArray<string>
}

/** A campaign as it was asked for. */
export interface Requested {
  /** What its file calls it; `null` if it has none, or says nothing. */
  readonly name: string | null
  readonly settings: CampaignSettings
  /** Where each number comes from, by its name in the settings. */
  readonly origins: ReadonlyMap<string, string>
  /** What was read over in the file. */
  readonly notes: ReadonlyArray<string>
}

/** Fails with wrong usage, or with what is wrong with the file. */
export const requestedOf = Effect.fnUntraced(function*(values: CampaignValues) {
  const overrides = yield* overridesOf(values)
  return values.config === undefined
    ? yield* fromFlags(values, overrides)
    : yield* fromFile(values.config, values, overrides)
}, orExit)

const fromFlags = Effect.fnUntraced(function*(values: CampaignValues, overrides: Overrides) {
  for (const name of ["address", "score"] as const) {
    if (values[name] !== undefined && values[name].length > 0) {
      return yield* usageError(`--${name} belongs to a scenario; name its file by --config`)
    }
  }
  const watch = yield* settingsOf({
    stallPolicy: overrides.stallPolicy?.value ?? "enforce",
    stallLimit: overrides.stallLimitMillis?.value,
    liveness: values.liveness
  })
  yield* hardCapMillis(overrides.hardCapMillis?.value, watch)
  const named = yield* underTestOf({ ...values, maxTokens: overrides.maxTokens?.value ?? MAX_TOKENS })
  const { agents, refusal } = askedOf(named.agents, overrides)
  if (refusal !== undefined) return yield* usageError(`${originOf(overrides)}: ${refusal}`)
  const underTest: UnderTest = { ...named, agents }
  // How agents are followed has been said of those that are named, which are not those of the demonstration.
  const { mode: _, tap: __, ...numbers } = overrides
  const { origins, settings } = yield* settingsFrom(numbers)
  const tasks = yield* tasksOf(demonstrationTasks, values.task)
  return {
    name: null,
    settings: { ...settings, ...underTest, tasks },
    origins,
    notes: []
  } satisfies Requested as Requested
})

const MAX_TOKENS = 4096

const fromFile = Effect.fnUntraced(function*(file: string, values: CampaignValues, overrides: Overrides) {
  for (const name of ["engine", "model"] as const) {
    if (Option.isSome(values[name])) {
      return yield* usageError(`--config names the engines and models itself; leave out --${name}, or --config`)
    }
  }
  const addresses = new Map<string, string>()
  for (const text of values.address) {
    const [, role, url] = /^([^=]+)=(.+)$/.exec(text) ?? []
    if (role === undefined || url === undefined) {
      return yield* usageError(`--address ${text}: expected ROLE=URL, such as green=http://127.0.0.1:9009`)
    }
    addresses.set(role, url)
  }
  const { name, notes, origins, settings } = yield* readConfig({
    file,
    currentDirectory: process.cwd(),
    lookup: (variable) => process.env[variable],
    overrides,
    addresses,
    ...(values.score === undefined ? {} : { score: values.score })
  })
  const agents = yield* chosen("agent", settings.agents, ({ name }) => name, Option.toArray(values.agent))
  const tasks = yield* tasksOf(settings.tasks, values.task)
  return { name, settings: { ...settings, agents, tasks }, origins, notes } satisfies Requested as Requested
})

/** Those of these names; all without a name. Fails with wrong usage where a name is nobody's. */
const chosen = Effect.fnUntraced(function*<A>(
  kind: "agent" | "task",
  all: readonly [A, ...ReadonlyArray<A>],
  nameOf: (one: A) => string,
  names: ReadonlyArray<string>
) {
  const known = all.map(nameOf)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const hint = known.length > 12 ? `did you mean ${nearestName(unknown, known)}?` : `there are ${known.join(", ")}`
    return yield* usageError(`--${kind} ${unknown}: no such ${kind}; ${hint}`)
  }
  const [first, ...rest] = all.filter((one) => names.length === 0 || names.includes(nameOf(one)))
  return [first!, ...rest] as const
})

const tasksOf = (all: CampaignSettings["tasks"], names: ReadonlyArray<string>) =>
  chosen("task", all, ({ id }) => id, names)

/** Whether two agents that the campaign starts would be at one address. Fails with what to do. */
export const checkAddresses = Effect.fnUntraced(function*({ agents }: Pick<CampaignSettings, "agents">) {
  const started = new Map<string, string>()
  for (const { command, url } of agents.flatMap(addressesOf)) {
    if (command === null) continue
    const before = started.get(url)
    if (before !== undefined && before !== command.line) {
      return yield* inputError(`two commands are to serve ${url}: give one of them another address`)
    }
    started.set(url, command.line)
  }
})
