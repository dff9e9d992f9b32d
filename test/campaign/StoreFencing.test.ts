/**
 * Fencing: whatever processes do to one store, in whatever order, a battle is settled at most once by one attempt, and what
 * comes late changes nothing. And the tables themselves hold that, whoever writes them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { AttemptRecord } from "../../src/campaign/AttemptRecord.ts"
import { type Battle, keyOf, type Outcome } from "../../src/campaign/Battle.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import { everything } from "../../src/campaign/Selection.ts"
import { attemptOf, failedOf, lastOf } from "../support/attempts.ts"
import { definitionOf } from "../support/campaigns.ts"
import { runs } from "../support/propertyRuns.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const battles: ReadonlyArray<Battle> = ["a", "b"].map((task) => ({ task, agent: "agent-1", repetition: 1 }))
const definition = definitionOf({ tasks: ["a", "b"] })

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
/** One battle more often than the other, so that long stories happen to it. */
const mostlyOne = between(0, 3)
const battleOf = (drawn: number) => battles[drawn === 3 ? 1 : 0]!
const Move = Schema.Union([
  Schema.Struct({ what: Schema.Literal("begin"), battle: mostlyOne }),
  Schema.Struct({
    what: Schema.Literal("record"),
    /** One of the attempts begun so far, by whomever, the newest first. */
    which: between(0, 4),
    ends: Schema.Literals(["scored", "failed", "unscored"])
  }),
  Schema.Struct({ what: Schema.Literal("advance"), which: between(0, 4) }),
  Schema.Struct({ what: Schema.Literals(["reopen", "giveUp"]), battle: mostlyOne }),
  Schema.Struct({ what: Schema.Literal("abandon") })
])
type Move = typeof Move.Type
const Moves = Arbitrary.array(Arbitrary.schema(Move), { minLength: 8, maxLength: 40 })

interface Begun {
  readonly battle: Battle
  readonly number: number
}

/** What one attempt says, and no other one. */
const sayingOf = ({ battle, number }: Begun) => `${keyOf(battle)} attempt ${number};`

const recordOf = (begun: Begun, ends: "scored" | "failed" | "unscored"): AttemptRecord => {
  const make = { scored: attemptOf, failed: failedOf, unscored: lastOf }[ends]
  return make(begun.battle, begun.number, { content: sayingOf(begun) })
}

const play = Effect.fnUntraced(function*(moves: ReadonlyArray<Move>) {
  const store = yield* CampaignStore
  const desk = yield* RunnerDesk
  const sql = yield* SqlClient.SqlClient
  yield* store.create(definition, null)
  const begun: Array<Begun> = []
  /** Attempts that may still settle their battle: the newest, begun since it was opened, and not ended in any way. */
  const valid = new Map<string, number>()
  const ended = new Set<string>()
  const outcomes = new Map(battles.map((battle) => [keyOf(battle), "Pending"]))
  const scores = new Map<string, Outcome>()
  for (const move of moves) {
    if (move.what === "begin") {
      const battle = battleOf(move.battle)
      const number = yield* Effect.option(store.begin(battle, { startedAt: begun.length, epoch: null }))
      assert.strictEqual(number._tag === "Some", outcomes.get(keyOf(battle)) === "Pending")
      if (number._tag === "None") continue
      assert.strictEqual(number.value, begun.filter((each) => each.battle === battle).length + 1)
      begun.push({ battle, number: number.value })
      valid.set(keyOf(battle), number.value)
    } else if (move.what === "record" || move.what === "advance") {
      const attempt = begun.at(-1 - move.which) ?? begun[0]
      if (attempt === undefined) continue
      const key = keyOf(attempt.battle)
      if (move.what === "advance") {
        const nothing = { reasoning: "", arrivals: [] }
        yield* desk.advance([{ ...attempt, ...nothing, phase: "decoding", tokens: 1, content: sayingOf(attempt) }])
        continue
      }
      const isValid = valid.get(key) === attempt.number
      const recorded = yield* Effect.option(store.record(recordOf(attempt, move.ends)))
      // An attempt that has been recorded is refused, and changes nothing either.
      const known = `${key} ${attempt.number}`
      assert.strictEqual(recorded._tag === "None", ended.has(known), JSON.stringify(moves))
      ended.add(known)
      if (recorded._tag === "None") continue
      const expected = !isValid ? "superseded" : move.ends === "failed" ? "kept" : "counted"
      assert.strictEqual(recorded.value, expected, JSON.stringify(moves))
      if (!isValid) continue
      valid.delete(key)
      if (move.ends === "scored") outcomes.set(key, "Scored")
      if (move.ends === "unscored") outcomes.set(key, "Unscored")
    } else if (move.what === "abandon") {
      yield* store.abandon
      valid.clear()
    } else {
      const battle = battleOf(move.battle)
      const key = keyOf(battle)
      const selection = { ...everything, tasks: [battle.task] }
      if (move.what === "giveUp") {
        yield* store.giveUp(selection, "given up")
        if (outcomes.get(key) === "Pending") outcomes.set(key, "Unscored")
        valid.delete(key)
      } else {
        yield* store.reopen(selection)
        if (outcomes.get(key) === "Unscored") outcomes.set(key, "Pending")
      }
    }
    const stored = yield* Effect.flatMap(store.load, Effect.fromOption)
    for (const { battle, outcome } of stored.battles) {
      const key = keyOf(battle)
      assert.strictEqual(outcome._tag, outcomes.get(key), JSON.stringify(moves))
      if (scores.has(key)) assert.deepStrictEqual(outcome, scores.get(key))
      if (outcome._tag === "Scored") scores.set(key, outcome)
    }
  }
  yield* store.abandon
  return yield* sql`SELECT task, number, verdict, counted, superseded, charged, content, state, counted_attempt
    FROM attempt JOIN battle USING (battle_id)`
})

