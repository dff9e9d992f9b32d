/**
 * The evaluator: an A2A server that plays tasks against purple agents and grades the answers, one battle or a whole plan.
 *
 * It keeps AgentBeats' contract: an assessment request in, `working` updates as the visible log, one artifact with one
 * data part as the result, `rejected` with one line for what it cannot serve. What is seen of a battle while it goes on is
 * decided in AssessmentBattle.ts.
 *
 * Its requests name URLs, so it connects only where a rule allows it: what the URL and its name's addresses tell is checked
 * before any bout is played, and every connection made for a participant once more.
 *
 * An assessment of one bout that breaks fails with the error of the hop that broke, so that a campaign runner can tell
 * stalled from failed. In a longer assessment it becomes a row without a score, with its reason; never a score of 0.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { A2aClient } from "../a2a/A2aClient.ts"
import * as A2aServer from "../a2a/A2aServer.ts"
import * as AddressRule from "../a2a/AddressRule.ts"
import type { AgentDescription } from "../a2a/AgentCard.ts"
import type { ListenError } from "../a2a/ListenError.ts"
import { Grader } from "../grading/Grader.ts"
import { Ticker } from "../liveness/Ticker.ts"
import { version } from "../version.ts"
import { makeExecutor } from "./AssessmentExecutor.ts"
import type { Pace } from "./BattleProgress.ts"
import type { Following } from "./FollowedTask.ts"
import * as TaskGrading from "./TaskGrading.ts"
import type { WatchSettings } from "./WatchSettings.ts"

export type { WitnessedRun } from "../liveness/EngineWitness.ts"
export type { Told } from "../liveness/Heartbeat.ts"
export type { UnseenRun, WitnessedEngine } from "../liveness/WitnessedEngine.ts"
export { AssessmentResult } from "./AssessmentResult.ts"
export type { Pace } from "./BattleProgress.ts"
export type { Following, TapLink } from "./FollowedTask.ts"

/** How the agent is served, and how it plays. */
export interface GreenAgentOptions extends WatchSettings, A2aServer.ServeOptions {
  /** What its card says; that of our own unless given. */
  readonly description?: AgentDescription | undefined
  /** Where participants may be; unless given, at public addresses, and on loopback if it listens there itself. */
  readonly participants?: AddressRule.AddressRule | undefined
  /** How the participant of a role is followed; unless given, in the best way that it can. */
  readonly following?: ((role: string) => Following) | undefined
  /** How often clients that see no tokens are told of a battle that goes on. */
  readonly pace?: Pace | undefined
}

/** An evaluator that is being served. */
export class GreenAgent extends Context.Service<GreenAgent, {
  /** Where it listens, such as `http://127.0.0.1:9009/`. */
  readonly url: string
}>()("a2a-campaign/GreenAgent") {
  /** The evaluator that grades by the `Grader` of the context. Fails where it cannot listen. */
  static readonly layer = (
    options: GreenAgentOptions
  ): Layer.Layer<GreenAgent, ListenError, A2aClient | Grader | Ticker> =>
    Layer.effect(
      GreenAgent,
      Effect.gen(function*() {
        const client = yield* A2aClient
        const grading = TaskGrading.fromGrader(yield* Grader)
        const ticker = yield* Ticker
        return yield* A2aServer.serve({
          ...options,
          description: options.description ?? {
            name: "green agent of a2a-campaign",
            description: "Gives programming tasks to purple agents and runs hidden tests against their answers.",
            version,
            skill: {
              id: "assess",
              name: "assess",
              description: "Takes an AgentBeats assessment request and returns a score for every task.",
              tags: ["evaluation", "agentbeats"]
            }
          },
          executor: makeExecutor({
            client,
            grading,
            ticker,
            settings: options,
            pace: options.pace,
            rule: options.participants ?? AddressRule.forListener(options.host),
            following: options.following
          })
        })
      })
    )
}
