/**
 * The attempts in a store: how one begins, what comes of it, how it ends, and what becomes of it when nobody ends it.
 *
 * Laws: the numbers of a battle's attempts are given once and rise by one. An attempt settles its battle only if it is the
 * newest, the battle is pending and was not opened again since, and the attempt has not ended before, not even as
 * abandoned. What comes too late is kept, as superseded and free of charge.
 *
 * These are operations of the store's writer: each runs in a transaction that its caller has begun.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import { Grade } from "../grading/Grade.ts"
import { RunError } from "../liveness/RunError.ts"
import * as AttemptMeter from "./AttemptMeter.ts"
import { AttemptOutlook } from "./AttemptOutlook.ts"
import type { AttemptProgress } from "./AttemptProgress.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import { type Battle, keyOf } from "./Battle.ts"
import type { AttemptStart, Recorded } from "./StoredCampaign.ts"
import { StoreError, StoreErrorReason } from "./StoreError.ts"
import * as TokenTimings from "./TokenTimings.ts"

/** Rows of progress that are deleted at once; the rest follow in operations of their own. */
const PROGRESS_PER_OPERATION = 250

const encodeError = Schema.encodeSync(Schema.fromJsonString(RunError))
const encodeGrade = Schema.encodeSync(Schema.fromJsonString(Grade))

const whereIs = (sql: SqlClient.SqlClient, { agent, repetition, task }: Battle) =>
  sql`task = ${task} AND agent = ${agent} AND repetition = ${repetition}`

const refused = (operation: string, detail: string) =>
  new StoreError({ reason: StoreErrorReason.cases.Query.make({ operation, detail }) })

/** Reserves the next attempt of a pending battle; gives its number. */
export const begin = Effect.fnUntraced(function*(
  sql: SqlClient.SqlClient,
  battle: Battle,
  { epoch, startedAt }: AttemptStart
) {
  const [begun] = yield* sql<{ readonly number: number }>`
    INSERT INTO attempt (battle_id, number, epoch_id, started_at)
    SELECT battle_id, 1 + ifnull((SELECT max(number) FROM attempt WHERE attempt.battle_id = battle.battle_id), 0),
      ${epoch}, ${Math.round(startedAt)}
    FROM battle WHERE ${whereIs(sql, battle)} AND state = 'pending' RETURNING number`
  if (begun !== undefined) return begun.number
  const [found] = yield* sql<{ readonly state: "scored" | "unscored" }>`
    SELECT state FROM battle WHERE ${whereIs(sql, battle)}`
  return yield* found === undefined
    ? refused("begin an attempt", `no battle ${keyOf(battle)} is planned`)
    : new StoreError({ reason: StoreErrorReason.cases.NotPending.make({ battle: keyOf(battle), state: found.state }) })
})

const encodeOutlook = Schema.encodeSync(Schema.fromJsonString(AttemptOutlook))

/** Appends what has come of attempts in flight; says nothing of those that have ended. */
export const advance = Effect.fnUntraced(function*(
  sql: SqlClient.SqlClient,
  progress: ReadonlyArray<AttemptProgress>
) {
  const at = yield* Clock.currentTimeMillis
  for (const { arrivals, battle, content, number, outlook, phase, reasoning, tokens } of progress) {
    yield* sql`
      INSERT INTO attempt_progress (attempt_id, at, phase, tokens, last_arrival_ms, content, reasoning, arrivals, outlook)
      SELECT attempt_id, ${at}, ${phase}, ${tokens},
        ifnull(${arrivals.at(-1)?.atMillis ?? null}, (
          SELECT last_arrival_ms FROM attempt_progress WHERE attempt_progress.attempt_id = attempt.attempt_id
          ORDER BY progress_id DESC LIMIT 1)),
        ${content}, ${reasoning}, ${TokenTimings.encode(arrivals)},
        ${outlook === undefined ? null : encodeOutlook(outlook)}
      FROM attempt JOIN battle USING (battle_id)
      WHERE ${whereIs(sql, battle)} AND number = ${number} AND verdict IS NULL`
  }
})

interface RecordedAs {
  readonly recorded: Recorded
  /** An attempt of which rows of progress are left. */
  readonly left: number | null
}

