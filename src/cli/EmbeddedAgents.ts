/**
 * The agents a campaign needs besides those under test, on loopback ports chosen by the system.
 *
 * A green agent always, unless a scenario brings its own; for every agent that is a model, our purple agent in front of
 * its engine; for the demonstration, the simulated engine as well. They are the same layers that `campaign sim` and
 * `campaign serve` run, and everything between them is HTTP. Agents in front of one engine share its connections' evidence,
 * and its canary.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { A2aClient } from "../a2a/A2aClient.ts"
import * as AddressRule from "../a2a/AddressRule.ts"
import { GreenAgent } from "../agents/GreenAgent.ts"
import { PurpleAgent } from "../agents/PurpleAgent.ts"
import type { WatchSettings } from "../agents/WatchSettings.ts"
import { addressesOf, type AgentDefinition } from "../campaign/AgentDefinition.ts"
import { type Definition, type Lane, lanesOf } from "../campaign/Definition.ts"
import type { EngineDefinition } from "../campaign/EngineDefinition.ts"
import type { Seat, Seats } from "../campaign/Seat.ts"
import { Engine, type EngineOptions } from "../engine/Engine.ts"
import * as EngineCanary from "../engine/EngineCanary.ts"
import * as ScrapedEvidence from "../engine/ScrapedEvidence.ts"
import { WatchedEngine } from "../engine/WatchedEngine.ts"
import { Grader } from "../grading/Grader.ts"
import { Canary, CanaryOutcome } from "../liveness/Canary.ts"
import { EngineEvidence } from "../liveness/EngineEvidence.ts"
import { EngineGate } from "../liveness/EngineGate.ts"
import { Simulator } from "../simulator/Simulator.ts"
import { inputError, orExit } from "./CommandError.ts"
import { engineOptions } from "./EngineAddress.ts"

const loopback = { host: "127.0.0.1", port: 0 }
const SIMULATED_MODEL = "simulated-model"

/** Fails in one line if an agent or engine cannot be used; nothing is started or stored for it before. */
export const check = Effect.fn("EmbeddedAgents.check")(function*(definition: Pick<Definition, "agents" | "engines">) {
  for (const agent of definition.agents) {
    for (const { command, url } of addressesOf(agent)) {
      // One that we start ourselves is not there yet.
      if (command === null) yield* A2aClient.use((client) => client.check({ url, hop: "purple" }))
    }
  }
  for (const { keyVariable, name, url } of definition.engines) {
    if (url === null) continue
    for (const { maxTokens, model } of modelsOf(definition.agents.filter(({ engine }) => engine === name))) {
      const options = yield* engineOptions({ url, keyVariable, model: model ?? "", maxTokens })
      yield* Engine.use((engine) => model === null ? Effect.asVoid(engine.models) : engine.check).pipe(
        Effect.provide(Engine.layer(options))
      )
    }
  }
}, orExit)

const modelsOf = (agents: ReadonlyArray<AgentDefinition>) =>
  agents.flatMap(({ kind, name }) => kind._tag === "Model" ? [{ ...kind, name }] : [])

export interface StartedAgents {
  readonly seats: Seats
  readonly gate: EngineGate["Service"]
}

/** Starts what is missing and gives the seats, and the gate of the engines. All stops with the scope. */
export const start = Effect.fn("EmbeddedAgents.start")(function*(definition: Definition) {
  const settings = { limits: definition.limits, stallPolicy: definition.stallPolicy }
  // Its only participants are those that the user of the command named.
  const green = yield* Layer.build(
    GreenAgent.layer({ ...loopback, ...settings, participants: AddressRule.any }).pipe(Layer.provide(Grader.layer))
  )
  const greenUrl = Context.get(green, GreenAgent).url
  const seats = new Map<string, Seat>()
  const canaries = new Map<string, Canary["Service"]>()
  for (const lane of lanesOf(definition)) {
    const engine = yield* engineOf(lane, definition.seed)
    if (engine !== undefined) canaries.set(engine.options.baseUrl, engine.canary)
    for (const agent of lane.agents) {
      const endpoint = engine?.options.baseUrl ?? `agent ${agent.name}`
      seats.set(agent.name, { endpoint, ...yield* addressed(agent, greenUrl, engine, settings) })
    }
  }
  const gate = yield* Layer.build(EngineGate.layer().pipe(Layer.provide(canaryOf(canaries))))
  const started: StartedAgents = { seats, gate: Context.get(gate, EngineGate) }
  return started
}, orExit)

