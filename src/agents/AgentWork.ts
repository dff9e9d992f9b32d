/**
 * What an agent of one's own is made of: calls of its engine, and work besides, one after the other, as one stream of task
 * events that every hop further out can judge.
 *
 *     AgentWork.ask(request, { messages, tools }).pipe(
 *       AgentWork.andThen((said) => AgentWork.during({ says: "looks it up" }, Effect.map(lookUp(said), goOn))),
 *       AgentWork.asOneAnswer
 *     )
 *
 * Laws:
 * - What `ask` gives is what the engine gave. An error of the engine's hop goes outwards unchanged.
 * - `andThen` and `during` give what `Stream.concat` and `Stream.unwrap` would, besides one line of the task's log and
 *   heartbeats while the work goes on.
 * - `asOneAnswer` gives every text and every token unchanged and in order, and of whatever went through it at most one
 *   `Finish` and at most one `Usage`, as the laws of TokenEvent.ts ask for.
 *
 * Gotchas: an agent that has sent a heartbeat is given up when it sends none for 30 s, so whatever else takes longer than a
 * few seconds belongs into `during`. While it says that it works nobody further out gives it up, so `during` has a limit of
 * its own.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Stream from "effect/Stream"
import type { AgentRequest } from "../a2a/AgentExecutor.ts"
import { Heartbeat, isTokenEvent, Status, type TaskEvent } from "../a2a/TaskEvent.ts"
import type { EngineRequest } from "../engine/Engine.ts"
import { WatchedEngine } from "../engine/WatchedEngine.ts"
import { Failed, FailReason } from "../liveness/Failed.ts"
import { heartbeatOf } from "../liveness/Heartbeat.ts"
import type { Hop } from "../liveness/Hop.ts"
import { defaults } from "../liveness/LivenessLimits.ts"
import type { RunError } from "../liveness/RunError.ts"
import * as Transcript from "../token/Transcript.ts"
import * as OneAnswer from "./OneAnswer.ts"

export { type ConversationLimits, Conversations, type ConversationTurn } from "./Conversations.ts"

/** How many calls were made for a request, so that each has a name of its own. */
const calls = new WeakMap<AgentRequest, number>()

/**
 * One call of the engine for a message: its tokens as they come, watched, and heartbeats while there are none. Each call has
 * a run of its own, with its own limits and verdict. Fails with `Stalled`, `Slow` or `Failed` of hop "engine".
 */
export const ask = (
  request: AgentRequest,
  question: Omit<EngineRequest, "requestId">
): Stream.Stream<TaskEvent, RunError, WatchedEngine> =>
  Stream.unwrap(Effect.map(WatchedEngine, (engine) => {
    const call = (calls.get(request) ?? 0) + 1
    calls.set(request, call)
    return engine.stream({
      ...question,
      requestId: call === 1 ? request.taskId : `${request.taskId}-${call}`,
      attempt: request.said.attempt,
      patience: request.said.patience,
      heartbeat: (state) => Heartbeat.make(heartbeatOf(state))
    })
  }))

/** What came before, and then what `next` makes of all that was said in it. */
export const andThen: {
  <E2, R2>(
    next: (said: Transcript.Transcript) => Stream.Stream<TaskEvent, E2, R2>
  ): <E, R>(self: Stream.Stream<TaskEvent, E, R>) => Stream.Stream<TaskEvent, E | E2, R | R2>
  <E, R, E2, R2>(
    self: Stream.Stream<TaskEvent, E, R>,
    next: (said: Transcript.Transcript) => Stream.Stream<TaskEvent, E2, R2>
  ): Stream.Stream<TaskEvent, E | E2, R | R2>
} = dual(
  2,
  <E, R, E2, R2>(
    self: Stream.Stream<TaskEvent, E, R>,
    next: (said: Transcript.Transcript) => Stream.Stream<TaskEvent, E2, R2>
  ): Stream.Stream<TaskEvent, E | E2, R | R2> =>
    Stream.suspend(() => {
      let said = Transcript.empty
      const first = Stream.mapArray(self, (events) => {
        for (const event of events) {
          if (isTokenEvent(event)) said = Transcript.step(said, event)
          else if (event._tag === "Replaced") said = { ...said, content: event.text }
        }
        return events
      })
      return Stream.concat(first, Stream.suspend(() => next(said)))
    })
)

