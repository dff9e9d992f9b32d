/**
 * A campaign's definition as it stands in a store: JSON, of this release or of an earlier one.
 *
 * Law: what an earlier release has stored is read as the same campaign, by every reader, also by one that may not write.
 * The first release knew one agent (`agent`, `target`) and a number for its concurrency.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { asItCan } from "./AgentFollowing.ts"
import { Definition } from "./Definition.ts"
import { defaultPolicy } from "./FailurePolicy.ts"

/** One agent, as the first release knew it. */
const FirstTarget = Schema.TaggedUnion({
  Demonstration: {},
  Engine: { url: Schema.String, model: Schema.String, maxTokens: Schema.Int },
  Agent: { url: Schema.String }
})

const FirstDefinition = Schema.Struct({
  ...Definition.fields,
  agent: Schema.NonEmptyString,
  target: FirstTarget,
  concurrency: Schema.Int,
  agents: Schema.optionalKey(Schema.Never),
  engines: Schema.optionalKey(Schema.Never),
  policy: Schema.optionalKey(Schema.Never),
  judge: Schema.optionalKey(Schema.Never),
  limits: Definition.fields.limits.pipe(Schema.withDecodingDefault(Effect.succeed({}))),
  stallPolicy: Definition.fields.stallPolicy.pipe(Schema.withDecodingDefault(Effect.succeed("enforce" as const))),
  hardCapMillis: Definition.fields.hardCapMillis.pipe(Schema.withDecodingDefault(Effect.succeed(null)))
})

/** What the simulated engine is called where nobody names it. */
export const SIMULATED = "simulated engine"

const upgrade = ({ agent, concurrency, target, ...rest }: typeof FirstDefinition.Type): Definition => {
  const engine = { keyVariable: null, concurrency: null, onModelChange: "stop" as const }
  const under = { name: agent, concurrency: null, following: asItCan }
  const common = {
    ...rest,
    concurrency: { _tag: "Fixed" as const, battles: concurrency },
    policy: defaultPolicy,
    judge: null
  }
  switch (target._tag) {
    case "Demonstration":
      return {
        ...common,
        engines: [{ ...engine, name: SIMULATED, url: null }],
        agents: [{ ...under, engine: SIMULATED, kind: { _tag: "Model", model: null, maxTokens: 4096 } }]
      }
    case "Engine": {
      const { maxTokens, model, url } = target
      return {
        ...common,
        engines: [{ ...engine, name: url, url }],
        agents: [{ ...under, engine: url, kind: { _tag: "Model", model, maxTokens } }]
      }
    }
    case "Agent": {
      const address = { url: target.url, tokenVariable: null, command: null }
      return { ...common, engines: [], agents: [{ ...under, engine: null, kind: { _tag: "Agent", address } }] }
    }
  }
}

export const encode = Schema.encodeSync(Schema.fromJsonString(Definition))

const decodeAny = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Union([Definition, FirstDefinition])))

/** Fails with a `SchemaError` for what no release has stored. */
export const decode = (text: string) =>
  Effect.map(decodeAny(text), (stored): Definition => "target" in stored ? upgrade(stored) : stored)
