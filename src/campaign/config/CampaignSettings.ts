/**
 * What a file of settings comes to: a campaign's definition but for its id, which whoever begins the campaign gives it.
 *
 * Laws: everything in it may be stored: it holds names of variables and no secret. Every number in it has an origin.
 */
import * as Schema from "effect/Schema"
import { Task } from "../../grading/Task.ts"
import { LivenessLimits } from "../../liveness/LivenessLimits.ts"
import { StallPolicy } from "../../liveness/StallPolicy.ts"
import { AgentDefinition } from "../AgentDefinition.ts"
import { Concurrency } from "../Concurrency.ts"
import { EngineDefinition } from "../EngineDefinition.ts"
import { FailurePolicy } from "../FailurePolicy.ts"

export const CampaignSettings = Schema.Struct({
  tasks: Schema.NonEmptyArray(Task),
  engines: Schema.Array(EngineDefinition),
  agents: Schema.NonEmptyArray(AgentDefinition),
  repetitions: Schema.Int.check(Schema.isGreaterThan(0)),
  /** For engines and agents that name none. */
  concurrency: Concurrency,
  seed: Schema.Int,
  policy: FailurePolicy,
  limits: LivenessLimits,
  stallPolicy: StallPolicy,
  /** What an attempt may take in all, in milliseconds; `null` for as long as it lives. */
  hardCapMillis: Schema.NullOr(Schema.Finite.check(Schema.isGreaterThan(0)))
})
export type CampaignSettings = typeof CampaignSettings.Type
