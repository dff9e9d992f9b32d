/**
 * The evaluator: an A2A server that plays tasks against purple agents and grades the answers.
 *
 * It keeps AgentBeats' contract: an assessment request in, `working` updates as the visible log, one artifact with one
 * data part as the result. Tokens of the purple agent are passed on only to clients that asked for the token extension,
 * because AgentBeats' client reads every text part of every artifact as a result.
 *
 * Its requests name URLs, so it connects only where a rule allows it: what the URL and its name's addresses tell is checked
 * before any bout is played, and every connection made for a participant once more.
 *
 * An assessment of one bout that breaks fails with the error of the hop that broke, so that a campaign runner can tell
 * stalled from failed. In a longer assessment it becomes a row without a score, with its reason; never a score of 0.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { A2aClient } from "../a2a/A2aClient.ts"
import * as A2aServer from "../a2a/A2aServer.ts"
import * as AddressRule from "../a2a/AddressRule.ts"
import type { AgentExecutor } from "../a2a/AgentExecutor.ts"
import { oneLine } from "../a2a/AgentFault.ts"
import { refusalOfUrl } from "../a2a/GuardedDispatcher.ts"
import type { ListenError } from "../a2a/ListenError.ts"
import { Artifact, Ended, Heartbeat, Status, type TaskEvent } from "../a2a/TaskEvent.ts"
import { watchTask } from "../a2a/watchTask.ts"
import { Grade } from "../grading/Grade.ts"
import { Grader } from "../grading/Grader.ts"
import { Failed, FailReason } from "../liveness/Failed.ts"
import { defaults, morePatient } from "../liveness/LivenessLimits.ts"
import type { RunError } from "../liveness/RunError.ts"
import { Ticker } from "../liveness/Ticker.ts"
import * as Transcript from "../token/Transcript.ts"
import { version } from "../version.ts"
import { type Bout, bouts } from "./AssessmentRequest.ts"
import type { WatchSettings } from "./WatchSettings.ts"

export interface GreenAgentOptions extends WatchSettings, A2aServer.ServeOptions {
  /** Where participants may be; unless given, at public addresses, and on loopback if it listens there itself. */
  readonly participants?: AddressRule.AddressRule | undefined
}

/** One row of a result: a grade, or why there is none. */
const BoutResult = Schema.Struct({
  task: Schema.String,
  participant: Schema.String,
  grade: Schema.NullOr(Grade),
  reason: Schema.NullOr(Schema.String)
})
type BoutResult = typeof BoutResult.Type

/** The data part of the result artifact. */
export const AssessmentResult = Schema.Struct({ results: Schema.Array(BoutResult) })

const RESULT_ARTIFACT_ID = "result"

export class GreenAgent extends Context.Service<GreenAgent, { readonly url: string }>()("a2a-campaign/GreenAgent") {
  static readonly layer = (
    options: GreenAgentOptions
  ): Layer.Layer<GreenAgent, ListenError, A2aClient | Grader | Ticker> =>
    Layer.effect(
      GreenAgent,
      Effect.gen(function*() {
        const client = yield* A2aClient
        const grader = yield* Grader
        const ticker = yield* Ticker
        return yield* A2aServer.serve({
          ...options,
          description: {
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
            grader,
            ticker,
            settings: options,
            rule: options.participants ?? AddressRule.forListener(options.host)
          })
        })
      })
    )
}

