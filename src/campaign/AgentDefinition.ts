/**
 * Who is under test, as a campaign names it.
 *
 * `Model` is our own purple agent in front of an engine; `Agent` any A2A agent; `Scenario` the agents that somebody
 * else's green agent assesses together, as an AgentBeats scenario does: there a battle is one assessment by it.
 *
 * Tokens are never here: only the names of the environment variables that hold them.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AgentFollowing, asItCan } from "./AgentFollowing.ts"
import { Concurrency } from "./Concurrency.ts"

const none = Effect.succeed(null)

/** How an agent is started, where the scenario says so. */
export const AgentCommand = Schema.Struct({
  /** For `/bin/sh -c`. */
  line: Schema.NonEmptyString,
  /** Absolute. */
  workingDirectory: Schema.String,
  /** Added to our own; `${NAME}` and `${NAME:-default}` in a value are filled in when the agent is started. */
  environment: Schema.Record(Schema.String, Schema.String).pipe(Schema.withDecodingDefault(Effect.succeed({})))
})
export type AgentCommand = typeof AgentCommand.Type

export const AgentAddress = Schema.Struct({
  url: Schema.NonEmptyString,
  /** Where its bearer token is; `null` for `CAMPAIGN_AGENT_TOKEN`. */
  tokenVariable: Schema.NullOr(Schema.NonEmptyString).pipe(Schema.withDecodingDefault(none)),
  command: Schema.NullOr(AgentCommand).pipe(Schema.withDecodingDefault(none))
})
export type AgentAddress = typeof AgentAddress.Type

export const Participant = Schema.Struct({ role: Schema.NonEmptyString, address: AgentAddress })
export type Participant = typeof Participant.Type

export const AgentKind = Schema.TaggedUnion({
  /** `model` is `null` for whatever model the engine serves. */
  Model: { model: Schema.NullOr(Schema.NonEmptyString), maxTokens: Schema.Int.check(Schema.isGreaterThan(0)) },
  Agent: { address: AgentAddress },
  Scenario: { evaluator: AgentAddress, participants: Schema.NonEmptyArray(Participant) }
})
export type AgentKind = typeof AgentKind.Type

export const AgentDefinition = Schema.Struct({
  /** What it is called in tables; no two are called the same. */
  name: Schema.NonEmptyString,
  /** The engine behind it, by name; `null` where nobody knows it, and then the agent counts as one of its own. */
  engine: Schema.NullOr(Schema.NonEmptyString),
  /** Where no engine is named; `null` for the campaign's. */
  concurrency: Schema.NullOr(Concurrency).pipe(Schema.withDecodingDefault(none)),
  kind: AgentKind,
  following: AgentFollowing.pipe(Schema.withDecodingDefault(Effect.succeed(asItCan)))
})
export type AgentDefinition = typeof AgentDefinition.Type

/** All addresses of an agent of somebody else's; none where it is our own. */
export const addressesOf = ({ kind }: AgentDefinition): ReadonlyArray<AgentAddress> => {
  switch (kind._tag) {
    case "Model":
      return []
    case "Agent":
      return [kind.address]
    case "Scenario":
      return [kind.evaluator, ...kind.participants.map(({ address }) => address)]
  }
}
