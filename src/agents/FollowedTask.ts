/**
 * The task of an agent, followed in the way that its user wants or that it can, with what is known of it from elsewhere
 * where the agent itself does not tell everything.
 *
 * An agent that speaks the token extension tells everything, and nothing is added. Of any other one
 *
 * - a tap between it and its engine counts its tokens, says how the engine is, and ends the task when a call of the agent
 *   is given up as stalled;
 * - else the engine that its user names for it is asked: while that works for all its clients a silence is known to be
 *   slow, and when it is proved hung or gone the task ends.
 *
 * The limits of its silences are learned from its own finished tasks, because nobody further in decides before; an agent
 * that tells everything teaches nothing here, its own watch learns.
 *
 * Laws: what the agent says comes through as it is, in its order, but for its tokens, which count once: where a tap counts
 * them, the agent's pieces of text count none. The tap is open before the agent is asked. Without a call in flight a tap
 * knows nothing of an agent, so nothing speaks for one that is silent then.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import type { A2aClient, A2aMessage } from "../a2a/A2aClient.ts"
import type { DeliveryMode } from "../a2a/DeliveryMode.ts"
import * as InvokeSpan from "../a2a/InvokeSpan.ts"
import { type Followed, Heartbeat, isTokenEvent, type TaskEvent } from "../a2a/TaskEvent.ts"
import { watchTask, type WatchTaskOptions } from "../a2a/watchTask.ts"
import * as FinishedRun from "../liveness/FinishedRun.ts"
import type { LimitLearner } from "../liveness/LimitLearner.ts"
import { defaults } from "../liveness/LivenessLimits.ts"
import * as Phase from "../liveness/Phase.ts"
import type { RunError } from "../liveness/RunError.ts"
import * as RunKey from "../liveness/RunKey.ts"
import type { RunState } from "../liveness/RunState.ts"
import type { Ticker } from "../liveness/Ticker.ts"
import type { WitnessedEngine } from "../liveness/WitnessedEngine.ts"
import { tokensOf } from "../token/TokenEvent.ts"

/** A tap between an agent and its engine. */
export interface TapLink {
  /** Opens the battle of that name there; the first event comes when it is open. */
  readonly battle: (options: {
    readonly battle: string
    readonly attempt: number
    readonly patience: number
    /** What the agent is asked. */
    readonly prompt: string
    /** The context of the trace of the agent's task, as headers. */
    readonly headers?: Readonly<Record<string, string>> | undefined
  }) => Stream.Stream<TaskEvent, RunError>
  /** Where the agent may ask its engine for that battle alone. */
  readonly engineBaseUrl: (battle: string) => string
}

/** How an agent is followed, and what is known of what is behind it. */
export interface Following {
  /** As its user wants it; `null` for the best that it can do. */
  readonly mode: DeliveryMode | null
  /** The tap between it and its engine; `null` where there is none. */
  readonly tap: TapLink | null
  /** The engine that it asks; `null` where nobody knows. */
  readonly engine: WitnessedEngine | null
  /** Learns the limits of its silences from its finished tasks; `null` where nobody learns. */
  readonly learner: LimitLearner["Service"] | null
}

/** In the best way that it can, and nothing is known of what is behind it. */
export const byItself: Following = { mode: null, tap: null, engine: null, learner: null }

export interface FollowOptions {
  readonly client: A2aClient["Service"]
  readonly message: A2aMessage
  readonly following: Following
  readonly watch: WatchTaskOptions
}

/** The agent's events, watched, in the span of its call. */
export const follow = (options: FollowOptions): Stream.Stream<TaskEvent, RunError, Ticker> =>
  InvokeSpan.stream(options.message, (span) => {
    const { message, watch } = options
    return followed({
      ...options,
      message: { ...message, span },
      watch: span.isRecording ? { ...watch, onVerdict: InvokeSpan.tellingVerdicts(span, watch.onVerdict) } : watch
    })
  })

const followed = (options: FollowOptions): Stream.Stream<TaskEvent, RunError, Ticker> => {
  const { following: { learner }, message: { text, url }, watch } = options
  if (learner === null) return told(options, () => {}).pipe(watchTask(watch))
  return Stream.unwrap(Effect.gen(function*() {
    const key = RunKey.make({ endpoint: url, model: "", promptCharacters: text.length })
    const learned = yield* learner.learned(key)
    let last: RunState | undefined
    let isExact = false
    return told(options, (exact) => {
      isExact ||= exact
    }).pipe(
      watchTask({
        ...watch,
        opened: { ...watch.opened, learned },
        onEnd: (state) => {
          last = state
        }
      }),
      Stream.ensuring(
        Effect.suspend(() =>
          last === undefined || isExact ? Effect.void : learner.finished(key, FinishedRun.fromState(last))
        )
      )
    )
  }))
}

/** Told of every event of the agent, as it comes. */
type Note = (event: TaskEvent) => void

/** What the agent says, with what is known from elsewhere where the agent does not tell everything. */
const told = (options: FollowOptions, onFollowed: (exact: boolean) => void): Stream.Stream<TaskEvent, RunError> => {
  const { client, following: { engine, mode, tap }, message, watch: { policy = "enforce" } } = options
  const asked: A2aMessage = mode === null || mode === "tap" ? message : { ...message, mode }
  const said = (note: Note, more: Partial<A2aMessage> = {}) =>
    client.send({ ...asked, ...more }).pipe(Stream.mapArray((events) => {
      for (const event of events) {
        if (event._tag === "Followed") onFollowed(event.exact)
        note(event)
      }
      return events
    }))
  if (tap !== null) return tapped(options, tap, said)
  return engine === null || policy === "off" ? said(() => {}) : witnessed(options, engine, said)
}

