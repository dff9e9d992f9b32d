import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { AttemptRecord } from "../../src/campaign/AttemptRecord.ts"
import { Outcome } from "../../src/campaign/Battle.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { fromTests } from "../../src/grading/Grade.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import { definitionOf } from "../support/campaigns.ts"

const definition = definitionOf({ tasks: ["a", "b"], repetitions: 2 })
const battle = { task: "a", agent: "agent-1", repetition: 1 }
const grade = fromTests([{ outcome: "passed" }, { outcome: "threw", detail: "Error: x" }])
const pending = Outcome.cases.Pending.make({})

const attempt = (number: number, overrides: Partial<AttemptRecord> = {}): AttemptRecord => ({
  battle,
  number,
  mode: "stream",
  verdict: "completed",
  error: null,
  startedAt: 1_795_000_000_000,
  durationMillis: 1234.5,
  tokens: 17,
  tokenBasis: "usage",
  promptTokens: 5,
  finishReason: "stop",
  timeToFirstTokenMillis: 400.25,
  tokensPerSecond: 50.5,
  content: "answer",
  reasoning: "",
  timings: Uint8Array.from([1, 2, 200]),
  outcome: Outcome.cases.Scored.make({ grade, attempt: number }),
  ...overrides
})

const fresh = Layer.fresh(CampaignStore.layerNoDeps.pipe(
  Layer.provideMerge(NodeSqlite.layer({ filename: ":memory:", create: true }))
))
const loaded = Effect.flatMap(CampaignStore.use((store) => store.load), Effect.fromOption)
const outcomes = Effect.map(loaded, ({ battles }) => battles.map(({ outcome }) => outcome._tag))

describe("CampaignStore", () => {
  layer(fresh)("a new store", (it) => {
    it.effect("is empty, then holds the campaign with all battles pending", () =>
      Effect.gen(function*() {
        const store = yield* CampaignStore
        assert.isTrue(Option.isNone(yield* store.load))
        yield* store.create(definition)
        assert.deepStrictEqual((yield* loaded).definition, definition)
        assert.deepStrictEqual(yield* outcomes, ["Pending", "Pending", "Pending", "Pending"])
        const again = yield* Effect.flip(store.create(definition))
        assert.strictEqual(again.reason._tag, "Query")
      }))
  })

  layer(fresh)("attempts", (it) => {
    it.effect("are kept with what they make of their battle", () =>
      Effect.gen(function*() {
        const store = yield* CampaignStore
        yield* store.create(definition)
        const error = new Failed({ hop: "engine", tokens: 2, reason: { _tag: "Truncated" } })
        yield* store.record(attempt(1, { verdict: "failed", error, outcome: pending }))
        yield* store.record(attempt(2))
        const { attempts, battles } = yield* loaded
        assert.deepStrictEqual(
          battles.find((each) => each.battle.task === "a" && each.battle.repetition === 1),
          { battle, outcome: Outcome.cases.Scored.make({ grade, attempt: 2 }) }
        )
        assert.deepStrictEqual(attempts.map(({ number, verdict }) => [number, verdict]), [[1, "failed"], [
          2,
          "completed"
        ]])
        assert.deepInclude(attempts[1], {
          tokens: 17,
          timeToFirstTokenMillis: 400.25,
          tokensPerSecond: 50.5,
          durationMillis: 1234.5
        })
        const sql = yield* SqlClient.SqlClient
        const rows = yield* sql`SELECT error, content, timings FROM attempt ORDER BY number`
        assert.deepInclude(JSON.parse(rows[0]!["error"] as string), { _tag: "Failed", hop: "engine" })
        assert.deepStrictEqual(rows[1]!["timings"], Uint8Array.from([1, 2, 200]))
      }))

    it.effect("cannot be stored twice, and a later one does not change an outcome", () =>
      Effect.gen(function*() {
        const store = yield* CampaignStore
        const twice = yield* Effect.flip(store.record(attempt(2)))
        assert.strictEqual(twice.reason._tag, "Query")
        yield* store.record(attempt(3, { outcome: Outcome.cases.Unscored.make({ reason: "late", attempt: 3 }) }))
        const { attempts, battles } = yield* loaded
        assert.strictEqual(attempts.length, 3)
        assert.deepStrictEqual(battles.filter(({ outcome }) => outcome._tag === "Scored").length, 1)
        assert.isFalse(battles.some(({ outcome }) => outcome._tag === "Unscored"))
      }))

    it.effect("of a battle that is not planned are refused", () =>
      Effect.gen(function*() {
        const store = yield* CampaignStore
        const error = yield* Effect.flip(store.record(attempt(1, { battle: { ...battle, task: "unknown" } })))
        assert.strictEqual(error.reason._tag, "Query")
        assert.strictEqual((yield* loaded).attempts.length, 3)
      }))
  })
})
