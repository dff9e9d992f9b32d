/**
 * Who runs the campaign of a file, or changes it for a moment while nobody runs it: at most one process, and nobody once
 * that process is gone, however it went.
 *
 * The lock is the write lock of a second SQLite file, `FILE-lock`, held in an open transaction for the whole session. The
 * operating system releases it when the process dies, so no number of a process is ever trusted: those come again, and
 * mean nothing in another container. A row in that file says who holds it, for people; it can be read while the lock is
 * held, because the file keeps a rollback journal.
 *
 * To take it: write the row and commit, take the write lock again, and see that the row is still ours. The file is deleted
 * by whoever holds it, so whoever has the lock looks whether the file at that path still is the one it has locked.
 *
 * Gotchas: a process loses its POSIX locks of a file when it closes *any* descriptor of it, so nothing here opens the file
 * but SQLite, which knows. Some network file systems have no such locks.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as crypto from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as nodePath from "node:path"
import { DatabaseSync } from "node:sqlite"
import { pathToFileURL } from "node:url"
import { StoreError, StoreErrorReason } from "./StoreError.ts"

const Holder = Schema.Struct({
  pid: Schema.Int,
  host: Schema.String,
  /** Plays the campaign, or changes it for a moment for another verb. */
  purpose: Schema.Literals(["run", "change"]),
  /** In milliseconds since 1970. */
  since: Schema.Finite
})
export type Holder = typeof Holder.Type

const Row = Schema.Struct({ ...Holder.fields, token: Schema.String })

/** Longer than anybody who only looks, or has not got it yet, holds the lock; the event loop stands still meanwhile. */
const BUSY_MILLIS = 100
/** How often somebody begins anew who was disturbed by others that come and go. */
const DISTURBED = Schedule.spaced("20 millis").pipe(Schedule.upTo({ times: 50 }))

/** Why the lock was not taken: another process has it, or the file went from under us, or it cannot be used. */
type Refusal =
  | { readonly _tag: "Busy" }
  | { readonly _tag: "Disturbed"; readonly detail: string }
  | { readonly _tag: "Unusable"; readonly detail: string }

const disturbed: Refusal = { _tag: "Disturbed", detail: "others take it and give it back all the time" }

const sqliteBusy = 5
/** READONLY, IOERR, CANTOPEN: of a file that was deleted meanwhile, or whose journal was, among other things. */
const sqliteMoved = new Set([8, 10, 14])

const refusalOf = (cause: unknown): Refusal => {
  const code = Predicate.hasProperty(cause, "errcode") ? Number(cause.errcode) & 0xff : undefined
  if (code === sqliteBusy) return { _tag: "Busy" }
  const detail = cause instanceof Error ? cause.message : String(cause)
  return { _tag: code !== undefined && sqliteMoved.has(code) ? "Disturbed" : "Unusable", detail }
}

const attempt = <A>(evaluate: () => A): Effect.Effect<A, Refusal> => Effect.try({ try: evaluate, catch: refusalOf })

const pathOf = (filename: string) => `${filename}-lock`

const open = (filename: string, mode: "rwc" | "rw" | "ro") =>
  Effect.acquireRelease(
    attempt(() => {
      const url = pathToFileURL(pathOf(filename))
      url.searchParams.set("mode", mode)
      return new DatabaseSync(url, { readOnly: mode === "ro" })
    }),
    (database) => Effect.sync(() => database.close())
  ).pipe(Effect.tap((database) => attempt(() => database.exec(`PRAGMA busy_timeout = ${BUSY_MILLIS}`))))

const decodeRow = Schema.decodeUnknownOption(Row)

/** Also for a file without a table: somebody is about to write it. */
const rowIn = (database: DatabaseSync) =>
  Effect.orElseSucceed(
    attempt(() => decodeRow(database.prepare("SELECT pid, host, purpose, since, token FROM held_by").get())),
    () => Option.none<typeof Row.Type>()
  )

/** What the file at that path says, through a connection of its own. */
const rowAt = (filename: string) =>
  Effect.scoped(Effect.flatMap(open(filename, "ro"), rowIn)).pipe(
    Effect.orElseSucceed(() => Option.none<typeof Row.Type>())
  )

