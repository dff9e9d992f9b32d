/**
 * The one writer of a store: operations are committed in the order in which they come, together where they come together.
 *
 * Laws
 * - Operations take effect in the order in which they were submitted; whoever waits for one is resumed after its commit.
 * - Each stands in a savepoint: one that breaks a rule (UNIQUE, CHECK, a trigger) fails alone.
 * - After 4 ms of work nothing more is begun before everybody else had a turn, so that without a thread of its own the
 *   connection holds the event loop for some 10 ms at most, unless the disk is slow. Until then whoever submits does the
 *   work at once, without a detour.
 * - Where the file itself fails (a full disk), the transaction is rolled back and each of its operations is tried alone:
 *   those that fail again fail with what the disk said, and the next one begins with a clean connection.
 * - Closing the scope commits what was submitted before; what is submitted after that fails.
 *
 * Gotchas: an operation may run twice, so it must do nothing but talk to the database. One that is submitted inside a
 * transaction of the same client waits for ever. Another process that writes is waited for without blocking.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { queryFailed, StoreError, StoreErrorReason } from "./StoreError.ts"

/** After so many nanoseconds of work everybody else has a turn. */
const TURN_NANOS = 4_000_000n
/** Most operations of a transaction, which bounds what is done again when the disk fails. */
const TRANSACTION_OPERATIONS = 64
/** Time for which SQLite itself waits for another writer, and its thread with it. */
const BUSY_MILLIS = 10
/** The commit that makes the log so long copies it into the file and waits for the disk: a megabyte at a time. */
const CHECKPOINT_PAGES = 256
/** How often, and how far apart, a transaction asks again while another process writes: about 5 s in all. */
const BUSY_SCHEDULE = Schedule.spaced("25 millis").pipe(Schedule.upTo({ times: 170 }))

export type OperationError = SqlError | StoreError | Schema.SchemaError

export interface StoreWriter {
  /** Carries out an operation and waits for its commit. `name` is a verb phrase that follows "failed to". */
  readonly submit: <A>(name: string, operation: Effect.Effect<A, OperationError>) => Effect.Effect<A, StoreError>
  /** Carries out an operation some time, waits for nothing, and logs if it fails. */
  readonly offer: (name: string, operation: Effect.Effect<unknown, OperationError>) => Effect.Effect<void>
}

interface Submitted {
  readonly operation: Effect.Effect<unknown, OperationError>
  readonly end: (exit: Exit.Exit<unknown, OperationError>) => Effect.Effect<unknown>
}

/** For a connection that may not write. */
export const none: StoreWriter = {
  submit: (name) => Effect.fail(refusal(name, "it was opened to be read only")),
  offer: (name) => Effect.logWarning(`The store failed to ${name}: it was opened to be read only`)
}

