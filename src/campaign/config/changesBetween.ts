/**
 * What is different between a campaign as it is stored and a file of settings, and whether the campaign may go on with
 * it.
 *
 * Laws: a change starts a new campaign exactly if results before and after it could not stand in one table: another
 * prompt or grader, another kind of agent, model or number of most tokens, another seed, and whatever was asked for and
 * is not any more (repetitions, tasks, agents). Everything else may change in mid-campaign. Nothing changed, nothing
 * told.
 */
import type { DeliveryMode } from "../../a2a/DeliveryMode.ts"
import { boundsOf, nameOf, settingKeys } from "../../liveness/LivenessLimits.ts"
import { textOf } from "../../text/DurationText.ts"
import type { AgentAddress, AgentDefinition } from "../AgentDefinition.ts"
import { type TapAddress, textOfTap } from "../AgentFollowing.ts"
import type { Concurrency } from "../Concurrency.ts"
import type { EngineDefinition } from "../EngineDefinition.ts"
import type { FailurePolicy } from "../FailurePolicy.ts"
import type { CampaignSettings } from "./CampaignSettings.ts"
import { canonicalJson, graderIdentity, judgeIdentity, kindIdentity } from "./configHash.ts"

export interface ConfigChange {
  /** Whether the stored campaign cannot go on with it. */
  readonly startsNewCampaign: boolean
  /** One line for people: "task roman-numerals: its prompt is another one". */
  readonly line: string
}

/** All changes from what is stored to what was read, those that start a new campaign first. */
export const changesBetween = (stored: CampaignSettings, read: CampaignSettings): ReadonlyArray<ConfigChange> => {
  const changes = [
    ...taskChanges(stored, read),
    ...agentChanges(stored, read),
    ...(isSame(judgeIdentity(stored), judgeIdentity(read)) ? [] : [breaking("judge: it is another one")]),
    ...numberChanges(stored, read),
    ...engineChanges(stored.engines, read.engines)
  ]
  return changes.toSorted((left, right) => Number(right.startsNewCampaign) - Number(left.startsNewCampaign))
}

const breaking = (line: string): ConfigChange => ({ startsNewCampaign: true, line })
const harmless = (line: string): ConfigChange => ({ startsNewCampaign: false, line })

const isSame = (left: unknown, right: unknown): boolean => canonicalJson(left) === canonicalJson(right)

/** The change of a value that both have, if it is one. */
const from = <A>(
  make: (line: string) => ConfigChange,
  name: string,
  before: A,
  after: A,
  show: (value: A) => string = String
): ReadonlyArray<ConfigChange> =>
  isSame(before, after) ? [] : [make(`${name}: ${show(before)} before, ${show(after)} now`)]

interface Pairs<A> {
  readonly both: ReadonlyArray<readonly [name: string, before: A, after: A]>
  readonly added: ReadonlyArray<string>
  readonly gone: ReadonlyArray<string>
}

const pairs = <A>(before: ReadonlyArray<A>, after: ReadonlyArray<A>, nameOf: (each: A) => string): Pairs<A> => {
  const known = new Map(before.map((each) => [nameOf(each), each]))
  const wanted = new Map(after.map((each) => [nameOf(each), each]))
  return {
    both: [...known].flatMap(([name, each]) => wanted.has(name) ? [[name, each, wanted.get(name)!] as const] : []),
    added: [...wanted.keys()].filter((name) => !known.has(name)),
    gone: [...known.keys()].filter((name) => !wanted.has(name))
  }
}

const taskChanges = (stored: CampaignSettings, read: CampaignSettings): ReadonlyArray<ConfigChange> => {
  const { added, both, gone } = pairs(stored.tasks, read.tasks, ({ id }) => id)
  return [
    ...gone.map((id) => breaking(`task ${id}: it is not there any more`)),
    ...both.flatMap(([id, before, after]) => [
      ...(before.prompt === after.prompt ? [] : [breaking(`task ${id}: its prompt is another one`)]),
      ...(isSame(graderIdentity(before), graderIdentity(after))
        ? []
        : [breaking(`task ${id}: its grader is another one`)]),
      ...(isSame(graderIdentity(before), graderIdentity(after)) && !isSame(before.grader, after.grader)
        ? [harmless(`task ${id}: its grader runs in another folder`)]
        : [])
    ]),
    ...added.map((id) => harmless(`task ${id}: it is new`))
  ]
}

const agentChanges = (stored: CampaignSettings, read: CampaignSettings): ReadonlyArray<ConfigChange> => {
  const { added, both, gone } = pairs(stored.agents, read.agents, ({ name }) => name)
  return [
    ...gone.map((name) => breaking(`agent ${name}: it is not there any more`)),
    ...both.flatMap(([name, before, after]) => [
      ...kindChanges(`agent ${name}`, before, after),
      ...from(harmless, `agent ${name}: engine`, before.engine, after.engine, orNone),
      ...from(harmless, `agent ${name}: concurrency`, before.concurrency, after.concurrency, concurrencyText),
      ...from(harmless, `agent ${name}: mode`, before.following.mode, after.following.mode, modeText),
      ...from(harmless, `agent ${name}: tap`, before.following.tap, after.following.tap, tapText)
    ]),
    ...added.map((name) => harmless(`agent ${name}: it is new`))
  ]
}

