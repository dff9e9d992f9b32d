/**
 * Campaigns under the test clock with agents that are streams: the real runner, plan, queue, histories and store, and of
 * the gate, the breaker and the engines what a test gives.
 *
 * An agent is a function from what its green agent is asked, and how often it has been, to the stream of that attempt.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { A2aClient, type A2aMessage } from "../../src/a2a/A2aClient.ts"
import { Artifact, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { byItself } from "../../src/agents/FollowedTask.ts"
import type { AgentDefinition } from "../../src/campaign/AgentDefinition.ts"
import { asItCan } from "../../src/campaign/AgentFollowing.ts"
import { BattleQueue } from "../../src/campaign/BattleQueue.ts"
import { CampaignEngines } from "../../src/campaign/CampaignEngines.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as CampaignRunner from "../../src/campaign/CampaignRunner.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import type { EngineDefinition } from "../../src/campaign/EngineDefinition.ts"
import type { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import type { Seats } from "../../src/campaign/Seat.ts"
import { fromTests } from "../../src/grading/Grade.ts"
import { AgentBreaker } from "../../src/liveness/AgentBreaker.ts"
import { EngineGate } from "../../src/liveness/EngineGate.ts"
import { Failed, type FailReason } from "../../src/liveness/Failed.ts"
import type { Hop } from "../../src/liveness/Hop.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Finish } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"
import { definitionOf } from "../support/campaigns.ts"

const grade = fromTests([{ outcome: "passed" }])
const result = Artifact.make({
  artifactId: "result",
  name: "result",
  parts: [{ _tag: "Data", data: { results: [{ task: "a", participant: "agent", grade, reason: null }] } }]
} as never)

/** A battle that takes so long, says something every second, and is scored. */
export const scoredAfter = (seconds: number): Stream.Stream<TaskEvent> =>
  Stream.concat(
    Stream.tick(1000).pipe(Stream.take(seconds + 1), Stream.map(() => said("x"))),
    Stream.make<ReadonlyArray<TaskEvent>>(Finish.make({ reason: "stop" }), result)
  )

/** It fails at once. */
export const failsWith = (hop: Hop, reason: FailReason): Stream.Stream<TaskEvent, RunError> =>
  Stream.fail(new Failed({ hop, tokens: 0, reason }))

/** An agent in front of an engine. */
export const agentAt = (name: string, engine: string | null): AgentDefinition => ({
  name,
  engine,
  concurrency: null,
  following: asItCan,
  kind: { _tag: "Model", model: null, maxTokens: 500 }
})

export const engineNamed = (name: string, more: Partial<EngineDefinition> = {}): EngineDefinition => ({
  name,
  url: null,
  keyVariable: null,
  concurrency: null,
  onModelChange: "stop",
  ...more
})

/** A campaign of several agents and engines. */
export const campaignOf = (
  options: Parameters<typeof definitionOf>[0] & Partial<Pick<Definition, "engines" | "agents">> & {
    readonly policy?: Partial<Definition["policy"]>
  }
): Definition => {
  const definition = definitionOf(options)
  return {
    ...definition,
    engines: options.engines ?? definition.engines,
    agents: options.agents ?? definition.agents,
    policy: { ...definition.policy, ...options.policy }
  }
}

/** The name of the agent that a message is for is the host of its green agent. */
const seatsOf = ({ agents }: Definition): Seats =>
  new Map(agents.map(({ engine, name }) => [name, {
    greenUrl: `http://${name}/`,
    participants: { agent: `http://purple-of-${name}/` },
    endpoint: `http://${engine ?? name}/v1`,
    sandbox: null,
    following: byItself
  }]))

