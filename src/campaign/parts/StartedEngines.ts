/**
 * The engines of a campaign: their addresses and keys, what they serve, and what watches over each. A simulated one is
 * started, on a loopback port chosen by the system. What an engine is made of is `EngineParts`.
 *
 * All that asks an engine, or is asked about it, shares its evidence.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { Engine, type EngineOptions } from "../../engine/Engine.ts"
import { EngineInspection } from "../../engine/EngineInspection.ts"
import { Canary } from "../../liveness/Canary.ts"
import { EngineEvidence } from "../../liveness/EngineEvidence.ts"
import { defaults } from "../../liveness/LivenessLimits.ts"
import { Ticker } from "../../liveness/Ticker.ts"
import * as WitnessedEngine from "../../liveness/WitnessedEngine.ts"
import type { AgentDefinition } from "../AgentDefinition.ts"
import { type CampaignError, engineError, orUnusable } from "../CampaignError.ts"
import { engineAddress } from "../config/httpAddress.ts"
import type { Definition } from "../Definition.ts"
import type { EngineDefinition } from "../EngineDefinition.ts"
import type { Scraped } from "../EngineLoad.ts"
import { engineKey } from "./engineKey.ts"
import { EngineParts } from "./EngineParts.ts"

export interface StartedEngine {
  readonly name: string
  readonly options: Omit<EngineOptions, "model" | "maxTokens">
  /** What it serves, where an agent leaves that to it; another one after a change of models. */
  model: string
  readonly inspection: EngineInspection["Service"]
  readonly evidence: EngineEvidence["Service"]
  /** The same for agents whose calls we do not see. */
  readonly witness: WitnessedEngine.WitnessedEngine
  readonly canary: Canary["Service"]
  /** The last scrape of its metrics; `undefined` where it says nothing of now. */
  readonly scraped: Effect.Effect<Scraped | undefined>
}

/** By their names. */
export type StartedEngines = ReadonlyMap<string, StartedEngine>

/** Those that are used for anything. All stops with the scope. */
export const start = Effect.fn("StartedEngines.start")(function*(
  { agents, engines, judge, seed }: Pick<Definition, "agents" | "engines" | "judge" | "seed">
) {
  const started = new Map<string, StartedEngine>()
  for (const engine of engines) {
    const models = modelsOf(agents.filter((agent) => agent.engine === engine.name)).map(({ model }) => model)
    const isJudge = judge?.engine === engine.name
    if (models.length > 0 || isJudge || agents.some((agent) => agent.engine === engine.name)) {
      started.set(engine.name, yield* startEngine(engine, models[0] ?? judge?.model ?? null, seed))
    }
  }
  return started as StartedEngines
})

/** The agents that are models of ours. */
export const modelsOf = (agents: ReadonlyArray<AgentDefinition>) =>
  agents.flatMap(({ kind, name }) => kind._tag === "Model" ? [{ ...kind, name }] : [])

/** What all that asks an engine shares. The canary asks for `named`, or for what is served first. */
const startEngine = Effect.fnUntraced(function*(engine: EngineDefinition, named: string | null, seed: number) {
  const parts = yield* EngineParts
  const { baseUrl, ...options } = yield* addressOf(engine, seed)
  const model = named ?? (yield* servedModel(engine.name, { ...options, baseUrl, model: "" }))
  const currentModel = named === null ? () => started.model : undefined
  const clock = yield* Clock.Clock
  let last: Scraped | undefined
  const services = yield* Layer.build(
    parts.canary(engine.name, { ...options, baseUrl, model, currentModel }).pipe(
      Layer.provideMerge(parts.evidence(engine.name, {
        baseUrl,
        onScrape: ({ at, outcome }) => {
          last = typeof outcome === "string" ? undefined : { atMillis: at, sample: outcome }
        }
      })),
      Layer.merge(parts.inspection({ ...options, baseUrl }))
    )
  )
  const evidence = Context.get(services, EngineEvidence)
  const started: StartedEngine = {
    name: engine.name,
    options: { ...options, baseUrl },
    model,
    inspection: Context.get(services, EngineInspection),
    evidence,
    witness: WitnessedEngine.make({
      evidence,
      ticker: yield* Ticker,
      endpoint: baseUrl,
      model: () => started.model
    }),
    canary: Context.get(services, Canary),
    // Nobody reads the metrics while no battle runs.
    scraped: Effect.sync(() =>
      last !== undefined &&
        Number(clock.monotonicTimeNanosUnsafe()) / 1e6 - last.atMillis <= defaults.evidenceFreshMillis
        ? last
        : undefined
    )
  }
  return started
})

/** The engine's address and key; a simulated one is started. */
const addressOf = Effect.fnUntraced(function*({ keyVariable, name, url }: EngineDefinition, seed: number) {
  if (url === null) {
    const { simulated } = yield* EngineParts
    return { baseUrl: yield* simulated(name, seed), apiKey: undefined }
  }
  return yield* addressAndKey(name, url, keyVariable)
})

/** Where an engine is, and its key. Fails in one line. */
export const addressAndKey = Effect.fnUntraced(function*(name: string, url: string, keyVariable: string | null) {
  const address = engineAddress(url)
  if (Result.isFailure(address)) {
    return yield* engineError(
      name,
      `engine ${name}: expected an address that begins with http:// or https:// and holds neither a key nor a query, such as ` +
        "http://127.0.0.1:8000/v1"
    )
  }
  return { baseUrl: address.success, apiKey: yield* engineKey(name, keyVariable) }
})

const servedModel = (name: string, options: EngineOptions): Effect.Effect<string, CampaignError, EngineParts> =>
  EngineParts.use(({ engine }) =>
    Engine.use((engine) => engine.models).pipe(
      Effect.provide(engine(name, options), { local: true }),
      orUnusable((detail) => engineError(name, detail)),
      Effect.flatMap(([first]) =>
        first === undefined
          ? Effect.fail(engineError(name, `the engine at ${options.baseUrl} serves no model`))
          : Effect.succeed(first)
      )
    )
  )
