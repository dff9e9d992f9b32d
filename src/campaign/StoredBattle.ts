/**
 * One battle of a store with all of its attempts, and the last attempts of all battles: for whoever looks at a campaign
 * piece by piece, also while another process runs it.
 *
 * Every call opens the file, reads at one moment (one read transaction) and closes it; nothing is written. Texts are read in
 * pieces, so a transcript of any size costs no more than is asked for.
 *
 * Gotcha: SQLite counts the characters of a text by Unicode code points, and so does everything here.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { DeliveryMode } from "../a2a/DeliveryMode.ts"
import { Phase } from "../liveness/Phase.ts"
import { RunError } from "../liveness/RunError.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import { TokenBasis, Verdict } from "./AttemptVerdict.ts"
import { Outcome } from "./Battle.ts"
import type { EngineEpoch } from "./EngineEpoch.ts"
import { battleColumns, outcomeColumns, outcomeOf, wholeAttemptColumns } from "./storedColumns.ts"
import * as storedControl from "./storedControl.ts"
import { queryFailed, type StoreError } from "./StoreError.ts"
import * as StoreFile from "./StoreFile.ts"
import * as TokenTimings from "./TokenTimings.ts"

/** A part of a text; `length` and `total` are numbers of code points. */
export interface TextPiece {
  readonly from: number
  readonly length: number
  readonly total: number
  readonly text: string
}

export interface StoredAttempt {
  readonly number: number
  /** `null` while it is in flight. */
  readonly verdict: Verdict | null
  /** What was last told of it while it is in flight. */
  readonly phase: Phase | null
  /** In milliseconds since 1970. */
  readonly startedAt: number
  readonly durationMillis: number
  readonly tokens: number
  readonly tokenBasis: typeof TokenBasis.Type
  readonly promptTokens: number | null
  readonly finishReason: string | null
  readonly timeToFirstTokenMillis: number | null
  readonly tokensPerSecond: number | null
  readonly mode: DeliveryMode
  readonly counted: boolean
  readonly superseded: boolean
  readonly charged: boolean
  readonly grading: string | null
  readonly epoch: number | null
  readonly error: RunError | null
  readonly arrivals: ReadonlyArray<TokenTimings.Arrival>
  readonly reasoning: TextPiece
  readonly content: TextPiece
}

export interface StoredBattle {
  readonly outcome: Outcome
  readonly attempts: ReadonlyArray<StoredAttempt>
  readonly epochs: ReadonlyArray<EngineEpoch>
}

export type TextChannel = "content" | "reasoning"

const BattleRow = Schema.Struct({ battle_id: Schema.Int, ...outcomeColumns })

const AttemptRow = Schema.Struct({ ...wholeAttemptColumns, timings: Schema.Uint8Array })

const ProgressRow = Schema.Struct({ phase: Phase, tokens: Schema.Int, arrivals: Schema.Uint8Array })

const EndedRow = Schema.Struct({ ...battleColumns, ...outcomeColumns, ...wholeAttemptColumns, verdict: Verdict })

const PieceRow = Schema.Struct({ total: Schema.Int, text: Schema.String })

const rowsOf = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) =>
  Schema.decodeUnknownEffect(Schema.Array(schema))
const decodeBattles = rowsOf(BattleRow)
const decodeAttempts = rowsOf(AttemptRow)
const decodeProgress = rowsOf(ProgressRow)
const decodeEnded = rowsOf(EndedRow)
const decodePieces = rowsOf(PieceRow)

/** Reads something of a file, at one moment. */
const reading = <A, E extends { readonly message: string }>(
  filename: string,
  what: string,
  read: (sql: SqlClient.SqlClient) => Effect.Effect<A, E>
): Effect.Effect<A, StoreError> =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    return yield* Effect.mapError(sql.withTransaction(read(sql)), queryFailed(what))
  }).pipe(Effect.provide(Layer.fresh(StoreFile.readonlyClient(filename, "accepted"))))

/** The battle at a place of the plan, from 0, with the first `most` characters of each text; none where there is none. */
export const read = (
  filename: string,
  place: number,
  most: number
): Effect.Effect<Option.Option<StoredBattle>, StoreError> =>
  reading(filename, "read a battle", (sql) =>
    Effect.gen(function*() {
      const [battle] = yield* Effect.flatMap(
        sql`SELECT battle_id, state, grade, reason, counted_attempt FROM battle WHERE position = ${place}`,
        decodeBattles
      )
      if (battle === undefined) return Option.none<StoredBattle>()
      const rows = yield* Effect.flatMap(
        sql`SELECT attempt_id, number, epoch_id, started_at, verdict, counted, superseded, charged, mode, duration_ms,
          tokens, token_basis, prompt_tokens, finish_reason, ttft_ms, tokens_per_second, grading, error, timings
          FROM attempt WHERE battle_id = ${battle.battle_id} ORDER BY number`,
        decodeAttempts
      )
      const attempts = yield* Effect.forEach(rows, (row) => attemptOf(sql, row, most))
      return Option.some<StoredBattle>({
        outcome: outcomeOf(battle),
        attempts,
        epochs: yield* storedControl.epochs(sql)
      })
    }))

/** A piece of a text of an attempt; none where there is no such attempt. */
export const readPiece = (
  filename: string,
  of: { readonly place: number; readonly number: number; readonly channel: TextChannel },
  { from, most }: { readonly from: number; readonly most: number }
): Effect.Effect<Option.Option<TextPiece>, StoreError> =>
  reading(filename, "read a transcript", (sql) =>
    Effect.gen(function*() {
      const [attempt] = yield* sql<{ readonly attempt_id: number; readonly verdict: string | null }>`
        SELECT attempt_id, verdict FROM attempt JOIN battle USING (battle_id)
        WHERE position = ${of.place} AND number = ${of.number}`
      if (attempt === undefined) return Option.none<TextPiece>()
      const place = { id: attempt.attempt_id, isOpen: attempt.verdict === null }
      return Option.some(yield* pieceOf(sql, place, of.channel, { from, most }))
    }))

