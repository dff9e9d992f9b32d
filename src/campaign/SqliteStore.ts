/**
 * The campaign of a file, over a connection to it: what `CampaignStore` and `RunnerDesk` are there.
 *
 * - What has been answered is committed: a process that is killed loses nothing of it. (The power failing may lose the
 *   last moments, never the order: the log is not flushed at every commit.)
 * - All writing goes through one `StoreWriter`, so the event loop is blocked for moments only.
 * - The laws of `CampaignStore` are held by tables and triggers against every writer, not only this one
 *   (`CampaignMigrations.ts`).
 *
 * Gotcha: `advance` is kept here, too, so that what is left of an attempt whose process is killed is what had come of it.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { CampaignStore } from "./CampaignStore.ts"
import { readCampaign } from "./readCampaign.ts"
import type { RunnerDesk } from "./RunnerDesk.ts"
import * as storedAttempts from "./storedAttempts.ts"
import * as storedBattles from "./storedBattles.ts"
import * as storedControl from "./storedControl.ts"
import { queryFailed } from "./StoreError.ts"
import type * as StoreWriter from "./StoreWriter.ts"

/** Rows of progress in one operation: some milliseconds. */
const PROGRESS_PER_OPERATION = 32

/** Nobody tells when another terminal has asked for something. */
const BETWEEN_LOOKS_MILLIS = 500

export interface SqliteStore {
  readonly store: CampaignStore["Service"]
  readonly desk: RunnerDesk["Service"]
}

/** Both over one connection, whose writes go through one writer. */
export const make = (sql: SqlClient.SqlClient, { offer, submit }: StoreWriter.StoreWriter): SqliteStore => {
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

  const store: CampaignStore["Service"] = {
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
    setState: (state) => submit("save the campaign's state", Effect.asVoid(sql`UPDATE campaign SET state = ${state}`))
  }

  const desk: RunnerDesk["Service"] = {
    request: (command) => atNow((now) => submit("save a request", storedControl.request(sql, command, now))),
    requests: read("read requests", storedControl.requests(sql)),
    asked: Effect.sleep(BETWEEN_LOOKS_MILLIS),
    answer: (id, text) => atNow((now) => submit("answer a request", storedControl.answer(sql, id, text, now))),
    answerOf: (id) => read("read an answer", storedControl.answerOf(sql, id)),
    advance: (progress) =>
      Effect.forEach(
        Arr.chunksOf(progress, PROGRESS_PER_OPERATION),
        (some) => offer("keep what has come of attempts in flight", storedAttempts.advance(sql, some)),
        { discard: true }
      ),
    report: (state) => submit("save the runner's state", storedControl.saveRunner(sql, state))
  }
  return { store, desk }
}
