/**
 * The agents a campaign needs besides those under test, on loopback ports chosen by the system.
 *
 * A green agent always, unless a scenario brings its own; for every agent that is a model, our purple agent in front of
 * its engine. They are the same layers that `campaign serve` runs, and everything between them is HTTP. Agents in front of
 * one engine share its evidence and its canary.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { A2aClient } from "../a2a/A2aClient.ts"
import * as AddressRule from "../a2a/AddressRule.ts"
import { byItself, type Following } from "../agents/FollowedTask.ts"
import { GreenAgent } from "../agents/GreenAgent.ts"
import { PurpleAgent } from "../agents/PurpleAgent.ts"
import type { WatchSettings } from "../agents/WatchSettings.ts"
import { addressesOf, type AgentDefinition } from "../campaign/AgentDefinition.ts"
import { CampaignEngines } from "../campaign/CampaignEngines.ts"
import type { Definition } from "../campaign/Definition.ts"
import type { Seat, Seats } from "../campaign/Seat.ts"
import { Engine, type EngineOptions } from "../engine/Engine.ts"
import { WatchedEngine } from "../engine/WatchedEngine.ts"
import { Grader } from "../grading/Grader.ts"
import { AgentBreaker } from "../liveness/AgentBreaker.ts"
import { Canary, CanaryOutcome } from "../liveness/Canary.ts"
import { EngineEvidence } from "../liveness/EngineEvidence.ts"
import { EngineGate } from "../liveness/EngineGate.ts"
import { LimitLearner } from "../liveness/LimitLearner.ts"
import type { Ticker } from "../liveness/Ticker.ts"
import { inputError, orExit } from "./CommandError.ts"
import * as embeddedGrader from "./embeddedGrader.ts"
import { engineOptions } from "./EngineAddress.ts"
import { modelsOf, type StartedEngine, type StartedEngines } from "./startedEngines.ts"
import type { StartedTaps } from "./startedTaps.ts"

const loopback = { host: "127.0.0.1", port: 0 }

/** Fails in one line if an agent or engine cannot be used; nothing is started or stored for it before. */
export const check = Effect.fn("EmbeddedAgents.check")(function*(definition: Pick<Definition, "agents" | "engines">) {
  for (const agent of definition.agents) {
    const { mode } = agent.following
    for (const { command, url } of addressesOf(agent)) {
      // One that we start ourselves is not there yet.
      if (command !== null) continue
      // Participants of somebody else's green agent are followed by that.
      const isAsked = agent.kind._tag === "Agent" ||
        (agent.kind._tag === "Scenario" && url === agent.kind.evaluator.url)
      const asked = isAsked && mode !== null && mode !== "tap" ? { mode } : {}
      yield* A2aClient.use((client) => client.check({ url, hop: "purple", ...asked }))
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

/** What a runner needs of them. */
type RunnerServices = AgentBreaker | CampaignEngines | EngineGate

export interface StartedAgents {
  readonly seats: Seats
  readonly services: Context.Context<RunnerServices>
}

/** Starts what is missing and gives the seats, and what watches over engines and agents. All stops with the scope. */
export const start = Effect.fn("EmbeddedAgents.start")(function*(
  definition: Definition,
  engines: StartedEngines,
  taps: StartedTaps
) {
  const settings = { limits: definition.limits, stallPolicy: definition.stallPolicy }
  const learner = yield* LimitLearner
  const followings = new Map(definition.agents.map(({ engine, following, name }): [string, Following] => [name, {
    mode: following.mode,
    tap: taps.get(name)?.link ?? null,
    engine: (engine === null ? undefined : engines.get(engine))?.witness ?? null,
    learner
  }]))
  const grader = yield* Layer.build(embeddedGrader.layer<LimitLearner | Ticker>(judgeOf(definition, engines, settings)))
  const { environment: { sandbox } } = Context.get(grader, Grader)
  const green = yield* Layer.build(
    GreenAgent.layer({
      ...loopback,
      ...settings,
      // Its only participants are those that the user of the command named.
      participants: AddressRule.any,
      following: (role) => followings.get(role) ?? byItself
    }).pipe(Layer.provide(Layer.succeedContext(grader)))
  )
  const greenUrl = Context.get(green, GreenAgent).url
  const seats = new Map<string, Seat>()
  for (const agent of definition.agents) {
    const engine = agent.engine === null ? undefined : engines.get(agent.engine)
    const endpoint = engine?.options.baseUrl ?? `agent ${agent.name}`
    const isScenario = agent.kind._tag === "Scenario"
    seats.set(agent.name, {
      endpoint,
      sandbox,
      // Our own green agent tells everything, and follows the agent under test itself.
      following: isScenario ? followings.get(agent.name)! : byItself,
      ...yield* addressed(agent, greenUrl, engine, settings)
    })
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

/** The addresses of a seat; our own purple agent is started. */
const addressed = Effect.fnUntraced(function*(
  { kind, name }: AgentDefinition,
  greenUrl: string,
  engine: StartedEngine | undefined,
  settings: WatchSettings
) {
  switch (kind._tag) {
    case "Agent":
      return { greenUrl, participants: { [name]: kind.address.url } }
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
      return { greenUrl, participants: { [name]: Context.get(purple, PurpleAgent).url } }
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
  scraped: (name) => engines.get(name)?.scraped ?? Effect.succeed(undefined),
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
