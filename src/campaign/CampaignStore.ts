/**
 * The file that holds a campaign: its definition, its battles, every attempt.
 *
 * Laws: a battle has at most one outcome that counts, and the attempt it rests on; the same attempt cannot be stored
 * twice (UNIQUE keys); an attempt and what it makes of its battle are stored together or not at all. Once a battle has
 * an outcome, a later attempt's is kept with the attempt and does not change it.
 *
 * One file holds one campaign. Nothing secret is ever given to the store.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import { Grade } from "../grading/Grade.ts"
import type { LearningSettings } from "../liveness/LimitLearner.ts"
import { RunError } from "../liveness/RunError.ts"
import type { AttemptProgress } from "./AttemptProgress.ts"
import { AttemptRecord, TokenBasis, Verdict } from "./AttemptRecord.ts"
import { Battle, Outcome, plan } from "./Battle.ts"
import { migrations } from "./CampaignMigrations.ts"
import type { Definition } from "./Definition.ts"
import type { EngineEpoch, NewEpoch } from "./EngineEpoch.ts"
import * as NodeSqlite from "./NodeSqlite.ts"
import type { RunnerState } from "./RunnerState.ts"
import type { Selection } from "./Selection.ts"
import type { CampaignState, StoredCampaign } from "./StoredCampaign.ts"
import type { Command, StoredCommand } from "./StoredCommand.ts"
import * as StoredDefinition from "./StoredDefinition.ts"
import * as StoredLimitLearner from "./StoredLimitLearner.ts"
import { queryFailed, type StoreError } from "./StoreError.ts"

export class CampaignStore extends Context.Service<CampaignStore, {
  /** Writes the campaign with all its battles pending. Fails if the store already holds one. */
  readonly create: (definition: Definition) => Effect.Effect<void, StoreError>
  /** The campaign as stored; none if the store is empty. */
  readonly load: Effect.Effect<Option.Option<StoredCampaign>, StoreError>
  readonly record: (attempt: AttemptRecord) => Effect.Effect<"counted" | "kept" | "superseded", StoreError>
  readonly begin: (
    battle: Battle,
    options: { startedAt: number; epoch: number | null }
  ) => Effect.Effect<number, StoreError>
  readonly advance: (news: ReadonlyArray<AttemptProgress>) => Effect.Effect<void>
  readonly abandon: Effect.Effect<number, StoreError>
  readonly epoch: (e: NewEpoch) => Effect.Effect<number, StoreError>
  readonly epochs: Effect.Effect<ReadonlyArray<EngineEpoch>, StoreError>
  readonly reopen: (s: Selection) => Effect.Effect<ReadonlyArray<Battle>, StoreError>
  readonly giveUp: (s: Selection, reason: string) => Effect.Effect<number, StoreError>
  readonly setState: (s: CampaignState) => Effect.Effect<void, StoreError>
  readonly runner: (s: RunnerState) => Effect.Effect<void, StoreError>
  readonly request: (c: Command) => Effect.Effect<number, StoreError>
  readonly requests: Effect.Effect<ReadonlyArray<StoredCommand>, StoreError>
  readonly answer: (id: number, text: string) => Effect.Effect<void, StoreError>
  readonly answerOf: (id: number) => Effect.Effect<Option.Option<string>, StoreError>
}>()("a2a-campaign/CampaignStore") {
  static readonly layerNoDeps = Layer.effect(
    CampaignStore,
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* Effect.mapError(
        Migrator.make({})({ loader: Migrator.fromRecord(migrations) }),
        queryFailed("prepare the file")
      )
      return make(sql)
    })
  )

  /**
   * In a file; `create` says whether it may be new. What its runs teach is kept in the same file, through the same
   * connection: two of them in one process would wait for each other in vain.
   */
  static readonly layer = (options: {
    readonly filename: string
    readonly create: boolean
    readonly limits?: LearningSettings
  }) =>
    StoredLimitLearner.layer(options.limits).pipe(
      Layer.provideMerge(CampaignStore.layerNoDeps),
      Layer.provide(NodeSqlite.layer(options))
    )

  /** The same in a file that exists, to be looked at only: of any version, while another process writes it, or not. */
  static readonly layerReadonly = (options: { readonly filename: string; readonly limits?: LearningSettings }) =>
    StoredLimitLearner.layer(options.limits).pipe(
      Layer.provideMerge(Layer.effect(CampaignStore, Effect.map(SqlClient.SqlClient, make))),
      Layer.provide(NodeSqlite.layer({ filename: options.filename, create: false, readonly: true }))
    )

  /** In memory, gone with its scope. */
  static readonly layerMemory = CampaignStore.layer({ filename: ":memory:", create: true })
}

const encodeError = Schema.encodeSync(Schema.fromJsonString(RunError))
const encodeGrade = Schema.encodeSync(Schema.fromJsonString(Grade))

const BattleRow = Schema.Struct({
  task: Schema.String,
  agent: Schema.String,
  repetition: Schema.Int,
  state: Schema.Literals(["pending", "scored", "unscored"]),
  grade: Schema.NullOr(Schema.fromJsonString(Grade)),
  reason: Schema.NullOr(Schema.String),
  counted_attempt: Schema.NullOr(Schema.Int)
})

