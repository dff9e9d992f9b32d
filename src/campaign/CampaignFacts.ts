/**
 * Everything that the store of a campaign holds, read in the order of the plan: for reports and exports.
 *
 * All of it is of one moment, because one read transaction lasts as long as the scope in which it was opened. Nothing is
 * written, and another process may run the campaign meanwhile. A store of an earlier release is read as it would be after
 * its migrations (`EarlierStore.ts`).
 *
 * Battles come a few at a time, each with all of its attempts, so a campaign of any size is read in the same memory. The
 * times of tokens are left as they are stored (`TokenTimings.decode`), and transcripts are read one by one.
 *
 * Laws: every battle comes once, in the order of the plan; its attempts in the order of their numbers. A stream may be run
 * again and gives the same.
 *
 * Gotcha: SQLite cannot shorten its log while somebody reads. Close the scope soon where a campaign runs.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { Phase } from "../liveness/Phase.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import { Verdict } from "./AttemptVerdict.ts"
import { type Battle, Outcome } from "./Battle.ts"
import type { Definition } from "./Definition.ts"
import type { EngineEpoch } from "./EngineEpoch.ts"
import type { RunnerState } from "./RunnerState.ts"
import { CampaignState } from "./StoredCampaign.ts"
import { battleColumns, outcomeColumns, outcomeOf, wholeAttemptColumns } from "./storedColumns.ts"
import * as storedControl from "./storedControl.ts"
import * as StoredDefinition from "./StoredDefinition.ts"
import { queryFailed, type StoreError } from "./StoreError.ts"
import * as StoreFile from "./StoreFile.ts"
import * as StoreLock from "./StoreLock.ts"
import * as TokenTimings from "./TokenTimings.ts"

/** Battles that are read at once, with all of their attempts. */
const BATTLES_PER_READ = 64

export interface CampaignHead {
  readonly definition: Definition
  /** `null` where an earlier release wrote it. */
  readonly configHash: string | null
  readonly state: CampaignState
  /** In milliseconds since 1970. */
  readonly createdAt: number
  /** When it was read, in milliseconds since 1970. */
  readonly readAt: number
  /** The process that ran it, or changed it, when it was read. */
  readonly holder: StoreLock.Holder | null
  /** What the process that runs it, or ran it last, has said. */
  readonly runner: RunnerState | null
}

/** One try at a battle that has ended. */
export interface AttemptFacts extends Omit<AttemptRecord, "battle" | "outcome" | "content" | "reasoning"> {
  /** Rises in the order in which attempts began, over the whole campaign. */
  readonly id: number
  /** Its battle has its outcome from it. */
  readonly counted: boolean
  /** It came too late to be of any effect, or its battle was given up or opened again meanwhile. */
  readonly superseded: boolean
}

/**
 * One that has not ended, as far as it has come. Its process may be gone: then it ends, as abandoned, when the campaign
 * goes on. How it is followed and what its tokens rest on is known at its end.
 */
export interface AttemptInFlight {
  /** As in `AttemptFacts`. */
  readonly id: number
  readonly number: number
  readonly epoch: number | null
  /** In milliseconds since 1970. */
  readonly startedAt: number
  readonly tokens: number
  /** See `TokenTimings.ts`. */
  readonly timings: Uint8Array
  /** When it was last told of, in milliseconds since 1970, and its phase then; `null` where nothing was told. */
  readonly told: { readonly at: number; readonly phase: Phase } | null
}

export interface BattleFacts {
  readonly battle: Battle
  /** In the plan, from 0. */
  readonly position: number
  readonly outcome: Outcome
  /** The number of its last attempt before it was last opened again; 0 where it never was. */
  readonly reopenedAfter: number
  /** Those that have ended, by their numbers. */
  readonly attempts: ReadonlyArray<AttemptFacts>
  /** The others; usually one at most. */
  readonly inFlight: ReadonlyArray<AttemptInFlight>
}

