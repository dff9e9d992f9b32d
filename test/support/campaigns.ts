/** Campaigns for tests. */
import * as Layer from "effect/Layer"
import { byItself } from "../../src/agents/FollowedTask.ts"
import type { AgentKind } from "../../src/campaign/AgentDefinition.ts"
import { asItCan } from "../../src/campaign/AgentFollowing.ts"
import { BattleQueue } from "../../src/campaign/BattleQueue.ts"
import { CampaignEngines } from "../../src/campaign/CampaignEngines.ts"
import { fixed } from "../../src/campaign/Concurrency.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import { defaultPolicy } from "../../src/campaign/FailurePolicy.ts"
import type { Seats } from "../../src/campaign/Seat.ts"
import { runLength } from "../../src/grading/DemonstrationTasks.ts"
import { AgentBreaker } from "../../src/liveness/AgentBreaker.ts"
import { EngineGate } from "../../src/liveness/EngineGate.ts"
import { defaults, withPatience } from "../../src/liveness/LivenessLimits.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"

/** One agent, in front of one engine. */
export const underTest = (kind: AgentKind, url: string | null = null): Pick<Definition, "agents" | "engines"> => ({
  engines: [{ name: "engine-1", url, keyVariable: null, concurrency: null, onModelChange: "stop" }],
  agents: [{ name: "agent-1", engine: "engine-1", concurrency: null, kind, following: asItCan }]
})

/** What a runner needs where nobody watches engines and agents. */
export const plainRunner = Layer.mergeAll(
  AgentBreaker.layerNone,
  EngineGate.layerNone,
  BattleQueue.layerMemory,
  CampaignEngines.layerNone,
  Ticker.layer()
)

/** Where the battles of that agent are played. */
export const seats: Seats = new Map([["agent-1", {
  greenUrl: "http://green/",
  participants: { agent: "http://purple/" },
  endpoint: "http://engine/v1",
  sandbox: null,
  following: byItself
}]])

/** A campaign with tasks of these names. */
export const definitionOf = (options: {
  readonly tasks?: ReadonlyArray<string>
  readonly repetitions?: number
  readonly concurrency?: number
  readonly seed?: number
}): Definition => {
  const [first, ...rest] = (options.tasks ?? ["a"]).map((id) => ({ ...runLength, id }))
  return {
    id: "campaign-1",
    ...underTest({ _tag: "Model", model: null, maxTokens: 500 }),
    tasks: [first!, ...rest],
    repetitions: options.repetitions ?? 1,
    concurrency: fixed(options.concurrency ?? 1),
    seed: options.seed ?? 1,
    policy: defaultPolicy,
    judge: null,
    limits: withPatience(defaults, 60_000),
    stallPolicy: "enforce",
    hardCapMillis: null
  }
}
