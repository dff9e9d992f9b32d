/** Campaigns for tests. */
import type { Definition } from "../../src/campaign/Definition.ts"
import { runLength } from "../../src/grading/DemonstrationTasks.ts"
import { defaults, withPatience } from "../../src/liveness/LivenessLimits.ts"

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
    agent: "agent-1",
    target: { _tag: "Demonstration" },
    tasks: [first!, ...rest],
    repetitions: options.repetitions ?? 1,
    concurrency: options.concurrency ?? 1,
    seed: options.seed ?? 1,
    limits: withPatience(defaults, 60_000),
    stallPolicy: "enforce",
    hardCapMillis: null
  }
}
