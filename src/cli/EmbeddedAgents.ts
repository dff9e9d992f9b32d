/**
 * The agents a campaign needs besides the one under test, on loopback ports chosen by the system.
 *
 * A green agent always; for an engine, our purple agent in front of it; for the demonstration, the simulated engine as
 * well. They are the same layers that `campaign sim` and `campaign serve` run, and everything between them is HTTP.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { A2aClient } from "../a2a/A2aClient.ts"
import * as AddressRule from "../a2a/AddressRule.ts"
import { GreenAgent } from "../agents/GreenAgent.ts"
import { PurpleAgent, type PurpleAgentOptions } from "../agents/PurpleAgent.ts"
import type { WatchSettings } from "../agents/WatchSettings.ts"
import type { Target } from "../campaign/Definition.ts"
import { Engine, type EngineOptions } from "../engine/Engine.ts"
import * as EngineCanary from "../engine/EngineCanary.ts"
import * as ScrapedEvidence from "../engine/ScrapedEvidence.ts"
import { WatchedEngine } from "../engine/WatchedEngine.ts"
import { Grader } from "../grading/Grader.ts"
import { Canary } from "../liveness/Canary.ts"
import { EngineGate } from "../liveness/EngineGate.ts"
import { Simulator } from "../simulator/Simulator.ts"
import { orExit } from "./CommandError.ts"
import { engineOptions } from "./EngineAddress.ts"

export interface EmbeddedAgentsOptions extends WatchSettings {
  readonly target: Target
  readonly seed: number
}

const loopback = { host: "127.0.0.1", port: 0 }
const SIMULATED_MODEL = "simulated-model"

/** Fails in one line if the target cannot be used; nothing is started or stored for it before. */
export const check = Effect.fn("EmbeddedAgents.check")(function*(target: Target) {
  switch (target._tag) {
    case "Agent":
      return yield* Effect.asVoid(A2aClient.use((client) => client.check({ url: target.url, hop: "purple" })))
    case "Engine":
      return yield* Engine.use((engine) => engine.check).pipe(
        Effect.provide(Engine.layer(yield* engineOptions(target)))
      )
    case "Demonstration":
  }
}, orExit)

export interface StartedAgents {
  readonly greenUrl: string
  readonly purpleUrl: string
  /** What the gate knows the engine by: its address, or the agent's where nobody knows its engine. */
  readonly endpoint: string
  readonly gate: EngineGate["Service"]
}

/** Starts what is missing and gives the addresses, and the gate of the engine. All stops with the scope. */
export const start = Effect.fn("EmbeddedAgents.start")(function*(options: EmbeddedAgentsOptions) {
  const listen = { ...loopback, limits: options.limits, stallPolicy: options.stallPolicy }
  // Its only participant is the one that the user of the command named.
  const green = yield* Layer.build(
    GreenAgent.layer({ ...listen, participants: AddressRule.any }).pipe(Layer.provide(Grader.layer))
  )
  const started: StartedAgents = { greenUrl: Context.get(green, GreenAgent).url, ...yield* purple(options, listen) }
  return started
}, orExit)

const purple = Effect.fnUntraced(function*(
  { seed, target }: EmbeddedAgentsOptions,
  listen: PurpleAgentOptions & WatchSettings
) {
  switch (target._tag) {
    case "Agent": {
      // Its engine is out of reach, so a battle has to be the canary.
      const services = yield* Layer.build(EngineGate.layer().pipe(Layer.provide(Canary.layerNone)))
      return { purpleUrl: target.url, endpoint: target.url, gate: Context.get(services, EngineGate) }
    }
    case "Engine":
      return yield* purpleInFrontOf(yield* engineOptions(target), listen)
    case "Demonstration": {
      const simulator = yield* Layer.build(Simulator.layer({ ...loopback, seed, model: SIMULATED_MODEL }))
      const baseUrl = `${Context.get(simulator, Simulator).url}/v1`
      return yield* purpleInFrontOf({ baseUrl, model: SIMULATED_MODEL }, listen)
    }
  }
})

const purpleInFrontOf = Effect.fnUntraced(function*(engine: EngineOptions, listen: PurpleAgentOptions & WatchSettings) {
  const services = yield* Layer.build(
    Layer.merge(PurpleAgent.layer(listen), EngineGate.layer().pipe(Layer.provide(EngineCanary.layer(engine)))).pipe(
      Layer.provide(watchedEngine(engine, listen)),
      Layer.provide(ScrapedEvidence.layer({ baseUrl: engine.baseUrl }))
    )
  )
  return {
    purpleUrl: Context.get(services, PurpleAgent).url,
    endpoint: engine.baseUrl,
    gate: Context.get(services, EngineGate)
  }
})

/** The engine, watched; its evidence is the caller's. */
export const watchedEngine = (engine: EngineOptions, settings: WatchSettings) =>
  WatchedEngine.layer({ limits: settings.limits, policy: settings.stallPolicy }).pipe(
    Layer.provideMerge(Engine.layer(engine))
  )
