/**
 * One battle of an assessment: the participant gets the task's prompt, is watched, and its answer is graded.
 *
 * What a client sees of it depends on the client (`Audience`):
 *
 * - `exact`: reads the token extension, and one battle runs at a time. Every token with its text, heartbeats while there are
 *   none, and the participant's own log. No lines about progress: the tokens and heartbeats say the same, sooner.
 * - `counts`: reads the token extension, and several battles run at once. Their texts would mix, so tokens come without
 *   text; heartbeats speak for all battles; lines about progress name the battle.
 * - `plain`: lines about progress, and never a token, because AgentBeats' client reads every text part of every artifact as
 *   a result.
 *
 * Law: the participant's own end and artifacts are not the assessment's, nor is its wish to be asked back: whatever it says
 * of its state, the assessment is at work.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { A2aClient } from "../a2a/A2aClient.ts"
import type { AddressRule } from "../a2a/AddressRule.ts"
import type { AgentRequest } from "../a2a/AgentExecutor.ts"
import { Heartbeat, isTokenEvent, Status, type TaskEvent } from "../a2a/TaskEvent.ts"
import { type Grade, oneLine } from "../grading/Grade.ts"
import { defaults, morePatient } from "../liveness/LivenessLimits.ts"
import type { RunError } from "../liveness/RunError.ts"
import { Ticker } from "../liveness/Ticker.ts"
import { Attribute, Span } from "../telemetry/SpanNames.ts"
import * as Spans from "../telemetry/Spans.ts"
import { Delta, tokensOf } from "../token/TokenEvent.ts"
import * as Transcript from "../token/Transcript.ts"
import type { PlannedBattle } from "./AssessmentPlan.ts"
import type { BattleResult } from "./AssessmentResult.ts"
import * as BattleProgress from "./BattleProgress.ts"
import * as FollowedTask from "./FollowedTask.ts"
import type { TaskGrading } from "./TaskGrading.ts"
import type { WatchSettings } from "./WatchSettings.ts"

export type Audience = "exact" | "counts" | "plain"

/** What all battles of an assessment have in common. */
export interface BattleContext {
  readonly client: A2aClient["Service"]
  readonly grading: TaskGrading
  readonly ticker: Ticker["Service"]
  readonly settings: WatchSettings
  readonly rule: AddressRule
  /** How the participant of a role is followed. */
  readonly following: (role: string) => FollowedTask.Following
  readonly request: AgentRequest
  readonly audience: Audience
  readonly pace: BattleProgress.Pace
  /** Whether the battle is the only one, so that its finish and its usage are those of the task. */
  readonly isAlone: boolean
  readonly tally: Tally
}

/** What all battles have given so far, for heartbeats that speak for all of them. */
export interface Tally {
  tokens: number
  /** Monotonic milliseconds. */
  lastTokenAt: number
}

export interface Battle {
  /** Fails with what ended it, or with the grader. */
  readonly events: Stream.Stream<TaskEvent, RunError>
  /** What it came to, once it is over. */
  readonly result: (grade: Grade | null, reason: string | null) => BattleResult
}

