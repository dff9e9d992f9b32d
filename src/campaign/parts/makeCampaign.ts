/**
 * The service `Campaign` over what has been prepared and a store that holds the campaign: its agents of ours are started, and
 * whatever watches over it. The command plays campaigns by it, too, with a store whose begin is its own.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { Grader } from "../../grading/Grader.ts"
import { BattleQueue } from "../BattleQueue.ts"
import type { Campaign, CampaignResult, CampaignStanding, Kept, PlayOptions } from "../Campaign.ts"
import type { CampaignError } from "../CampaignError.ts"
import type { CampaignEvent } from "../CampaignEvent.ts"
import * as CampaignRunner from "../CampaignRunner.ts"
import { CampaignStore } from "../CampaignStore.ts"
import { summarize } from "../CampaignSummary.ts"
import { laneOf } from "../Definition.ts"
import { RunnerDesk } from "../RunnerDesk.ts"
import { everything } from "../Selection.ts"
import type { CampaignState } from "../StoredCampaign.ts"
import { Command, nothingMatches } from "../StoredCommand.ts"
import { StoreError, StoreErrorReason } from "../StoreError.ts"
import { breakerOf, enginesOf, gateOf } from "./CampaignGates.ts"
import * as CampaignGrader from "./CampaignGrader.ts"
import * as CampaignSeats from "./CampaignSeats.ts"
import type { PreparedCampaign } from "./PreparedCampaign.ts"

const takenAway = new StoreError({
  reason: StoreErrorReason.cases.Query.make({ operation: "read the campaign", detail: "it has been taken away" })
})

const states = { Ended: "ended", Paused: "paused", Cancelled: "cancelled", Halted: "paused" } as const

/** All that it starts stops with the scope. Fails where an agent of ours cannot be started. */
export const make = Effect.fnUntraced(function*(
  { definition, engines, parts, services: prepared, taps }: PreparedCampaign
): Effect.fn.Return<Campaign["Service"], CampaignError, Kept | Scope.Scope> {
  const store = yield* CampaignStore
  const kept = yield* Effect.context<Kept>()
  const context = Context.merge(kept, prepared)
  const grader: Layer.Layer<Grader> = parts.grader ??
    CampaignGrader.layer(CampaignSeats.judgeOf(definition, engines)).pipe(Layer.provide(Layer.succeedContext(context)))
  const grading = yield* Layer.build(grader)
  const seats = yield* CampaignSeats.start(definition, engines, taps).pipe(
    Effect.provideContext(Context.merge(context, grading))
  )
  const services = yield* Layer.build(Layer.mergeAll(
    parts.gate ?? gateOf(engines),
    parts.breaker ?? breakerOf(definition),
    parts.engines ?? enginesOf(engines)
  )).pipe(Effect.provideContext(context))
  const lanes = new Map(definition.agents.map((agent) => [seats.get(agent.name)!.endpoint, laneOf(agent)]))
  const turn = yield* Semaphore.make(1)
  /** Held while it is changed by somebody else than a play, and by a play until that can be asked. */
  const changing = yield* Semaphore.make(1)
  /** `undefined` says that there is nothing more. */
  let hub = yield* PubSub.unbounded<CampaignEvent | undefined>()
  yield* Effect.addFinalizer(() => PubSub.end(hub, undefined))
  let control: CampaignRunner.RunnerControl | undefined
  /** Whether its user has said how it stands since it was begun, so that its end has no say in it. */
  let isSaid = false
  /** Whether a play broke down, which may have left attempts open. */
  let isBroken = false

  const loaded = Effect.flatMap(
    store.load,
    Option.match({ onNone: () => Effect.fail(takenAway), onSome: Effect.succeed })
  )

  const ended = Effect.suspend(() => {
    const before = hub
    return Effect.flatMap(PubSub.unbounded<CampaignEvent | undefined>(), (next) => {
      hub = next
      return PubSub.end(before, undefined)
    })
  })

  const played = Effect.fnUntraced(
    function*({ onEvent = () => Effect.void }: PlayOptions, canBeAsked: Effect.Effect<void>) {
      yield* answerOutdated
      if (isBroken) yield* store.abandon
      isBroken = false
      isSaid = false
      yield* store.setState("running")
      return yield* CampaignRunner.run({
        campaign: yield* loaded,
        seats,
        onEvent: (event) => Effect.andThen(onEvent(event), PubSub.publish(hub, event)),
        onControl: (given) => {
          control = given
          return canBeAsked
        }
      }).pipe(
        Effect.provide([
          Layer.succeedContext(Context.merge(context, services)),
          Layer.fresh(parts.queue ?? BattleQueue.layerMemory)
        ]),
        Effect.onExit((exit) => {
          control = undefined
          isBroken = Exit.isFailure(exit)
          return isSaid
            ? Effect.void
            : Effect.ignore(store.setState(Exit.isSuccess(exit) ? states[exit.value._tag] : "paused"))
        })
      )
    }
  )

  const play = Effect.fn("Campaign.play")(
    function*(options: PlayOptions = {}) {
      const end = yield* Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(restore(changing.take(1)), () => {
          let isHeld = true
          const canBeAsked = Effect.suspend(() => {
            if (!isHeld) return Effect.void
            isHeld = false
            return changing.release(1)
          })
          return Effect.ensuring(restore(played(options, canBeAsked)), canBeAsked)
        })
      )
      return { end, summary: summarize(yield* loaded) } satisfies CampaignResult as CampaignResult
    },
    Effect.ensuring(ended),
    Effect.provideContext(kept),
    turn.withPermit
  )

  const asked: (
    command: Command,
    idle: Effect.Effect<string, StoreError>
  ) => Effect.Effect<string, StoreError> = Effect.fnUntraced(function*(command, idle) {
    if (control !== undefined) return yield* control.obey(command)
    const done = yield* changing.withPermit(
      Effect.suspend(() => control === undefined ? Effect.uninterruptible(Effect.asSome(idle)) : Effect.succeedNone)
    )
    return Option.isSome(done) ? done.value : yield* asked(command, idle)
  })

  const stands = (state: CampaignState) =>
    Effect.suspend(() => {
      isSaid = true
      return store.setState(state)
    })

  const battles = (count: number): string => count === 1 ? "1 battle" : `${count} battles`

  const campaign: Campaign["Service"] = {
    definition,
    play,
    events: Stream.suspend(() => Stream.fromPubSub(hub)).pipe(Stream.takeWhile((event) => event !== undefined)),
    pause: ({ now = false } = {}) =>
      asked(now ? Command.cases.PauseNow.make({}) : Command.cases.Pause.make({}), Effect.succeed("it is not running")),
    cancel: (selection) =>
      asked(
        Command.cases.Cancel.make(selection === undefined ? {} : { selection }),
        Effect.gen(function*() {
          const given = yield* store.giveUp(selection ?? everything, "cancelled by its user")
          if (given === 0) return nothingMatches
          const isOver = (yield* loaded).battles.every(({ outcome }) => outcome._tag !== "Pending")
          if (isOver) yield* stands(selection === undefined ? "cancelled" : "ended")
          return `${battles(given)} will have no score`
        })
      ),
    retry: (selection) =>
      asked(
        Command.cases.Retry.make({ selection }),
        Effect.gen(function*() {
          const opened = yield* store.reopen(selection)
          if (opened.length === 0) return nothingMatches
          yield* stands("paused")
          return `${battles(opened.length)} will be played again`
        })
      ),
    status: Effect.map(loaded, (stored): CampaignStanding => ({
      state: stored.state,
      isPlaying: control !== undefined,
      stopping: control?.stopping() ?? null,
      inFlight: control?.inFlight() ?? 0,
      attempts: stored.attempts.length,
      battles: summarize(stored).battles
    })),
    laneOf: (endpoint) => lanes.get(endpoint)
  }
  return campaign
})

/** What was asked of a process that was gone before it could answer; whoever plays it does not want to be paused. */
const answerOutdated = Effect.gen(function*() {
  const desk = yield* RunnerDesk
  for (const { command, id } of yield* desk.requests) {
    if (command._tag === "Pause" || command._tag === "PauseNow") yield* desk.answer(id, "it was not running any more")
  }
})
