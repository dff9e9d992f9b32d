/**
 * The file that holds a campaign: its definition, its battles, every attempt, and what other terminals ask for.
 *
 * Laws
 * - A battle has at most one outcome that counts and, where an attempt gave it, the attempt it rests on: tables and
 *   triggers hold that against every writer, not only this one (`CampaignMigrations.ts`).
 * - The number that `begin` gives is a fencing token: what an older attempt brings later is kept and changes nothing.
 * - What has been answered is committed: a process that is killed loses nothing of it. (The power failing may lose the
 *   last moments, never the order: the log is not flushed at every commit.)
 * - All writing goes through one `StoreWriter`, so the event loop is blocked for moments only.
 *
 * One file holds one campaign. Nothing secret is ever given to the store. Any process may open it to read or to ask;
 * the one that runs it holds its `StoreLock`, and so does, for a moment, one that changes it while nobody runs it
 * (`layerExclusive`).
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { LearningSettings } from "../liveness/LearnedRuns.ts"
import type { AttemptProgress } from "./AttemptProgress.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import type { Battle } from "./Battle.ts"
import type { Definition } from "./Definition.ts"
import type { EngineEpoch, NewEpoch } from "./EngineEpoch.ts"
import { readCampaign } from "./readCampaign.ts"
import type { RunnerState } from "./RunnerState.ts"
import type { Selection } from "./Selection.ts"
import * as storedAttempts from "./storedAttempts.ts"
import * as storedBattles from "./storedBattles.ts"
import type { CampaignState, StoredCampaign } from "./StoredCampaign.ts"
import type { Command, StoredCommand } from "./StoredCommand.ts"
import * as storedControl from "./storedControl.ts"
import * as StoredLimitLearner from "./StoredLimitLearner.ts"
import { queryFailed, type StoreError } from "./StoreError.ts"
import * as StoreFile from "./StoreFile.ts"
import * as StoreLock from "./StoreLock.ts"
import * as StoreWriter from "./StoreWriter.ts"

export type { AttemptSummary, StoredBattle, StoredCampaign } from "./StoredCampaign.ts"

/** Rows of progress in one operation: some milliseconds. */
const PROGRESS_PER_OPERATION = 32

/** Where a store is, and how it is opened. */
export interface StoreOptions {
  readonly filename: string
  /** Whether the file may be new. */
  readonly create: boolean
  /** Whether writing has a thread of its own, so that nothing else waits for the disk: for whoever runs a campaign. */
  readonly ownThread?: boolean
  readonly limits?: LearningSettings
}

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
  readonly begin: (battle: Battle, start: storedAttempts.AttemptStart) => Effect.Effect<number, StoreError>
  /** Keeps what has come of attempts in flight, soon; never fails and waits for nothing. */
  readonly advance: (progress: ReadonlyArray<AttemptProgress>) => Effect.Effect<void>
  /**
   * Ends an attempt: `counted` if that settled its battle, `kept` if the battle is still pending, `superseded` if it came
   * too late to be of any effect. Fails if the attempt was never begun or has ended already.
   */
  readonly record: (attempt: AttemptRecord) => Effect.Effect<storedAttempts.Recorded, StoreError>
  /** Ends what a process that is gone has left open, as abandoned and free of charge; gives the number of attempts. */
  readonly abandon: Effect.Effect<number, StoreError>
  /** Adds an epoch of an engine; gives its id. */
  readonly epoch: (epoch: NewEpoch) => Effect.Effect<number, StoreError>
  readonly epochs: Effect.Effect<ReadonlyArray<EngineEpoch>, StoreError>
  /** Makes unscored battles pending again, with a history that begins anew; gives their number. */
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
  readonly setState: (state: CampaignState) => Effect.Effect<void, StoreError>
  /** Says what the process that runs the campaign wants shown. */
  readonly runner: (state: RunnerState) => Effect.Effect<void, StoreError>
  /** Asks something of the process that runs the campaign; gives the id of the request. */
  readonly request: (command: Command) => Effect.Effect<number, StoreError>
  /** What nobody has answered, the oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<StoredCommand>, StoreError>
  readonly answer: (id: number, text: string) => Effect.Effect<void, StoreError>
  readonly answerOf: (id: number) => Effect.Effect<Option.Option<string>, StoreError>
}>()("a2a-campaign/CampaignStore") {
  /** Over a connection that may write: brings the tables to the last step. */
  static readonly layerNoDeps = Layer.effect(
    CampaignStore,
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* StoreFile.prepare
      return make(sql, yield* Effect.mapError(StoreWriter.make(sql), queryFailed("open the file for writing")))
    })
  )

  /**
   * In a file. What its runs teach is kept in the same file, through the same connection: two of them in one process would
   * wait for each other in vain. For whoever asks something of the process that runs the campaign.
   */
  static readonly layer = (options: StoreOptions) =>
    StoredLimitLearner.layer(options.limits).pipe(
      Layer.provideMerge(CampaignStore.layerNoDeps),
      Layer.provide(StoreFile.client(options))
    )

  /** The same for a change that nobody may come between. Fails with `Held` while a process runs the campaign. */
  static readonly layerExclusive = (options: StoreOptions) =>
    Layer.provide(CampaignStore.layer(options), StoreLock.layer(options.filename, "change"))

  /** The same in a file that exists, to be looked at only: of any version, while another process writes it, or not. */
  static readonly layerReadonly = (options: { readonly filename: string; readonly limits?: LearningSettings }) =>
    StoredLimitLearner.layer(options.limits).pipe(
      Layer.provideMerge(
        Layer.effect(CampaignStore, Effect.map(SqlClient.SqlClient, (sql) => make(sql, StoreWriter.none)))
      ),
      Layer.provide(StoreFile.readonlyClient(options.filename, "everything"))
    )

  /** In memory, gone with its scope. */
  static readonly layerMemory = CampaignStore.layer({ filename: ":memory:", create: true })
}