/** A battle to be played once; `name` is what its log lines call it. `onGrade` is called when the answer is graded. */
export const make = (
  context: BattleContext,
  { repetition, role, task, url }: PlannedBattle,
  name: string,
  onGrade: (grade: Grade) => void
): Effect.Effect<Battle> =>
  Effect.map(Clock.Clock, (clock) => {
    const { audience, client, following, grading, isAlone, pace, request, rule, settings, tally, ticker } = context
    const limits = morePatient(settings.limits ?? defaults, request.said.patience)
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    let progress = BattleProgress.begin(now())
    let transcript = Transcript.empty
    let lastText = ""
    let endedAt: number | undefined

    const receive = (events: readonly [TaskEvent, ...ReadonlyArray<TaskEvent>]) => {
      const at = now()
      progress = BattleProgress.step(progress, events, at)
      for (const event of events) {
        if (event._tag === "Replaced") transcript = { ...transcript, content: event.text }
        else if (event._tag === "Status" || event._tag === "Ended") lastText = event.text || lastText
        else if (isTokenEvent(event)) {
          transcript = Transcript.step(transcript, event)
          tally.tokens += tokensOf(event)
        }
      }
      tally.lastTokenAt = Math.max(tally.lastTokenAt, BattleProgress.lastTokenAt(progress))
      return events
    }

    const played = FollowedTask.follow({
      client,
      message: { url, hop: "purple", text: task.prompt, said: request.said, rule },
      following: following(role),
      watch: {
        run: { hop: "purple", attempt: request.said.attempt, endpoint: url, model: "" },
        limits,
        policy: settings.stallPolicy ?? "enforce"
      }
    }).pipe(
      Stream.provideService(Ticker, ticker),
      Stream.mapArray(receive),
      Stream.onExit(() =>
        Effect.sync(() => {
          endedAt = now()
        })
      ),
      Stream.filter((event) => isShown(event, audience, isAlone)),
      Stream.map((event) => audience === "counts" ? withoutText(event, tally, now()) : atWork(event))
    )

    const graded = Stream.unwrap(Effect.gen(function*() {
      progress = BattleProgress.enter(progress, "grading", now())
      // Agents that keep their answer in a status message are met halfway.
      const answer = transcript.content === "" ? lastText : transcript.content
      const about = { [Attribute.task]: task.id, [Attribute.grader]: task.grader._tag }
      const grade = yield* Spans.effect(Span.grade, { attributes: about }, (span) =>
        Effect.tap(grading.grade(task, answer), ({ score }) =>
          Effect.sync(() =>
            span.set({ [Attribute.score]: score })
          )))
      progress = BattleProgress.enter(progress, "over", now())
      onGrade(grade)
      return Stream.make(working(`${name}: ${grade.explanation}`))
    }))

    /** What is said while nothing is generated; the age is the time it has been at it. */
    const beats = Stream.drop(Stream.tick(Duration.millis(limits.heartbeatMillis)), 1).pipe(
      Stream.map(() =>
        Heartbeat.make({
          phase: "agent-work",
          tokens: isAlone ? transcript.tokens : tally.tokens,
          tokenAgeMillis: now() - (audience === "counts" ? tally.lastTokenAt : progress.stageAt),
          engine: "unknown",
          intervalMillis: limits.heartbeatMillis
        })
      )
    )

    const lines = Stream.callback<TaskEvent>(
      (queue) =>
        ticker.add((at) => {
          if (!BattleProgress.isDue(progress, at, pace)) {
            return
          }
          progress = BattleProgress.told(progress, at)
          Queue.offerUnsafe(queue, working(BattleProgress.textOf(progress, name, at)))
        }),
      { bufferSize: 1, strategy: "sliding" }
    )

    const begun = Stream.make(working(`${name}: begins`))
    const work = Stream.concat(
      played,
      audience === "plain" ? graded : Stream.merge(graded, beats, { haltStrategy: "left" })
    )
    return {
      events: Stream.concat(
        begun,
        audience === "exact" ? work : Stream.merge(work, lines, { haltStrategy: "left" })
      ),
      result: (grade, reason) => ({
        task: task.id,
        participant: role,
        repetition,
        grade,
        reason: reason === null ? null : oneLine(reason, MOST_REASON),
        tokens: transcript.tokens,
        durationMillis: tenths((endedAt ?? now()) - progress.beganAt),
        timeToFirstTokenMillis: tenthsOf(BattleProgress.firstTokenMillis(progress))
      })
    }
  })

const MOST_REASON = 300

const tenths = (millis: number): number => Math.round(millis * 10) / 10
const tenthsOf = (millis: number | null): number | null => millis === null ? null : tenths(millis)

/** A line of the assessment's log. */
export const working = (text: string): TaskEvent => Status.make({ state: "working", text })

const isShown = (event: TaskEvent, audience: Audience, isAlone: boolean): boolean => {
  switch (event._tag) {
    case "Ended":
    case "Artifact":
      return false
    case "Finish":
    case "Usage":
      return audience === "exact" && isAlone
    case "Delta":
    case "ToolCallDelta":
      return audience === "exact" || (audience === "counts" && event.tokens > 0)
    case "Heartbeat":
      return audience !== "plain"
    case "Signal":
    case "Followed":
    case "Replaced":
    case "Status":
      return audience === "exact"
  }
}

/** The participant may say that it waits for somebody; its assessment does not. */
const atWork = (event: TaskEvent): TaskEvent =>
  event._tag === "Status" && event.state !== "working" ? { ...event, state: "working" } : event

/** What one battle of several says to whoever counts. */
const withoutText = (event: TaskEvent, tally: Tally, now: number): TaskEvent => {
  if (event._tag === "Delta") return { ...event, text: "" }
  if (event._tag === "ToolCallDelta") return Delta.make({ channel: "content", text: "", tokens: event.tokens })
  if (event._tag !== "Heartbeat") return event
  // The others may have been heard of since.
  const tokenAgeMillis = Math.min(event.tokenAgeMillis, Math.max(0, now - tally.lastTokenAt))
  const { limit: _limitOfOne, ...beat } = event
  return { ...beat, tokens: tally.tokens, tokenAgeMillis }
}
