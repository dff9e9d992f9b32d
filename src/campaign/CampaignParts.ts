/**
 * The parts of a campaign that a program may bring, each in the place of ours; what it does not bring is ours.
 *
 * A part is a layer that needs nothing: whoever's own needs something provides that first. Each lives as long as the
 * campaign, but for the queue, which is made anew each time that the campaign is played. What a campaign keeps is none of
 * them: its store, its desk and what its runs have taught are the requirements of `Campaign.layer`.
 */
import type * as Layer from "effect/Layer"
import type { A2aClient } from "../a2a/A2aClient.ts"
import type { Grader } from "../grading/Grader.ts"
import type { AgentBreaker } from "../liveness/AgentBreaker.ts"
import type { EngineGate } from "../liveness/EngineGate.ts"
import type { Ticker } from "../liveness/Ticker.ts"
import type { BattleQueue } from "./BattleQueue.ts"
import type { CampaignEngines } from "./CampaignEngines.ts"
import type { ReplaceableEngineParts } from "./parts/EngineParts.ts"

/** What stands in the place of ours. */
export interface CampaignParts extends Partial<ReplaceableEngineParts> {
  /** Speaks to agents. Ours finds their tokens in the variables that the definition names. */
  readonly client?: Layer.Layer<A2aClient>
  /** Grades the answers of all tasks but those of somebody else's green agent. */
  readonly grader?: Layer.Layer<Grader>
  /** Lets battles in at engines. Its endpoints are the base URLs of engines, or `agent NAME`. */
  readonly gate?: Layer.Layer<EngineGate>
  /** Lets battles in at agents, by their names. */
  readonly breaker?: Layer.Layer<AgentBreaker>
  /** Says what engines are, and how long requests wait in them. */
  readonly engines?: Layer.Layer<CampaignEngines>
  /** Between who decides which battle is next and who plays it. */
  readonly queue?: Layer.Layer<BattleQueue>
  /** How often liveness is looked at. */
  readonly ticker?: Layer.Layer<Ticker>
  /** The folder for what agents say that the definition starts; `campaign-ID.logs` unless given. */
  readonly logs?: string
}
