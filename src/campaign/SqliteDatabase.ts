/**
 * A database of `node:sqlite` without Effect: opened, asked and closed, in whatever thread.
 *
 * Laws: a whole number is bound as INTEGER, and what SQLite cannot bind is refused; a second statement in one text is
 * refused, which `node:sqlite` would silently ignore; statements are kept by their text, except those of streams, which
 * the next use of the same text would reset. Every function throws what SQLite says.
 *
 * Gotcha: a thread loads this by itself (`sqliteThread.ts`), so it imports nothing of ours.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { pathToFileURL } from "node:url"

const busyTimeoutMillis = 5_000
const cachedStatements = 128
/** Rows that a stream takes at once. */
const streamedRowsPerChunk = 128

/** How a file is opened. `immutable` reads without locks and without `-shm`: for directories nobody may write to. */
export type Access = "memory" | "create" | "write" | "read" | "immutable"

export type Row = Record<string, unknown>

/** What a database is asked; bindings are as `bind` gives them. */
export type SqliteCall =
  | {
    /** `values` are rows as arrays, `raw` are rows or, where there are none, what has been changed. */
    readonly kind: "rows" | "rowsUnprepared" | "values" | "valuesUnprepared" | "raw"
    readonly sql: string
    readonly bindings: ReadonlyArray<SQLInputValue>
  }
  /** Gives the number of the stream. */
  | { readonly kind: "stream"; readonly sql: string; readonly bindings: ReadonlyArray<SQLInputValue> }
  /** Gives the next rows of a stream, none at its end. */
  | { readonly kind: "next" | "endStream"; readonly stream: number }

// === opening

export const open = (filename: string, access: Access): DatabaseSync => {
  if (access === "memory") return new DatabaseSync(":memory:")
  // A URL, because only its `mode=rw` means "do not create", and because a path could itself look like a URI.
  const url = pathToFileURL(filename)
  url.searchParams.set("mode", access === "create" ? "rwc" : access === "write" ? "rw" : "ro")
  if (access === "immutable") url.searchParams.set("immutable", "1")
  return new DatabaseSync(url, { readOnly: access === "read" || access === "immutable" })
}

export const configure = (database: DatabaseSync, access: Access): void => {
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMillis}; PRAGMA foreign_keys = ON`)
  if (access === "read" || access === "immutable") return
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
}

/** Leaves an empty log even if another client stays, but does not wait for that client's readers. */
export const truncateLog = (database: DatabaseSync): void =>
  database.exec("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)")

// === asking

/** Who answers calls to a database. */
export const answerer = (database: DatabaseSync): (call: SqliteCall) => unknown => {
  const prepare = (sql: string) => prepareSingle(database, sql)
  const prepareArrays = (sql: string) => {
    const statement = prepare(sql)
    statement.setReturnArrays(true)
    return statement
  }
  const cached = makeCache(prepare)
  const cachedArrays = makeCache(prepareArrays)
  const streams = new Map<number, RowStream>()
  let begun = 0
  return (call) => {
    switch (call.kind) {
      case "rows":
        return cached(call.sql).all(...call.bindings)
      case "rowsUnprepared":
        return prepare(call.sql).all(...call.bindings)
      case "values":
        return cachedArrays(call.sql).all(...call.bindings)
      case "valuesUnprepared":
        return prepareArrays(call.sql).all(...call.bindings)
      case "raw": {
        const statement = cached(call.sql)
        return statement.columns().length > 0 ? statement.all(...call.bindings) : statement.run(...call.bindings)
      }
      case "stream":
        streams.set(++begun, streamOf(prepare(call.sql), call.bindings))
        return begun
      case "next":
        return streams.get(call.stream)?.next() ?? []
      case "endStream":
        streams.get(call.stream)?.end()
        return void streams.delete(call.stream)
    }
  }
}

interface RowStream {
  readonly next: () => ReadonlyArray<Row>
  readonly end: () => void
}

const streamOf = (statement: StatementSync, bindings: ReadonlyArray<SQLInputValue>): RowStream => {
  const rows = statement.iterate(...bindings)
  // The iterator of Node 22 begins again when it is asked after its end.
  let ended = false
  return {
    next: () => {
      const chunk: Array<Row> = []
      while (!ended && chunk.length < streamedRowsPerChunk) {
        const next = rows.next()
        if (next.done === true) ended = true
        else chunk.push(next.value)
      }
      return chunk
    },
    end: () => void rows.return?.()
  }
}

/**
 * Least recently used first, which is the order a `Map` keeps if every use inserts anew. A statement that may change a
 * table empties it, because on Node 22 a prepared statement keeps the columns it once had.
 */
const makeCache = (prepare: (sql: string) => StatementSync) => {
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

/** Parameters as SQLite takes them; throws where it takes none of such. */
export const bind = (parameters: ReadonlyArray<unknown>): Array<SQLInputValue> => parameters.map(toBinding)

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