/** The lock in a scope, or why not. */
const take = Effect.fnUntraced(function*(filename: string, mine: typeof Row.Type) {
  const database = yield* open(filename, "rwc")
  yield* attempt(() => {
    database.exec("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; BEGIN IMMEDIATE")
    database.exec(
      "CREATE TABLE IF NOT EXISTS held_by (only INTEGER PRIMARY KEY CHECK (only = 1), pid, host, purpose, since, token)"
    )
    database.prepare("INSERT OR REPLACE INTO held_by VALUES (1, ?, ?, ?, ?, ?)")
      .run(BigInt(mine.pid), mine.host, mine.purpose, mine.since, mine.token)
    database.exec("COMMIT; BEGIN IMMEDIATE")
  })
  const [locked, there] = [yield* rowIn(database), yield* rowAt(filename)]
  const isMine = (row: Option.Option<typeof Row.Type>) => Option.isSome(row) && row.value.token === mine.token
  if (!isMine(locked) || !isMine(there)) return yield* Effect.fail(disturbed)
})

const acquire = Effect.fnUntraced(function*(
  filename: string,
  purpose: Holder["purpose"]
): Effect.fn.Return<void, StoreError, Scope.Scope> {
  const directory = nodePath.dirname(filename)
  if (!fs.existsSync(directory)) {
    const detail = `there is no directory ${directory}`
    return yield* new StoreError({ reason: StoreErrorReason.cases.CannotOpen.make({ path: filename, detail }) })
  }
  const since = yield* Clock.currentTimeMillis
  const mine = { pid: process.pid, host: os.hostname(), purpose, since, token: crypto.randomUUID() }
  const scope = yield* Effect.scope
  const once = Effect.gen(function*() {
    const inner = yield* Scope.fork(scope)
    yield* take(filename, mine).pipe(
      Effect.provideService(Scope.Scope, inner),
      Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(inner, exit))
    )
  })
  yield* once.pipe(
    Effect.catchTag("Busy", () => Effect.flatMap(rowAt(filename), (row) => Effect.fail(heldBy(filename, row)))),
    Effect.retry({ schedule: DISTURBED, while: (error) => error._tag === "Disturbed" }),
    Effect.mapError((error) =>
      error._tag === "StoreError" ? error : new StoreError({
        reason: StoreErrorReason.cases.CannotOpen.make({
          path: pathOf(filename),
          detail: error._tag === "Busy" ? disturbed.detail : error.detail
        })
      })
    )
  )
  // Before the connection is closed: while nobody else can have the lock.
  yield* Effect.addFinalizer(() => Effect.ignore(attempt(() => fs.rmSync(pathOf(filename), { force: true }))))
})

/** Whoever has it may not have said so yet, or gives it back at once. */
const heldBy = (path: string, row: Option.Option<typeof Row.Type>): StoreError | Refusal =>
  Option.match(Option.filter(row, ({ purpose }) => purpose === "run"), {
    onNone: () => disturbed,
    onSome: ({ host, pid, since }) =>
      new StoreError({ reason: StoreErrorReason.cases.Held.make({ path, pid, host, since }) })
  })

/** That this process, and no other one, runs the campaign of a file, or changes it. */
export class StoreLock extends Context.Service<StoreLock, { readonly filename: string }>()("a2a-campaign/StoreLock") {}

/**
 * Held until the scope closes; waits for a moment where another process only changes the campaign. Fails with `Held` while
 * one runs it, or with `CannotOpen` where no lock can be had.
 */
export const layer = (filename: string, purpose: Holder["purpose"] = "run"): Layer.Layer<StoreLock, StoreError> =>
  Layer.effect(
    StoreLock,
    filename === ":memory:" ? Effect.succeed({ filename }) : Effect.as(acquire(filename, purpose), { filename })
  )

/** Who has the lock of a file at this moment; none if nobody has. Changes nothing. */
export const holder = (filename: string): Effect.Effect<Option.Option<Holder>> =>
  Effect.gen(function*() {
    if (!fs.existsSync(pathOf(filename))) return Option.none()
    const row = Option.map(
      yield* rowAt(filename),
      ({ host, pid, purpose, since }): Holder => ({ pid, host, purpose, since })
    )
    const isFree = yield* Effect.scoped(Effect.flatMap(
      open(filename, "rw"),
      (database) => attempt(() => database.exec("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK"))
    )).pipe(
      Effect.as(true),
      // Where we may not write, nobody can tell: it is taken at its word.
      Effect.orElseSucceed(() => false)
    )
    return isFree ? Option.none() : row
  })

/** Who runs the campaign of a file at this moment; none if nobody does, or somebody only changes it. Changes nothing. */
export const runner = (filename: string): Effect.Effect<Option.Option<Holder>> =>
  Effect.map(holder(filename), Option.filter(({ purpose }) => purpose === "run"))
