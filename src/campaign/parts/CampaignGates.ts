/**
 * What watches over the engines and agents of a campaign: the gate of each engine, which asks its canary; the breaker of
 * each agent, which asks for its card; and what the runner asks of engines beside the battles.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { A2aClient } from "../../a2a/A2aClient.ts"
import { AgentBreaker } from "../../liveness/AgentBreaker.ts"
import { Canary, CanaryOutcome } from "../../liveness/Canary.ts"
import { EngineGate } from "../../liveness/EngineGate.ts"
import { addressesOf, type AgentDefinition } from "../AgentDefinition.ts"
import { CampaignEngines } from "../CampaignEngines.ts"
import type { Definition } from "../Definition.ts"
import type { StartedEngines } from "./StartedEngines.ts"

const CARD_PATIENCE = "30 seconds"

/** Gates whose endpoints are the addresses of these engines; where there is no canary, time has to do. */
export const gateOf = (engines: StartedEngines): Layer.Layer<EngineGate> => {
  const canaries = new Map(Array.from(engines.values(), ({ canary, options }) => [options.baseUrl, canary]))
  const absent = Effect.succeed(CanaryOutcome.cases.Absent.make({}))
  return EngineGate.layer().pipe(
    Layer.provide(Layer.succeed(Canary, { check: (endpoint) => canaries.get(endpoint)?.check(endpoint) ?? absent }))
  )
}

/** Breakers of these agents, by their names. */
export const breakerOf = ({ agents, policy }: Pick<Definition, "agents" | "policy">) =>
  AgentBreaker.layer({ failures: policy.breakerFailures }).pipe(
    Layer.provide(Layer.effect(Canary, Effect.map(A2aClient, (client) => cardsOf(client, agents))))
  )

/** Asks for the card of an agent, by its name. One of our own cannot be gone. */
const cardsOf = (client: A2aClient["Service"], agents: ReadonlyArray<AgentDefinition>): Canary["Service"] => {
  const { Failed, Passed } = CanaryOutcome.cases
  const passed = Passed.make({ tokens: 0, stepMillis: 0, binding: "unproven" })
  const addresses = new Map(agents.map((agent) => [agent.name, addressesOf(agent)]))
  return {
    check: (agent) =>
      Effect.forEach(addresses.get(agent) ?? [], ({ url }) => client.check({ url, hop: "purple" }), {
        discard: true
      }).pipe(
        Effect.as(passed),
        Effect.timeoutOrElse({ duration: CARD_PATIENCE, orElse: () => Effect.succeed(gone("its card has not come")) }),
        Effect.catch(({ message }) => Effect.succeed(Failed.make({ why: message })))
      )
  }
}

const gone = (why: string): CanaryOutcome => CanaryOutcome.cases.Failed.make({ why })

/** What these engines say of themselves. */
export const enginesOf = (engines: StartedEngines): Layer.Layer<CampaignEngines> =>
  Layer.succeed(CampaignEngines, {
    look: (name) => engines.get(name)?.inspection.look ?? Effect.succeed(undefined),
    queueTimes: (name) => engines.get(name)?.inspection.queueTimes ?? Effect.succeed(undefined),
    scraped: (name) => engines.get(name)?.scraped ?? Effect.succeed(undefined),
    serve: (name, model) =>
      Effect.sync(() => {
        const engine = engines.get(name)
        if (engine !== undefined) engine.model = model
      })
  })
