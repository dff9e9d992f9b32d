/**
 * Where a campaign stands, for `campaign status`: read while another process runs it, or nobody does.
 *
 * All figures are of one moment (one read transaction). They come from indexes and from what is in flight: no transcript,
 * no grade and no definition is read, and no page is checked, so it takes milliseconds with 10 000 battles.
 *
 * Law: the figures are what counting all rows gives (see its test).
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { AttemptOutlook } from "./AttemptOutlook.ts"
import { Verdict } from "./AttemptVerdict.ts"
import type { EngineEpoch } from "./EngineEpoch.ts"
import type { RunnerState } from "./RunnerState.ts"
import { CampaignState } from "./StoredCampaign.ts"
import type { StoredCommand } from "./StoredCommand.ts"
import * as storedControl from "./storedControl.ts"
import { queryFailed, type StoreError } from "./StoreError.ts"
import * as StoreFile from "./StoreFile.ts"
import * as StoreLock from "./StoreLock.ts"

const Counted = Schema.Struct({
  task: Schema.String,
  agent: Schema.String,
  scored: Schema.Int,
  unscored: Schema.Int,
  pending: Schema.Int,
  /** Of the scores, 0 to 1; `null` where there is none. */
  meanScore: Schema.NullOr(Schema.Finite)
})

export interface BattleFigures {
  readonly planned: number
  readonly scored: number
  readonly unscored: number
  /** In flight or yet to begin. */
  readonly pending: number
}

const InFlight = Schema.Struct({
  task: Schema.String,
  agent: Schema.String,
  repetition: Schema.Int,
  number: Schema.Int,
  /** In milliseconds since 1970. */
  startedAt: Schema.Finite,
  /** What was last told of it, at most some seconds ago; `null` where nothing was. */
  phase: Schema.NullOr(Schema.String),
  tokens: Schema.Int,
  /** When its last token arrived, in milliseconds since it began; `null` before the first one. */
  lastArrivalMillis: Schema.NullOr(Schema.Finite),
  /** `null` where there is nothing to be said. */
  outlook: Schema.NullOr(Schema.fromJsonString(AttemptOutlook))
})

const Reason = Schema.Struct({ reason: Schema.String, battles: Schema.Int })

const AttemptCount = Schema.Struct({
  verdict: Schema.NullOr(Verdict),
  superseded: Schema.Literals([0, 1]),
  charged: Schema.Literals([0, 1]),
  attempts: Schema.Int
})

export interface CampaignStatus {
  readonly campaign: string
  readonly state: CampaignState
  readonly createdAt: number
  readonly battles: BattleFigures
  /** In the order of the plan's names. */
  readonly byTaskAndAgent: ReadonlyArray<typeof Counted.Type>
  readonly attempts: {
    /** Those that have ended in time, by verdict. */
    readonly byVerdict: Readonly<Record<Verdict, number>>
    /** Those that ended too late to be of any effect. */
    readonly superseded: number
    /** Those that use up one of their battle's attempts. */
    readonly charged: number
  }
  /** Begun and not ended; what nobody runs any more is among them until the campaign goes on. */
  readonly inFlight: ReadonlyArray<typeof InFlight.Type>
  /** Why battles have no score, the most frequent reason first. */
  readonly unscored: ReadonlyArray<typeof Reason.Type>
  readonly epochs: ReadonlyArray<EngineEpoch>
  /** The process that runs the campaign now. */
  readonly holder: StoreLock.Holder | null
  readonly pendingCommands: ReadonlyArray<StoredCommand>
  /** What the process that runs it, or ran it last, has said. */
  readonly runner: RunnerState | null
}

const decode = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) =>
  Schema.decodeUnknownEffect(Schema.Array(schema))
const decodeCampaign = decode(Schema.Struct({ id: Schema.String, state: CampaignState, created_at: Schema.Finite }))
const decodeCounted = decode(Counted)
const decodeAttempts = decode(AttemptCount)
const decodeInFlight = decode(InFlight)
const decodeReasons = decode(Reason)