/** Over a connection that nobody else writes through in long transactions. */
export const make = Effect.fnUntraced(function*(
  sql: SqlClient.SqlClient
): Effect.fn.Return<StoreWriter, SqlError, Scope.Scope> {
  yield* sql`PRAGMA busy_timeout = ${sql.literal(String(BUSY_MILLIS))}`
  yield* sql`PRAGMA wal_autocheckpoint = ${sql.literal(String(CHECKPOINT_PAGES))}`
  const clock = yield* Clock.Clock
  const queue: Array<Submitted> = []
  /** Whether somebody works. */
  let busy = false
  /** Work since everybody else last had a turn. */
  let spentNanos = 0n
  let turnAwaited = false
  let closed = false

  const work: Effect.Effect<void> = Effect.suspend(() => {
    busy = true
    return Effect.whileLoop({
      while: () => queue.length > 0 && spentNanos < TURN_NANOS,
      body: () => {
        const began = clock.monotonicTimeNanosUnsafe()
        const deadline = began + TURN_NANOS - spentNanos
        return Effect.ensuring(
          commit(sql, queue, () => clock.monotonicTimeNanosUnsafe() < deadline),
          Effect.sync(() => spentNanos += clock.monotonicTimeNanosUnsafe() - began)
        )
      },
      step: () => {}
    })
  }).pipe(
    Effect.ensuring(Effect.suspend(() => {
      busy = false
      return queue.length > 0 ? workNextTurn : Effect.void
    })),
    Effect.uninterruptible
  )

  const workNextTurn: Effect.Effect<void> = Effect.suspend(() => {
    if (turnAwaited) return Effect.void
    turnAwaited = true
    const turn = Effect.suspend(() => {
      turnAwaited = false
      spentNanos = 0n
      return busy ? Effect.void : work
    })
    return Effect.asVoid(Effect.forkDetach(Effect.uninterruptible(Effect.andThen(Effect.yieldNow, turn))))
  })

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      closed = true
      return Effect.repeat(Effect.yieldNow, { while: () => busy || queue.length > 0 })
    })
  )

  const submit: StoreWriter["submit"] = <A>(name: string, operation: Effect.Effect<A, OperationError>) =>
    Effect.suspend(() => {
      if (closed) return Effect.fail(refusal(name, "it is closed already"))
      const done = Deferred.makeUnsafe<A, OperationError>()
      const end = (exit: Exit.Exit<unknown, OperationError>) =>
        Deferred.done(done, exit as Exit.Exit<A, OperationError>)
      queue.push({ operation, end })
      return (busy ? Effect.void : spentNanos < TURN_NANOS ? work : workNextTurn).pipe(
        Effect.andThen(Deferred.await(done)),
        Effect.mapError((error) => asStoreError(name, error))
      )
    }).pipe(Effect.uninterruptible)

  const offer: StoreWriter["offer"] = (name, operation) =>
    Effect.suspend(() => {
      if (closed) return Effect.logWarning(`The store failed to ${name}: it is closed already`)
      const end = (exit: Exit.Exit<unknown, OperationError>) =>
        Exit.isSuccess(exit) ? Effect.void : Effect.logWarning(`The store failed to ${name}`, exit.cause)
      queue.push({ operation, end })
      return busy ? Effect.void : workNextTurn
    })

  return { submit, offer }
})

/** One transaction: the first operation of the queue, and those behind it as long as there is time. */
const commit = Effect.fnUntraced(
  function*(sql: SqlClient.SqlClient, queue: Array<Submitted>, hasTime: () => boolean) {
    const taken = [queue.shift()!]
    if (queue.length === 0) return yield* commitAlone(sql, taken[0]!)
    const exits: Array<Exit.Exit<unknown, OperationError>> = []
    const operations = Effect.gen(function*() {
      while (true) {
        const exit = yield* Effect.exit(sql.withTransaction(taken.at(-1)!.operation))
        if (ofTheFile(exit)) return yield* exit
        exits.push(exit)
        if (taken.length >= TRANSACTION_OPERATIONS || !hasTime()) return
        const next = queue.shift()
        if (next === undefined) return
        taken.push(next)
      }
    })
    const committed = yield* Effect.exit(whenFree(sql.withTransaction(operations), () => exits.length === 0))
    for (const [index, submitted] of taken.entries()) {
      const exit = exits[index]
      yield* Exit.isSuccess(committed) && exit !== undefined ? submitted.end(exit) : commitAlone(sql, submitted)
    }
  }
)

const commitAlone = (sql: SqlClient.SqlClient, { end, operation }: Submitted) =>
  Effect.flatMap(Effect.exit(whenFree(sql.withTransaction(operation), () => true)), end)

/** Waits while another process writes, if nothing has been done yet. */
const whenFree = <A>(transaction: Effect.Effect<A, OperationError>, mayWait: () => boolean) =>
  Effect.retry(transaction, {
    schedule: BUSY_SCHEDULE,
    while: (error) => mayWait() && isSqlError(error) && error.reason._tag === "LockTimeoutError"
  })

const isSqlError = (error: unknown): error is SqlError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "SqlError"

/** Whether an operation failed by no rule of the tables: then nothing is known of the whole transaction any more. */
const ofTheFile = (exit: Exit.Exit<unknown, OperationError>): boolean => {
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (!isSqlError(error)) return false
  return error.reason._tag !== "ConstraintError" && error.reason._tag !== "UniqueViolation"
}

const asStoreError = (name: string, error: OperationError): StoreError =>
  error._tag === "StoreError" ? error : queryFailed(name)(error)

const refusal = (operation: string, detail: string) =>
  new StoreError({ reason: StoreErrorReason.cases.Query.make({ operation, detail }) })