const kindChanges = (who: string, before: AgentDefinition, after: AgentDefinition): ReadonlyArray<ConfigChange> => {
  const [was, is] = [before.kind, after.kind]
  if (was._tag === "Model" && is._tag === "Model") {
    return [
      ...from(breaking, `${who}: model`, was.model, is.model, (model) => model ?? "whatever its engine serves"),
      ...from(breaking, `${who}: max-tokens`, was.maxTokens, is.maxTokens)
    ]
  }
  if (was._tag === "Agent" && is._tag === "Agent") return addressChanges(who, was.address, is.address)
  if (was._tag === "Scenario" && is._tag === "Scenario") {
    const others = pairs(was.participants, is.participants, ({ role }) => role)
    return [
      ...(isSame(kindIdentity(before), kindIdentity(after))
        ? []
        : [breaking(`${who}: its participants are other ones`)]),
      ...addressChanges(`${who}: green agent`, was.evaluator, is.evaluator),
      ...others.both.flatMap(([role, before, after]) =>
        addressChanges(`${who}: ${role}`, before.address, after.address)
      )
    ]
  }
  return [breaking(`${who}: it is an agent of another kind (${kinds[was._tag]} before, ${kinds[is._tag]} now)`)]
}

const kinds = { Model: "a model", Agent: "an A2A agent", Scenario: "a scenario" }

const addressChanges = (who: string, before: AgentAddress, after: AgentAddress): ReadonlyArray<ConfigChange> => [
  ...from(harmless, `${who}: url`, before.url, after.url),
  ...from(harmless, `${who}: token-variable`, before.tokenVariable, after.tokenVariable, orNone),
  ...(isSame(before.command, after.command) ? [] : [harmless(`${who}: its command is another one`)])
]

const engineChanges = (
  stored: ReadonlyArray<EngineDefinition>,
  read: ReadonlyArray<EngineDefinition>
): ReadonlyArray<ConfigChange> => {
  const { added, both, gone } = pairs(stored, read, ({ name }) => name)
  return [
    ...gone.map((name) => harmless(`engine ${name}: it is not there any more`)),
    ...both.flatMap(([name, before, after]) => [
      ...from(harmless, `engine ${name}: url`, before.url, after.url, (url) => url ?? "simulated"),
      ...from(harmless, `engine ${name}: key-variable`, before.keyVariable, after.keyVariable, orNone),
      ...from(harmless, `engine ${name}: concurrency`, before.concurrency, after.concurrency, concurrencyText),
      ...from(harmless, `engine ${name}: on-model-change`, before.onModelChange, after.onModelChange)
    ]),
    ...added.map((name) => harmless(`engine ${name}: it is new`))
  ]
}

const numberChanges = (stored: CampaignSettings, read: CampaignSettings): ReadonlyArray<ConfigChange> => [
  ...from(breaking, "seed", stored.seed, read.seed),
  ...from(read.repetitions < stored.repetitions ? breaking : harmless, "repeat", stored.repetitions, read.repetitions),
  ...from(harmless, "concurrency", stored.concurrency, read.concurrency, concurrencyText),
  ...from(harmless, "stall-policy", stored.stallPolicy, read.stallPolicy),
  ...from(harmless, "hard-cap", stored.hardCapMillis, read.hardCapMillis, timeText),
  ...settingKeys.flatMap((key) =>
    from<number | boolean>(
      harmless,
      `liveness.${nameOf(key)}`,
      stored.limits[key],
      read.limits[key],
      (value) => boundsOf(key).kind === "time" ? textOf(Number(value)) : String(value)
    )
  ),
  ...policyKeys.flatMap(([key, name, show]) =>
    from<number | null>(harmless, `policy.${name}`, stored.policy[key], read.policy[key], show)
  )
]

const orNone = (value: string | null): string => value ?? "none"

const modeText = (mode: DeliveryMode | null): string => mode ?? "the best that it can"

const tapText = (tap: TapAddress | null): string => tap === null ? "none" : textOfTap(tap)

const timeText = (millis: number | null): string => millis === null ? "none" : textOf(millis)

const countText = (count: number | null): string => count === null ? "any" : String(count)

const policyKeys: ReadonlyArray<readonly [keyof FailurePolicy, name: string, show: (value: number | null) => string]> =
  [
    ["attempts", "attempts", countText],
    ["waitMillis", "wait", timeText],
    ["engineFaults", "engine-faults", countText],
    ["breakerFailures", "breaker-failures", countText],
    ["campaignRetries", "campaign-retries", countText],
    ["campaignMillis", "campaign-time", timeText],
    ["campaignTokens", "campaign-tokens", countText]
  ]

const concurrencyText = (concurrency: Concurrency | null): string =>
  concurrency === null
    ? "the campaign's"
    : concurrency._tag === "Fixed"
    ? String(concurrency.battles)
    : `${concurrency.first} to ${concurrency.most}`
