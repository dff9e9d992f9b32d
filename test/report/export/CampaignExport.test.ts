/** What is exported is what is stored: in every format the same rows, and each as the schema says. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Csv from "effect/encoding/Csv"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { CampaignFacts } from "../../../src/campaign/CampaignFacts.ts"
import * as TokenTimings from "../../../src/campaign/TokenTimings.ts"
import { RunError } from "../../../src/liveness/RunError.ts"
import * as CampaignExport from "../../../src/report/export/CampaignExport.ts"
import { cellOf } from "../../../src/report/export/CsvCells.ts"
import { AttemptRow, BattleRow, ExportDocument, ExportLine, TokenRow } from "../../../src/report/export/ExportRows.ts"
import { battleOf, drawnBattles, factsOf } from "../../support/drawnCampaigns.ts"

type Options = Partial<CampaignExport.ExportOptions> & Pick<CampaignExport.ExportOptions, "format">

const textOf = (facts: CampaignFacts, options: Options) =>
  Stream.mkString(Stream.decodeText(CampaignExport.bytes(facts, { table: undefined, transcripts: false, ...options })))

const strict = { onExcessProperty: "error" } as const
/** Refuses keys that the schema does not know. */
const decodeDocument = Schema.decodeUnknownSync(Schema.toType(Schema.toEncoded(ExportDocument)), strict)
const decodeLine = Schema.decodeUnknownSync(Schema.toEncoded(ExportLine), strict)

const linesOf = (text: string) => text.split("\n").slice(0, -1).map((line) => decodeLine(JSON.parse(line)))

const withoutKind = ({ row: _row, ...rest }: ReturnType<typeof decodeLine>) => rest

const documentOf = (facts: CampaignFacts, options: Partial<Options> = {}) =>
  Effect.map(textOf(facts, { ...options, format: "json" }), (text) => decodeDocument(JSON.parse(text)))

/** The rows of a table as any reader of CSV gets them. */
const csvOf = Effect.fnUntraced(function*(facts: CampaignFacts, table: CampaignExport.Table, transcripts = false) {
  const text = yield* textOf(facts, { format: "csv", table, transcripts })
  return yield* Stream.runCollect(Stream.pipeThroughChannel(Stream.make(text), Csv.decodeString({ headers: true })))
})

/** One leading apostrophe is not of the text. */
const unguarded = (cell: string) => cell.startsWith("'") ? cell.slice(1) : cell
const readable = (text: string) => text.toWellFormed().replaceAll(/(?![\t\n\r\u0080-\u009f])\p{Cc}/gu, "\ufffd")

/** What a cell should give back. */
const expectedCell = (value: unknown): string =>
  typeof value === "string"
    ? readable(value)
    : value === null || value === undefined
    ? ""
    : typeof value === "object"
    ? JSON.stringify(value)
    : String(value)

const encodeError = Schema.encodeSync(RunError)

