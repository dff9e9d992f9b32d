/**
 * The desk of the process that runs a campaign: where others leave what they ask of it and find its answers, and where it
 * lays out what it wants shown.
 *
 * Laws: a request is kept until it is answered, and answered once, by its first answer. What is laid out may be lost
 * without harm: the campaign itself is in its `CampaignStore`.
 *
 * Beside the store of a file it stands in the same file, for other terminals (`CampaignStore.layer`). `layerMemory` is for
 * a campaign that is asked only by its own process, through the service `Campaign`: whoever brings a store of their own
 * takes that, unless others shall reach it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type { AttemptProgress } from "./AttemptProgress.ts"
import type { RunnerState } from "./RunnerState.ts"
import type { Command, StoredCommand } from "./StoredCommand.ts"
import type { StoreError } from "./StoreError.ts"

/** What is asked of the process that runs a campaign, and what it lays out. */
export class RunnerDesk extends Context.Service<RunnerDesk, {
  /** Asks something of the process that runs the campaign; gives the id of the request. */
  readonly request: (command: Command) => Effect.Effect<number, StoreError>
  /** What nobody has answered, the oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<StoredCommand>, StoreError>
  /** Waits until there may be another request: until one has come, or for a while where nobody can tell. */
  readonly asked: Effect.Effect<void>
  /** Answers a request, unless it has been answered. */
  readonly answer: (id: number, text: string) => Effect.Effect<void, StoreError>
  /** None while nobody has answered. */
  readonly answerOf: (id: number) => Effect.Effect<Option.Option<string>, StoreError>
  /** Lays out what has come of attempts in flight, soon; never fails and waits for nothing. */
  readonly advance: (progress: ReadonlyArray<AttemptProgress>) => Effect.Effect<void>
  /** Lays out how the lanes are, in the place of what was said before. */
  readonly report: (state: RunnerState) => Effect.Effect<void, StoreError>
}>()("a2a-campaign/RunnerDesk") {
  /** In this process; nobody looks at what is laid out. */
  static readonly layerMemory: Layer.Layer<RunnerDesk> = Layer.effect(
    RunnerDesk,
    Effect.gen(function*() {
      const open = new Map<number, StoredCommand>()
      const answers = new Map<number, string>()
      const bell = yield* Queue.sliding<void>(1)
      let last = 0
      return RunnerDesk.of({
        request: (command) =>
          Effect.map(Clock.currentTimeMillis, (at) => {
            const id = ++last
            open.set(id, { id, at, command })
            Queue.offerUnsafe(bell, undefined)
            return id
          }),
        requests: Effect.sync(() => [...open.values()]),
        asked: Queue.take(bell),
        answer: (id, text) =>
          Effect.sync(() => {
            if (open.delete(id)) answers.set(id, text)
          }),
        answerOf: (id) => Effect.sync(() => Option.fromNullishOr(answers.get(id))),
        advance: () => Effect.void,
        report: () => Effect.void
      })
    })
  )
}
