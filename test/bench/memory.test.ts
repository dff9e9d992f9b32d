/** The memory bench as its users start it, at a size that says nothing; and its criteria. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import { render } from "../../bench/memory/render.ts"
import { criteriaOf, type IdleCell, type PausedCell } from "../../bench/memory/Results.ts"
import { run } from "../support/command.ts"

const script = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))

const Output = Schema.fromJsonString(Schema.Struct({
  bench: Schema.Literal("memory"),
  paused: Schema.Array(Schema.Struct({
    agent: Schema.Literal("ours"),
    shape: Schema.String,
    detail: Schema.Null,
    growthBytes: Schema.Finite,
    finished: Schema.Literal(true),
    collected: Schema.Literal(true)
  })),
  idle: Schema.Array(Schema.Struct({
    holder: Schema.String,
    kind: Schema.String,
    detail: Schema.Null,
    bytesPerStream: Schema.Finite
  })),
  criteria: Schema.Array(Schema.Struct({ name: Schema.String, passed: Schema.Boolean }))
}))

const paused = (megabytes: number | null, more: Partial<PausedCell> = {}): PausedCell => ({
  agent: "ours",
  shape: "tasks",
  detail: null,
  growthBytes: megabytes === null ? null : megabytes * 1e6,
  peakGrowthBytes: null,
  finished: true,
  collected: true,
  ...more
})
const idle = (kilobytes: number | null, more: Partial<IdleCell> = {}): IdleCell => ({
  holder: "ours",
  kind: "stream",
  detail: null,
  bytesPerStream: kilobytes === null ? null : kilobytes * 1000,
  idleCpuShare: 0,
  ...more
})

describe("memory bench", () => {
  it.live("measures paused readers and idle streams, and prints one JSON object", () =>
    Effect.gen(function*() {
      const sizes = ["--readers", "2", "--tokens", "200", "--idle-streams", "20", "--idle-seconds", "1"]
      const { code, stderr, stdout } = yield* run(["memory", "--agents", "ours", "--json", ...sizes], { script })
      const output = yield* Schema.decodeEffect(Output)(stdout)
      assert.deepStrictEqual(output.paused.map(({ shape }) => shape), ["tasks", "readers", "long"])
      assert.deepStrictEqual(
        output.idle.map(({ holder, kind }) => `${holder} ${kind}`),
        ["bare stream", "ours stream", "ours task"]
      )
      assert.lengthOf(output.criteria, 4)
      assert.strictEqual(code, output.criteria.every(({ passed }) => passed) ? 0 : 1, stderr)
    }))

  it("judges ours, as far as it was measured", () => {
    const passed = (...cells: Parameters<typeof criteriaOf>) => criteriaOf(...cells).map(({ passed }) => passed)
    assert.deepStrictEqual(passed([paused(30)], [idle(40)]), [true, true])
    assert.deepStrictEqual(passed([paused(31)], [idle(41)]), [false, false])
    assert.deepStrictEqual(passed([paused(1, { finished: false })], null), [false])
    assert.deepStrictEqual(passed([paused(null, { detail: "gone" })], [idle(null, { detail: "gone" })]), [false, false])
    assert.deepStrictEqual(passed([paused(99, { agent: "sdk" })], [idle(99, { kind: "task" })]), [])
    assert.deepStrictEqual(passed(null, null), [])
  })

  it("shows what baselines have beside it, and what a task's parts cost", () => {
    const cells = [paused(3), paused(200, { agent: "sdk", finished: false, collected: false })]
    const streams = [
      idle(20, { holder: "bare" }),
      idle(30),
      idle(100, { kind: "task" }),
      idle(90, { holder: "raw", kind: "task" })
    ]
    const shown = render({ paused: cells, idle: streams, criteria: criteriaOf(cells, streams) })
    assert.match(shown, /of a task each +sdk +> 200 MB.* stopped before its end, too busy/)
    assert.match(shown, /3 MB \(SDK > 200 MB\) +yes/)
    assert.match(shown, /30 kB for its stream, 70 kB for its engine request.*\n.*raw relay: 70 kB/)
    for (const line of shown.split("\n")) assert.isAtMost(line.length, 120, line)
  })
})
