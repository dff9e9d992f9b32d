/**
 * Effect's SQL client over `node:sqlite`, because `@effect/sql-sqlite-node` does not load with Effect 4.1.
 *
 * One connection, shared through a semaphore: fibers take turns, a transaction keeps the connection until it ends.
 * Laws
 * - A damaged or foreign file is found while opening, through a read-only connection, and is never written to.
 * - After the last client has closed, the database is one file: no `-wal` and no `-shm` beside it. A reader that
 *   outlives the writers leaves a log that holds rows to the next writer: it never changes the database.
 * - A whole number is bound as INTEGER (`node:sqlite` would bind 1 as 1.0, which becomes "1.0" in a TEXT column).
 * - SQL text with a second statement is refused; `node:sqlite` would silently ignore everything after the first.
 * Gotchas
 * - Without `ownThread` every call blocks the event loop, and so does waiting for the lock of another process, up to 5 s.
 *   Two clients of one process on one file wait for each other in vain: share one layer.
 * - A stream outside a transaction keeps the connection until it ends: a query in its consumer would wait for ever.
 *   Put both into one `withTransaction`, or collect first.
 * - Only null, strings, numbers, bigints, booleans and byte arrays can be bound; encode dates and objects by a schema.
 *   SQLite stores NaN as NULL, and integers beyond 2^53 cannot be read. Rows have no prototype. Node 22 reads a text
 *   only up to its first NUL; all of it is in the file, and Node 24 reads it.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Pull from "effect/Pull"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as nodePath from "node:path"
import type { DatabaseSync } from "node:sqlite"
import * as SqliteDatabase from "./SqliteDatabase.ts"
import type { Access, Row, SqliteCall } from "./SqliteDatabase.ts"
import { StoreError, StoreErrorReason } from "./StoreError.ts"
import * as ThreadedSqlite from "./ThreadedSqlite.ts"

const sqliteReadonly = 8
const sqliteCorrupt = 11
const sqliteCannotOpen = 14
const sqliteNotADatabase = 26

export interface Options {
  /** A path, relative to the working directory or absolute; ":memory:" for a database that dies with its scope. */
  readonly filename: string
  /** Whether a missing file is created. Its directory never is. */
  readonly create: boolean
  /** Opens without the right to write, and then never creates. Transactions are read snapshots. */
  readonly readonly?: boolean | undefined
  /**
   * Whether a file that exists is what the caller takes it for; `all` gives the rows of a query. A failure leaves the file
   * unchanged. Not asked where only a writable connection can read it, nor of a file that is new.
   */
  readonly accept?: <E>(
    all: (sql: string) => Effect.Effect<ReadonlyArray<Row>, E>
  ) => Effect.Effect<void, E | StoreError>
  /**
   * Whether the connection lives in a thread of its own, so that the event loop never waits for the disk nor for another
   * process. A call costs some microseconds more, and the thread some 10 MB. Nothing in memory has one.
   */
  readonly ownThread?: boolean | undefined
  /** What of a file that exists is read before it is opened: every page, or only what `accept` asks for. */
  readonly inspected?: "everything" | "accepted" | undefined
}

/**
 * An open database as `SqlClient`, closed with its scope. Fails with `StoreError` (`Missing`, `NotADatabase`,
 * `CannotOpen`); statements fail with `SqlError`.
 *
 * Opening reads the whole file once (`quick_check`: about 0.6 s per gigabyte from the page cache).
 */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, StoreError> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))

