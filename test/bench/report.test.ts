/** The report bench as its users start it, at a size that says nothing; its numbers, and its criteria. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { render } from "../../bench/report/render.ts"
import { criteriaOf, type Measured, summarize } from "../../bench/report/Results.ts"
import { writeStore } from "../../bench/report/writeStore.ts"
import { reportOf } from "../../src/report/ReportFold.ts"
import { run } from "../support/command.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const script = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))

const Output = Schema.fromJsonString(Schema.Struct({
  bench: Schema.Literal("report"),
  measured: Schema.Struct({ battles: Schema.Literal(200), attempts: Schema.Finite, storeBytes: Schema.Finite }),
  summary: Schema.Tuple([
    Schema.Struct({ kind: Schema.Literal("rows"), ratio: Schema.Literal(1), peakBytes: Schema.Finite }),
    Schema.Struct({ kind: Schema.Literal("summary"), ratio: Schema.Finite, peakBytes: Schema.Finite })
  ]),
  criteria: Schema.Tuple([])
}))

const made = (kind: "rows" | "html", wallMillis: number, peakBytes: number) => ({
  kind,
  wallMillis,
  cpuMillis: wallMillis,
  peakBytes,
  fileBytes: kind === "rows" ? 0 : 1e6
})

const measured: Measured = {
  battles: 10_000,
  tokens: 200,
  attempts: 10_700,
  storeBytes: 25e6,
  made: [
    made("rows", 100, 50e6),
    made("html", 9000, 400e6),
    made("rows", 300, 50e6),
    made("html", 10_000, 600e6),
    made("rows", 200, 50e6),
    made("html", 99_000, 300e6)
  ]
}

describe("the report bench", () => {
  it("takes medians of time and the most of memory", () => {
    const [, html] = summarize(measured)
    assert.deepInclude(html, { kind: "html", wallMillis: 10_000, peakBytes: 600e6, ratio: 50 })
    assert.deepStrictEqual(criteriaOf(measured).map(({ passed }) => passed), [true, false])
    assert.include(render(measured, criteriaOf(measured)), "a store of 25 MB")
  })

  it.effect("writes a store that is one", () =>
    Effect.gen(function*() {
      const file = join(yield* temporaryDirectory, "bench.db")
      const attempts = yield* writeStore({ file, battles: 400, tokens: 30 })
      const { attemptEnds, latencies, stalls, summary } = Option.getOrThrow(yield* reportOf(file))
      assert.deepInclude(summary.battles, { planned: 400, pending: 0 })
      assert.strictEqual(summary.attempts.total, attempts)
      assert.strictEqual(attemptEnds.superseded, 0)
      assert.isAbove(stalls.rows.length, 5)
      assert.strictEqual(latencies.overall.itl.n, 29 * latencies.overall.attempts)
    }))

  it.effect("measures commands against reading all rows", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* run(
        ["report", "--battles", "200", "--tokens", "10", "--times", "1", "--kinds", "summary", "--json"],
        { script }
      )
      assert.strictEqual(code, 0, stderr)
      const { summary: [, { peakBytes, ratio }] } = yield* Schema.decodeEffect(Output)(stdout)
      assert.isAbove(ratio, 0)
      assert.isAbove(peakBytes, 1e6)
    }), 60_000)
})
