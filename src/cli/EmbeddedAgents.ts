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
import { CampaignEngines } from "../campaign/CampaignEngines.ts"
import type { Definition } from "../campaign/Definition.ts"
import type { EngineDefinition } from "../campaign/EngineDefinition.ts"
import type { Seat, Seats } from "../campaign/Seat.ts"
import { Engine, type EngineOptions } from "../engine/Engine.ts"
import * as EngineCanary from "../engine/EngineCanary.ts"
import { EngineInspection } from "../engine/EngineInspection.ts"
import * as ScrapedEvidence from "../engine/ScrapedEvidence.ts"
import { WatchedEngine } from "../engine/WatchedEngine.ts"
import { Grader } from "../grading/Grader.ts"
import { AgentBreaker } from "../liveness/AgentBreaker.ts"
import { Canary, CanaryOutcome } from "../liveness/Canary.ts"
import { EngineEvidence } from "../liveness/EngineEvidence.ts"
import { EngineGate } from "../liveness/EngineGate.ts"
import type { LimitLearner } from "../liveness/LimitLearner.ts"
import type { Ticker } from "../liveness/Ticker.ts"
import { Simulator } from "../simulator/Simulator.ts"
import { inputError, orExit } from "./CommandError.ts"
import * as embeddedGrader from "./embeddedGrader.ts"
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

/** What a runner needs of them. */
type RunnerServices = AgentBreaker | CampaignEngines | EngineGate

export interface StartedAgents {
  readonly seats: Seats
  readonly services: Context.Context<RunnerServices>
}

/** Starts what is missing and gives the seats, and what watches over engines and agents. All stops with the scope. */
export const start = Effect.fn("EmbeddedAgents.start")(function*(definition: Definition) {
  const settings = { limits: definition.limits, stallPolicy: definition.stallPolicy }
  const engines = new Map<string, StartedEngine>()
  for (const engine of definition.engines) {
    const models = modelsOf(definition.agents.filter((agent) => agent.engine === engine.name)).map(({ model }) => model)
    const isJudge = definition.judge?.engine === engine.name
    if (models.length > 0 || isJudge || definition.agents.some((agent) => agent.engine === engine.name)) {
      engines.set(
        engine.name,
        yield* startEngine(engine, models[0] ?? definition.judge?.model ?? null, definition.seed)
      )
    }
  }
  const grader = yield* Layer.build(embeddedGrader.layer<LimitLearner | Ticker>(judgeOf(definition, engines, settings)))
  const { environment: { sandbox } } = Context.get(grader, Grader)
  // Its only participants are those that the user of the command named.
  const green = yield* Layer.build(
    GreenAgent.layer({ ...loopback, ...settings, participants: AddressRule.any }).pipe(
      Layer.provide(Layer.succeedContext(grader))
    )
  )
  const greenUrl = Context.get(green, GreenAgent).url
  const seats = new Map<string, Seat>()
  for (const agent of definition.agents) {
    const engine = agent.engine === null ? undefined : engines.get(agent.engine)
    const endpoint = engine?.options.baseUrl ?? `agent ${agent.name}`
    seats.set(agent.name, { endpoint, sandbox, ...yield* addressed(agent, greenUrl, engine, settings) })
  }
  const client = yield* A2aClient
  const services = yield* Layer.build(Layer.mergeAll(
    EngineGate.layer().pipe(Layer.provide(canaryOf(engines))),
    AgentBreaker.layer({ failures: definition.policy.breakerFailures }).pipe(
      Layer.provide(cardsOf(client, definition.agents))
    ),
    Layer.succeed(CampaignEngines, enginesOf(engines))
  ))
  const started: StartedAgents = { seats, services }
  return started
}, orExit)

/** The judge on its engine, watched as everything else; none where the campaign has none. */
const judgeOf = (
  { judge }: Definition,
  engines: ReadonlyMap<string, StartedEngine>,
  settings: WatchSettings
): Layer.Layer<WatchedEngine, never, LimitLearner | Ticker> | undefined => {
  const engine = judge === null ? undefined : engines.get(judge.engine)
  return judge === null || engine === undefined ? undefined : onEngine(engine, judge.model, judge.maxTokens, settings)
}

