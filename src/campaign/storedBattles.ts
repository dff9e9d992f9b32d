/**
 * The battles in a store: planned, added to, opened again, given up.
 *
 * Laws: a battle is never taken away; a score is never taken back. These are operations of the store's writer: each runs
 * in a transaction that its caller has begun.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import { type Battle, keyOf, plan } from "./Battle.ts"
import type { Definition } from "./Definition.ts"
import type { Selection } from "./Selection.ts"
import * as StoredDefinition from "./StoredDefinition.ts"
import { StoreError, StoreErrorReason } from "./StoreError.ts"

/** SQLite allows 32 766 parameters in a statement. */
const ROWS_PER_STATEMENT = 1000

/** Writes a campaign with all its battles pending. Breaks a rule of the tables if there is one already. */
export const create = Effect.fnUntraced(function*(
  sql: SqlClient.SqlClient,
  definition: Definition,
  configHash: string | null,
  createdAt: number
) {
  yield* sql`INSERT INTO campaign ${
    sql.insert({
      only: 1,
      id: definition.id,
      created_at: createdAt,
      definition: StoredDefinition.encode(definition),
      config_hash: configHash,
      state: "running"
    })
  }`
  yield* add(sql, plan(definition), 0)
})

const add = (sql: SqlClient.SqlClient, battles: ReadonlyArray<Battle>, firstPosition: number) => {
  const rows = battles.map((battle, index) => ({ ...battle, position: firstPosition + index, state: "pending" }))
  return Effect.forEach(
    Arr.chunksOf(rows, ROWS_PER_STATEMENT),
    (some) => sql`INSERT INTO battle ${sql.insert(some)}`,
    { discard: true }
  )
}

/** Puts a definition with the same battles or more in the place of the stored one. */
export const extend = Effect.fnUntraced(function*(
  sql: SqlClient.SqlClient,
  definition: Definition,
  configHash: string | null
) {
  const stored = yield* sql<Battle & { readonly position: number }>`
    SELECT task, agent, repetition, position FROM battle ORDER BY position`
  const known = new Set(stored.map(exactKey))
  const planned = plan(definition)
  const kept = new Set(planned.map(exactKey))
  const missing = stored.filter((battle) => !kept.has(exactKey(battle)))
  if (missing.length > 0) {
    const example = keyOf(missing[0]!)
    return yield* new StoreError({
      reason: StoreErrorReason.cases.NotExtended.make({ missing: missing.length, example })
    })
  }
  yield* sql`UPDATE campaign SET ${
    sql.update({ id: definition.id, definition: StoredDefinition.encode(definition), config_hash: configHash })
  }`
  yield* add(sql, planned.filter((battle) => !known.has(exactKey(battle))), (stored.at(-1)?.position ?? -1) + 1)
})

/** Unlike `keyOf`, which is for people, never the same for two battles. */
const exactKey = ({ agent, repetition, task }: Battle) => JSON.stringify([task, agent, repetition])

/** Makes unscored battles pending again, and gives them. Their attempts so far, also those in flight, are of before. */
export const reopen = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, selection: Selection) {
  const verdicts = selection.verdicts.includes("unscored") ? [] : selection.verdicts
  const [some] = yield* sql<{ readonly ids: string }>`
    SELECT json_group_array(battle_id) AS ids FROM battle WHERE ${
    sql.and([
      "state = 'unscored'",
      ...named(sql, selection),
      ...verdicts.length === 0 ? [] : [
        sql`EXISTS (SELECT 1 FROM attempt WHERE attempt.battle_id = battle.battle_id AND counted = 1
          AND ${sql.in("verdict", verdicts)})`
      ]
    ])
  }`
  yield* sql`UPDATE attempt SET counted = 0
    WHERE counted = 1 AND battle_id IN (SELECT value FROM json_each(${some!.ids}))`
  const opened = yield* sql<
    Battle
  >`UPDATE battle SET state = 'pending', reason = NULL, counted_attempt = NULL, reopened_after = (
      SELECT ifnull(max(number), 0) FROM attempt WHERE attempt.battle_id = battle.battle_id)
    WHERE battle_id IN (SELECT value FROM json_each(${some!.ids})) RETURNING task, agent, repetition`
  return opened.map(({ agent, repetition, task }): Battle => ({ task, agent, repetition }))
})

/**
 * Leaves pending battles without a score, for a reason; gives their number. No attempt of theirs counts, ever. `only`
 * names battles of the selection, where not all of them are meant.
 */
export const giveUp = Effect.fnUntraced(function*(
  sql: SqlClient.SqlClient,
  selection: Selection,
  reason: string,
  only?: ReadonlyArray<Battle>
) {
  const { verdicts } = selection
  const given = yield* sql`UPDATE battle SET state = 'unscored', reason = ${reason}, counted_attempt = 0 WHERE ${
    sql.and([
      "state = 'pending'",
      ...named(sql, selection),
      ...only === undefined ? [] : [
        sql`(task, agent, repetition) IN (SELECT value ->> 'task', value ->> 'agent', value ->> 'repetition'
          FROM json_each(${JSON.stringify(only)}))`
      ],
      ...verdicts.length === 0 || verdicts.includes("unscored") ? [] : [
        sql`(SELECT verdict FROM attempt WHERE attempt.battle_id = battle.battle_id AND verdict IS NOT NULL
          ORDER BY number DESC LIMIT 1) IN ${sql.in(verdicts)}`
      ]
    ])
  } RETURNING 1`
  return given.length
})

const named = (sql: SqlClient.SqlClient, { agents, tasks }: Selection) => [
  ...tasks.length === 0 ? [] : [sql.in("task", tasks)],
  ...agents.length === 0 ? [] : [sql.in("agent", agents)]
]