const make = (
  sql: SqlClient.SqlClient,
  { offer, submit }: StoreWriter.StoreWriter
): CampaignStore["Service"] => {
  const read = <A>(name: string, query: Effect.Effect<A, StoreWriter.OperationError>) =>
    Effect.mapError(query, (error) => error._tag === "StoreError" ? error : queryFailed(name)(error))

  const atNow = <A, E>(use: (now: number) => Effect.Effect<A, E>) => Effect.flatMap(Clock.currentTimeMillis, use)

  /** The rest of what a long attempt leaves behind, a part at a time. */
  const forgetRest = (attemptId: number): Effect.Effect<void> =>
    offer(
      "forget the progress of an attempt",
      Effect.suspend(() => storedAttempts.forget(sql, attemptId)).pipe(
        Effect.flatMap((more) => more ? forgetRest(attemptId) : Effect.void)
      )
    )

  return CampaignStore.of({
    create: Effect.fn("CampaignStore.create")((definition, configHash) =>
      atNow((now) => submit("create the campaign", storedBattles.create(sql, definition, configHash, now)))
    ),
    extend: Effect.fn("CampaignStore.extend")((definition, configHash) =>
      submit("change the campaign", storedBattles.extend(sql, definition, configHash))
    ),
    load: read("read the campaign", sql.withTransaction(readCampaign(sql))).pipe(
      Effect.withSpan("CampaignStore.load")
    ),
    begin: Effect.fn("CampaignStore.begin")((battle, start) =>
      submit("begin an attempt", storedAttempts.begin(sql, battle, start))
    ),
    advance: (progress) =>
      Effect.forEach(
        Arr.chunksOf(progress, PROGRESS_PER_OPERATION),
        (some) => offer("keep what has come of attempts in flight", storedAttempts.advance(sql, some)),
        { discard: true }
      ),
    record: Effect.fn("CampaignStore.record")(function*(attempt) {
      const { left, recorded } = yield* submit("save an attempt", storedAttempts.record(sql, attempt))
      if (left !== null) yield* forgetRest(left)
      return recorded
    }),
    abandon: submit("end abandoned attempts", storedAttempts.abandon(sql)),
    epoch: (epoch) => submit("save an engine's epoch", storedControl.addEpoch(sql, epoch)),
    epochs: read("read the engines' epochs", storedControl.epochs(sql)),
    reopen: (selection) => submit("open battles again", storedBattles.reopen(sql, selection)),
    giveUp: (selection, reason, only) => submit("give battles up", storedBattles.giveUp(sql, selection, reason, only)),
    setState: (state) => submit("save the campaign's state", Effect.asVoid(sql`UPDATE campaign SET state = ${state}`)),
    runner: (state) => submit("save the runner's state", storedControl.saveRunner(sql, state)),
    request: (command) => atNow((now) => submit("save a request", storedControl.request(sql, command, now))),
    requests: read("read requests", storedControl.requests(sql)),
    answer: (id, text) => atNow((now) => submit("answer a request", storedControl.answer(sql, id, text, now))),
    answerOf: (id) => read("read an answer", storedControl.answerOf(sql, id))
  })
}