export interface AttemptTranscript {
  readonly content: string
  readonly reasoning: string
}

export interface CampaignFacts {
  readonly campaign: CampaignHead
  /** The first one first. */
  readonly epochs: ReadonlyArray<EngineEpoch>
  readonly battles: Stream.Stream<BattleFacts, StoreError>
  /** What an attempt has said, so far if it is in flight. */
  readonly transcriptOf: (attempt: { readonly id: number }) => Effect.Effect<AttemptTranscript, StoreError>
}

const HeadRow = Schema.Struct({
  definition: Schema.String,
  config_hash: Schema.NullOr(Schema.String),
  state: CampaignState,
  created_at: Schema.Finite
})

const BattleRow = Schema.Struct({
  battle_id: Schema.Int,
  position: Schema.Int,
  ...battleColumns,
  ...outcomeColumns,
  reopened_after: Schema.Int
})
type BattleRow = typeof BattleRow.Type

const AttemptRow = Schema.Struct({ battle_id: Schema.Int, ...wholeAttemptColumns, timings: Schema.Uint8Array })
type AttemptRow = typeof AttemptRow.Type

const ProgressRow = Schema.Struct({ at: Schema.Finite, phase: Phase, tokens: Schema.Int, arrivals: Schema.Uint8Array })
const TranscriptRow = Schema.Struct({ content: Schema.String, reasoning: Schema.String })

const decodeHeads = Schema.decodeUnknownEffect(Schema.Array(HeadRow))
const decodeBattles = Schema.decodeUnknownEffect(Schema.Array(BattleRow))
const decodeAttempts = Schema.decodeUnknownEffect(Schema.Array(AttemptRow))
const decodeProgress = Schema.decodeUnknownEffect(Schema.Array(ProgressRow))
const decodeTranscripts = Schema.decodeUnknownEffect(Schema.Array(TranscriptRow))

/**
 * Opens the file of a campaign to read all of it as it is now, for as long as the scope lasts; none if it is empty. Fails
 * as reading a store does; every page is checked first.
 */
export const open = Effect.fnUntraced(function*(filename: string) {
  const holder = Option.getOrNull(yield* StoreLock.runner(filename))
  const context = yield* Layer.build(Layer.fresh(StoreFile.readonlyClient(filename, "everything")))
  return yield* read(holder).pipe(Effect.provide(context), Effect.mapError(asStoreError("read the campaign")))
})

const asStoreError = (operation: string) => (error: StoreError | { readonly _tag: string; readonly message: string }) =>
  error._tag === "StoreError" ? error as StoreError : queryFailed(operation)(error)

const read = Effect.fnUntraced(function*(holder: StoreLock.Holder | null) {
  const sql = yield* SqlClient.SqlClient
  // Nobody else has this connection: the transaction is everybody's who reads through it, and ends as it is closed.
  yield* sql`BEGIN`
  const [head] = yield* Effect.flatMap(
    sql`SELECT definition, config_hash, state, created_at FROM campaign`,
    decodeHeads
  )
  if (head === undefined) return Option.none<CampaignFacts>()
  return Option.some<CampaignFacts>({
    campaign: {
      definition: yield* StoredDefinition.decode(head.definition),
      configHash: head.config_hash,
      state: head.state,
      createdAt: head.created_at,
      readAt: yield* Clock.currentTimeMillis,
      holder,
      runner: yield* storedControl.runner(sql)
    },
    epochs: yield* storedControl.epochs(sql),
    battles: Stream.paginate(-1, (after) =>
      Effect.map(someBattles(sql, after), (battles) => {
        const last = battles.length < BATTLES_PER_READ ? undefined : battles.at(-1)
        return [battles, Option.map(Option.fromNullishOr(last), ({ position }) => position)]
      })).pipe(Stream.mapError(asStoreError("read battles"))),
    transcriptOf: ({ id }) => Effect.mapError(transcriptOf(sql, id), asStoreError("read a transcript"))
  })
})

