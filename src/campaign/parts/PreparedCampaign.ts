/**
 * Everything of a campaign that does not need its store: its agents and engines are asked whether they can be used, and what
 * is to be started is started. A wrong address is found before anything is stored.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { A2aClient } from "../../a2a/A2aClient.ts"
import type { Sandbox } from "../../grading/Sandbox.ts"
import { Ticker } from "../../liveness/Ticker.ts"
import type { CampaignParts } from "../CampaignParts.ts"
import type { Definition } from "../Definition.ts"
import { clientFor } from "./CampaignClient.ts"
import * as CampaignGrader from "./CampaignGrader.ts"
import { checkReachable } from "./checkReachable.ts"
import { EngineParts } from "./EngineParts.ts"
import * as startedAgents from "./startedAgents.ts"
import * as StartedEngines from "./StartedEngines.ts"
import * as StartedTaps from "./StartedTaps.ts"

export interface PreparedCampaign {
  readonly definition: Definition
  readonly parts: CampaignParts
  readonly engines: StartedEngines.StartedEngines
  readonly taps: StartedTaps.StartedTaps
  readonly services: Context.Context<A2aClient | EngineParts | Sandbox | Ticker>
}

export interface PrepareOptions {
  readonly parts?: CampaignParts
  /** How the simulated engine is started, where there is one. */
  readonly simulated?: EngineParts["Service"]["simulated"]
}

/** Prepares; all stops with the scope. Fails in one line about what cannot be used. */
export const prepare = Effect.fn("PreparedCampaign.prepare")(function*(
  definition: Definition,
  { parts = {}, simulated }: PrepareOptions = {}
) {
  const { canary, engine, evidence } = parts
  const services = yield* Layer.build(Layer.mergeAll(
    parts.client ?? clientFor(definition),
    CampaignGrader.sandboxFor(definition.tasks),
    parts.ticker ?? Ticker.layer(definition.limits.tickMillis),
    EngineParts.layerWith({
      ...canary === undefined ? {} : { canary },
      ...engine === undefined ? {} : { engine },
      ...evidence === undefined ? {} : { evidence },
      ...simulated === undefined ? {} : { simulated }
    })
  ))
  return yield* Effect.gen(function*() {
    yield* checkReachable(definition)
    yield* CampaignGrader.check(definition.tasks, definition.judge !== null, parts.grader)
    const engines = yield* StartedEngines.start(definition)
    const taps = yield* StartedTaps.start(definition, engines)
    yield* startedAgents.start(definition, taps, parts.logs ?? `campaign-${definition.id}.logs`)
    return { definition, parts, engines, taps, services } satisfies PreparedCampaign as PreparedCampaign
  }).pipe(Effect.provide(services))
})

/** Asks the agents and engines of a campaign whether they can be used; fails in one line about the first that cannot. */
export const contact = (definition: Pick<Definition, "agents" | "engines">) =>
  Effect.provide(checkReachable(definition), [clientFor(definition), EngineParts.layerWith({})])