type Said = (note: Note, more?: Partial<A2aMessage>) => Stream.Stream<TaskEvent, RunError>

/** What an agent has shown of a task, kept while it runs. */
const shown = Effect.map(Clock.Clock, (clock) => {
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const run = { lastMillis: now(), pieces: 0, tokens: 0, phase: "connecting" as Phase.Phase }
  const note: Note = (event) => {
    if (event._tag === "Followed") {
      if (run.phase === "connecting") run.phase = "awaiting"
    } else if (isContent(event)) run.lastMillis = now()
    if (!isTokenEvent(event)) return
    run.phase = Phase.step(run.phase, event)
    run.tokens += tokensOf(event)
    if (event._tag === "Delta") run.pieces++
  }
  return { run, note }
})

/** With what the agent's engine says of itself. */
const witnessed = ({ watch }: FollowOptions, engine: WitnessedEngine, said: Said): Stream.Stream<TaskEvent, RunError> =>
  Stream.unwrap(Effect.gen(function*() {
    const { limits = defaults, policy = "enforce", run: { attempt } } = watch
    const { note, run } = yield* shown
    const isExact = yield* Deferred.make<boolean>()
    const behind = () =>
      engine.watch({ attempt, limits, run: () => run }).pipe(
        Stream.map((beat) => Heartbeat.make(beat)),
        Stream.catch((stalled) => policy === "enforce" ? Stream.fail(stalled) : Stream.empty)
      )
    const events = said((event) => {
      if (event._tag === "Followed") Deferred.doneUnsafe(isExact, Effect.succeed(event.exact))
      note(event)
    })
    return Stream.merge(
      events,
      Stream.unwrap(Effect.map(Deferred.await(isExact), (exact) => exact ? Stream.empty : behind())),
      { haltStrategy: "left" }
    )
  }))

/** How long a tap may take to say why an agent has failed whose call it has just given up. */
const TAP_GRACE = "1 second"

/** With what a tap sees between the agent and its engine. */
const tapped = (
  {
    following: { mode },
    message: { said: { attempt, patience } = { attempt: 1, patience: 1 }, span, text },
    watch: { policy = "enforce" }
  }: FollowOptions,
  tap: TapLink,
  said: Said
): Stream.Stream<TaskEvent, RunError> =>
  Stream.unwrap(Effect.gen(function*() {
    const battle = randomUUID()
    const { note, run } = yield* shown
    const isOpen = yield* Deferred.make<void>()
    /** Why there is no tap any more. */
    let gone: string | undefined
    /** How the agent itself is followed, as was said last. */
    let own: Followed | undefined
    const counts = () => gone === undefined && (mode === "tap" || own?.exact === false)
    const followed = (own: Followed): Followed => {
      if (counts()) return { ...own, mode: "tap", exact: true, why: `its tokens are counted at the tap; ${own.why}` }
      return gone === undefined ? own : { ...own, why: `the tap is gone (${gone}); ${own.why}` }
    }

    const agent = Stream.unwrap(Effect.map(
      Deferred.await(isOpen),
      () => said(note, { said: { attempt, patience, engineBaseUrl: tap.engineBaseUrl(battle) } })
    )).pipe(
      Stream.map((event): TaskEvent | undefined => {
        if (event._tag === "Followed") {
          own = event
          return followed(event)
        }
        if (!counts()) return event
        if (event._tag === "Heartbeat") return undefined
        return event._tag === "Delta" || event._tag === "ToolCallDelta" ? { ...event, tokens: 0 } : event
      }),
      Stream.filter((event) => event !== undefined),
      // The agent may fail because the tap has closed its call, and the tap says why.
      Stream.catch((error) => Stream.unwrap(Effect.as(Effect.sleep(counts() ? TAP_GRACE : 0), Stream.fail(error))))
    )

    const seen = tap.battle({ battle, attempt, patience, prompt: text, headers: span?.headers }).pipe(
      Stream.map((event): TaskEvent | undefined => {
        Deferred.doneUnsafe(isOpen, Effect.void)
        if (event._tag === "Ended") {
          gone = event.text
          return own === undefined ? undefined : followed(own)
        }
        if (!counts()) return undefined
        if (event._tag === "Heartbeat") return withoutCall(event, run.phase)
        return isTokenEvent(event) ? event : undefined
      }),
      Stream.filter((event) => event !== undefined),
      Stream.catch((error): Stream.Stream<TaskEvent, RunError> => {
        if (error._tag !== "Failed") return policy === "enforce" ? Stream.fail(error) : Stream.empty
        if (own === undefined && mode === "tap") return Stream.fail(error)
        gone = error.message
        Deferred.doneUnsafe(isOpen, Effect.void)
        return own === undefined ? Stream.empty : Stream.make(followed(own))
      })
    )
    return Stream.merge(agent, seen, { haltStrategy: "left" })
  }))

/** A tap that sees no call of the agent knows nothing of it: neither that it works, nor that it does not. */
const withoutCall = (beat: Extract<TaskEvent, { readonly _tag: "Heartbeat" }>, phase: Phase.Phase): TaskEvent => {
  const { limit: _limitOfCall, ...rest } = beat
  return beat.phase === "agent-work" ? { ...rest, phase, engine: "unknown" } : beat
}

/** Whether the agent has shown that its work goes on. */
const isContent = (event: TaskEvent): boolean => {
  switch (event._tag) {
    case "Delta":
    case "ToolCallDelta":
    case "Artifact":
    case "Replaced":
    case "Finish":
    case "Ended":
      return true
    case "Status":
      return event.text !== ""
    case "Heartbeat":
    case "Signal":
    case "Usage":
    case "Followed":
      return false
  }
}