/**
 * Attempts that have ended, without their texts and timings, in the order in which they began: the last `ended` of them,
 * and the last `stalled` of those that stalled; with the epochs of engines, the first one first.
 */
export const readEnded = (
  filename: string,
  most: { readonly ended: number; readonly stalled: number }
): Effect.Effect<
  { readonly ended: ReadonlyArray<AttemptRecord>; readonly epochs: ReadonlyArray<EngineEpoch> },
  StoreError
> =>
  reading(filename, "read the last attempts", (sql) =>
    Effect.gen(function*() {
      const rows = yield* Effect.flatMap(
        sql`SELECT task, agent, repetition, state, grade, reason, counted_attempt, attempt_id, number, epoch_id,
            started_at, verdict, counted, superseded, charged, mode, duration_ms, attempt.tokens, token_basis, prompt_tokens, finish_reason, ttft_ms,
            tokens_per_second, grading, error
          FROM attempt JOIN battle USING (battle_id) WHERE attempt_id IN (
            SELECT attempt_id FROM (
              SELECT attempt_id FROM attempt WHERE verdict IS NOT NULL ORDER BY attempt_id DESC LIMIT ${most.ended})
            UNION SELECT attempt_id FROM (
              SELECT attempt_id FROM attempt WHERE verdict = 'stalled' ORDER BY attempt_id DESC LIMIT ${most.stalled}))
          ORDER BY attempt_id`,
        decodeEnded
      )
      return { ended: rows.map(recordOf), epochs: yield* storedControl.epochs(sql) }
    }))

const attemptOf = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, row: typeof AttemptRow.Type, most: number) {
  const isOpen = row.verdict === null
  const place = { id: row.attempt_id, isOpen }
  const told = isOpen
    ? yield* Effect.flatMap(
      sql`SELECT phase, tokens, arrivals FROM attempt_progress WHERE attempt_id = ${row.attempt_id} ORDER BY progress_id`,
      decodeProgress
    )
    : []
  const last = told.at(-1)
  const arrivals = isOpen
    ? told.flatMap((report) => TokenTimings.decode(report.arrivals))
    : TokenTimings.decode(row.timings)
  const attempt: StoredAttempt = {
    number: row.number,
    verdict: row.verdict,
    phase: last?.phase ?? null,
    startedAt: row.started_at,
    durationMillis: isOpen
      ? Math.max(0, (yield* Clock.currentTimeMillis) - row.started_at)
      : row.duration_ms,
    tokens: last?.tokens ?? row.tokens,
    tokenBasis: row.token_basis,
    promptTokens: row.prompt_tokens,
    finishReason: row.finish_reason,
    timeToFirstTokenMillis: isOpen ? arrivals[0]?.atMillis ?? null : row.ttft_ms,
    tokensPerSecond: row.tokens_per_second,
    mode: row.mode,
    counted: row.counted === 1,
    superseded: row.superseded === 1,
    charged: row.charged === 1,
    grading: row.grading,
    epoch: row.epoch_id,
    error: row.error,
    arrivals,
    reasoning: yield* pieceOf(sql, place, "reasoning", { from: 0, most }),
    content: yield* pieceOf(sql, place, "content", { from: 0, most })
  }
  return attempt
})

/** Of an attempt in flight the text is in the pieces in which it was told. */
const pieceOf = Effect.fnUntraced(function*(
  sql: SqlClient.SqlClient,
  attempt: { readonly id: number; readonly isOpen: boolean },
  channel: TextChannel,
  { from, most }: { readonly from: number; readonly most: number }
) {
  const column = sql(channel)
  const [piece] = yield* Effect.flatMap(
    attempt.isOpen
      ? sql`SELECT length(whole) AS total, substr(whole, ${from + 1}, ${most}) AS text FROM (
          SELECT ifnull(group_concat(${column}, ''), '') AS whole FROM (
            SELECT ${column} FROM attempt_progress WHERE attempt_id = ${attempt.id} ORDER BY progress_id))`
      : sql`SELECT length(${column}) AS total, substr(${column}, ${from + 1}, ${most}) AS text
          FROM attempt WHERE attempt_id = ${attempt.id}`,
    decodePieces
  )
  const { text, total } = piece ?? { text: "", total: 0 }
  return { from, length: Math.max(0, Math.min(most, total - from)), total, text } satisfies TextPiece as TextPiece
})

const recordOf = (row: typeof EndedRow.Type): AttemptRecord => ({
  battle: { task: row.task, agent: row.agent, repetition: row.repetition },
  number: row.number,
  charged: row.charged === 1,
  epoch: row.epoch_id,
  mode: row.mode,
  verdict: row.verdict,
  error: row.error,
  startedAt: row.started_at,
  durationMillis: row.duration_ms,
  tokens: row.tokens,
  tokenBasis: row.token_basis,
  promptTokens: row.prompt_tokens,
  finishReason: row.finish_reason,
  timeToFirstTokenMillis: row.ttft_ms,
  tokensPerSecond: row.tokens_per_second,
  content: "",
  reasoning: "",
  grading: row.grading,
  timings: new Uint8Array(),
  // Only the one that counts has made anything of its battle.
  outcome: row.counted === 1 ? outcomeOf(row) : Outcome.cases.Pending.make({})
})
