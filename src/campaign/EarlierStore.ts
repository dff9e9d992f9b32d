/**
 * Makes the store of an earlier release look like one of this release to a connection that may not write.
 *
 * Such a store cannot be migrated: whoever only looks changes nothing. Temporary views, which live in the connection, have
 * the names of the tables that are different or missing, and SQLite finds them before the tables themselves.
 *
 * Law: what is read through them is what is read after the migrations (see its test).
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"

/** Columns of the progress of attempts, as they were at first. */
const progressColumns = [
  "progress_id",
  "attempt_id",
  "at",
  "phase",
  "tokens",
  "last_arrival_ms",
  "content",
  "reasoning",
  "arrivals"
]

/** Columns of tables that earlier releases do not have. */
const laterTables = {
  engine_epoch: ["epoch_id", "engine", "model_id", "model_root", "server_started_at", "began_at"],
  attempt_progress: [...progressColumns, "outlook"],
  command: ["command_id", "at", "kind", "arguments", "answered_at", "answer"],
  runner: ["only", "updated_at", "state"]
}

const learnedTables = {
  finished_run: ["finished_run_id", "key", "gap_ms", "gap_censored", "first_token_ms", "first_token_censored"]
}

const emptyViews = (tables: Readonly<Record<string, ReadonlyArray<string>>>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.forEach(Object.entries(tables), ([table, columns]) =>
      sql.unsafe(
        `CREATE TEMP VIEW ${table} AS SELECT ${columns.map((column) => `NULL AS ${column}`).join(", ")} WHERE 0`
      ), { discard: true }))

/** For a store that stands at this step, which is not the last one and not 0. */
export const show = Effect.fnUntraced(function*(step: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`PRAGMA temp_store = MEMORY`
  if (step < 2) yield* emptyViews(learnedTables)
  if (step >= 5) return
  if (step === 4) {
    return yield* sql.unsafe(
      `CREATE TEMP VIEW attempt_progress AS SELECT ${
        progressColumns.join(", ")
      }, NULL AS outlook FROM main.attempt_progress`
    )
  }
  yield* emptyViews(laterTables)
  yield* sql`CREATE TEMP VIEW campaign AS
    SELECT only, id, created_at, definition, NULL AS config_hash,
      CASE WHEN EXISTS (SELECT 1 FROM main.battle WHERE state = 'pending') THEN 'paused' ELSE 'ended' END AS state
    FROM main.campaign`
  yield* sql`CREATE TEMP VIEW battle AS SELECT *, 0 AS reopened_after FROM main.battle`
  yield* sql`CREATE TEMP VIEW attempt AS
    SELECT a.*, NULL AS epoch_id, a.number = ifnull(b.counted_attempt, 0) AS counted,
      a.number > ifnull(b.counted_attempt, a.number) AS superseded,
      a.verdict <> 'cancelled' AND a.number <= ifnull(b.counted_attempt, a.number) AS charged, NULL AS grading
    FROM main.attempt AS a JOIN main.battle AS b ON a.battle_id = b.battle_id`
})
