/**
 * What a campaign is: everything that must be the same when it goes on after an interruption, or is changed knowingly.
 *
 * It is stored with the campaign and holds no secret: keys and tokens stay in the environment of whoever runs it.
 *
 * A *lane* is what shares a limit of concurrency: an engine with all agents in front of it, or an agent whose engine nobody
 * knows.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Task } from "../grading/Task.ts"
import { LivenessLimits } from "../liveness/LivenessLimits.ts"
import { StallPolicy } from "../liveness/StallPolicy.ts"
import { AgentDefinition } from "./AgentDefinition.ts"
import { Concurrency, mostOf } from "./Concurrency.ts"
import { EngineDefinition } from "./EngineDefinition.ts"
import { FailurePolicy } from "./FailurePolicy.ts"

/** The model that judges answers, where tasks ask for one: of an engine, by name. */
export const JudgeDefinition = Schema.Struct({
  engine: Schema.NonEmptyString,
  /** `null` for whatever model the engine serves. */
  model: Schema.NullOr(Schema.NonEmptyString),
  maxTokens: Schema.Int.check(Schema.isGreaterThan(0))
})
export type JudgeDefinition = typeof JudgeDefinition.Type

/** What a campaign plays, as it is stored. */
export const Definition = Schema.Struct({
  /** What the campaign is called. */
  id: Schema.NonEmptyString,
  /** What is asked, with unique ids. */
  tasks: Schema.NonEmptyArray(Task),
  /** The inference servers, with unique names. */
  engines: Schema.Array(EngineDefinition),
  /** Who is under test, with unique names. */
  agents: Schema.NonEmptyArray(AgentDefinition),
  /** The model that judges answers; `null` where no task needs one. */
  judge: Schema.NullOr(JudgeDefinition).pipe(Schema.withDecodingDefault(Effect.succeed(null))),
  /** How often each agent plays each task. */
  repetitions: Schema.Int.check(Schema.isGreaterThan(0)),
  /** For engines and agents that name none. */
  concurrency: Concurrency,
  /** The order of battles, and the simulated engine, follow from it. */
  seed: Schema.Int,
  /** When a battle is tried again, and when it is enough. */
  policy: FailurePolicy,
  /** The numbers that decide about life, for every hop. */
  limits: LivenessLimits,
  /** What follows when a run is found stalled. */
  stallPolicy: StallPolicy,
  /** What an attempt may take in all, in milliseconds; `null` for as long as it lives. */
  hardCapMillis: Schema.NullOr(Schema.Finite.check(Schema.isGreaterThan(0)))
})
export type Definition = typeof Definition.Type

/** What shares a limit of concurrency. */
export interface Lane {
  /** Unique within the campaign. */
  readonly name: string
  readonly engine: EngineDefinition | null
  readonly agents: ReadonlyArray<AgentDefinition>
  readonly concurrency: Concurrency
}

/** The name of an agent's lane. */
export const laneOf = ({ engine, name }: AgentDefinition): string =>
  engine === null ? `agent ${name}` : `engine ${engine}`

/** All lanes that have an agent: engines in their order, then agents without one. */
export const lanesOf = ({ agents, concurrency, engines }: Definition): ReadonlyArray<Lane> => [
  ...engines.flatMap((engine) => {
    const own = agents.filter((agent) => agent.engine === engine.name)
    const [first] = own
    return first === undefined
      ? []
      : [{ name: laneOf(first), engine, agents: own, concurrency: engine.concurrency ?? concurrency }]
  }),
  ...agents.filter(({ engine }) => engine === null).map((agent) => ({
    name: laneOf(agent),
    engine: null,
    agents: [agent],
    concurrency: agent.concurrency ?? concurrency
  }))
]

/** The most battles that run at once, over all lanes. */
export const mostAtOnce = (definition: Definition): number =>
  lanesOf(definition).reduce((sum, { concurrency }) => sum + mostOf(concurrency), 0)

/** The agents in a few words: "a", "a and b", "a, b and 3 more". */
export const namesOf = ({ agents }: Pick<Definition, "agents">): string => {
  const names = agents.map(({ name }) => name)
  if (names.length <= 2) return names.join(" and ")
  return names.length === 3 ?
    `${names[0]}, ${names[1]} and ${names[2]}` :
    `${names[0]}, ${names[1]} and ${names.length - 2} more`
}