/** Ends an attempt and settles its battle, if it may. */
export const record = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, attempt: AttemptRecord) {
  const { battle, number, outcome } = attempt
  const operation = "save an attempt"
  const [found] = yield* sql<{
    readonly attempt_id: number
    readonly battle_id: number
    readonly verdict: string | null
    readonly late: 0 | 1
  }>`SELECT attempt_id, battle_id, verdict, state <> 'pending' OR number <= reopened_after OR verdict IS NOT NULL OR
      number < (SELECT max(number) FROM attempt AS other WHERE other.battle_id = battle.battle_id) AS late
    FROM attempt JOIN battle USING (battle_id) WHERE ${whereIs(sql, battle)} AND number = ${number}`
  if (found === undefined) return yield* refused(operation, `attempt ${number} of ${keyOf(battle)} was never begun`)
  if (found.verdict !== null && found.verdict !== "abandoned") {
    return yield* refused(operation, `attempt ${number} of ${keyOf(battle)} has ended already, ${found.verdict}`)
  }
  const late = found.late === 1
  const counted = !late && outcome._tag !== "Pending"
  yield* sql`UPDATE attempt SET ${
    sql.update({
      epoch_id: attempt.epoch,
      verdict: attempt.verdict,
      counted,
      superseded: late,
      charged: attempt.charged && !late,
      mode: attempt.mode,
      duration_ms: attempt.durationMillis,
      tokens: attempt.tokens,
      token_basis: attempt.tokenBasis,
      prompt_tokens: attempt.promptTokens,
      finish_reason: attempt.finishReason,
      ttft_ms: attempt.timeToFirstTokenMillis,
      tokens_per_second: attempt.tokensPerSecond,
      grading: attempt.grading,
      error: attempt.error === null ? null : encodeError(attempt.error),
      content: attempt.content,
      reasoning: attempt.reasoning,
      timings: attempt.timings
    })
  } WHERE attempt_id = ${found.attempt_id}`
  if (counted && outcome._tag === "Scored") {
    const { grade } = outcome
    yield* sql`UPDATE battle
      SET state = 'scored', score = ${grade.score}, grade = ${encodeGrade(grade)}, counted_attempt = ${number}
      WHERE battle_id = ${found.battle_id}`
  } else if (counted && outcome._tag === "Unscored") {
    yield* sql`UPDATE battle SET state = 'unscored', reason = ${outcome.reason}, counted_attempt = ${number}
      WHERE battle_id = ${found.battle_id}`
  }
  const left = (yield* forget(sql, found.attempt_id)) ? found.attempt_id : null
  return { recorded: counted ? "counted" : late ? "superseded" : "kept", left } satisfies RecordedAs as RecordedAs
})

/** Deletes some of the progress of an attempt that has ended; says whether there may be more of it. */
export const forget = (sql: SqlClient.SqlClient, attemptId: number) =>
  Effect.map(
    sql`DELETE FROM attempt_progress WHERE progress_id IN (
      SELECT progress_id FROM attempt_progress WHERE attempt_id = ${attemptId} LIMIT ${PROGRESS_PER_OPERATION})
      RETURNING 1`,
    (rows) => rows.length === PROGRESS_PER_OPERATION
  )

interface ProgressRow {
  readonly tokens: number
  readonly at: number
  readonly content: string
  readonly reasoning: string
  readonly arrivals: Uint8Array
}

/** Ends all attempts that have not ended, with what is known of them; gives their number. */
export const abandon = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const open = yield* sql<{ readonly attempt_id: number; readonly started_at: number; readonly late: 0 | 1 }>`
    SELECT attempt_id, started_at, state <> 'pending' OR number <= reopened_after OR
      number < (SELECT max(number) FROM attempt AS other WHERE other.battle_id = battle.battle_id) AS late
    FROM attempt JOIN battle USING (battle_id) WHERE verdict IS NULL`
  for (const { attempt_id, late, started_at } of open) {
    const rows = yield* sql<ProgressRow>`
      SELECT tokens, at, content, reasoning, arrivals FROM attempt_progress
      WHERE attempt_id = ${attempt_id} ORDER BY progress_id`
    const arrivals = rows.flatMap((row) => TokenTimings.decode(row.arrivals))
    const last = rows.at(-1)
    yield* sql`UPDATE attempt SET ${
      sql.update({
        verdict: "abandoned",
        superseded: late,
        charged: 0,
        duration_ms: last === undefined ? 0 : Math.max(last.at - started_at, arrivals.at(-1)?.atMillis ?? 0),
        tokens: last?.tokens ?? 0,
        ttft_ms: AttemptMeter.timeToFirstToken({ arrivals }),
        tokens_per_second: AttemptMeter.tokensPerSecond({ arrivals }),
        content: rows.map(({ content }) => content).join(""),
        reasoning: rows.map(({ reasoning }) => reasoning).join(""),
        timings: TokenTimings.encode(arrivals)
      })
    } WHERE attempt_id = ${attempt_id}`
  }
  // What is left of attempts that ended as their process was killed is of no use either.
  yield* sql`DELETE FROM attempt_progress`
  return open.length
})
