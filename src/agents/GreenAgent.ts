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
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { A2aClient } from "../a2a/A2aClient.ts"
import * as A2aServer from "../a2a/A2aServer.ts"
import * as AddressRule from "../a2a/AddressRule.ts"
import type { AgentExecutor } from "../a2a/AgentExecutor.ts"
import { oneLine } from "../a2a/AgentFault.ts"
import { refusalOfUrl } from "../a2a/GuardedDispatcher.ts"
import type { ListenError } from "../a2a/ListenError.ts"
import { Artifact, Ended, type TaskEvent } from "../a2a/TaskEvent.ts"
import { Grader } from "../grading/Grader.ts"
import type { RunError } from "../liveness/RunError.ts"
import { Ticker } from "../liveness/Ticker.ts"
import { version } from "../version.ts"
import * as AssessmentBattle from "./AssessmentBattle.ts"
import type { PlannedBattle } from "./AssessmentPlan.ts"
import * as AssessmentRequest from "./AssessmentRequest.ts"
import { type BattleResult, dataOf } from "./AssessmentResult.ts"
import * as BattleProgress from "./BattleProgress.ts"
import * as FollowedTask from "./FollowedTask.ts"
import * as TaskGrading from "./TaskGrading.ts"
import type { WatchSettings } from "./WatchSettings.ts"

/** How the agent is served, and how it plays. */
export interface GreenAgentOptions extends WatchSettings, A2aServer.ServeOptions {
  /** What its card says; that of our own unless given. */
  readonly description?: A2aServer.AgentDescription | undefined
  /** Where participants may be; unless given, at public addresses, and on loopback if it listens there itself. */
  readonly participants?: AddressRule.AddressRule | undefined
  /** How the participant of a role is followed; unless given, in the best way that it can. */
  readonly following?: ((role: string) => FollowedTask.Following) | undefined
  /** How often clients that see no tokens are told of a battle that goes on. */
  readonly pace?: BattleProgress.Pace | undefined
}

export { AssessmentResult } from "./AssessmentResult.ts"

const RESULT_ARTIFACT_ID = "result"

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

export interface ExecutorOptions {
  readonly client: A2aClient["Service"]
  readonly grading: TaskGrading.TaskGrading
  readonly ticker: Ticker["Service"]
  readonly settings: WatchSettings
  readonly rule: AddressRule.AddressRule
  readonly pace?: BattleProgress.Pace | undefined
  readonly following?: ((role: string) => FollowedTask.Following) | undefined
}

/** What the agent does with a message. */
export const makeExecutor =
  ({ client, following, grading, pace, rule, settings, ticker }: ExecutorOptions): AgentExecutor => (request) => {
    const asked = AssessmentRequest.decode(request.text)
    if (Result.isFailure(asked)) return Stream.make(rejected(asked.failure))
    return Stream.unwrap(Effect.gen(function*() {
      const { battles, concurrency } = asked.success
      const refusal = (yield* refusalOfParticipants(rule, battles)) ?? (yield* refusalOfTasks(grading, battles))
      if (refusal !== undefined) return Stream.make(rejected(refusal))
      const atOnce = Math.min(concurrency, battles.length)
      const context: AssessmentBattle.BattleContext = {
        client,
        grading,
        ticker,
        settings,
        rule,
        following: following ?? (() => FollowedTask.byItself),
        request,
        audience: !request.exact ? "plain" : atOnce === 1 ? "exact" : "counts",
        pace: BattleProgress.shared(pace ?? BattleProgress.defaultPace, atOnce),
        isAlone: battles.length === 1,
        tally: { tokens: 0, lastTokenAt: Number(yield* Clock.monotonicTimeNanos) / 1e6 }
      }
      const rows = battles.map((): BattleResult | undefined => undefined)
      const repeats = battles.some(({ repetition }) => repetition > 1)

      const play = (battle: PlannedBattle, index: number): Stream.Stream<TaskEvent, RunError> =>
        Stream.unwrap(Effect.gen(function*() {
          const name =
            `${battle.task.id} against ${battle.role}${repeats ? `, repetition ${battle.repetition}` : ""} ` +
            `(${index + 1} of ${battles.length})`
          const { events, result } = yield* AssessmentBattle.make(context, battle, name, (grade) => {
            rows[index] = result(grade, null)
          })
          if (context.isAlone) return events
          return Stream.catch(events, (error) => {
            rows[index] = result(null, error.message)
            return Stream.make(AssessmentBattle.working(`${name}: not scored, ${error.message}`))
          })
        }))

      const played = Stream.fromIterable([...battles.entries()]).pipe(
        Stream.flatMap(([index, battle]) => play(battle, index), { concurrency: atOnce })
      )
      const result = Stream.suspend(() =>
        Stream.make(Artifact.make({
          artifactId: RESULT_ARTIFACT_ID,
          name: "result",
          parts: [{ _tag: "Data", data: dataOf(rows.filter((row) => row !== undefined)) }]
        }))
      )
      return Stream.concat(played, result)
    }))
  }

const rejected = (text: string): TaskEvent => Ended.make({ state: "rejected", text, error: null })

/** The URL without what may be a password. */
const withoutSecrets = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url === undefined ? text : `${url.protocol}//${url.host}${url.pathname}`
}

/** Why one of the participants is not reached. */
const refusalOfParticipants = Effect.fnUntraced(function*(
  rule: AddressRule.AddressRule,
  battles: ReadonlyArray<PlannedBattle>
) {
  for (const [role, url] of new Map(battles.map(({ role, url }) => [role, url]))) {
    const refusal = yield* refusalOfUrl(rule, url)
    if (refusal !== undefined) return oneLine(`participant "${role}" at ${withoutSecrets(url)}: ${refusal}`)
  }
  return undefined
})

/** Why one of the tasks is not graded here. */
const refusalOfTasks = Effect.fnUntraced(function*(
  grading: TaskGrading.TaskGrading,
  battles: ReadonlyArray<PlannedBattle>
) {
  for (const task of new Set(battles.map(({ task }) => task))) {
    const refusal = yield* grading.refusal(task)
    if (refusal !== undefined) return oneLine(`task "${task.id}" cannot be graded here: ${refusal}`)
  }
  return undefined
})