/** The battles after a position, with their attempts. */
const someBattles = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, after: number) {
  const rows = yield* Effect.flatMap(
    sql`SELECT battle_id, position, task, agent, repetition, state, grade, reason, counted_attempt, reopened_after
      FROM battle WHERE position > ${after} ORDER BY position LIMIT ${BATTLES_PER_READ}`,
    decodeBattles
  )
  if (!Arr.isReadonlyArrayNonEmpty(rows)) return []
  const attempts = yield* Effect.flatMap(
    sql`SELECT attempt_id, battle_id, number, started_at, verdict, counted, superseded, charged, epoch_id, mode,
        duration_ms, tokens, token_basis, prompt_tokens, finish_reason, ttft_ms, tokens_per_second, grading, error, timings
      FROM attempt WHERE ${sql.in("battle_id", rows.map(({ battle_id }) => battle_id))} ORDER BY battle_id, number`,
    decodeAttempts
  )
  const byBattle = Map.groupBy(attempts, ({ battle_id }) => battle_id)
  return yield* Effect.forEach(rows, (row) => {
    const own = byBattle.get(row.battle_id) ?? []
    return Effect.map(
      Effect.forEach(own.filter(({ verdict }) => verdict === null), (attempt) => inFlight(sql, attempt)),
      (inFlight): BattleFacts => ({
        battle: { task: row.task, agent: row.agent, repetition: row.repetition },
        position: row.position,
        outcome: outcomeOf(row),
        reopenedAfter: row.reopened_after,
        attempts: own.flatMap((attempt) => attempt.verdict === null ? [] : [endedOf(attempt, attempt.verdict)]),
        inFlight
      })
    )
  })
})

/** What is known of an attempt that has not ended: its row tells when it began, and the rows of its progress the rest. */
const inFlight = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, row: AttemptRow) {
  const progress = yield* Effect.flatMap(
    sql`SELECT at, phase, tokens, arrivals FROM attempt_progress WHERE attempt_id = ${row.attempt_id}
      ORDER BY progress_id`,
    decodeProgress
  )
  const last = progress.at(-1)
  return {
    id: row.attempt_id,
    number: row.number,
    epoch: row.epoch_id,
    startedAt: row.started_at,
    tokens: last?.tokens ?? 0,
    timings: TokenTimings.encode(progress.flatMap(({ arrivals }) => TokenTimings.decode(arrivals))),
    told: last === undefined ? null : { at: last.at, phase: last.phase }
  } satisfies AttemptInFlight as AttemptInFlight
})

const transcriptOf = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, id: number) {
  const ended = yield* Effect.flatMap(
    sql`SELECT content, reasoning FROM attempt WHERE attempt_id = ${id} AND verdict IS NOT NULL`,
    decodeTranscripts
  )
  const rows = ended.length > 0
    ? ended
    : yield* Effect.flatMap(
      sql`SELECT content, reasoning FROM attempt_progress WHERE attempt_id = ${id} ORDER BY progress_id`,
      decodeTranscripts
    )
  return {
    content: rows.map(({ content }) => content).join(""),
    reasoning: rows.map(({ reasoning }) => reasoning).join("")
  }
})

const endedOf = (row: AttemptRow, verdict: Verdict): AttemptFacts => ({
  id: row.attempt_id,
  number: row.number,
  verdict,
  counted: row.counted === 1,
  superseded: row.superseded === 1,
  charged: row.charged === 1,
  epoch: row.epoch_id,
  mode: row.mode,
  error: row.error,
  startedAt: row.started_at,
  durationMillis: row.duration_ms,
  tokens: row.tokens,
  tokenBasis: row.token_basis,
  promptTokens: row.prompt_tokens,
  finishReason: row.finish_reason,
  timeToFirstTokenMillis: row.ttft_ms,
  tokensPerSecond: row.tokens_per_second,
  grading: row.grading,
  timings: row.timings
})