describe("an export", () => {
  it.effect.prop("holds in JSON what the store holds", [drawnBattles], ([drawn]) =>
    Effect.gen(function*() {
      const battles = drawn.map(battleOf)
      const { battles: found, epochs, ...campaign } = yield* documentOf(factsOf(battles))
      assert.deepInclude(campaign, {
        schema: "a2a-campaign/export/1",
        campaign: "campaign-1",
        exported_at: "2026-11-18T11:08:20.000Z",
        running: false
      })
      assert.deepStrictEqual(epochs.map(({ began_at, epoch }) => [epoch, began_at]), [[1, "1970-01-01T00:00:00.005Z"]])
      assert.lengthOf(found, battles.length)
      for (const [index, row] of found.entries()) {
        const { attempts, battle, inFlight, outcome } = battles[index]!
        assert.deepStrictEqual([row.task, row.agent, row.position], [battle.task, battle.agent, index])
        assert.strictEqual(row.state, outcome._tag.toLowerCase())
        assert.deepStrictEqual(
          json([row.score, row.passed, row.explanation, row.reason]),
          json([
            outcome._tag === "Scored" ? outcome.grade.score : null,
            outcome._tag === "Scored" ? outcome.grade.passed : null,
            outcome._tag === "Scored" ? outcome.grade.explanation : null,
            outcome._tag === "Unscored" ? outcome.reason : null
          ])
        )
        assert.deepStrictEqual([row.attempts, row.attempts_in_flight], [attempts.length, inFlight.length])
        assert.lengthOf(row.attempt_rows, attempts.length + inFlight.length)
        for (const [nth, attempt] of attempts.entries()) {
          const exported = row.attempt_rows[nth]!
          assert.deepStrictEqual(
            json({
              attempt: exported.attempt,
              verdict: exported.verdict,
              counted: exported.counted,
              charged: exported.charged,
              mode: exported.mode,
              started: Date.parse(exported.started_at),
              duration: exported.duration_ms,
              tokens: exported.tokens,
              ttft: exported.ttft_ms,
              rate: exported.tokens_per_second,
              error: exported.error,
              message: exported.error_message,
              times: exported.token_times
            }),
            json({
              attempt: attempt.number,
              verdict: attempt.verdict,
              counted: attempt.counted,
              charged: attempt.charged,
              mode: attempt.mode,
              started: attempt.startedAt,
              duration: attempt.durationMillis,
              tokens: attempt.tokens,
              ttft: attempt.timeToFirstTokenMillis,
              rate: attempt.tokensPerSecond,
              error: attempt.error === null ? null : encodeError(attempt.error),
              message: attempt.error?.message ?? null,
              times: TokenTimings.decode(attempt.timings).map(({ atMillis, tokens }) => ({ at_ms: atMillis, tokens }))
            })
          )
        }
        if (inFlight.length > 0) {
          assert.deepInclude(row.attempt_rows.at(-1), { verdict: null, mode: null, tokens: 7, phase: "decoding" })
        }
      }
    }), { arbitrary: { runs: 40 } })

  it.effect.prop("holds the same rows in JSON lines and in CSV", [drawnBattles], ([drawn]) =>
    Effect.gen(function*() {
      const facts = factsOf(drawn.map(battleOf))
      const { battles, epochs, ...campaign } = yield* documentOf(facts, { transcripts: true })
      const all = linesOf(yield* textOf(facts, { format: "jsonl", transcripts: true }))
      assert.deepStrictEqual(all.map(withoutKind), [
        campaign,
        ...epochs,
        ...battles.flatMap(({ attempt_rows, ...battle }) => [battle, ...attempt_rows])
      ])
      const battleRows = battles.map(({ attempt_rows: _rows, ...battle }) => battle)
      const attemptRows = battles.flatMap(({ attempt_rows }) => attempt_rows)
      const tokens = linesOf(yield* textOf(facts, { format: "jsonl", table: "tokens" })).map(withoutKind)
      assert.strictEqual(tokens.length, attemptRows.reduce((sum, { token_times }) => sum + token_times.length, 0))
      const tables = [
        ["battles", battleRows, BattleRow.fields],
        ["attempts", attemptRows, AttemptRow.fields],
        ["tokens", tokens, TokenRow.fields]
      ] as const
      for (const [table, rows, fields] of tables) {
        const read = yield* csvOf(facts, table, true)
        assert.deepStrictEqual(
          read.map((cells) => Object.entries(cells).map(([name, cell]) => [name, unguarded(cell)])),
          rows.map((row) => Object.keys(fields).map((name) => [name, expectedCell(row[name as keyof typeof row])]))
        )
      }
      const untold = yield* csvOf(facts, "attempts")
      for (const row of untold) assert.notProperty(row, "content")
    }), { arbitrary: { runs: 20 } })

  it.effect("tells the times of tokens one by one, and the silence before each", () =>
    Effect.gen(function*() {
      const drawn = { task: "a", agent: "b", attempts: [], gaps: [4003, 199, 0, 201], inFlight: true }
      const facts = factsOf([battleOf(drawn, 0)])
      const rows = yield* csvOf(facts, "tokens")
      assert.deepStrictEqual(
        rows.map(({ arrival, at_ms, gap_ms, tokens, tokens_so_far }) =>
          [arrival, at_ms, gap_ms, tokens, tokens_so_far].join(" ")
        ),
        ["1 400.3  2 2", "2 420.2 19.9 2 4", "3 420.2 0 1 5", "4 440.3 20.1 1 6"]
      )
      const [attempt] = yield* csvOf(facts, "attempts")
      assert.deepInclude(attempt, { longest_gap_ms: "20.1", last_arrival_ms: "440.3", ttft_ms: "400.3", verdict: "" })
    }))

  it.effect("writes the names of the columns also where there is no row", () =>
    Effect.gen(function*() {
      const text = yield* textOf(factsOf([]), { format: "csv", table: "tokens" })
      assert.strictEqual(text, `${Object.keys(TokenRow.fields).join(",")}\r\n`)
      assert.deepStrictEqual((yield* documentOf(factsOf([], { running: true }))).running, true)
    }))
})

/** As JSON has it: −0 is 0. */
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe("a cell of CSV", () => {
  it.prop("is never a formula and gives its text back", [Schema.String], ([text]) => {
    for (const begin of ["", "=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠", "\u0000="]) {
      const cell = cellOf(begin + text)
      assert.notMatch(cell, /^[=+\-@\t\r\n＝＋－＠]/u)
      assert.strictEqual(unguarded(cell), readable(begin + text))
    }
  }, { arbitrary: { runs: 300 } })

  it("leaves numbers, flags and JSON alone", () => {
    assert.deepStrictEqual([-1.5, true, false, null, undefined, { a: "=1" }].map(cellOf), [
      "-1.5",
      "true",
      "false",
      "",
      "",
      "{\"a\":\"=1\"}"
    ])
  })
})
