/**
 * A `CampaignStore` in this process, with or without a journal that holds its operations.
 *
 * Laws: an operation is decided, written into the journal, and then takes effect; while it is written nothing else is
 * decided. One that the journal refuses has not happened. Whatever was answered stands in the journal, in its order; so
 * doing it again gives the campaign as it was, and attempts that nobody ended are open, as after `kill -9`.
 *
 * Gotcha: one process at a time may have a journal; who else could write to it is for its user to keep away.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import type { CampaignStore } from "./CampaignStore.ts"
import { type Decided, KeptCampaign } from "./KeptCampaign.ts"
import type { StoreError } from "./StoreError.ts"
import { StoreOperation } from "./StoreOperation.ts"

/** Where operations are written down. */
export interface Journal {
  /** All operations, the oldest first. */
  readonly read: Effect.Effect<ReadonlyArray<StoreOperation>, StoreError>
  /**
   * Writes one behind all others, for good. It is never called while it has not ended, and is not interrupted: what may hang
   * needs a limit of its own.
   */
  readonly append: (operation: StoreOperation) => Effect.Effect<void, StoreError>
}

const { Abandon, AddEpoch, Begin, Create, Extend, GiveUp, Record, Reopen, SetState } = StoreOperation.cases

/** What an operation would do to a campaign. */
const decide = (kept: KeptCampaign, operation: StoreOperation): Result.Result<Decided<unknown>, StoreError> => {
  switch (operation._tag) {
    case "Create":
      return kept.create(operation.definition, operation.configHash, operation.createdAt)
    case "Extend":
      return kept.extend(operation.definition, operation.configHash)
    case "Begin":
      return kept.begin(operation.battle, operation.start)
    case "Record":
      return kept.record(operation.attempt)
    case "Abandon":
      return kept.abandon()
    case "AddEpoch":
      return kept.addEpoch(operation.epoch)
    case "Reopen":
      return kept.reopen(operation.selection)
    case "GiveUp":
      return kept.giveUp(operation.selection, operation.reason, operation.only)
    case "SetState":
      return kept.setState(operation.state)
  }
}

/** A store that does again what the journal holds. Fails with what the journal fails with, or holds that cannot be. */
export const make = Effect.fnUntraced(function*({ append, read }: Journal) {
  const kept = new KeptCampaign()
  for (const operation of yield* read) (yield* Effect.fromResult(decide(kept, operation))).commit()
  const turn = yield* Semaphore.make(1)

  /** Takes effect if it can be, and is written; not interrupted between the two. */
  const operate = <A>(
    operation: StoreOperation,
    decided: () => Result.Result<Decided<A>, StoreError>
  ): Effect.Effect<A, StoreError> =>
    turn.withPermit(Effect.uninterruptible(Effect.gen(function*() {
      const { answer, commit } = yield* Effect.fromResult(decided())
      yield* append(operation)
      commit()
      return answer
    })))

  const store: CampaignStore["Service"] = {
    create: Effect.fnUntraced(function*(definition, configHash) {
      const createdAt = yield* Clock.currentTimeMillis
      return yield* operate(
        Create.make({ definition, configHash, createdAt }),
        () => kept.create(definition, configHash, createdAt)
      )
    }),
    extend: (definition, configHash) =>
      operate(Extend.make({ definition, configHash }), () => kept.extend(definition, configHash)),
    load: Effect.sync(() => Option.fromUndefinedOr(kept.load())),
    begin: (battle, start) => operate(Begin.make({ battle, start }), () => kept.begin(battle, start)),
    record: (attempt) => operate(Record.make({ attempt }), () => kept.record(attempt)),
    abandon: operate(Abandon.make({}), () => kept.abandon()),
    epoch: (epoch) => operate(AddEpoch.make({ epoch }), () => kept.addEpoch(epoch)),
    epochs: Effect.sync(() => kept.epochs()),
    reopen: (selection) => operate(Reopen.make({ selection }), () => kept.reopen(selection)),
    giveUp: (selection, reason, only) =>
      operate(
        GiveUp.make({ selection, reason, only: only ?? null }),
        () => kept.giveUp(selection, reason, only ?? null)
      ),
    setState: (state) => operate(SetState.make({ state }), () => kept.setState(state))
  }
  return store
})

/** Without a journal. */
export const memory: Effect.Effect<CampaignStore["Service"]> = Effect.orDie(
  make({ read: Effect.succeed([]), append: () => Effect.void })
)