/** What the agent does with a message. */
const makeExecutor = ({ client, grader, rule, settings, ticker }: {
  readonly client: A2aClient["Service"]
  readonly grader: Grader["Service"]
  readonly ticker: Ticker["Service"]
  readonly settings: WatchSettings
  readonly rule: AddressRule.AddressRule
}): AgentExecutor =>
(request) => {
  const asked = bouts(request.text)
  if (Result.isFailure(asked)) {
    return Stream.make(Ended.make({ state: "rejected", text: asked.failure, error: null }))
  }
  const all = asked.success
  const { stallPolicy = "enforce" } = settings
  const limits = morePatient(settings.limits ?? defaults, request.said.patience)
  const results: Array<BoutResult> = []

  const play = (bout: Bout, number: number): Stream.Stream<TaskEvent, RunError> => {
    let transcript = Transcript.empty
    let lastText = ""
    const begin = Status.make({
      state: "working",
      text: `task ${bout.task.id} against ${bout.role} (${number + 1} of ${all.length})`
    })
    const tokens = client.send({ url: bout.url, hop: "purple", text: bout.task.prompt, said: request.said, rule }).pipe(
      watchTask({
        run: { hop: "purple", attempt: request.said.attempt, endpoint: bout.url, model: "" },
        limits,
        policy: stallPolicy
      }),
      Stream.provideService(Ticker, ticker),
      Stream.mapArray((events) => {
        for (const event of events) {
          if (event._tag === "Replaced") transcript = { ...transcript, content: event.text }
          else if (event._tag === "Status" || event._tag === "Ended") lastText = event.text || lastText
          else if (event._tag !== "Artifact" && event._tag !== "Heartbeat") {
            transcript = Transcript.step(transcript, event)
          }
        }
        return events
      }),
      // The purple task's own end and artifacts are not the green task's.
      Stream.filter((event) =>
        event._tag !== "Ended" && event._tag !== "Artifact" && (request.exact || event._tag === "Status")
      )
    )
    const graded = Stream.unwrap(Effect.gen(function*() {
      // Agents that keep their answer in a status message are met halfway.
      const answer = transcript.content === "" ? lastText : transcript.content
      const grade = yield* Effect.mapError(grader.grade(bout.task, answer), graderFailed)
      results.push({ task: bout.task.id, participant: bout.role, grade, reason: null })
      return Stream.make(Status.make({ state: "working", text: `${bout.task.id}: ${grade.explanation}` }))
    }))
    const grade = request.exact
      ? Stream.merge(graded, beatsWhileWorking(() => transcript.tokens, limits.heartbeatMillis), {
        haltStrategy: "left"
      })
      : graded
    return Stream.make(begin).pipe(Stream.concat(tokens), Stream.concat(grade))
  }

  const played = all.length === 1
    ? play(all[0]!, 0)
    : Stream.fromIterable([...all.entries()]).pipe(
      Stream.flatMap(([number, bout]) =>
        Stream.catch(play(bout, number), (error) => {
          results.push({ task: bout.task.id, participant: bout.role, grade: null, reason: error.message })
          return Stream.make(Status.make({ state: "working", text: `${bout.task.id}: not scored, ${error.message}` }))
        })
      )
    )
  const result = Stream.suspend(() =>
    Stream.make(Artifact.make({
      artifactId: RESULT_ARTIFACT_ID,
      name: "result",
      parts: [{ _tag: "Data", data: Schema.encodeSync(AssessmentResult)({ results }) }]
    }))
  )
  return Stream.unwrap(Effect.map(
    refusalOf(rule, all),
    (refusal) => refusal === undefined ? Stream.concat(played, result) : Stream.make(refusal)
  ))
}

/** The URL without what may be a password. */
const withoutSecrets = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url === undefined ? text : `${url.protocol}//${url.host}${url.pathname}`
}

/** The end of a request one of whose participants is not reached. */
const refusalOf = Effect.fnUntraced(function*(rule: AddressRule.AddressRule, all: ReadonlyArray<Bout>) {
  for (const [role, url] of new Map(all.map(({ role, url }) => [role, url]))) {
    const refusal = yield* refusalOfUrl(rule, url)
    if (refusal !== undefined) {
      return Ended.make({
        state: "rejected",
        text: oneLine(`participant "${role}" at ${withoutSecrets(url)}: ${refusal}`),
        error: null
      })
    }
  }
  return undefined
})

/** What the agent says while it does not generate; the age is the time it has been at it. */
const beatsWhileWorking = (tokens: () => number, intervalMillis: number): Stream.Stream<TaskEvent> =>
  Stream.unwrap(Effect.map(Clock.Clock, (clock) => {
    const began = clock.monotonicTimeNanosUnsafe()
    return Stream.map(
      Stream.tick(Duration.millis(intervalMillis)),
      () =>
        Heartbeat.make({
          phase: "agent-work",
          tokens: tokens(),
          tokenAgeMillis: Number(clock.monotonicTimeNanosUnsafe() - began) / 1e6,
          engine: "unknown",
          intervalMillis
        })
    )
  }))

const graderFailed = (error: { readonly message: string }): Failed =>
  new Failed({
    hop: "green",
    tokens: 0,
    reason: FailReason.cases.ServerError.make({ status: 500, detail: `the grader failed: ${error.message}` })
  })
