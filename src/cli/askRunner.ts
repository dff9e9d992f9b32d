/**
 * How a verb reaches a campaign from another terminal: by a request to the process that runs it, which answers in the
 * store; or, where nobody runs it, by holding its lock for a moment, so that nobody begins meanwhile.
 *
 * Law: what was asked is done once. If the process is gone before it answers, its request is answered here by whoever then
 * does it instead.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { CampaignStore } from "../campaign/CampaignStore.ts"
import { RunnerDesk } from "../campaign/RunnerDesk.ts"
import type { StoredCommand } from "../campaign/StoredCommand.ts"
import type { StoreError } from "../campaign/StoreError.ts"
import * as StoreLock from "../campaign/StoreLock.ts"
import { inputError } from "./CommandError.ts"

/** The process looks twice a second; this is for one that is very busy. */
const PATIENCE_MILLIS = 10_000
const BETWEEN_LOOKS_MILLIS = 100

type Command = StoredCommand["command"]

export type Reply =
  | { readonly _tag: "Answered"; readonly text: string }
  /** The process was gone before it answered, and nothing has been done. */
  | { readonly _tag: "Gone" }

/** Asks the process that runs the campaign, and waits for its answer. Fails if it gives none. */
export const ask = Effect.fn("askRunner.ask")(function*(file: string, { pid }: StoreLock.Holder, command: Command) {
  const desk = yield* RunnerDesk
  const id = yield* desk.request(command)
  const reply = Effect.gen(function*() {
    while (true) {
      const isGone = Option.isNone(yield* StoreLock.runner(file))
      const answer = yield* desk.answerOf(id)
      if (Option.isSome(answer)) return { _tag: "Answered", text: answer.value } satisfies Reply as Reply
      if (isGone) {
        yield* desk.answer(id, "its process was gone before it could be done")
        return { _tag: "Gone" } satisfies Reply as Reply
      }
      yield* Effect.sleep(BETWEEN_LOOKS_MILLIS)
    }
  })
  return yield* Effect.timeoutOrElse(reply, {
    duration: PATIENCE_MILLIS,
    orElse: () =>
      Effect.fail(inputError(
        `process ${pid} has not answered within ${PATIENCE_MILLIS / 1000} s; the request is kept for it, and if the ` +
          "process hangs, kill it: nothing that was finished is lost"
      ))
  })
}, (effect, file) => Effect.provide(effect, CampaignStore.layer({ filename: file, create: false }), { local: true }))

/** Asks the process that runs the campaign; where there is none, does `idle` while nobody can begin. */
export const askOrDo = <A, E>(options: {
  readonly file: string
  readonly command: Command
  readonly answered: (text: string) => Effect.Effect<A, E>
  readonly idle: Effect.Effect<A, E, CampaignStore>
}): Effect.Effect<A, E | StoreError | Effect.Error<ReturnType<typeof ask>>> =>
  Effect.gen(function*() {
    const { answered, command, file, idle } = options
    const holder = yield* StoreLock.runner(file)
    if (Option.isNone(holder)) {
      return yield* idle.pipe(
        Effect.provide(CampaignStore.layerExclusive({ filename: file, create: false }), { local: true })
      )
    }
    const reply = yield* ask(file, holder.value, command)
    return reply._tag === "Answered" ? yield* answered(reply.text) : yield* askOrDo(options)
  })

/** Waits until the process that held the campaign holds it no more. */
export const gone = Effect.fn("askRunner.gone")(function*(file: string, holder: StoreLock.Holder) {
  const isHeld = Option.exists<StoreLock.Holder>(({ pid, since }) => pid === holder.pid && since === holder.since)
  while (isHeld(yield* StoreLock.holder(file))) yield* Effect.sleep(BETWEEN_LOOKS_MILLIS)
})
