/**
 * The memory of finished runs in the campaign's file, so that a campaign that is resumed has not forgotten them.
 *
 * It needs the table that the store's migrations make, and the connection of the store: `CampaignStore.layer` gives both
 * services over one.
 *
 * Laws: of each key the last `learnedRuns` runs are kept, as `LimitLearner.layerMemory` keeps them; one run is stored
 * together with what it displaces, or not at all. A file that fails costs knowledge and nothing else: it is logged, and
 * the run goes on as if nothing had been learned.
 *
 * The runs of a key are read when it is first asked for or taught, and kept in memory from then on: nobody else writes them
 * while this process does.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { type FinishedRun, teachesSomething } from "../liveness/FinishedRun.ts"
import { LearnedRuns, type LearningSettings } from "../liveness/LearnedRuns.ts"
import { nothingLearned } from "../liveness/LimitInForce.ts"
import { LimitLearner } from "../liveness/LimitLearner.ts"
import { defaults } from "../liveness/LivenessLimits.ts"
import { parse, type RunKey, textOf } from "../liveness/RunKey.ts"

/** Over a connection to a file whose migrations have been made by the time of the first question. */
export const layer = (
  settings: LearningSettings = defaults
): Layer.Layer<LimitLearner, never, SqlClient.SqlClient> =>
  Layer.effect(LimitLearner, Effect.map(SqlClient.SqlClient, (sql) => make(sql, settings)))

const Flag = Schema.Literals([0, 1])

const FinishedRunRow = Schema.Struct({
  gap_ms: Schema.NullOr(Schema.Finite),
  gap_censored: Flag,
  first_token_ms: Schema.NullOr(Schema.Finite),
  first_token_censored: Flag
})

const decodeRows = Schema.decodeUnknownEffect(Schema.Array(FinishedRunRow))

const decodeKeys = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ key: Schema.String })))

const make = (sql: SqlClient.SqlClient, settings: LearningSettings): LimitLearner["Service"] => {
  const kept = Math.floor(settings.learnedRuns)
  const known = new Map<string, LearnedRuns>()

  const runsOf = Effect.fnUntraced(function*(key: string) {
    const found = known.get(key)
    if (found !== undefined) return found
    const rows = yield* Effect.flatMap(
      sql`SELECT gap_ms, gap_censored, first_token_ms, first_token_censored FROM finished_run
        WHERE key = ${key} ORDER BY finished_run_id DESC LIMIT ${kept}`,
      decodeRows
    )
    // Somebody else may have asked meanwhile, and have been taught.
    const first = known.get(key)
    if (first !== undefined) return first
    const runs = new LearnedRuns(settings)
    for (const row of rows.toReversed()) runs.add(runOf(row))
    known.set(key, runs)
    return runs
  })

  const learned = Effect.fn("LimitLearner.learned")(
    function*(key: RunKey) {
      return (yield* runsOf(textOf(key))).limits()
    },
    Effect.catch((error) =>
      Effect.as(Effect.logWarning(`What earlier runs teach could not be read: ${error.message}`), nothingLearned)
    )
  )

  const finished = Effect.fn("LimitLearner.finished")(
    function*(key: RunKey, run: FinishedRun) {
      if (!teachesSomething(run)) return
      const finishedAt = yield* Clock.currentTimeMillis
      const text = textOf(key)
      const runs = yield* runsOf(text)
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`INSERT INTO finished_run ${sql.insert({ key: text, ...rowOf(run), finished_at: finishedAt })}`
        yield* sql`DELETE FROM finished_run WHERE key = ${text} AND finished_run_id <= (
          SELECT finished_run_id FROM finished_run WHERE key = ${text}
          ORDER BY finished_run_id DESC LIMIT 1 OFFSET ${kept})`
      }))
      runs.add(run)
    },
    Effect.catch((error) => Effect.logWarning(`What a finished run teaches could not be kept: ${error.message}`))
  )

  const everything = Effect.gen(function*() {
    const rows = yield* Effect.flatMap(
      sql`SELECT key FROM finished_run GROUP BY key ORDER BY max(finished_run_id) DESC`,
      decodeKeys
    )
    const keys = rows.flatMap(({ key }) => Option.toArray(parse(key)))
    return yield* Effect.forEach(keys, (key) => Effect.map(learned(key), (learned) => ({ key, learned })))
  }).pipe(
    Effect.catch((error) =>
      Effect.as(Effect.logWarning(`What runs have taught could not be listed: ${error.message}`), [])
    ),
    Effect.withSpan("LimitLearner.everything")
  )

  return LimitLearner.of({ learned, finished, everything })
}

const rowOf = ({ firstTokenMillis, largestGapMillis }: FinishedRun): typeof FinishedRunRow.Type => ({
  gap_ms: finiteOf(largestGapMillis),
  gap_censored: largestGapMillis === Infinity ? 1 : 0,
  first_token_ms: finiteOf(firstTokenMillis),
  first_token_censored: firstTokenMillis === Infinity ? 1 : 0
})

const runOf = (row: typeof FinishedRunRow.Type): FinishedRun => ({
  largestGapMillis: row.gap_censored === 1 ? Infinity : row.gap_ms,
  firstTokenMillis: row.first_token_censored === 1 ? Infinity : row.first_token_ms
})

const finiteOf = (millis: number | null): number | null => Number.isFinite(millis) ? millis : null
