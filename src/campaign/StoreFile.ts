/**
 * Connections to the file of a store, whose it is and how far its tables have come being known.
 *
 * Laws: a file that is damaged, belongs to another program or was written by a later release is refused, by name, and
 * stays as it is, down to its journal mode. Whoever writes brings the tables to the last step first; to whoever reads, a
 * store of an earlier release looks as if that had been done, and an empty database as an empty store.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import { migrations } from "./CampaignMigrations.ts"
import * as EarlierStore from "./EarlierStore.ts"
import * as NodeSqlite from "./NodeSqlite.ts"
import { queryFailed, StoreError } from "./StoreError.ts"
import * as StoreVersion from "./StoreVersion.ts"

/** A connection that may write, to a file whose tables are not looked at yet; `create` says whether it may be new. */
export const client = (
  { create, filename, ownThread }: Pick<NodeSqlite.Options, "filename" | "create" | "ownThread">
) => NodeSqlite.layer({ filename, create, ownThread, accept: acceptOnly(filename) })

/** A connection for reading a store of any release up to this one, which looks like one of this release. */
export const readonlyClient = (filename: string, inspected: NodeSqlite.Options["inspected"]) =>
  Layer.effect(
    SqlClient.SqlClient,
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const step = yield* stepOf(sql)
      if (step === 0) return Context.get(yield* Layer.build(emptyStore), SqlClient.SqlClient)
      yield* EarlierStore.show(step)
      return sql
    }).pipe(Effect.mapError((error) => error instanceof StoreError ? error : queryFailed("read the file")(error)))
  ).pipe(Layer.provide(
    NodeSqlite.layer({ filename, create: false, readonly: true, accept: acceptOnly(filename), inspected })
  ))

/** Brings the tables of an open database to the last step, if it is a store or empty. */
export const prepare: Effect.Effect<void, StoreError, SqlClient.SqlClient> = Effect.gen(function*() {
  yield* stepOf(yield* SqlClient.SqlClient)
  yield* migrate
}).pipe(Effect.mapError((error) => error instanceof StoreError ? error : queryFailed("prepare the file")(error)))

const migrate = Migrator.make({})({ loader: Migrator.fromRecord(migrations) })

const emptyStore = Layer.effectDiscard(migrate).pipe(
  Layer.provideMerge(NodeSqlite.layer({ filename: ":memory:", create: true }))
)

const acceptOnly = (filename: string): NonNullable<NodeSqlite.Options["accept"]> => (all) =>
  Effect.asVoid(StoreVersion.check(filename, all))

/** The step of an open database, which is refused unless it is ours. */
const stepOf = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const all = (text: string) => sql.unsafe<Record<string, unknown>>(text)
  const [main] = yield* all("SELECT file FROM pragma_database_list WHERE name = 'main'")
  return yield* StoreVersion.check(String(main?.["file"] ?? ""), all)
})
