/** The campaign bench as its users start it, at a size that says nothing; its numbers, and its criteria. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { DatabaseSync } from "node:sqlite"
import { setImmediate as nextTurn } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { battlesOf, definitionOf, seatsOf } from "../../bench/campaign/plannedCampaign.ts"
import { render } from "../../bench/campaign/render.ts"
import { criteriaOf, growthOf, type Measured, summarize } from "../../bench/campaign/Results.ts"
import { watchSqlite } from "../../bench/campaign/watchSqlite.ts"
import { plan } from "../../src/campaign/Battle.ts"
import { Definition } from "../../src/campaign/Definition.ts"
import { run } from "../support/command.ts"

const script = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))

const Output = Schema.fromJsonString(Schema.Struct({
  bench: Schema.Literal("campaign"),
  measured: Schema.Struct({
    battles: Schema.Literal(20),
    bare: Schema.Struct({ scored: Schema.Literal(10), cpuMillis: Schema.Finite }),
    ours: Schema.Struct({
      scored: Schema.Literal(20),
      tokens: Schema.Literal(600),
      heaps: Schema.Array(Schema.Finite),
      sqliteMillis: Schema.Finite
    }),
    status: Schema.NonEmptyArray(Schema.Struct({ readMillis: Schema.Finite })),
    resume: Schema.NonEmptyArray(Schema.Struct({ nothingToDoMillis: Schema.Finite, processMillis: Schema.Finite }))
  }),
  summary: Schema.Struct({ cpuMillisPerBattle: Schema.Struct({ ratio: Schema.Finite }), heapGrowth: Schema.Finite }),
  criteria: Schema.Array(Schema.Struct({ name: Schema.String, passed: Schema.Boolean }))
}))

const measured: Measured = {
  battles: 100,
  tokens: 200,
  concurrency: 16,
  fileBytes: 3e6,
  bare: { battles: 50, scored: 50, tokens: 0, wallMillis: 1000, cpuMillis: 100 },
  ours: {
    scored: 100,
    tokens: 20_000,
    wallMillis: 4000,
    cpuMillis: 1000,
    heaps: [50e6, 50e6, ...Array<number>(16).fill(999e6), 60e6, 60e6],
    residents: Array<number>(20).fill(2e8),
    longestBlock: { heldMillis: 20, wallMillis: 90, longestCall: "COMMIT" },
    sqliteMillis: 50,
    longestWaitMillis: 90,
    loopDelay: { p50: 1, p99: 5, max: 100 }
  },
  status: [{ readMillis: 12, commandMillis: 500 }],
  plan: { loadMillis: 100, planMillis: 10 },
  resume: [
    { nothingToDoMillis: 9000, processMillis: 9000 },
    { nothingToDoMillis: 2000, processMillis: 2100 },
    { nothingToDoMillis: 1, processMillis: 1 }
  ],
  starts: [700]
}

const missed = (more: Partial<Measured>, ours: Partial<Measured["ours"]> = {}) =>
  criteriaOf({ ...measured, ...more, ours: { ...measured.ours, ...ours } }).flatMap(({ name, passed }, index) =>
    passed ? [] : [`${index} ${name}`]
  )

describe("campaign bench", () => {
  it.live(
    "plays a campaign and the bare loop, times the commands, and prints one JSON object",
    () =>
      Effect.gen(function*() {
        const sizes = [
          "--battles",
          "20",
          "--bare-battles",
          "10",
          "--tokens",
          "30",
          "--concurrency",
          "4",
          "--times",
          "1"
        ]
        const { code, stderr, stdout } = yield* run(["campaign", "--json", ...sizes], { script })
        const output = yield* Schema.decodeEffect(Output)(stdout)
        assert.isAtLeast(output.measured.ours.heaps.length, 19)
        assert.isAbove(output.measured.ours.sqliteMillis, 0)
        assert.isAtMost(output.measured.resume[0].nothingToDoMillis, output.measured.resume[0].processMillis)
        assert.lengthOf(output.criteria, 5)
        assert.strictEqual(code, output.criteria.every(({ passed }) => passed) ? 0 : 1, stderr)
      }),
    180_000
  )

  it("judges each figure by itself, at its bound", () => {
    assert.deepStrictEqual(missed({}), [])
    assert.lengthOf(missed({}, { cpuMillis: 1001 }), 1)
    assert.match(missed({}, { heaps: measured.ours.heaps.with(19, 60.2e6) })[0]!, /^1 the heap/)
    assert.match(
      missed({}, { longestBlock: { heldMillis: 20.1, wallMillis: 21, longestCall: "COMMIT" } })[0]!,
      /^4 .*by the store/
    )
    assert.match(missed({ resume: [{ nothingToDoMillis: 2001, processMillis: 3000 }] })[0]!, /^2 `resume`/)
    assert.match(
      missed({ status: [{ readMillis: 1, commandMillis: 501 }] })[0]!,
      /^3 `campaign status` while it runs/
    )
    // What was not measured is not good enough.
    assert.lengthOf(missed({ status: [] }, { heaps: [1] }), 2)
  })

  it("compares with the bare loop per battle, and medians of the tenths", () => {
    const { battlesPerSecond, cpuMillisPerBattle, resumeMillis, statusMillis } = summarize(measured)
    assert.deepStrictEqual(cpuMillisPerBattle, { ours: 10, bare: 2, ratio: 5 })
    assert.deepStrictEqual(battlesPerSecond, { ours: 25, bare: 50 })
    assert.deepStrictEqual(resumeMillis, { nothingToDo: 2000, process: 2100, planned: 110 })
    assert.deepStrictEqual(statusMillis, { read: 12, command: 500 })
    assert.strictEqual(growthOf([1, 2, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 4, 5]), 3)
    assert.isNaN(growthOf([1, 2, 3]))
    assert.match(render(measured, criteriaOf(measured)), /\nratio +5x\n/)
  })

  it("plans at least as many battles as asked for, and few more", () => {
    for (const asked of [1, 7, 100, 101, 1999, 10_000]) {
      const { repetitions, tasks } = battlesOf(asked)
      assert.isAtMost(tasks, 100)
      assert.isAtLeast(tasks * repetitions, asked)
      assert.isBelow(tasks * repetitions, asked + repetitions)
    }
    const urls = { greenUrl: "http://green/", purpleUrl: "http://purple/", engineUrl: "http://engine/v1" }
    const definition = definitionOf({ battles: 300, concurrency: 2, ...urls })
    assert.lengthOf(plan(Schema.decodeSync(Schema.toType(Definition))(definition)), 300)
    assert.deepStrictEqual(
      definition.agents.map(({ name }) => seatsOf({ battles: 1, concurrency: 1, ...urls }).has(name)),
      [true]
    )
  })

  it.live("adds up what SQLite does in one turn of the event loop", () =>
    Effect.promise(async () => {
      const watch = watchSqlite()
      const database = new DatabaseSync(":memory:")
      const count = database.prepare(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n"
      )
      await nextTurn()
      await nextTurn()
      for (let turn = 0; turn < 2; turn++) {
        count.get()
        if (turn === 1) count.get()
        await nextTurn()
        await nextTurn()
      }
      database.close()
      const { heldMillis, longestCall, wallMillis } = watch.longest()
      assert.isAtMost(heldMillis, wallMillis)
      assert.isAbove(heldMillis, 0)
      assert.strictEqual(longestCall, "WITH RECURSIVE n(i)")
      // Two of three, and never all of them.
      assert.isBelow(heldMillis, 0.95 * watch.totalMillis())
    }))
})
