/**
 * The tables of a campaign's store, one step for each change since the first release. A step is never edited once it is
 * released: stores in the world stand at every one of them.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"

export const migrations = {
  "0001_campaign": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`
      CREATE TABLE campaign (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        definition TEXT NOT NULL
      ) STRICT`
    yield* sql`
      CREATE TABLE battle (
        battle_id INTEGER PRIMARY KEY,
        position INTEGER NOT NULL UNIQUE,
        task TEXT NOT NULL,
        agent TEXT NOT NULL,
        repetition INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'scored', 'unscored')),
        score REAL,
        grade TEXT,
        reason TEXT,
        counted_attempt INTEGER,
        UNIQUE (task, agent, repetition),
        CHECK ((state = 'pending') = (counted_attempt IS NULL))
      ) STRICT`
    yield* sql`
      CREATE TABLE attempt (
        attempt_id INTEGER PRIMARY KEY,
        battle_id INTEGER NOT NULL REFERENCES battle (battle_id),
        number INTEGER NOT NULL,
        mode TEXT NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('completed', 'stalled', 'failed', 'cancelled')),
        error TEXT,
        started_at INTEGER NOT NULL,
        duration_ms REAL NOT NULL,
        tokens INTEGER NOT NULL,
        token_basis TEXT NOT NULL,
        prompt_tokens INTEGER,
        finish_reason TEXT,
        ttft_ms REAL,
        tokens_per_second REAL,
        content TEXT NOT NULL,
        reasoning TEXT NOT NULL,
        timings BLOB NOT NULL,
        UNIQUE (battle_id, number)
      ) STRICT`
  }),
  "0002_finished_run": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // A silence is a number, or censored, or neither: nothing is known of it.
    yield* sql`
      CREATE TABLE finished_run (
        finished_run_id INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        gap_ms REAL,
        gap_censored INTEGER NOT NULL CHECK (gap_censored = 0 OR (gap_censored = 1 AND gap_ms IS NULL)),
        first_token_ms REAL,
        first_token_censored INTEGER NOT NULL
          CHECK (first_token_censored = 0 OR (first_token_censored = 1 AND first_token_ms IS NULL)),
        finished_at INTEGER NOT NULL
      ) STRICT`
    yield* sql`CREATE INDEX finished_run_key ON finished_run (key, finished_run_id)`
  }),
  // SQLite cannot change a CHECK: the table is made again.
  "0003_slow_attempt": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`
      CREATE TABLE attempt_with_slow (
        attempt_id INTEGER PRIMARY KEY,
        battle_id INTEGER NOT NULL REFERENCES battle (battle_id),
        number INTEGER NOT NULL,
        mode TEXT NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('completed', 'stalled', 'slow', 'failed', 'cancelled')),
        error TEXT,
        started_at INTEGER NOT NULL,
        duration_ms REAL NOT NULL,
        tokens INTEGER NOT NULL,
        token_basis TEXT NOT NULL,
        prompt_tokens INTEGER,
        finish_reason TEXT,
        ttft_ms REAL,
        tokens_per_second REAL,
        content TEXT NOT NULL,
        reasoning TEXT NOT NULL,
        timings BLOB NOT NULL,
        UNIQUE (battle_id, number)
      ) STRICT`
    yield* sql`INSERT INTO attempt_with_slow SELECT * FROM attempt`
    yield* sql`DROP TABLE attempt`
    yield* sql`ALTER TABLE attempt_with_slow RENAME TO attempt`
  })
}
