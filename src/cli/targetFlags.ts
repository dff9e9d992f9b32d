/**
 * What is tested, from flags that exclude each other.
 *
 * Law: nothing is contacted here.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AgentDefinition } from "../campaign/AgentDefinition.ts"
import { asItCan } from "../campaign/AgentFollowing.ts"
import type { Definition } from "../campaign/Definition.ts"
import type { EngineDefinition } from "../campaign/EngineDefinition.ts"
import { SIMULATED } from "../campaign/StoredDefinition.ts"
import { usageError } from "./CommandError.ts"
import { engineOptions, parseUrl } from "./EngineAddress.ts"

export interface TargetValues {
  readonly engine: Option.Option<string>
  readonly model: Option.Option<string>
  readonly agent: Option.Option<string>
  readonly maxTokens: number
}

/** Engines and agents of a campaign. */
export type UnderTest = Pick<Definition, "agents" | "engines">

const engineOf = (name: string, url: string | null): EngineDefinition => ({
  name,
  url,
  keyVariable: null,
  concurrency: null,
  onModelChange: "stop"
})

/** What is tested, from flags that exclude each other. Fails with wrong usage, or one line about an address. */
export const underTestOf = Effect.fnUntraced(function*(options: TargetValues) {
  const engine = Option.getOrUndefined(options.engine)
  const model = Option.getOrUndefined(options.model)
  const agent = Option.getOrUndefined(options.agent)
  const { maxTokens } = options
  if (engine !== undefined && agent !== undefined) {
    return yield* usageError("--engine and --agent exclude each other: an agent has its own engine")
  }
  if (agent !== undefined) {
    const url = yield* parseUrl("agent", agent)
    const address = { url, tokenVariable: null, command: null }
    const only: AgentDefinition = {
      name: url,
      engine: null,
      concurrency: null,
      following: asItCan,
      kind: { _tag: "Agent", address }
    }
    return { engines: [], agents: [only] } satisfies UnderTest as UnderTest
  }
  if (engine !== undefined && model === undefined) {
    return yield* usageError("--engine needs --model NAME: the model to ask the engine for")
  }
  if (engine === undefined && model !== undefined) {
    return yield* usageError("--model needs --engine URL: the engine that serves it")
  }
  const { baseUrl } = engine === undefined || model === undefined
    ? { baseUrl: null }
    : yield* engineOptions({ url: engine, model, maxTokens })
  const behind = engineOf(baseUrl ?? SIMULATED, baseUrl)
  const only: AgentDefinition = {
    name: model ?? "simulated-model",
    engine: behind.name,
    concurrency: null,
    following: asItCan,
    kind: { _tag: "Model", model: model ?? null, maxTokens }
  }
  return { engines: [behind], agents: [only] } satisfies UnderTest as UnderTest
})
