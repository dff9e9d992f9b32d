/**
 * Looks at a campaign that another process runs, again and again: what has come since the look before.
 *
 * All of a look is of one moment (one read transaction), and nothing is written. What the runner tells its store once a
 * second is read here: what has come of the attempts in flight, how its lanes are, and what has ended.
 *
 * Laws: every report is seen once, and so is every end of an attempt, also of one that began and ended between two looks.
 *
 * Gotchas: the reports of an attempt are deleted when it ends, and their numbers come again, so how far they were read is
 * remembered for each attempt. What came after an attempt's last report stands in its record.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { Phase } from "../liveness/Phase.ts"
import { AttemptOutlook } from "./AttemptOutlook.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import { Verdict } from "./AttemptVerdict.ts"
import { type Battle, Outcome } from "./Battle.ts"
import { readCampaign } from "./readCampaign.ts"
import type { RunnerState } from "./RunnerState.ts"
import { CampaignState, type StoredCampaign } from "./StoredCampaign.ts"
import { battleColumns, outcomeColumns, outcomeOf, wholeAttemptColumns } from "./storedColumns.ts"
import * as storedControl from "./storedControl.ts"
import { queryFailed, StoreError } from "./StoreError.ts"
import * as StoreFile from "./StoreFile.ts"
import * as StoreLock from "./StoreLock.ts"
import * as TokenTimings from "./TokenTimings.ts"

/** What a runner told of an attempt at one moment. */
export interface Report {
  /** In milliseconds since 1970. */
  readonly at: number
  readonly phase: Phase
  /** Of the attempt so far. */
  readonly tokens: number
  /** What is new since the report before; its times are milliseconds since the attempt began. */
  readonly arrivals: ReadonlyArray<TokenTimings.Arrival>
  readonly content: string
  readonly reasoning: string
  /** As it was then; calm where it was not told. */
  readonly outlook?: AttemptOutlook
}

export interface LookedAttempt {
  readonly id: number
  readonly battle: Battle
  readonly number: number
  /** In milliseconds since 1970. */
  readonly startedAt: number
  readonly reports: ReadonlyArray<Report>
  /** How it ended; `undefined` while it is in flight. */
  readonly record: AttemptRecord | undefined
}

export interface Look {
  /** In milliseconds since 1970. */
  readonly at: number
  readonly holder: StoreLock.Holder | null
  readonly state: CampaignState
  readonly runner: RunnerState | null
  /** Those in flight, and those that have ended since the look before, in the order in which they began. */
  readonly attempts: ReadonlyArray<LookedAttempt>
  readonly pending: number
}

export interface Watcher {
  /** The campaign as it was at the first look. */
  readonly campaign: StoredCampaign
  readonly first: Look
  /** Another look. */
  readonly look: Effect.Effect<Look, StoreError>
  /** The outcomes of all battles now. */
  readonly outcomes: Effect.Effect<ReadonlyArray<{ readonly battle: Battle; readonly outcome: Outcome }>, StoreError>
}

const Row = Schema.Struct({
  ...battleColumns,
  ...outcomeColumns,
  ...wholeAttemptColumns,
  content: Schema.String,
  reasoning: Schema.String,
  timings: Schema.Uint8Array
})
type Row = typeof Row.Type

const ReportRow = Schema.Struct({
  progress_id: Schema.Int,
  at: Schema.Finite,
  phase: Phase,
  tokens: Schema.Int,
  content: Schema.String,
  reasoning: Schema.String,
  arrivals: Schema.Uint8Array,
  outlook: Schema.NullOr(Schema.fromJsonString(AttemptOutlook))
})

const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))
const decodeReports = Schema.decodeUnknownEffect(Schema.Array(ReportRow))
const decodeStates = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ state: CampaignState, last: Schema.Int, pending: Schema.Int }))
)

const battleOf = ({ agent, repetition, task }: Row): Battle => ({ task, agent, repetition })

const recordOf = (row: Row, verdict: Verdict): AttemptRecord => ({
  battle: battleOf(row),
  number: row.number,
  charged: row.charged === 1,
  epoch: row.epoch_id,
  mode: row.mode,
  verdict,
  error: row.error,
  startedAt: row.started_at,
  durationMillis: row.duration_ms,
  tokens: row.tokens,
  tokenBasis: row.token_basis,
  promptTokens: row.prompt_tokens,
  finishReason: row.finish_reason,
  timeToFirstTokenMillis: row.ttft_ms,
  tokensPerSecond: row.tokens_per_second,
  content: row.content,
  reasoning: row.reasoning,
  grading: row.grading,
  timings: row.timings,
  // Only the attempt that counts has made anything of its battle.
  outcome: row.counted === 1 ? outcomeOf(row) : Outcome.cases.Pending.make({})
})