/** None if the store is empty. Fails as reading a store does. */
export const read = (filename: string): Effect.Effect<Option.Option<CampaignStatus>, StoreError> =>
  Effect.gen(function*() {
    const holder = Option.getOrNull(yield* StoreLock.runner(filename))
    const sql = yield* SqlClient.SqlClient
    const figures = yield* Effect.mapError(
      sql.withTransaction(readFigures(sql)),
      queryFailed("read the campaign's status")
    )
    return Option.map(figures, (known) => ({ ...known, holder }))
  }).pipe(Effect.provide(Layer.fresh(StoreFile.readonlyClient(filename, "accepted"))))

/** Everything that the file itself knows, through a connection, in a transaction of the caller. */
export const readFigures = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const [campaign] = yield* Effect.flatMap(sql`SELECT id, state, created_at FROM campaign`, decodeCampaign)
  if (campaign === undefined) return Option.none<Omit<CampaignStatus, "holder">>()
  const byTaskAndAgent = yield* Effect.flatMap(
    sql`SELECT task, agent, sum(state = 'scored') AS scored, sum(state = 'unscored') AS unscored,
        sum(state = 'pending') AS pending, avg(score) AS meanScore
      FROM battle GROUP BY task, agent`,
    decodeCounted
  )
  const counts = yield* Effect.flatMap(
    sql`SELECT verdict, superseded, charged, count(*) AS attempts FROM attempt GROUP BY verdict, superseded, charged`,
    decodeAttempts
  )
  const inFlight = yield* Effect.flatMap(
    sql`SELECT task, agent, repetition, number, started_at AS startedAt, phase,
        ifnull(attempt_progress.tokens, 0) AS tokens, last_arrival_ms AS lastArrivalMillis,
        outlook
      FROM attempt JOIN battle USING (battle_id) LEFT JOIN attempt_progress ON progress_id = (
        SELECT max(progress_id) FROM attempt_progress WHERE attempt_progress.attempt_id = attempt.attempt_id)
      WHERE verdict IS NULL ORDER BY attempt.attempt_id`,
    decodeInFlight
  )
  const unscored = yield* Effect.flatMap(
    sql`SELECT ifnull(reason, 'no reason stored') AS reason, count(*) AS battles FROM battle
      WHERE state = 'unscored' GROUP BY 1 ORDER BY battles DESC, reason`,
    decodeReasons
  )
  return Option.some<Omit<CampaignStatus, "holder">>({
    campaign: campaign.id,
    state: campaign.state,
    createdAt: campaign.created_at,
    battles: totalOf(byTaskAndAgent),
    byTaskAndAgent,
    attempts: attemptsOf(counts),
    inFlight,
    unscored,
    epochs: yield* storedControl.epochs(sql),
    pendingCommands: yield* storedControl.requests(sql),
    runner: yield* storedControl.runner(sql)
  })
})

const totalOf = (counted: ReadonlyArray<Omit<BattleFigures, "planned">>): BattleFigures => {
  let [scored, unscored, pending] = [0, 0, 0]
  for (const some of counted) {
    scored += some.scored
    unscored += some.unscored
    pending += some.pending
  }
  return { planned: scored + unscored + pending, scored, unscored, pending }
}

const attemptsOf = (counts: ReadonlyArray<typeof AttemptCount.Type>): CampaignStatus["attempts"] => {
  const byVerdict = { completed: 0, stalled: 0, slow: 0, failed: 0, cancelled: 0, abandoned: 0 }
  let [superseded, charged] = [0, 0]
  for (const { attempts, charged: isCharged, superseded: isSuperseded, verdict } of counts) {
    if (isCharged === 1) charged += attempts
    if (isSuperseded === 1) superseded += attempts
    else if (verdict !== null) byVerdict[verdict] += attempts
  }
  return { byVerdict, superseded, charged }
}