const open = Layer.fresh(
  Layer.provideMerge(CampaignStore.layerNoDeps, NodeSqlite.layer({ filename: ":memory:", create: true }))
)

describe("fencing", () => {
  it.effect.prop(
    "lets at most one attempt count, and nothing of another one into it",
    [Moves],
    ([moves]) =>
      Effect.gen(function*() {
        const rows = yield* Effect.provide(play(moves), open)
        for (const battle of battles) {
          const own = rows.filter((row) => row["task"] === battle.task)
          const counted = own.filter((row) => row["counted"] === 1)
          assert.isAtMost(counted.length, 1)
          for (const row of own) {
            const number = Number(row["number"])
            const saying = sayingOf({ battle, number })
            // An abandoned one may have said it several times, and nobody else's.
            assert.strictEqual(String(row["content"]).replaceAll(saying, ""), "", JSON.stringify(moves))
            if (row["verdict"] !== "abandoned") assert.strictEqual(row["content"], saying)
            if (row["counted"] === 1) assert.strictEqual(row["counted_attempt"], number)
            if (row["superseded"] === 1) assert.deepStrictEqual([row["counted"], row["charged"]], [0, 0])
            assert.isNotNull(row["verdict"])
          }
          if (own[0]?.["state"] === "scored") assert.lengthOf(counted, 1)
        }
      }),
    runs
  )

  it.effect("is in the tables: no other writer can count twice, take a score back or end an attempt again", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "campaign.db")
      const [a, b] = [battles[0]!, battles[1]!]
      const start = { startedAt: 1, epoch: null }
      yield* Effect.gen(function*() {
        const store = yield* CampaignStore
        yield* store.create(definition, null)
        yield* store.begin(a, start)
        yield* store.record(failedOf(a, 1))
        yield* store.begin(a, start)
        yield* store.record(attemptOf(a, 2))
        yield* store.begin(b, start)
        yield* store.abandon
        const before = yield* store.load
        const other = new DatabaseSync(filename)
        const scored = "(SELECT battle_id FROM battle WHERE task = 'a')"
        const open = "(SELECT battle_id FROM battle WHERE task = 'b')"
        for (
          const [statement, why] of [
            [`INSERT INTO attempt (battle_id, number, started_at) VALUES (${scored}, 2, 1)`, "UNIQUE"],
            [
              `INSERT INTO attempt (battle_id, number, started_at, verdict, counted)
              VALUES (${scored}, 3, 1, 'completed', 1)`,
              "UNIQUE"
            ],
            [`UPDATE attempt SET counted = 1 WHERE battle_id = ${scored} AND number = 1`, "UNIQUE"],
            [`UPDATE attempt SET counted = 1 WHERE battle_id = ${open}`, "CHECK"],
            [`UPDATE attempt SET verdict = 'completed' WHERE battle_id = ${open}`, "ended already"],
            [`UPDATE attempt SET verdict = 'failed' WHERE battle_id = ${scored} AND number = 2`, "ended already"],
            [`UPDATE battle SET state = 'pending', counted_attempt = NULL WHERE task = 'a'`, "scored already"],
            [`UPDATE battle SET score = 1 WHERE task = 'a'`, "scored already"],
            [`UPDATE battle SET state = 'scored', score = 1, counted_attempt = 1 WHERE task = 'b'`, "no attempt"],
            [
              `INSERT INTO battle (position, task, agent, repetition, state) VALUES (9, 'a', 'agent-1', 1, 'pending')`,
              "UNIQUE"
            ],
            [`INSERT INTO campaign (only, id, created_at, definition) VALUES (2, 'x', 1, '{}')`, "CHECK"]
          ] as const
        ) assert.throws(() => other.exec(statement), new RegExp(why), statement)
        other.close()
        assert.deepStrictEqual(yield* store.load, before)
      }).pipe(Effect.provide(CampaignStore.layer({ filename, create: true }), { local: true }))
    }))
})