interface StartedEngine {
  readonly options: Omit<EngineOptions, "model" | "maxTokens">
  /** What it serves, where an agent leaves that to it. */
  readonly model: string
  readonly evidence: EngineEvidence["Service"]
  readonly canary: Canary["Service"]
}

/** What the agents of a lane share; none where nobody knows their engine. */
const engineOf = Effect.fnUntraced(function*({ agents, engine }: Lane, seed: number) {
  if (engine === null) return undefined
  const { baseUrl, ...options } = yield* addressOf(engine, seed)
  const [first] = modelsOf(agents)
  const model = first?.model ?? (yield* servedModel({ ...options, baseUrl, model: "" }))
  const services = yield* Layer.build(
    EngineCanary.layer({ ...options, baseUrl, model }).pipe(Layer.provideMerge(ScrapedEvidence.layer({ baseUrl })))
  )
  const started: StartedEngine = {
    options: { ...options, baseUrl },
    model,
    evidence: Context.get(services, EngineEvidence),
    canary: Context.get(services, Canary)
  }
  return started
})

/** The engine's address and key; a simulated one is started. */
const addressOf = Effect.fnUntraced(function*({ keyVariable, url }: EngineDefinition, seed: number) {
  if (url !== null) {
    const { apiKey, baseUrl } = yield* engineOptions({ url, keyVariable, model: "", maxTokens: 1 })
    return { baseUrl, apiKey }
  }
  const simulator = yield* Layer.build(Simulator.layer({ ...loopback, seed, model: SIMULATED_MODEL }))
  return { baseUrl: `${Context.get(simulator, Simulator).url}/v1`, apiKey: undefined }
})

const servedModel = (options: EngineOptions) =>
  Engine.use((engine) => engine.models).pipe(
    Effect.provide(Engine.layer(options)),
    Effect.flatMap(([first]) =>
      first === undefined
        ? Effect.fail(inputError(`the engine at ${options.baseUrl} serves no model`))
        : Effect.succeed(first)
    )
  )

/** The addresses of a seat; our own purple agent is started. */
const addressed = Effect.fnUntraced(function*(
  { kind, name }: AgentDefinition,
  greenUrl: string,
  engine: StartedEngine | undefined,
  settings: WatchSettings
) {
  switch (kind._tag) {
    case "Agent":
      return { greenUrl, participants: { agent: kind.address.url } }
    case "Scenario": {
      const participants = Object.fromEntries(kind.participants.map(({ address, role }) => [role, address.url]))
      return { greenUrl: kind.evaluator.url, participants }
    }
    case "Model": {
      if (engine === undefined) return yield* inputError(`agent ${name} is a model, and no engine is named for it`)
      const { maxTokens, model } = kind
      const purple = yield* Layer.build(
        PurpleAgent.layer({ ...loopback, ...settings }).pipe(
          Layer.provide(watchedEngine({ ...engine.options, model: model ?? engine.model, maxTokens }, settings)),
          Layer.provide(Layer.succeed(EngineEvidence, engine.evidence))
        )
      )
      return { greenUrl, participants: { agent: Context.get(purple, PurpleAgent).url } }
    }
  }
})

/** Asks the canary of the endpoint; where there is none, time has to do. */
const canaryOf = (canaries: ReadonlyMap<string, Canary["Service"]>): Layer.Layer<Canary> =>
  Layer.succeed(Canary, {
    check: (endpoint) => canaries.get(endpoint)?.check(endpoint) ?? Effect.succeed(CanaryOutcome.cases.Absent.make({}))
  })

/** The engine, watched; its evidence is the caller's. */
export const watchedEngine = (engine: EngineOptions, settings: WatchSettings) =>
  WatchedEngine.layer({ limits: settings.limits, policy: settings.stallPolicy }).pipe(
    Layer.provideMerge(Engine.layer(engine))
  )
