/**
 * What an engine of a campaign is made of, each part by its options: who answers, what proves that it lives, what tries it
 * after trouble, and what says which models it serves. Whoever replaces one keeps the others.
 *
 * Gotchas: the canary asks the engine of `engine`. An engine of the package itself (`simulated`) is started by the command
 * alone: a program starts `a2a-campaign/Simulator` and names its address.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Engine, type EngineOptions } from "../../engine/Engine.ts"
import * as EngineCanary from "../../engine/EngineCanary.ts"
import { EngineInspection } from "../../engine/EngineInspection.ts"
import { PatientFetch } from "../../engine/PatientFetch.ts"
import * as ScrapedEvidence from "../../engine/ScrapedEvidence.ts"
import type { Canary } from "../../liveness/Canary.ts"
import type { EngineEvidence } from "../../liveness/EngineEvidence.ts"
import { type CampaignError, engineError } from "../CampaignError.ts"

/** The parts that a program may bring, by the name that the definition gives the engine. */
export interface ReplaceableEngineParts {
  /** Answers prompts. Asked once for each model and number of most tokens, also by the judge and the canary. */
  readonly engine: (name: string, options: EngineOptions) => Layer.Layer<Engine>
  /** Proves whether it lives; `onScrape` of the options is to be told of every scrape, if there are any. */
  readonly evidence: (name: string, options: ScrapedEvidence.ScrapedEvidenceOptions) => Layer.Layer<EngineEvidence>
  /** Tries it after trouble. */
  readonly canary: (
    name: string,
    options: EngineCanary.EngineCanaryOptions
  ) => Layer.Layer<Canary, never, EngineEvidence>
}

interface Parts extends ReplaceableEngineParts {
  readonly inspection: (options: Pick<EngineOptions, "baseUrl" | "apiKey">) => Layer.Layer<EngineInspection>
  /** Starts the simulated engine and gives its base URL, with `/v1`. */
  readonly simulated: (name: string, seed: number) => Effect.Effect<string, CampaignError, Scope.Scope>
}

const notHere: Parts["simulated"] = (name) =>
  Effect.fail(engineError(
    name,
    `engine ${name} is the simulated one, which only the command starts; start one by Simulator.layer of ` +
      "a2a-campaign/Simulator, and name its address by url"
  ))

export class EngineParts extends Context.Service<EngineParts, Parts>()("a2a-campaign/EngineParts") {
  /** Over HTTP, but for the parts that are given. */
  static readonly layerWith = (
    { canary, engine = (_, options) => Engine.layer(options), evidence, inspection, simulated = notHere }: Partial<
      Parts
    >
  ): Layer.Layer<EngineParts> =>
    Layer.succeed(EngineParts, {
      engine,
      evidence: evidence ?? ((_, options) => ScrapedEvidence.layer(options)),
      canary: canary ?? ((name, options) =>
        EngineCanary.layerNoDeps(options).pipe(
          Layer.provide([engine(name, { ...options, maxTokens: EngineCanary.MAX_TOKENS }), PatientFetch.layer])
        )),
      inspection: inspection ?? EngineInspection.layer,
      simulated
    })
}