/** What an agent does besides asking its engine. */
export interface DuringOptions {
  /** A line of the task's log, such as `runs the tests`. */
  readonly says: string
  /** How long it may take; then it is interrupted and the task fails. 10 minutes unless given; infinite: for ever. */
  readonly limit?: Duration.Input | undefined
  /** How often the hops further out are told that it goes on. 5 s unless given, as in the default limits of liveness. */
  readonly heartbeat?: Duration.Input | undefined
  /** What the agent is to its clients; names it in the error. "purple" unless given. */
  readonly hop?: Hop | undefined
}

/**
 * Does some work, such as a tool, and goes on with the stream that comes of it. While it goes on the agent says what it does,
 * once, and then in heartbeats of phase `agent-work`, so that nobody takes it for hung. Fails with `Failed` where it takes
 * longer than its limit, and with its own errors.
 *
 * @example
 * import * as AgentWork from "a2a-campaign/AgentWork"
 * import { Delta } from "a2a-campaign/TokenEvent"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const tool = Effect.as(Effect.sleep("25 millis"), "4 degrees")
 * const events = AgentWork.during(
 *   { says: "looks it up", heartbeat: "10 millis", limit: "1 minute" },
 *   Effect.map(tool, (text) => Stream.make(Delta.make({ channel: "content", text, tokens: 2 })))
 * )
 *
 * const program = Stream.runForEach(events, (event) =>
 *   Effect.sync(() => {
 *     if (event._tag === "Status") console.log(`it ${event.text}`)
 *     if (event._tag === "Delta") console.log(event.text)
 *   }))
 * await Effect.runPromise(program)
 * // prints: it looks it up
 * // prints: 4 degrees
 */
export const during = <E2 = never, R2 = never, E = never, R = never>(
  { heartbeat, hop = "purple", limit = "10 minutes", says }: DuringOptions,
  work: Effect.Effect<Stream.Stream<TaskEvent, E2, R2>, E, R>
): Stream.Stream<TaskEvent, E | E2 | Failed, R | R2> =>
  Stream.unwrap(Effect.map(Clock.Clock, (clock) => {
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const interval = Duration.fromInputUnsafe(heartbeat ?? Duration.millis(defaults.heartbeatMillis))
    const mostTime = Duration.fromInputUnsafe(limit)
    const beganAt = now()
    let next: Stream.Stream<TaskEvent, E2, R2> = Stream.empty
    const bounded = !Duration.isFinite(mostTime) ? work : Effect.timeoutOrElse(work, {
      duration: mostTime,
      orElse: () => Effect.fail(failed(`"${says}" was not done within ${Duration.format(mostTime)}`, hop))
    })
    const done = Stream.fromEffectDrain(Effect.map(bounded, (stream) => {
      next = stream
    }))
    const beats = Stream.drop(Stream.tick(interval), 1).pipe(
      Stream.map(() =>
        Heartbeat.make({
          phase: "agent-work",
          tokens: 0,
          tokenAgeMillis: now() - beganAt,
          engine: "unknown",
          intervalMillis: Duration.toMillis(interval)
        })
      )
    )
    const begun = Stream.make(Status.make({ state: "working", text: says }))
    return Stream.concat(
      Stream.concat(begun, Stream.merge(done, beats, { haltStrategy: "left" })),
      Stream.suspend(() => next)
    )
  }))

/**
 * Several calls as the one answer of a task: its finish is that of the last call, its usage the sum of theirs, and their tool
 * calls are numbered on. Where a call reported no usage there is none, because a sum without it would be wrong.
 *
 * Put it around the whole of what an executor does. It also sees to it that the hops further out, which know of one run only,
 * are as patient with the first token of a later call as its own watch is.
 */
export const asOneAnswer = <E, R>(self: Stream.Stream<TaskEvent, E, R>): Stream.Stream<TaskEvent, E, R> =>
  Stream.suspend(() => {
    let answer = OneAnswer.begin
    const told = Stream.transformPull(self, (pull) => {
      const more: typeof pull = Effect.flatMap(pull, (events) => {
        const [after, out] = OneAnswer.step(answer, events)
        answer = after
        const [first, ...rest] = out
        return first === undefined ? more : Effect.succeed([first, ...rest] as const)
      })
      return Effect.succeed(more)
    })
    return Stream.concat(told, Stream.suspend(() => Stream.fromArray(OneAnswer.heldBy(answer))))
  })

/** The error of an agent that cannot go on, for whoever watches its task: `detail` says why, for people. */
export const failed = (detail: string, hop: Hop = "purple"): Failed =>
  new Failed({ hop, reason: FailReason.cases.AgentFailed.make({ state: "failed", detail }), tokens: 0 })