export interface VirtualOptions {
  readonly definition: Definition
  /** The stream of an attempt; `asked` counts what this agent was sent, from 1. */
  readonly agent?: (name: string, asked: number, message: A2aMessage) => Stream.Stream<TaskEvent, RunError>
  /** Instead of `agent`: whoever is sent the attempts, and where. */
  readonly client?: Layer.Layer<A2aClient, never, Ticker>
  readonly seats?: Seats
  readonly services?: Layer.Layer<AgentBreaker | EngineGate | CampaignEngines>
  /** What else happens meanwhile. */
  readonly beside?: Effect.Effect<void, never, CampaignStore | RunnerDesk>
  readonly onEvent?: (event: CampaignEvent) => Effect.Effect<void>
  /** It ends by itself before that; one hour unless given. */
  readonly withinSeconds?: number
}

/** Nobody watches over engines and agents. */
export const unwatched = {
  gate: EngineGate.layerNone,
  breaker: AgentBreaker.layerNone,
  engines: CampaignEngines.layerNone
}

const none = Layer.mergeAll(unwatched.gate, unwatched.breaker, unwatched.engines)

/** One run of the campaign in the store: all of it for the first, what is left of it for the next. */
export const runStored = Effect.fnUntraced(function*(options: VirtualOptions) {
  const asked = new Map<string, number>()
  const { agent = () => Stream.never } = options
  const agents = Layer.succeed(A2aClient, {
    check: () => Effect.succeed({ name: "agent", streams: true, exact: true }),
    send: (message: A2aMessage) =>
      Stream.suspend(() => {
        const name = new URL(message.url).hostname
        asked.set(name, (asked.get(name) ?? 0) + 1)
        return agent(name, asked.get(name)!, message)
      })
  })
  const store = yield* CampaignStore
  const stored = Effect.flatMap(store.load, Effect.fromOption)
  const events: Array<CampaignEvent> = []
  const campaign = yield* stored
  const services = yield* Layer.build(
    Layer.mergeAll(
      options.client ?? agents,
      options.services ?? none,
      Layer.fresh(BattleQueue.layerMemory)
    ).pipe(Layer.provideMerge(Layer.fresh(Ticker.layer())))
  )
  const fiber = yield* CampaignRunner.run({
    campaign,
    seats: options.seats ?? seatsOf(campaign.definition),
    onEvent: (event) =>
      Effect.suspend(() => {
        events.push(event)
        return options.onEvent?.(event) ?? Effect.void
      })
  }).pipe(Effect.provide(services), Effect.forkChild({ startImmediately: true }))
  const beside = yield* Effect.forkChild(options.beside ?? Effect.void, { startImmediately: true })
  const within = options.withinSeconds ?? 3600
  for (let seconds = 0; seconds < within && fiber.pollUnsafe() === undefined; seconds += 10) {
    yield* TestClock.adjust("10 seconds")
  }
  assert.isDefined(fiber.pollUnsafe(), JSON.stringify(events.slice(-5)))
  const end = yield* Fiber.join(fiber)
  yield* Fiber.interrupt(beside)
  const { attempts, battles } = yield* stored
  return { events, end, attempts, battles, asked }
})

/** The campaign, played once from its beginning. */
export const play = (options: VirtualOptions) =>
  Effect.gen(function*() {
    const store = yield* CampaignStore
    yield* store.create(options.definition, null)
    return yield* runStored(options)
  }).pipe(Effect.scoped, Effect.provide(Layer.fresh(CampaignStore.layerMemory)), Effect.orDie)

type Tag = CampaignEvent["_tag"]
interface Events {
  readonly events: ReadonlyArray<CampaignEvent>
}

/** The events of a kind. */
export const told = <T extends Tag>({ events }: Events, tag: T) =>
  events.filter((event): event is Extract<CampaignEvent, { readonly _tag: T }> => event._tag === tag)

/** When attempts of an agent began, in milliseconds. */
export const beganOf = (played: Events, agent: string): ReadonlyArray<number> =>
  told(played, "AttemptBegan").flatMap(({ atMillis, battle }) => battle.agent === agent ? [atMillis] : [])
