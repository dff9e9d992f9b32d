/**
 * What a campaign asks of the engines behind its agents, beside the battles: what they are (epochs), and how long requests
 * wait in them. One service for all lanes; a lane whose engine nobody knows tells nothing.
 *
 * Law: nothing of it fails a campaign; an engine that cannot be asked is one that tells nothing.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { QueueTimes } from "../engine/MetricsScrape.ts"
import type { EngineLook } from "./EngineEpochStep.ts"
import type { Scraped } from "./EngineLoad.ts"

export type { QueueTimes } from "../engine/MetricsScrape.ts"
export type { EngineSample } from "../liveness/EngineSample.ts"
export type { EngineLook } from "./EngineEpochStep.ts"
export type { Scraped } from "./EngineLoad.ts"

/** What a campaign asks of the engines behind its agents. */
export class CampaignEngines extends Context.Service<CampaignEngines, {
  /** What the engine of that name is now; `undefined` where it cannot be asked. */
  readonly look: (engine: string) => Effect.Effect<EngineLook | undefined>
  /** Asks for another model from now on, where an agent names none. */
  readonly serve: (engine: string, model: string) => Effect.Effect<void>
  /** `undefined` where it does not tell. */
  readonly queueTimes: (engine: string) => Effect.Effect<QueueTimes | undefined>
  /** The last scrape of its metrics, by whomever; `undefined` where there is none that says anything of now. */
  readonly scraped: (engine: string) => Effect.Effect<Scraped | undefined>
}>()("a2a-campaign/CampaignEngines") {
  /** Nobody knows anything of any engine. */
  static readonly layerNone: Layer.Layer<CampaignEngines> = Layer.succeed(CampaignEngines, {
    look: () => Effect.succeed(undefined),
    serve: () => Effect.void,
    queueTimes: () => Effect.succeed(undefined),
    scraped: () => Effect.succeed(undefined)
  })

  /** Engines that tell what a test wants; `scraped` tells nothing unless given. */
  static readonly layerTest = (
    service: Omit<CampaignEngines["Service"], "scraped"> & Partial<CampaignEngines["Service"]>
  ): Layer.Layer<CampaignEngines> =>
    Layer.succeed(CampaignEngines, { scraped: () => Effect.succeed(undefined), ...service })
}
