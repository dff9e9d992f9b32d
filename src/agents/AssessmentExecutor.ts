/**
 * What our own green agent does with a message: reads the assessment request, refuses in one line what it cannot serve, plays
 * the battles, and gives the result as one artifact.
 *
 * Law: nothing is played of a request that is refused. What ends a battle of several is a row without a score, with its
 * reason; what ends a battle that is alone ends the task, with the error of the hop that broke.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { A2aClient } from "../a2a/A2aClient.ts"
import type * as AddressRule from "../a2a/AddressRule.ts"
import type { AgentExecutor } from "../a2a/AgentExecutor.ts"
import { oneLine } from "../a2a/AgentFault.ts"
import { refusalOfUrl } from "../a2a/GuardedDispatcher.ts"
import { Artifact, Ended, type TaskEvent } from "../a2a/TaskEvent.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { Ticker } from "../liveness/Ticker.ts"
import * as AssessmentBattle from "./AssessmentBattle.ts"
import type { PlannedBattle } from "./AssessmentPlan.ts"
import * as AssessmentRequest from "./AssessmentRequest.ts"
import { type BattleResult, dataOf } from "./AssessmentResult.ts"
import * as BattleProgress from "./BattleProgress.ts"
import * as FollowedTask from "./FollowedTask.ts"
import type * as TaskGrading from "./TaskGrading.ts"
import type { WatchSettings } from "./WatchSettings.ts"

const RESULT_ARTIFACT_ID = "result"

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
