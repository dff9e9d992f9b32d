/**
 * The flags that say what is tested: shared by `run`, which tests it, and `validate`, which only looks.
 *
 * Law: nothing is contacted here.
 */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Target } from "../campaign/Definition.ts"
import { usageError } from "./CommandError.ts"
import { engineOptions, parseUrl } from "./EngineAddress.ts"
import * as flags from "./flags.ts"

export const targetFlags = {
  engine: Flag.optional(flags.engineUrl),
  model: Flag.optional(flags.model),
  agent: Flag.optional(flags.agentUrl),
  maxTokens: flags.maxTokens
}

export interface TargetValues {
  readonly engine: Option.Option<string>
  readonly model: Option.Option<string>
  readonly agent: Option.Option<string>
  readonly maxTokens: number
}

/** What is tested, from flags that exclude each other. Fails with wrong usage, or one line about an address. */
export const targetOf = Effect.fnUntraced(function*(options: TargetValues) {
  const engine = Option.getOrUndefined(options.engine)
  const model = Option.getOrUndefined(options.model)
  const agent = Option.getOrUndefined(options.agent)
  if (engine !== undefined && agent !== undefined) {
    return yield* usageError("--engine and --agent exclude each other: an agent has its own engine")
  }
  if (agent !== undefined) {
    return { _tag: "Agent", url: yield* parseUrl("agent", agent) } satisfies Target as Target
  }
  if (engine !== undefined) {
    if (model === undefined) return yield* usageError("--engine needs --model NAME: the model to ask the engine for")
    const { baseUrl } = yield* engineOptions({ url: engine, model, maxTokens: options.maxTokens })
    return { _tag: "Engine", url: baseUrl, model, maxTokens: options.maxTokens } satisfies Target as Target
  }
  if (model !== undefined) return yield* usageError("--model needs --engine URL: the engine that serves it")
  return { _tag: "Demonstration" } satisfies Target as Target
})
