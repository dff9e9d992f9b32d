/**
 * The one writer of a store: operations wait in a queue and are committed together.
 *
 * Laws
 * - Operations take effect in the order in which they were submitted; whoever waits for one is resumed after its commit.
 * - Each stands in a savepoint: one that breaks a rule (UNIQUE, CHECK, a trigger) fails alone.
 * - A transaction takes no further operation after 6 ms, so that it blocks the event loop for at most about 10 ms, and
 *   other fibers run between two of them.
 * - Where the file itself fails (a full disk), the transaction is rolled back and each of its operations is tried alone:
 *   those that fail again fail with what the disk said, and the next one begins with a clean connection.
 * - Closing the scope commits what was submitted before; what is submitted after that fails.
 *
 * Gotchas: an operation may run twice, so it must do nothing but talk to the database. One that is submitted inside a
 * transaction of the same client waits for ever. Another process that writes is waited for without blocking.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { queryFailed, StoreError, StoreErrorReason } from "./StoreError.ts"

/** After so many nanoseconds a transaction takes no further operation. */
const TRANSACTION_NANOS = 6_000_000n
/** Nor after so many operations, which bounds what is done again when the disk fails. */
const TRANSACTION_OPERATIONS = 64
/** Least time for which SQLite itself waits for another writer; the event loop stands still meanwhile. */
const BUSY_MILLIS = 5
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
  const queue = yield* Queue.unbounded<Submitted, Cause.Done>()
  const writer = yield* Effect.forkScoped(drain(sql, queue), { startImmediately: true })
  yield* Effect.addFinalizer(() => Effect.andThen(Queue.end(queue), Fiber.await(writer)))

  const submit: StoreWriter["submit"] = <A>(name: string, operation: Effect.Effect<A, OperationError>) =>
    Effect.gen(function*() {
      const done = Deferred.makeUnsafe<A, OperationError>()
      const end = (exit: Exit.Exit<unknown, OperationError>) =>
        Deferred.done(done, exit as Exit.Exit<A, OperationError>)
      if (!(yield* Queue.offer(queue, { operation, end }))) return yield* refusal(name, "it is closed already")
      return yield* Effect.mapError(Deferred.await(done), (error) => asStoreError(name, error))
    }).pipe(Effect.uninterruptible)

  const offer: StoreWriter["offer"] = (name, operation) => {
    const end = (exit: Exit.Exit<unknown, OperationError>) =>
      Exit.isSuccess(exit) ? Effect.void : Effect.logWarning(`The store failed to ${name}`, exit.cause)
    return Effect.asVoid(Queue.offer(queue, { operation, end }))
  }

  return { submit, offer }
})

const drain = (sql: SqlClient.SqlClient, queue: Queue.Queue<Submitted, Cause.Done>): Effect.Effect<void> =>
  Queue.take(queue).pipe(
    Effect.flatMap((first) => commit(sql, first, queue)),
    Effect.andThen(Effect.yieldNow),
    Effect.forever,
    Effect.catchTag("Done", () => Effect.void)
  )

/** One transaction: the first operation, and those that wait behind it as long as there is time. */
const commit = Effect.fnUntraced(
  function*(sql: SqlClient.SqlClient, first: Submitted, queue: Queue.Queue<Submitted, Cause.Done>) {
    const clock = yield* Clock.Clock
    if (Queue.sizeUnsafe(queue) === 0) return yield* commitAlone(sql, first)
    const taken = [first]
    const exits: Array<Exit.Exit<unknown, OperationError>> = []
    const operations = Effect.gen(function*() {
      const deadline = clock.monotonicTimeNanosUnsafe() + TRANSACTION_NANOS
      while (true) {
        const exit = yield* Effect.exit(sql.withTransaction(taken.at(-1)!.operation))
        if (ofTheFile(exit)) return yield* exit
        exits.push(exit)
        if (taken.length >= TRANSACTION_OPERATIONS || clock.monotonicTimeNanosUnsafe() >= deadline) return
        const next = Queue.takeUnsafe(queue)
        if (next === undefined || Exit.isFailure(next)) return
        taken.push(next.value)
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
