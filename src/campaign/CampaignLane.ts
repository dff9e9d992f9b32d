/**
 * A lane while its campaign runs: how many of its battles may run at once, how many do, and what its engine is.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { AgentDefinition } from "./AgentDefinition.ts"
import * as ConcurrencyStep from "./ConcurrencyStep.ts"
import type { Lane } from "./Definition.ts"
import * as EngineEpochStep from "./EngineEpochStep.ts"
import type { EngineLoad } from "./EngineLoad.ts"

export class CampaignLane {
  readonly name: string
  readonly lane: Lane
  readonly rules: EngineEpochStep.EpochRules | undefined
  concurrency: ConcurrencyStep.ConcurrencyState
  /** Battles that have been offered, or are played. */
  inFlight = 0
  epochs: EngineEpochStep.EpochState = EngineEpochStep.initial
  /** The current epoch, as it was told. */
  epochTold: EngineEpochStep.EpochBegan | null = null
  /** What its engine said last of its load. */
  load: EngineLoad | null = null
  /** The store's number of the current epoch. */
  epoch: number | null = null
  /** When its engine was last looked at, in milliseconds of the monotonic clock. */
  lookedAtMillis = -Infinity
  readonly #waiting = new Set<Deferred.Deferred<void>>()

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

  /** Completes when whoever waits for a gate of this lane shall not wait any more. */
  get released(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const waiting = Deferred.makeUnsafe<void>()
      this.#waiting.add(waiting)
      return Effect.ensuring(Deferred.await(waiting), Effect.sync(() => this.#waiting.delete(waiting)))
    })
  }

  /** Lets everybody go who waits for a gate: nothing of the lane is begun for now. */
  release(): void {
    for (const waiting of this.#waiting) Deferred.doneUnsafe(waiting, Exit.void)
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
