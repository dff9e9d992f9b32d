/**
 * A lane while its campaign runs: how many of its battles may run at once, how many do, and what its engine is.
 */
import type { AgentDefinition } from "./AgentDefinition.ts"
import * as ConcurrencyStep from "./ConcurrencyStep.ts"
import type { Lane } from "./Definition.ts"
import * as EngineEpochStep from "./EngineEpochStep.ts"

export class CampaignLane {
  readonly name: string
  readonly lane: Lane
  readonly rules: EngineEpochStep.EpochRules | undefined
  concurrency: ConcurrencyStep.ConcurrencyState
  /** Battles that have been offered, or are played. */
  inFlight = 0
  epochs: EngineEpochStep.EpochState = EngineEpochStep.initial
  /** The store's number of the current epoch. */
  epoch: number | null = null
  /** When its engine was last looked at, in milliseconds of the monotonic clock. */
  lookedAtMillis = -Infinity

  constructor(lane: Lane) {
    this.name = lane.name
    this.lane = lane
    this.concurrency = ConcurrencyStep.initial(lane.concurrency)
    this.rules = lane.engine === null ? undefined : {
      engine: lane.engine.name,
      named: [...new Set(lane.agents.flatMap(modelOf))],
      anyModel: lane.agents.some(({ kind }) => kind._tag === "Model" && kind.model === null),
      onModelChange: lane.engine.onModelChange
    }
  }

  get limit(): number {
    return ConcurrencyStep.limitOf(this.concurrency)
  }

  get hasRoom(): boolean {
    return this.inFlight < this.limit
  }

  /** Why it begins nothing; `null` where it does. */
  get halted(): string | null {
    return this.epochs.halted
  }
}

const modelOf = ({ kind }: AgentDefinition): ReadonlyArray<string> =>
  kind._tag === "Model" && kind.model !== null ? [kind.model] : []
