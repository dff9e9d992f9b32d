/**
 * What happens to an A2A task, one event at a time: the elements of a task's log and of a client's stream.
 *
 * Token events flow unchanged; the others are what a task has besides tokens. `Ended` is the last event and comes once.
 * The errors of the inner hops travel inside it, so an outer hop fails with the same `RunError`.
 */
import * as Schema from "effect/Schema"
import { Hop } from "../liveness/Hop.ts"
import { ToldLimit } from "../liveness/LimitInForce.ts"
import { EngineDigest } from "../liveness/LivenessInput.ts"
import { Phase } from "../liveness/Phase.ts"
import { RunError } from "../liveness/RunError.ts"
import { TokenCount, TokenEvent } from "../token/TokenEvent.ts"
import { DeliveryMode } from "./DeliveryMode.ts"

/** States a task can be in and leave again. */
export const OpenState = Schema.Literals(["submitted", "working", "input-required", "auth-required"])
export type OpenState = typeof OpenState.Type

/** States a task stays in. */
export const FinalState = Schema.Literals(["completed", "canceled", "failed", "rejected"])
export type FinalState = typeof FinalState.Type

/** A part of an artifact. */
export const ArtifactPart = Schema.TaggedUnion({
  /** Text. */
  Text: { text: Schema.String },
  /** A value of JSON. */
  Data: { data: Schema.Json }
})
export type ArtifactPart = typeof ArtifactPart.Type

const ownEvents = Schema.TaggedUnion({
  /** A change of state, or a line of the task's visible log. */
  Status: { state: OpenState, text: Schema.String },
  /** A whole artifact at once, such as a green agent's result. */
  Artifact: { artifactId: Schema.String, name: Schema.String, parts: Schema.Array(ArtifactPart) },
  /** The agent lives and has nothing to say; see `Liveness.heartbeatOf`. Ages and intervals are in milliseconds. */
  Heartbeat: {
    phase: Phase,
    tokens: TokenCount,
    tokenAgeMillis: Schema.Finite,
    engine: EngineDigest,
    intervalMillis: Schema.Finite,
    limit: Schema.optionalKey(ToldLimit)
  },
  /**
   * How the agent at the far end of the hop is followed from now on, and why so, as a clause. `exact`: its tokens are told
   * one for one; else pieces of text are counted, or nothing. It comes first, and again whenever it changes.
   */
  Followed: { hop: Hop, mode: DeliveryMode, exact: Schema.Boolean, why: Schema.String },
  /** What was said on the content channel is replaced, which only agents that are not ours do. */
  Replaced: { text: Schema.String },
  /** The task is over. `text` is for people; `error` is for programs. */
  Ended: { state: FinalState, text: Schema.String, error: Schema.NullOr(RunError) }
})

/**
 * One event of a task: a token event, or one of the task itself. `_tag` tells them apart.
 *
 * @example
 * import { Ended, isTokenEvent, type TaskEvent } from "a2a-campaign/TaskEvent"
 * import { Delta } from "a2a-campaign/TokenEvent"
 *
 * const events: ReadonlyArray<TaskEvent> = [
 *   Delta.make({ channel: "content", text: "yes", tokens: 1 }),
 *   Ended.make({ state: "completed", text: "", error: null })
 * ]
 * console.log(events.map((event) => isTokenEvent(event) ? "token" : event._tag).join(", "))
 * // prints: token, Ended
 */
export const TaskEvent = Schema.Union([TokenEvent, ownEvents])
export type TaskEvent = typeof TaskEvent.Type

/** The events that only tasks have; `Status.make({ state, text })` makes one, and so do the others. */
export const { Artifact, Ended, Heartbeat, Replaced, Status } = ownEvents.cases
/** How the agent is followed from now on, and why so. */
export type Followed = Extract<TaskEvent, { readonly _tag: "Followed" }>
/** The task is over. */
export type Ended = Extract<TaskEvent, { readonly _tag: "Ended" }>
/** A whole artifact at once. */
export type Artifact = Extract<TaskEvent, { readonly _tag: "Artifact" }>

/** Whether a task event is a token event. */
export const isTokenEvent = (event: TaskEvent): event is TokenEvent => {
  switch (event._tag) {
    case "Status":
    case "Artifact":
    case "Heartbeat":
    case "Followed":
    case "Replaced":
    case "Ended":
      return false
    default:
      return true
  }
}
