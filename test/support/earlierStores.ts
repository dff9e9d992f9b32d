/**
 * Stores as earlier releases left them: the earlier migrations, and rows as those releases wrote them.
 *
 * The campaign has three battles: a scored at its second attempt, after which a third came late; b without a score; c
 * pending after a failure and an interruption. `slow` is the verdict of b's attempt where the release knew it.
 */
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import { migrations } from "../../src/campaign/CampaignMigrations.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { grade, truncated } from "./attempts.ts"
import { definitionOf } from "./campaigns.ts"

const { agents: _agents, engines: _engines, judge: _judge, policy: _policy, ...first } = definitionOf({
  tasks: ["a", "b", "c"]
})

/** As the first release stored it; later ones know more. */
const definition = JSON.stringify({
  ...first,
  concurrency: 4,
  agent: "agent-1",
  target: { _tag: "Demonstration" },
  limits: undefined,
  stallPolicy: undefined
})

type Columns = Record<string, unknown>

const battles: ReadonlyArray<Columns> = [
  { task: "a", state: "scored", score: grade.score, grade: JSON.stringify(grade), reason: null, counted_attempt: 2 },
  { task: "b", state: "unscored", score: null, grade: null, reason: "engine: hung", counted_attempt: 1 },
  { task: "c", state: "pending", score: null, grade: null, reason: null, counted_attempt: null }
]

const error = JSON.stringify({ ...truncated, _tag: "Failed" })

const attemptsOf = (step: number): ReadonlyArray<Columns> => [
  { battle_id: 1, number: 1, verdict: "failed", error },
  { battle_id: 2, number: 1, verdict: step < 3 ? "stalled" : "slow", error: null },
  { battle_id: 1, number: 2, verdict: "completed", error: null },
  { battle_id: 1, number: 3, verdict: "completed", error: null },
  { battle_id: 3, number: 1, verdict: "failed", error },
  { battle_id: 3, number: 2, verdict: "cancelled", error: null }
]

/** The last step whose release wrote these rows; the releases after it have them from a migration. */
const LAST_WRITTEN = 3

/** Writes a store that stands at this step, with a campaign in it. */
export const writeEarlier = (filename: string, step: number) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const migrate = (to: number) =>
      Migrator.make({})({ loader: Migrator.fromRecord(Object.fromEntries(Object.entries(migrations).slice(0, to))) })
    yield* migrate(Math.min(step, LAST_WRITTEN))
    yield* sql`INSERT INTO campaign ${sql.insert({ only: 1, id: "campaign-1", created_at: 5, definition })}`
    for (const [position, battle] of battles.entries()) {
      yield* sql`INSERT INTO battle ${sql.insert({ ...battle, position, agent: "agent-1", repetition: 1 })}`
    }
    for (const [index, attempt] of attemptsOf(step).entries()) {
      yield* sql`INSERT INTO attempt ${
        sql.insert({
          ...attempt,
          mode: "stream",
          started_at: index,
          duration_ms: 1.5,
          tokens: index,
          token_basis: "deltas",
          ttft_ms: 0.5,
          content: `content ${index}`,
          reasoning: `reasoning ${index}`,
          timings: Uint8Array.from([index, 200])
        })
      }`
    }
    if (step > LAST_WRITTEN) yield* migrate(step)
  }).pipe(Effect.provide(NodeSqlite.layer({ filename, create: true }), { local: true }))

/** All that is large, in order. */
export const transcripts = (filename: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    return yield* sql`SELECT content, reasoning, timings FROM attempt ORDER BY attempt_id`
  }).pipe(Effect.provide(NodeSqlite.layer({ filename, create: false, readonly: true }), { local: true }))
