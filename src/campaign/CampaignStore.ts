/**
 * What a campaign keeps: its definition, its battles, what became of every attempt, and the epochs of its engines.
 *
 * Laws, which every implementation holds (test/support/storeLaws.ts puts them to any):
 * - A battle has at most one outcome that counts and, where an attempt gave it, the attempt it rests on. A score is never
 *   taken back; a battle is never taken away.
 * - The number that `begin` gives is a fencing token, given once and rising by one: an attempt that is not the newest of a
 *   pending battle, or was begun before the battle was opened again or given up, is kept as superseded, free of charge, and
 *   changes nothing. Nothing is begun after an outcome.
 * - An attempt ends once; one that `abandon` has ended may still tell what it was, as superseded.
 * - Operations take effect one by one, whole, in the order in which they were asked for; what has been answered is kept.
 *
 * One store holds one campaign. Nothing secret is ever given to it. `layer` keeps it in a file, `layerMemory` in this
 * process, `layerJournal` wherever its user writes down one operation after the other; whoever has a database of their own
 * implements these eleven members, and takes `RunnerDesk.layerMemory` and a `LimitLearner` beside them.
 *
 * Of a file: any process may open it to read or to ask; the one that runs it holds its `StoreLock`, and so does, for a
 * moment, one that changes it while nobody runs it (`layerExclusive`).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { LearningSettings } from "../liveness/LearnedRuns.ts"
import { LimitLearner } from "../liveness/LimitLearner.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import type { Battle } from "./Battle.ts"
import type { Definition } from "./Definition.ts"
import type { EngineEpoch, NewEpoch } from "./EngineEpoch.ts"
import * as JournalStore from "./JournalStore.ts"
import { RunnerDesk } from "./RunnerDesk.ts"
import type { Selection } from "./Selection.ts"
import * as SqliteStore from "./SqliteStore.ts"
import type { AttemptStart, CampaignState, Recorded, StoredCampaign } from "./StoredCampaign.ts"
import * as StoredLimitLearner from "./StoredLimitLearner.ts"
import { queryFailed, type StoreError } from "./StoreError.ts"
import * as StoreFile from "./StoreFile.ts"
import * as StoreLock from "./StoreLock.ts"
import * as StoreWriter from "./StoreWriter.ts"

export type { LearningSettings } from "../liveness/LearnedRuns.ts"
export type { Phase } from "../liveness/Phase.ts"
export type { AttemptProgress } from "./AttemptProgress.ts"
export { AttemptRecord } from "./AttemptRecord.ts"
export { Battle, Outcome } from "./Battle.ts"
export type { Tried } from "./BattleHistories.ts"
export { Definition } from "./Definition.ts"
export { EngineEpoch, NewEpoch } from "./EngineEpoch.ts"
export type { Journal } from "./JournalStore.ts"
export { RunnerDesk } from "./RunnerDesk.ts"
export { RunnerState } from "./RunnerState.ts"
export { Selection } from "./Selection.ts"
export {
  AttemptStart,
  type AttemptSummary,
  CampaignState,
  type Recorded,
  type StoredBattle,
  type StoredCampaign
} from "./StoredCampaign.ts"
export { Command, type StoredCommand } from "./StoredCommand.ts"
export { StoreError, StoreErrorReason } from "./StoreError.ts"
export { StoreOperation } from "./StoreOperation.ts"
export type { Arrival } from "./TokenTimings.ts"

/** Where a store's file is, and how it is opened. */
export interface StoreOptions {
  /** Its path; ":memory:" for none. */
  readonly filename: string
  /** Whether the file may be new. */
  readonly create: boolean
  /** Whether writing has a thread of its own, so that nothing else waits for the disk: for whoever runs a campaign. */
  readonly ownThread?: boolean
  /** How much is learned of finished runs; the defaults unless given. */
  readonly limits?: LearningSettings
}

