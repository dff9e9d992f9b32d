/**
 * A whole campaign out of its store, at one moment, as fast as it can be planned from: no transcript and no timings are
 * read, and errors only of battles that are to be played.
 *
 * Of a store of an earlier release, opened to be read, `EarlierStore.ts` makes it look like one of this release.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import { RunError } from "../liveness/RunError.ts"
import { Verdict } from "./AttemptVerdict.ts"
import { type Battle } from "./Battle.ts"
import { type AttemptSummary, CampaignState, type StoredBattle, type StoredCampaign } from "./StoredCampaign.ts"
import { attemptColumns, battleColumns, Flag, outcomeColumns, outcomeOf } from "./storedColumns.ts"
import * as StoredDefinition from "./StoredDefinition.ts"

const CampaignRow = Schema.Struct({
  definition: Schema.String,
  config_hash: Schema.NullOr(Schema.String),
  state: CampaignState,
  created_at: Schema.Finite
})

const BattleRow = Schema.Struct({
  battle_id: Schema.Int,
  ...battleColumns,
  ...outcomeColumns,
  attempts: Schema.Int
})

const AttemptRow = Schema.Struct({ battle_id: Schema.Int, verdict: Verdict, superseded: Flag, ...attemptColumns })

const ErrorRow = Schema.Struct({ battle_id: Schema.Int, error: Schema.fromJsonString(RunError), charged: Flag })

const decodeCampaigns = Schema.decodeUnknownEffect(Schema.Array(CampaignRow))
const decodeBattles = Schema.decodeUnknownEffect(Schema.Array(BattleRow))
const decodeAttempts = Schema.decodeUnknownEffect(Schema.Array(AttemptRow))
const decodeErrors = Schema.decodeUnknownEffect(Schema.Array(ErrorRow))

/** The campaign as stored; none if the store is empty. */
export const readCampaign = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const [campaign] = yield* Effect.flatMap(
    sql`SELECT definition, config_hash, state, created_at FROM campaign`,
    decodeCampaigns
  )
  if (campaign === undefined) return Option.none<StoredCampaign>()
  const errors = yield* Effect.flatMap(
    sql`SELECT battle_id, error, charged FROM attempt JOIN battle USING (battle_id)
      WHERE battle.state = 'pending' AND number > reopened_after AND superseded = 0 AND error IS NOT NULL
        AND verdict IN ('stalled', 'slow', 'failed') ORDER BY battle_id, number`,
    decodeErrors
  )
  const history = Map.groupBy(errors, ({ battle_id }) => battle_id)
  const rows = yield* Effect.flatMap(
    sql`SELECT battle_id, task, agent, repetition, state, grade, reason, counted_attempt,
        (SELECT count(*) FROM attempt WHERE attempt.battle_id = battle.battle_id) AS attempts
      FROM battle ORDER BY position`,
    decodeBattles
  )
  const known = new Map<number, Battle>()
  const battles = rows.map((row): StoredBattle => {
    const { agent, attempts, battle_id, repetition, task } = row
    const battle = { task, agent, repetition }
    known.set(battle_id, battle)
    return {
      battle,
      outcome: outcomeOf(row),
      history: history.get(battle_id)?.map(({ charged, error }) => ({ error, charged: charged === 1 })) ?? [],
      attempts
    }
  })
  const attempts = yield* Effect.flatMap(
    sql`SELECT battle_id, number, verdict, started_at, tokens, token_basis, mode, ttft_ms, tokens_per_second, duration_ms,
      superseded, charged, epoch_id FROM attempt WHERE verdict IS NOT NULL ORDER BY attempt_id`,
    decodeAttempts
  )
  return Option.some<StoredCampaign>({
    definition: yield* StoredDefinition.decode(campaign.definition),
    configHash: campaign.config_hash,
    state: campaign.state,
    createdAt: campaign.created_at,
    battles,
    attempts: attempts.map((row) => summaryOf(row, known.get(row.battle_id)!))
  })
})

const summaryOf = (row: typeof AttemptRow.Type, battle: Battle): AttemptSummary => ({
  battle,
  number: row.number,
  verdict: row.verdict,
  startedAt: row.started_at,
  tokens: row.tokens,
  tokenBasis: row.token_basis,
  mode: row.mode,
  timeToFirstTokenMillis: row.ttft_ms,
  tokensPerSecond: row.tokens_per_second,
  durationMillis: row.duration_ms,
  superseded: row.superseded === 1,
  charged: row.charged === 1,
  epoch: row.epoch_id
})
