/** What stands in the file of a campaign, read from a copy by SQLite alone, so that the file stays as it was left. */
import { copyFileSync, existsSync, rmSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { decode } from "../../src/campaign/TokenTimings.ts"

export interface BattleFacts {
  /** "task #repetition". */
  readonly battle: string
  readonly task: string
  readonly state: string
  readonly score: number | null
  readonly countedAttempt: number | null
  readonly attempts: ReadonlyArray<AttemptFacts>
}

export interface AttemptFacts {
  readonly number: number
  readonly verdict: string | null
  readonly counted: boolean
  readonly superseded: boolean
  readonly charged: boolean
  readonly content: string
  readonly tokens: number
  /** By its timings. */
  readonly arrived: number
}

export interface StoreFacts {
  /** "ok" where every page is. */
  readonly integrity: string
  readonly battles: ReadonlyArray<BattleFacts>
  /** Rows about attempts in flight. */
  readonly progress: number
}

/** Of a file that nobody has open. `copy` is a path for a moment. */
export const factsOf = (database: string, copy: string): StoreFacts => {
  for (const end of ["", "-wal"]) {
    if (existsSync(`${database}${end}`)) copyFileSync(`${database}${end}`, `${copy}${end}`)
  }
  const opened = new DatabaseSync(copy)
  try {
    const all = (sql: string): ReadonlyArray<any> => opened.prepare(sql).all()
    const attempts = Map.groupBy(all("SELECT * FROM attempt ORDER BY number"), ({ battle_id }) => battle_id)
    return {
      integrity: all("PRAGMA integrity_check").map((row) => Object.values(row)[0]).join("; "),
      progress: all("SELECT count(*) AS n FROM attempt_progress")[0].n,
      battles: all("SELECT * FROM battle ORDER BY position").map((row) => ({
        battle: `${row.task} #${row.repetition}`,
        task: row.task,
        state: row.state,
        score: row.score,
        countedAttempt: row.counted_attempt,
        attempts: (attempts.get(row.battle_id) ?? []).map((attempt): AttemptFacts => ({
          number: attempt.number,
          verdict: attempt.verdict,
          counted: attempt.counted === 1,
          superseded: attempt.superseded === 1,
          charged: attempt.charged === 1,
          content: attempt.content,
          tokens: attempt.tokens,
          arrived: decode(attempt.timings).reduce((sum, { tokens }) => sum + tokens, 0)
        }))
      }))
    }
  } finally {
    opened.close()
    for (const end of ["", "-wal", "-shm"]) rmSync(`${copy}${end}`, { force: true })
  }
}