/** The campaign that is kept. */
export class CampaignStore extends Context.Service<CampaignStore, {
  /**
   * Writes the campaign with all its battles pending, to be run. Fails if the store already holds one. `configHash` says
   * later whether a configuration is the same; `null` where there is none.
   */
  readonly create: (definition: Definition, configHash: string | null) => Effect.Effect<void, StoreError>
  /** Replaces the definition by one with the same battles or more, which are pending. Fails with `NotExtended`. */
  readonly extend: (definition: Definition, configHash: string | null) => Effect.Effect<void, StoreError>
  /** The campaign as stored; none if the store is empty. */
  readonly load: Effect.Effect<Option.Option<StoredCampaign>, StoreError>
  /**
   * Reserves the next attempt of a battle and gives its number, from 1. Every smaller number of the battle is superseded
   * from now on. Fails with `NotPending` if the battle has an outcome.
   */
  readonly begin: (battle: Battle, start: AttemptStart) => Effect.Effect<number, StoreError>
  /**
   * Ends an attempt: `counted` if that settled its battle, `kept` if the battle is still pending, `superseded` if it came
   * too late to be of any effect. Fails if the attempt was never begun or has ended already.
   */
  readonly record: (attempt: AttemptRecord) => Effect.Effect<Recorded, StoreError>
  /** Ends what a process that is gone has left open, as abandoned and free of charge; gives the number of attempts. */
  readonly abandon: Effect.Effect<number, StoreError>
  /** Adds an epoch of an engine; gives its id. */
  readonly epoch: (epoch: NewEpoch) => Effect.Effect<number, StoreError>
  /** All epochs, in the order in which they were added. */
  readonly epochs: Effect.Effect<ReadonlyArray<EngineEpoch>, StoreError>
  /** Makes unscored battles pending again, with a history that begins anew; gives them. */
  readonly reopen: (selection: Selection) => Effect.Effect<ReadonlyArray<Battle>, StoreError>
  /**
   * Leaves pending battles without a score, for a reason; gives their number. Attempts in flight are superseded. `only`
   * names battles of the selection, where not all of them are meant.
   */
  readonly giveUp: (
    selection: Selection,
    reason: string,
    only?: ReadonlyArray<Battle>
  ) => Effect.Effect<number, StoreError>
  /** Says what its user wants of the campaign; changes nothing else. */
  readonly setState: (state: CampaignState) => Effect.Effect<void, StoreError>
}>()("a2a-campaign/CampaignStore") {
  /** Over a connection that may write, with its desk: brings the tables to the last step. */
  static readonly layerNoDeps = Layer.effectContext(
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* StoreFile.prepare
      const writer = yield* Effect.mapError(StoreWriter.make(sql), queryFailed("open the file for writing"))
      return contextOf(SqliteStore.make(sql, writer))
    })
  )

  /**
   * In a file. What its runs teach is kept in the same file, through the same connection: two of them in one process would
   * wait for each other in vain. Fails with `StoreError` where the file cannot be used.
   *
   * Gotcha: it does not hold the file's lock; the command does (`StoreLock`), and `layerExclusive` for its whole life.
   */
  static readonly layer = (options: StoreOptions) =>
    StoredLimitLearner.layer(options.limits).pipe(
      Layer.provideMerge(CampaignStore.layerNoDeps),
      Layer.provide(StoreFile.client(options))
    )

  /** The same for a change that nobody may come between. Fails with `Held` while a process runs the campaign. */
  static readonly layerExclusive = (options: StoreOptions) =>
    Layer.provide(CampaignStore.layer(options), StoreLock.layer(options.filename, "change"))

  /**
   * The same for a program that runs the campaign of a file, as the command does: others see that it runs, may ask
   * something of it and cannot run it, too. Writing has a thread of its own. Fails with `Held` while another process does.
   */
  static readonly layerRunning = (options: StoreOptions) =>
    Layer.provide(CampaignStore.layer({ ownThread: true, ...options }), StoreLock.layer(options.filename))

  /** The same in a file that exists, to be looked at only: of any version, while another process writes it, or not. */
  static readonly layerReadonly = (options: { readonly filename: string; readonly limits?: LearningSettings }) =>
    StoredLimitLearner.layer(options.limits).pipe(
      Layer.provideMerge(
        Layer.effectContext(
          Effect.map(SqlClient.SqlClient, (sql) => contextOf(SqliteStore.make(sql, StoreWriter.none)))
        )
      ),
      Layer.provide(StoreFile.readonlyClient(options.filename, "everything"))
    )

  /** In this process, gone with its scope. Transcripts are not kept: whoever wants them takes them from the events. */
  static readonly layerMemory: Layer.Layer<CampaignStore | RunnerDesk | LimitLearner> = Layer.mergeAll(
    Layer.effect(CampaignStore, JournalStore.memory),
    RunnerDesk.layerMemory,
    LimitLearner.layerMemory()
  )

  /**
   * In this process, and in a journal of its user's that holds every operation, one after the other: a file, a table, a
   * topic. When the layer is built what the journal holds is done again. Fails with what the journal fails with, or where
   * its operations are no campaign's.
   */
  static readonly layerJournal = (
    journal: JournalStore.Journal
  ): Layer.Layer<CampaignStore | RunnerDesk | LimitLearner, StoreError> =>
    Layer.mergeAll(
      Layer.effect(CampaignStore, JournalStore.make(journal)),
      RunnerDesk.layerMemory,
      LimitLearner.layerMemory()
    )
}

const contextOf = ({ desk, store }: SqliteStore.SqliteStore): Context.Context<CampaignStore | RunnerDesk> =>
  Context.make(CampaignStore, store).pipe(Context.add(RunnerDesk, desk))
