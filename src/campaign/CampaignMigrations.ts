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
  }),
  "0004_fencing": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`ALTER TABLE campaign ADD COLUMN config_hash TEXT`
    yield* sql`ALTER TABLE campaign ADD COLUMN state TEXT NOT NULL DEFAULT 'paused'
      CHECK (state IN ('running', 'paused', 'cancelled', 'ended'))`
    yield* sql`UPDATE campaign SET state = 'ended' WHERE NOT EXISTS (SELECT 1 FROM battle WHERE state = 'pending')`
    // Attempts up to this number are of before the battle was last opened again.
    yield* sql`ALTER TABLE battle ADD COLUMN reopened_after INTEGER NOT NULL DEFAULT 0`
    yield* sql`
      CREATE TABLE engine_epoch (
        epoch_id INTEGER PRIMARY KEY,
        engine TEXT NOT NULL,
        model_id TEXT NOT NULL,
        model_root TEXT,
        server_started_at REAL,
        began_at REAL NOT NULL
      ) STRICT`
    // An attempt without a verdict is in flight, or its process is gone. What is large comes last: a row that is read
    // for its first columns is not read to its end.
    yield* sql`
      CREATE TABLE fenced_attempt (
        attempt_id INTEGER PRIMARY KEY,
        battle_id INTEGER NOT NULL REFERENCES battle (battle_id),
        number INTEGER NOT NULL CHECK (number > 0),
        epoch_id INTEGER REFERENCES engine_epoch (epoch_id),
        started_at INTEGER NOT NULL,
        verdict TEXT CHECK (verdict IN ('completed', 'stalled', 'slow', 'failed', 'cancelled', 'abandoned')),
        counted INTEGER NOT NULL DEFAULT 0 CHECK (counted IN (0, 1)),
        superseded INTEGER NOT NULL DEFAULT 0 CHECK (superseded IN (0, 1)),
        charged INTEGER NOT NULL DEFAULT 0 CHECK (charged IN (0, 1)),
        mode TEXT NOT NULL DEFAULT 'stream',
        duration_ms REAL NOT NULL DEFAULT 0,
        tokens INTEGER NOT NULL DEFAULT 0,
        token_basis TEXT NOT NULL DEFAULT 'deltas',
        prompt_tokens INTEGER,
        finish_reason TEXT,
        ttft_ms REAL,
        tokens_per_second REAL,
        grading TEXT,
        error TEXT,
        content TEXT NOT NULL DEFAULT '',
        reasoning TEXT NOT NULL DEFAULT '',
        timings BLOB NOT NULL DEFAULT x'',
        UNIQUE (battle_id, number),
        CHECK (counted = 0 OR (superseded = 0 AND verdict IS NOT NULL AND verdict <> 'abandoned'))
      ) STRICT`
    yield* sql`
      INSERT INTO fenced_attempt (
        attempt_id, battle_id, number, started_at, verdict, counted, superseded, charged, mode, duration_ms, tokens,
        token_basis, prompt_tokens, finish_reason, ttft_ms, tokens_per_second, error, content, reasoning, timings)
      SELECT
        attempt_id, battle_id, number, started_at, verdict, number = ifnull(counted_attempt, 0),
        number > ifnull(counted_attempt, number), verdict <> 'cancelled' AND number <= ifnull(counted_attempt, number),
        mode, duration_ms, tokens, token_basis, prompt_tokens, finish_reason, ttft_ms, tokens_per_second, error, content,
        reasoning, timings
      FROM attempt JOIN battle USING (battle_id) ORDER BY attempt_id`
    yield* sql`DROP TABLE attempt`
    yield* sql`ALTER TABLE fenced_attempt RENAME TO attempt`
    yield* sql`CREATE UNIQUE INDEX attempt_counts_once ON attempt (battle_id) WHERE counted = 1`
    yield* sql`CREATE INDEX attempt_verdict ON attempt (verdict, superseded, charged)`
    yield* sql`CREATE INDEX battle_figures ON battle (task, agent, state, score)`
    yield* sql`CREATE INDEX battle_unscored ON battle (reason) WHERE state = 'unscored'`
    yield* sql`
      CREATE TRIGGER attempt_ends_once BEFORE UPDATE OF verdict ON attempt
      WHEN OLD.verdict IS NOT NULL AND NOT (OLD.verdict = 'abandoned' AND NEW.superseded = 1)
      BEGIN SELECT RAISE(ABORT, 'the attempt has ended already'); END`
    yield* sql`
      CREATE TRIGGER battle_keeps_its_score BEFORE UPDATE OF state, score, grade, counted_attempt ON battle
      WHEN OLD.state = 'scored'
      BEGIN SELECT RAISE(ABORT, 'the battle is scored already'); END`
    yield* sql`
      CREATE TRIGGER battle_score_counts_an_attempt BEFORE UPDATE OF state ON battle
      WHEN NEW.state = 'scored' AND NOT EXISTS (
        SELECT 1 FROM attempt WHERE battle_id = NEW.battle_id AND number = NEW.counted_attempt AND counted = 1)
      BEGIN SELECT RAISE(ABORT, 'no attempt that counts has scored the battle'); END`
    yield* sql`
      CREATE TABLE attempt_progress (
        progress_id INTEGER PRIMARY KEY,
        attempt_id INTEGER NOT NULL REFERENCES attempt (attempt_id),
        at INTEGER NOT NULL,
        phase TEXT NOT NULL,
        tokens INTEGER NOT NULL,
        last_arrival_ms REAL,
        content TEXT NOT NULL,
        reasoning TEXT NOT NULL,
        arrivals BLOB NOT NULL
      ) STRICT`
    yield* sql`CREATE INDEX attempt_progress_attempt ON attempt_progress (attempt_id, progress_id)`
    yield* sql`
      CREATE TABLE command (
        command_id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('pause', 'pause-now', 'cancel', 'retry')),
        arguments TEXT NOT NULL,
        answered_at INTEGER,
        answer TEXT,
        CHECK ((answered_at IS NULL) = (answer IS NULL))
      ) STRICT`
    yield* sql`CREATE INDEX command_unanswered ON command (command_id) WHERE answered_at IS NULL`
    yield* sql`
      CREATE TABLE runner (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        updated_at INTEGER NOT NULL,
        state TEXT NOT NULL
      ) STRICT`
  }),
  "0005_outlook": Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // What is known of an attempt besides its tokens, as JSON; NULL where there is nothing to be said.
    yield* sql`ALTER TABLE attempt_progress ADD COLUMN outlook TEXT`
  })
}

/** The step that this release knows last. */
export const lastStep = Object.keys(migrations).length