const make = Effect.fnUntraced(function*(options: Options) {
  const opened = yield* open(options)
  const acquirers = SqlClient.makeSqliteAcquirers({
    connection: Effect.succeed(makeConnection(opened)),
    semaphore: yield* Semaphore.make(1),
    isTransaction: opened.isTransaction
  })
  return yield* SqlClient.make({
    ...acquirers,
    compiler: Statement.makeCompilerSqlite(),
    driver: "node:sqlite",
    spanAttributes: [["db.system.name", "sqlite"]],
    // Takes the write lock at once, because a transaction that has read cannot wait for it any more. On a connection
    // that cannot write SQLite begins a read transaction instead.
    beginTransaction: "BEGIN IMMEDIATE",
    prepareTransactionControls: true,
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`
  })
})

// === opening

/** Why SQLite or the file system refused, before it is known what that means for the user. */
interface Refusal {
  readonly code: number | undefined
  readonly detail: string
}

const detailOf = (cause: unknown) => cause instanceof Error ? cause.message : String(cause)

/** SQLite's primary result code; the extended one holds it in its low byte. */
const codeOf = (cause: unknown): number | undefined =>
  Predicate.hasProperty(cause, "errcode") && typeof cause.errcode === "number" ? cause.errcode & 0xff : undefined

const refusalOf = ({ thrown }: ThreadedSqlite.Thrown): Refusal => ({ code: codeOf(thrown), detail: detailOf(thrown) })

const attempt = <A>(evaluate: () => A): Effect.Effect<A, Refusal> =>
  Effect.try({ try: evaluate, catch: (thrown) => refusalOf({ thrown }) })

const storeError = (path: string) => ({ code, detail }: Refusal): StoreError =>
  new StoreError({
    reason: code === sqliteCorrupt || code === sqliteNotADatabase
      ? StoreErrorReason.cases.NotADatabase.make({ path, detail })
      : StoreErrorReason.cases.CannotOpen.make({ path, detail })
  })

const open = Effect.fn("NodeSqlite.open")(
  function*(options: Options): Effect.fn.Return<ThreadedSqlite.ThreadedSqlite, StoreError, Scope.Scope> {
    const { filename } = options
    const acquireAs = (access: Access) =>
      Effect.mapError(
        options.ownThread === true && access !== "memory"
          ? Effect.mapError(ThreadedSqlite.open({ filename, access }), refusalOf)
          : Effect.map(acquire(filename, access), inThisThread),
        storeError(filename)
      )
    if (filename === ":memory:") return yield* acquireAs("memory")
    const readonly = options.readonly === true
    const exists = yield* checkFile(filename, options.create, readonly)
    // Registered before the database is opened, so it runs after it was closed.
    yield* Effect.addFinalizer(() => Effect.ignore(removeEmptyLog(filename)))
    if (!exists) return yield* acquireAs("create")
    const access = yield* Effect.mapError(
      possibleAccess(options, readonly),
      (error) => error instanceof StoreError ? error : storeError(filename)(error)
    )
    return yield* acquireAs(access)
  }
)

/** Inspects the file and says how it is then to be opened. */
const possibleAccess = (options: Options, readonly: boolean): Effect.Effect<Access, Refusal | StoreError> =>
  Effect.matchEffect(inspect(options, "read"), {
    onSuccess: () => Effect.succeed(readonly ? "read" : "write"),
    onFailure: (refusal): Effect.Effect<Access, Refusal | StoreError> => {
      if (refusal instanceof StoreError) return Effect.fail(refusal)
      if (refusal.code !== sqliteReadonly && refusal.code !== sqliteCannotOpen) return Effect.fail(refusal)
      // Only a writable connection can finish what a crash interrupted: it decides for itself.
      if (!readonly) return Effect.succeed("write")
      // With a log beside it, the file alone is not the whole database.
      if (logBytes(options.filename) > 0) return Effect.fail(refusal)
      return Effect.as(inspect(options, "immutable"), "immutable")
    }
  })

/** Whether there is a file to inspect; fails on what SQLite would only call "unable to open database file". */
const checkFile = Effect.fnUntraced(
  function*(filename: string, create: boolean, readonly: boolean): Effect.fn.Return<boolean, StoreError> {
    const mayCreate = create && !readonly
    const cannotOpen = (detail: string) => storeError(filename)({ code: undefined, detail })
    const status = yield* Effect.try({
      try: () => fs.statSync(filename, { throwIfNoEntry: false }),
      catch: (cause) => cannotOpen(detailOf(cause))
    })
    if (status === undefined) {
      if (!mayCreate) return yield* new StoreError({ reason: StoreErrorReason.cases.Missing.make({ path: filename }) })
      const directory = nodePath.dirname(filename)
      return fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true
        ? false
        : yield* cannotOpen(`there is no directory ${directory}`)
    }
    if (status.isDirectory()) return yield* cannotOpen("it is a directory")
    // SQLite would open a file it may not write to all the same, and fail at the first write.
    yield* Effect.try({
      try: () => fs.accessSync(filename, readonly ? fs.constants.R_OK : fs.constants.R_OK | fs.constants.W_OK),
      catch: (cause) => cannotOpen(detailOf(cause))
    })
    if (status.size > 0) return true
    // To SQLite an empty file is an empty database; to somebody who wanted to read a campaign it is a mistake.
    return mayCreate
      ? false
      : yield* storeError(filename)({ code: sqliteNotADatabase, detail: "the file is empty" })
  }
)

/** Looks into the file through a connection that cannot write. */
const inspect = (
  { accept, filename, inspected = "everything" }: Options,
  access: "read" | "immutable"
): Effect.Effect<void, Refusal | StoreError> =>
  Effect.scoped(Effect.gen(function*() {
    const database = yield* acquire(filename, access)
    if (accept !== undefined) yield* accept((sql) => attempt(() => database.prepare(sql).all()))
    if (inspected === "accepted") return
    const row = yield* attempt(() => database.prepare("PRAGMA quick_check(1)").get())
    const verdict = String(row?.["quick_check"])
    if (verdict !== "ok") return yield* Effect.fail({ code: sqliteCorrupt, detail: verdict })
  }))

const acquire = (filename: string, access: Access): Effect.Effect<DatabaseSync, Refusal, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(() => SqliteDatabase.open(filename, access)),
    (database) =>
      access === "create" || access === "write"
        ? Effect.andThen(
          Effect.ignore(attempt(() => SqliteDatabase.truncateLog(database))),
          Effect.sync(() => database.close())
        )
        : Effect.sync(() => database.close())
  ).pipe(Effect.tap((database) => attempt(() => SqliteDatabase.configure(database, access))))

const logBytes = (filename: string): number => {
  const log = `${filename}-wal`
  return fs.existsSync(log) ? fs.statSync(log, { throwIfNoEntry: false })?.size ?? 0 : 0
}

/**
 * A read-only connection leaves an empty `-wal` and a `-shm` behind. Closing a writable one removes them, if SQLite
 * finds that nobody else has the database open. With an empty log this writes nothing into the database itself.
 */
const removeEmptyLog = (filename: string): Effect.Effect<void, Refusal> =>
  Effect.scoped(Effect.gen(function*() {
    const left = yield* attempt(() => fs.existsSync(`${filename}-wal`) && logBytes(filename) === 0)
    if (!left) return
    const database = yield* Effect.acquireRelease(
      attempt(() => SqliteDatabase.open(filename, "write")),
      (database) => Effect.sync(() => database.close())
    )
    // SQLite looks at the log only when something is read.
    yield* attempt(() => database.prepare("PRAGMA schema_version").get())
  }))

// === statements

const inThisThread = (database: DatabaseSync): ThreadedSqlite.ThreadedSqlite => {
  const answer = SqliteDatabase.answerer(database)
  return {
    call: (call) => Effect.try({ try: () => answer(call), catch: (thrown) => ({ thrown }) }),
    isTransaction: () => database.isTransaction
  }
}

const makeConnection = ({ call }: ThreadedSqlite.ThreadedSqlite): SqlConnection.Connection => {
  const ask = (operation: string, asked: SqliteCall) =>
    Effect.mapError(call(asked), ({ thrown }) => sqlError(operation, thrown))

  const query =
    (kind: "rows" | "rowsUnprepared" | "values" | "valuesUnprepared" | "raw" | "stream", operation: string) =>
    (sql: string, params: ReadonlyArray<unknown>) =>
      Effect.flatMap(
        Effect.try({ try: () => SqliteDatabase.bind(params), catch: (cause) => sqlError(operation, cause) }),
        (bindings) => ask(operation, { kind, sql, bindings })
      )

  const rowsOf = (
    kind: "rows" | "rowsUnprepared",
    operation: string
  ): SqlConnection.Connection["execute"] => {
    const asked = query(kind, operation)
    return (sql, params, transformRows) =>
      Effect.map(asked(sql, params), (rows) => transformed(rows as ReadonlyArray<Row>, transformRows))
  }

  const valuesOf = (
    kind: "values" | "valuesUnprepared",
    operation: string
  ): SqlConnection.Connection["executeValues"] => {
    const asked = query(kind, operation)
    return (sql, params) => Effect.map(asked(sql, params), (rows) => rows as ReadonlyArray<ReadonlyArray<unknown>>)
  }

  const begin = query("stream", "executeStream")
  const next = (stream: number) =>
    Effect.map(ask("executeStream", { kind: "next", stream }), (rows) => rows as ReadonlyArray<Row>)

  return {
    execute: rowsOf("rows", "execute"),
    executeUnprepared: rowsOf("rowsUnprepared", "executeUnprepared"),
    executeValues: valuesOf("values", "executeValues"),
    executeValuesUnprepared: valuesOf("valuesUnprepared", "executeValuesUnprepared"),
    executeRaw: query("raw", "executeRaw"),
    // Every stream has a statement of its own: a cached one would be reset by the next use of the same text.
    executeStream: (sql, params, transformRows) =>
      Stream.unwrap(Effect.map(
        Effect.acquireRelease(
          Effect.map(begin(sql, params), Number),
          (stream) => Effect.ignore(ask("executeStream", { kind: "endStream", stream }))
        ),
        (stream) => Stream.fromPull(Effect.succeed(pullRows(next(stream), transformRows)))
      ))
  }
}

type Transform = (<A extends object>(rows: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined

const transformed = (rows: ReadonlyArray<Row>, transformRows: Transform): ReadonlyArray<Row> =>
  transformRows === undefined ? rows : transformRows(rows)

const pullRows = (
  next: Effect.Effect<ReadonlyArray<Row>, SqlError.SqlError>,
  transformRows: Transform
): Pull.Pull<Arr.NonEmptyReadonlyArray<Row>, SqlError.SqlError> =>
  Effect.filterOrElse(
    Effect.map(next, (rows) => transformed(rows, transformRows)),
    Arr.isReadonlyArrayNonEmpty,
    () => Cause.done()
  )

const sqlError = (operation: string, cause: unknown): SqlError.SqlError => {
  // Effect classifies by `errno`; node:sqlite says `errcode`.
  if (Predicate.hasProperty(cause, "errcode")) Object.assign(cause, { errno: cause.errcode })
  return new SqlError.SqlError({
    reason: SqlError.classifySqliteError(cause, { message: detailOf(cause), operation })
  })
}