/** Opens the file of a campaign to look at it; none if it is empty. Texts are read only where asked for. */
export const open = Effect.fnUntraced(
  function*(filename: string, { texts }: { readonly texts: boolean }) {
    const context = yield* Layer.build(Layer.fresh(StoreFile.readonlyClient(filename, "accepted")))
    const watcher = yield* watch(filename, texts).pipe(Effect.provide(context))
    return watcher
  }
)

const watch = Effect.fnUntraced(function*(filename: string, texts: boolean) {
  const sql = yield* SqlClient.SqlClient
  /** The attempts that were in flight at the last look, and their last reports. */
  let known = new Map<number, number>()
  /** All attempts up to this one have been seen. */
  let seen: number | undefined

  const reportsOf = (id: number) =>
    Effect.map(
      Effect.flatMap(
        sql`SELECT progress_id, at, phase, tokens, ${texts ? sql`content` : sql`'' AS content`},
          ${texts ? sql`reasoning` : sql`'' AS reasoning`}, arrivals, outlook FROM attempt_progress
          WHERE attempt_id = ${id} AND progress_id > ${known.get(id) ?? 0} ORDER BY progress_id`,
        decodeReports
      ),
      (rows) => ({
        last: rows.at(-1)?.progress_id ?? known.get(id) ?? 0,
        reports: rows.map(({ arrivals, at, content, outlook, phase, reasoning, tokens }): Report => ({
          at,
          phase,
          tokens,
          content,
          reasoning,
          arrivals: TokenTimings.decode(arrivals),
          ...outlook === null ? {} : { outlook }
        }))
      })
    )

  const readLook = Effect.gen(function*() {
    const [campaign] = yield* Effect.flatMap(
      sql`SELECT state, (SELECT ifnull(max(attempt_id), 0) FROM attempt) AS last,
        (SELECT count(*) FROM battle WHERE battle.state = 'pending') AS pending FROM campaign`,
      decodeStates
    )
    if (campaign === undefined) return undefined
    const open = [...known.keys()]
    const rows = yield* Effect.flatMap(
      sql`SELECT attempt_id, task, agent, repetition, number, started_at, verdict, charged, epoch_id, mode, duration_ms,
          attempt.tokens, token_basis, prompt_tokens, finish_reason, ttft_ms, tokens_per_second, grading, error,
          ${texts ? sql`content` : sql`'' AS content`}, ${texts ? sql`reasoning` : sql`'' AS reasoning`}, timings,
          state, counted, superseded, grade, reason, counted_attempt
        FROM attempt JOIN battle USING (battle_id)
        WHERE ${
        seen === undefined
          ? sql`verdict IS NULL`
          : sql`(attempt_id > ${seen}${open.length === 0 ? sql`` : sql` OR ${sql.in("attempt_id", open)}`})`
      } ORDER BY attempt_id`,
      decodeRows
    )
    const next = new Map<number, number>()
    const attempts: Array<LookedAttempt> = []
    for (const row of rows) {
      const { last, reports } = row.verdict === null
        ? yield* reportsOf(row.attempt_id)
        : { last: 0, reports: [] }
      if (row.verdict === null) next.set(row.attempt_id, last)
      attempts.push({
        id: row.attempt_id,
        battle: battleOf(row),
        number: row.number,
        startedAt: row.started_at,
        reports,
        record: row.verdict === null ? undefined : recordOf(row, row.verdict)
      })
    }
    const runner = yield* storedControl.runner(sql)
    return { attempts, next, last: campaign.last, pending: campaign.pending, state: campaign.state, runner }
  })

  const look = Effect.gen(function*() {
    // Whoever has ended since then has written everything before.
    const holder = Option.getOrNull(yield* StoreLock.runner(filename))
    const found = yield* sql.withTransaction(readLook)
    if (found === undefined) return undefined
    const { last, next, ...rest } = found
    known = next
    seen = last
    return { ...rest, holder, at: yield* Clock.currentTimeMillis } satisfies Look as Look
  }).pipe(Effect.mapError(queryFailed("look at the campaign")))

  // Of one moment: an attempt has ended by then, and is in the campaign, or a later look tells its end.
  const [first, campaign] = yield* sql.withTransaction(Effect.all([look, readCampaign(sql)])).pipe(
    Effect.mapError(queryFailed("read the campaign"))
  )
  if (first === undefined || Option.isNone(campaign)) return Option.none<Watcher>()
  return Option.some<Watcher>({
    campaign: campaign.value,
    first,
    look: Effect.map(look, (found) => found ?? { ...first, attempts: [], holder: null }),
    outcomes: Effect.map(
      Effect.mapError(readCampaign(sql), queryFailed("read the campaign")),
      Option.match({ onNone: () => [], onSome: ({ battles }) => battles })
    )
  })
})