const AttemptRow = Schema.Struct({
  task: Schema.String,
  agent: Schema.String,
  repetition: Schema.Int,
  number: Schema.Int,
  verdict: Verdict,
  tokens: Schema.Int,
  token_basis: TokenBasis,
  ttft_ms: Schema.NullOr(Schema.Finite),
  tokens_per_second: Schema.NullOr(Schema.Finite),
  duration_ms: Schema.Finite
})

const make = (sql: SqlClient.SqlClient): CampaignStore["Service"] => {
  const create = Effect.fn("CampaignStore.create")(function*(definition: Definition) {
    const createdAt = yield* Clock.currentTimeMillis
    yield* sql.withTransaction(Effect.gen(function*() {
      yield* sql`INSERT INTO campaign ${
        sql.insert({
          only: 1,
          id: definition.id,
          created_at: createdAt,
          definition: StoredDefinition.encode(definition)
        })
      }`
      const rows = plan(definition).map((battle, position) => ({ ...battle, position, state: "pending" }))
      // SQLite allows 32 766 parameters in a statement.
      for (const some of Arr.chunksOf(rows, 1000)) yield* sql`INSERT INTO battle ${sql.insert(some)}`
    }))
  }, Effect.mapError(queryFailed("create the campaign")))

  const load = Effect.gen(function*() {
    const campaigns = yield* sql<{ readonly definition: string }>`SELECT definition FROM campaign`
    const stored = campaigns[0]
    if (stored === undefined) return Option.none()
    const battles = yield* Effect.flatMap(
      sql`SELECT task, agent, repetition, state, grade, reason, counted_attempt FROM battle ORDER BY position`,
      Schema.decodeUnknownEffect(Schema.Array(BattleRow))
    )
    const attempts = yield* Effect.flatMap(
      sql`SELECT task, agent, repetition, number, verdict, tokens, token_basis, ttft_ms, tokens_per_second, duration_ms
        FROM attempt JOIN battle USING (battle_id) ORDER BY attempt_id`,
      Schema.decodeUnknownEffect(Schema.Array(AttemptRow))
    )
    return Option.some({
      definition: yield* StoredDefinition.decode(stored.definition),
      battles: battles.map((row) => ({ battle: battleOf(row), outcome: outcomeOf(row) })),
      attempts: attempts.map((row) => ({
        battle: battleOf(row),
        number: row.number,
        verdict: row.verdict,
        tokens: row.tokens,
        tokenBasis: row.token_basis,
        timeToFirstTokenMillis: row.ttft_ms,
        tokensPerSecond: row.tokens_per_second,
        durationMillis: row.duration_ms
      }))
    })
  }).pipe(Effect.mapError(queryFailed("read the campaign")), Effect.withSpan("CampaignStore.load"))

  const record = Effect.fn("CampaignStore.record")(function*(attempt: AttemptRecord) {
    const { battle, outcome } = attempt
    const where = sql`task = ${battle.task} AND agent = ${battle.agent} AND repetition = ${battle.repetition}`
    yield* sql.withTransaction(Effect.gen(function*() {
      const found = yield* sql<{ readonly battle_id: number }>`SELECT battle_id FROM battle WHERE ${where}`
      yield* sql`INSERT INTO attempt ${
        sql.insert({
          battle_id: found[0]?.battle_id ?? null,
          number: attempt.number,
          mode: attempt.mode,
          verdict: attempt.verdict,
          error: attempt.error === null ? null : encodeError(attempt.error),
          started_at: attempt.startedAt,
          duration_ms: attempt.durationMillis,
          tokens: attempt.tokens,
          token_basis: attempt.tokenBasis,
          prompt_tokens: attempt.promptTokens,
          finish_reason: attempt.finishReason,
          ttft_ms: attempt.timeToFirstTokenMillis,
          tokens_per_second: attempt.tokensPerSecond,
          content: attempt.content,
          reasoning: attempt.reasoning,
          timings: attempt.timings
        })
      }`
      if (outcome._tag === "Pending") return
      yield* sql`UPDATE battle SET ${
        sql.update(
          outcome._tag === "Scored"
            ? {
              state: "scored",
              score: outcome.grade.score,
              grade: encodeGrade(outcome.grade),
              counted_attempt: outcome.attempt
            }
            : { state: "unscored", reason: outcome.reason, counted_attempt: outcome.attempt }
        )
      } WHERE ${where} AND state = 'pending'`
    }))
  }, Effect.mapError(queryFailed("save an attempt")))

  return null as any
}

const battleOf = (row: Battle): Battle => ({ task: row.task, agent: row.agent, repetition: row.repetition })

const outcomeOf = (row: typeof BattleRow.Type): Outcome => {
  const attempt = row.counted_attempt ?? 0
  if (row.state === "scored" && row.grade !== null) return Outcome.cases.Scored.make({ grade: row.grade, attempt })
  if (row.state === "unscored") {
    return Outcome.cases.Unscored.make({ reason: row.reason ?? "no reason stored", attempt })
  }
  return Outcome.cases.Pending.make({})
}