/** A model of an engine that has been started, watched. */
const onEngine = (engine: StartedEngine, model: string | null, maxTokens: number, settings: WatchSettings) =>
  watchedEngine({
    ...engine.options,
    model: model ?? engine.model,
    currentModel: model === null ? () => engine.model : undefined,
    maxTokens
  }, settings).pipe(Layer.provide(Layer.succeed(EngineEvidence, engine.evidence)))

interface StartedEngine {
  readonly name: string
  readonly options: Omit<EngineOptions, "model" | "maxTokens">
  /** What it serves, where an agent leaves that to it; another one after a change of models. */
  model: string
  readonly inspection: EngineInspection["Service"]
  readonly evidence: EngineEvidence["Service"]
  readonly canary: Canary["Service"]
}

/** What all that asks an engine shares. The canary asks for `named`, or for what is served first. */
const startEngine = Effect.fnUntraced(function*(engine: EngineDefinition, named: string | null, seed: number) {
  const { baseUrl, ...options } = yield* addressOf(engine, seed)
  const model = named ?? (yield* servedModel({ ...options, baseUrl, model: "" }))
  const currentModel = named === null ? () => started.model : undefined
  const services = yield* Layer.build(
    EngineCanary.layer({ ...options, baseUrl, model, currentModel }).pipe(
      Layer.provideMerge(ScrapedEvidence.layer({ baseUrl })),
      Layer.merge(EngineInspection.layer({ ...options, baseUrl }))
    )
  )
  const started: StartedEngine = {
    name: engine.name,
    options: { ...options, baseUrl },
    model,
    inspection: Context.get(services, EngineInspection),
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
      // Its own green agent grades, in whatever way.
      return { greenUrl: kind.evaluator.url, participants, sandbox: null }
    }
    case "Model": {
      if (engine === undefined) return yield* inputError(`agent ${name} is a model, and no engine is named for it`)
      const purple = yield* Layer.build(
        PurpleAgent.layer({ ...loopback, ...settings }).pipe(
          Layer.provide(onEngine(engine, kind.model, kind.maxTokens, settings))
        )
      )
      return { greenUrl, participants: { agent: Context.get(purple, PurpleAgent).url } }
    }
  }
})

/** Asks the canary of the endpoint; where there is none, time has to do. */
const canaryOf = (engines: ReadonlyMap<string, StartedEngine>): Layer.Layer<Canary> => {
  const canaries = new Map(Array.from(engines.values(), ({ canary, options }) => [options.baseUrl, canary]))
  return Layer.succeed(Canary, {
    check: (endpoint) => canaries.get(endpoint)?.check(endpoint) ?? Effect.succeed(CanaryOutcome.cases.Absent.make({}))
  })
}

/** Asks for the card of an agent, by its name. One of our own cannot be gone. */
const cardsOf = (client: A2aClient["Service"], agents: ReadonlyArray<AgentDefinition>): Layer.Layer<Canary> => {
  const { Failed, Passed } = CanaryOutcome.cases
  const passed = Passed.make({ tokens: 0, stepMillis: 0, binding: "unproven" })
  const addresses = new Map(agents.map((agent) => [agent.name, addressesOf(agent)]))
  return Layer.succeed(Canary, {
    check: (agent) =>
      Effect.forEach(addresses.get(agent) ?? [], ({ url }) => client.check({ url, hop: "purple" }), {
        discard: true
      }).pipe(
        Effect.as(passed),
        Effect.timeoutOrElse({ duration: CARD_PATIENCE, orElse: () => Effect.succeed(gone("its card has not come")) }),
        Effect.catch(({ message }) => Effect.succeed(Failed.make({ why: message })))
      )
  })
}

const CARD_PATIENCE = "30 seconds"
const gone = (why: string): CanaryOutcome => CanaryOutcome.cases.Failed.make({ why })

const enginesOf = (engines: ReadonlyMap<string, StartedEngine>): CampaignEngines["Service"] => ({
  look: (name) => engines.get(name)?.inspection.look ?? Effect.succeed(undefined),
  queueTimes: (name) => engines.get(name)?.inspection.queueTimes ?? Effect.succeed(undefined),
  serve: (name, model) =>
    Effect.sync(() => {
      const engine = engines.get(name)
      if (engine !== undefined) engine.model = model
    })
})

/** The engine, watched; its evidence is the caller's. */
export const watchedEngine = (engine: EngineOptions, settings: WatchSettings) =>
  WatchedEngine.layer({ limits: settings.limits, policy: settings.stallPolicy }).pipe(
    Layer.provideMerge(Engine.layer(engine))
  )
