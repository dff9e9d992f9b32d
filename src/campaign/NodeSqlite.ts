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
 * - Every call blocks the event loop, and so does waiting for the lock of another process, up to `busyTimeoutMillis`.
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
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { pathToFileURL } from "node:url"
import { StoreError, StoreErrorReason } from "./StoreError.ts"

const busyTimeoutMillis = 5_000
const cachedStatements = 128
const streamedRowsPerChunk = 128

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
  /** What of a file that exists is read before it is opened: every page, or only what `accept` asks for. */
  readonly inspected?: "everything" | "accepted" | undefined
}

type Row = Record<string, unknown>

/**
 * An open database as `SqlClient`, closed with its scope. Fails with `StoreError` (`Missing`, `NotADatabase`,
 * `CannotOpen`); statements fail with `SqlError`.
 *
 * Opening reads the whole file once (`quick_check`: about 0.6 s per gigabyte from the page cache).
 */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, StoreError> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))

const make = Effect.fnUntraced(function*(options: Options) {
  const database = yield* open(options)
  const connection = makeConnection(database)
  const acquirers = SqlClient.makeSqliteAcquirers({
    connection: Effect.succeed(connection),
    semaphore: yield* Semaphore.make(1),
    isTransaction: () => database.isTransaction
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

/** How a file is opened. `immutable` reads without locks and without `-shm`: for directories nobody may write to. */
type Access = "memory" | "create" | "write" | "read" | "immutable"

/** Why SQLite or the file system refused, before it is known what that means for the user. */
interface Refusal {
  readonly code: number | undefined
  readonly detail: string
}

const detailOf = (cause: unknown) => cause instanceof Error ? cause.message : String(cause)

/** SQLite's primary result code; the extended one holds it in its low byte. */
const codeOf = (cause: unknown): number | undefined =>
  Predicate.hasProperty(cause, "errcode") && typeof cause.errcode === "number" ? cause.errcode & 0xff : undefined

const attempt = <A>(evaluate: () => A): Effect.Effect<A, Refusal> =>
  Effect.try({ try: evaluate, catch: (cause) => ({ code: codeOf(cause), detail: detailOf(cause) }) })

const storeError = (path: string) => ({ code, detail }: Refusal): StoreError =>
  new StoreError({
    reason: code === sqliteCorrupt || code === sqliteNotADatabase
      ? StoreErrorReason.cases.NotADatabase.make({ path, detail })
      : StoreErrorReason.cases.CannotOpen.make({ path, detail })
  })

const open = Effect.fn("NodeSqlite.open")(
  function*(options: Options): Effect.fn.Return<DatabaseSync, StoreError, Scope.Scope> {
    const { filename } = options
    const acquireAs = (access: Access) => Effect.mapError(acquire(filename, access), storeError(filename))
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
    attempt(() => openUnconfigured(filename, access)),
    (database) =>
      access === "create" || access === "write"
        ? Effect.andThen(Effect.ignore(truncateLog(database)), Effect.sync(() => database.close()))
        : Effect.sync(() => database.close())
  ).pipe(Effect.tap((database) => attempt(() => configure(database, access))))

const openUnconfigured = (filename: string, access: Access): DatabaseSync => {
  if (access === "memory") return new DatabaseSync(":memory:")
  // A URL, because only its `mode=rw` means "do not create", and because a path could itself look like a URI.
  const url = pathToFileURL(filename)
  url.searchParams.set("mode", access === "create" ? "rwc" : access === "write" ? "rw" : "ro")
  if (access === "immutable") url.searchParams.set("immutable", "1")
  return new DatabaseSync(url, { readOnly: access === "read" || access === "immutable" })
}

const configure = (database: DatabaseSync, access: Access): void => {
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMillis}; PRAGMA foreign_keys = ON`)
  if (access === "read" || access === "immutable") return
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
}

/** Leaves an empty log even if another client stays, but does not wait for that client's readers. */
const truncateLog = (database: DatabaseSync) =>
  attempt(() => database.exec("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)"))

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
      attempt(() => openUnconfigured(filename, "write")),
      (database) => Effect.sync(() => database.close())
    )
    // SQLite looks at the log only when something is read.
    yield* attempt(() => database.prepare("PRAGMA schema_version").get())
  }))

// === statements

type StatementOf = (sql: string) => StatementSync

const makeConnection = (database: DatabaseSync): SqlConnection.Connection => {
  const prepare: StatementOf = (sql) => prepareSingle(database, sql)
  const prepareArrays: StatementOf = (sql) => {
    const statement = prepare(sql)
    statement.setReturnArrays(true)
    return statement
  }
  const cached = makeStatementCache(prepare)
  return {
    execute: execute("execute", cached),
    executeUnprepared: execute("executeUnprepared", prepare),
    executeValues: executeValues("executeValues", makeStatementCache(prepareArrays)),
    executeValuesUnprepared: executeValues("executeValuesUnprepared", prepareArrays),
    executeRaw: (sql, params) =>
      query("executeRaw", () => {
        const statement = cached(sql)
        const bindings = params.map(toBinding)
        return statement.columns().length > 0 ? statement.all(...bindings) : statement.run(...bindings)
      }),
    executeStream: executeStream(prepare)
  }
}

const execute =
  (operation: string, statementOf: StatementOf): SqlConnection.Connection["execute"] => (sql, params, transformRows) =>
    query(operation, () => {
      const rows = statementOf(sql).all(...params.map(toBinding))
      return transformRows === undefined ? rows : transformRows(rows)
    })

/** For statements with `setReturnArrays`: their rows are arrays, which the types of node:sqlite do not know. */
const executeValues =
  (operation: string, statementOf: StatementOf): SqlConnection.Connection["executeValues"] => (sql, params) =>
    query(operation, () => {
      const rows: ReadonlyArray<unknown> = statementOf(sql).all(...params.map(toBinding))
      return rows as ReadonlyArray<ReadonlyArray<unknown>>
    })

/** Every stream has a statement of its own: a cached one would be reset by the next use of the same text. */
const executeStream =
  (prepare: StatementOf): SqlConnection.Connection["executeStream"] => (sql, params, transformRows) =>
    Stream.unwrap(Effect.map(
      Effect.acquireRelease(
        query("executeStream", () => prepare(sql).iterate(...params.map(toBinding))),
        (rows) => Effect.ignore(query("executeStream", () => rows.return?.()))
      ),
      (rows) => Stream.fromPull(Effect.succeed(pullRows(rows, transformRows)))
    ))

const pullRows = (
  rows: Iterator<Row>,
  transformRows: (<A extends object>(rows: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined
): Pull.Pull<Arr.NonEmptyReadonlyArray<Row>, SqlError.SqlError> => {
  // The iterator of Node 22 begins again when it is asked after its end.
  let ended = false
  return Effect.filterOrElse(
    query("executeStream", () => {
      const chunk: Array<Row> = []
      while (!ended && chunk.length < streamedRowsPerChunk) {
        const next = rows.next()
        if (next.done === true) ended = true
        else chunk.push(next.value)
      }
      return transformRows === undefined ? chunk : transformRows(chunk)
    }),
    Arr.isReadonlyArrayNonEmpty,
    () => Cause.done()
  )
}

/**
 * Least recently used first, which is the order a `Map` keeps if every use inserts anew. A statement that may change a
 * table empties it, because on Node 22 a prepared statement keeps the columns it once had.
 */
const makeStatementCache = (prepare: (sql: string) => StatementSync) => {
  const statements = new Map<string, StatementSync>()
  return (sql: string): StatementSync => {
    if (/^\s*(alter|create|drop)\b/i.test(sql)) {
      statements.clear()
      return prepare(sql)
    }
    const statement = statements.get(sql) ?? prepare(sql)
    statements.delete(sql)
    statements.set(sql, statement)
    for (const oldest of statements.keys()) {
      if (statements.size <= cachedStatements) break
      statements.delete(oldest)
    }
    return statement
  }
}

/** What may follow a statement: white space, semicolons and comments. */
const nothingMore = /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*$/

const prepareSingle = (database: DatabaseSync, sql: string): StatementSync => {
  const statement = database.prepare(sql)
  const rest = sql.slice(statement.sourceSQL.length)
  if (!nothingMore.test(rest)) {
    throw new TypeError(`One statement at a time; this one would be ignored: ${rest.trim().slice(0, 80)}`)
  }
  return statement
}

const toBinding = (value: unknown, index: number): SQLInputValue => {
  switch (typeof value) {
    case "undefined":
      return null
    case "boolean":
      return value ? 1n : 0n
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value
    case "string":
    case "bigint":
      return value
  }
  if (value === null) return value
  if (ArrayBuffer.isView(value)) return value as Uint8Array
  // node:sqlite takes an object in the first place for named parameters, and binds NULL.
  throw new TypeError(`Parameter ${index + 1} is neither null, text, a number nor bytes: encode it first`)
}

const query = <A>(operation: string, evaluate: () => A): Effect.Effect<A, SqlError.SqlError> =>
  Effect.try({
    try: evaluate,
    catch: (cause) => {
      // Effect classifies by `errno`; node:sqlite says `errcode`.
      if (Predicate.hasProperty(cause, "errcode")) Object.assign(cause, { errno: cause.errcode })
      return new SqlError.SqlError({
        reason: SqlError.classifySqliteError(cause, { message: detailOf(cause), operation })
      })
    }
  })
