/** The cancel bench as its users start it, with few streams; how it tells what a reader lost, and its criteria. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import { render } from "../../bench/cancel/render.ts"
import { type ClosingCell, criteriaOf, type ResumeCell } from "../../bench/cancel/Results.ts"
import { makeTextCheck } from "../../bench/cancel/TextCheck.ts"
import { run } from "../support/command.ts"

const script = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))

const Output = Schema.fromJsonString(Schema.Struct({
  bench: Schema.Literal("cancel"),
  closing: Schema.Array(Schema.Struct({
    way: Schema.Literals(["cancel", "disconnect"]),
    engine: Schema.Literals(["flowing", "stalled"]),
    closedMillis: Schema.Array(Schema.Finite),
    notWithinSeconds: Schema.Null,
    detail: Schema.Null
  })),
  resuming: Schema.Array(Schema.Struct({
    resumption: Schema.Struct({
      readers: Schema.Literal(4),
      completed: Schema.Literal(true),
      lost: Schema.Literal(0),
      doubled: Schema.Literal(0),
      tokens: Schema.Literal(2000)
    }),
    textRight: Schema.Literal(true)
  })),
  criteria: Schema.Array(Schema.Struct({ passed: Schema.Boolean }))
}))

const closing = (way: ClosingCell["way"], closedMillis: ReadonlyArray<number>, more: Partial<ClosingCell> = {}) => ({
  agent: "ours" as const,
  way,
  engine: "flowing" as const,
  closedMillis,
  notWithinSeconds: null,
  detail: null,
  ...more
})
const resumption = { readers: 4, completed: true, lost: 0, doubled: 0, tokens: 9, hash: "", wallMillis: 1 }
const resuming = (more: Partial<ResumeCell> = {}): ResumeCell => ({
  agent: "ours",
  tokens: 9,
  drops: 3,
  resumption,
  textRight: true,
  notWithinSeconds: null,
  detail: null,
  ...more
})

describe("cancel bench", () => {
  it.live("measures who leaves and who comes back, and prints one JSON object", () =>
    Effect.gen(function*() {
      const sizes = ["--runs", "2", "--grace", "100", "--tokens", "2000", "--rate", "5000", "--drops", "3"]
      const { code, stderr, stdout } = yield* run(["cancel", "--agents", "ours", "--json", ...sizes], { script })
      const output = yield* Schema.decodeEffect(Output)(stdout)
      assert.lengthOf(output.closing, 4)
      for (const { closedMillis, way } of output.closing) {
        assert.lengthOf(closedMillis, 2)
        if (way === "disconnect") assert.isAtLeast(Math.min(...closedMillis), 99)
      }
      assert.lengthOf(output.resuming, 1)
      assert.lengthOf(output.criteria, 11)
      assert.strictEqual(code, output.criteria.every(({ passed }) => passed) ? 0 : 1, stderr)
    }))

  it("counts what a reader lost and what came twice, however the text is cut", () => {
    const told = (...pieces: ReadonlyArray<readonly [text: string, append: boolean]>) => {
      const check = makeTextCheck()
      for (const [text, append] of pieces) check.take(text, append)
      return [check.tokens(), check.lost(), check.doubled(), check.next(), check.text()]
    }
    assert.deepStrictEqual(told(["0;1;2;1", false], ["0;", true]), [4, 7, 0, 11, "0;1;2;10;"])
    assert.deepStrictEqual(told(["0;1;", false], ["1;2;", true]), [4, 0, 1, 3, "0;1;1;2;"])
    assert.deepStrictEqual(told(["0;", false], ["0;1;", false], ["2;", true]), [3, 0, 0, 3, "0;1;2;"])
  })

  it("judges ours, and what never closed or never ended has missed", () => {
    const passed = (closing: ReadonlyArray<ClosingCell>, resuming: ReadonlyArray<ResumeCell> = []) =>
      criteriaOf({ graceMillis: 500, closing, resuming }).map(({ passed }) => passed)
    assert.deepStrictEqual(passed([closing("cancel", [1, 50])]), [true, true])
    assert.deepStrictEqual(passed([closing("cancel", [1, 2, 51])]), [true, false])
    assert.deepStrictEqual(passed([closing("cancel", [1], { notWithinSeconds: 5 })]), [false, false])
    assert.deepStrictEqual(passed([closing("disconnect", [500, 600])]), [true, true])
    assert.deepStrictEqual(passed([closing("disconnect", [499, 601])]), [false, false])
    assert.deepStrictEqual(passed([closing("cancel", [99], { agent: "sdk" })]), [])
    assert.deepStrictEqual(passed([], [resuming()]), [true, true, true])
    assert.deepStrictEqual(passed([], [resuming({ resumption: { ...resumption, lost: 1, doubled: 2 } })]), [
      false,
      false,
      true
    ])
    assert.deepStrictEqual(passed([], [resuming({ textRight: false })]), [true, true, false])
    assert.deepStrictEqual(passed([], [resuming({ resumption: { ...resumption, completed: false } })]), [
      true,
      true,
      false
    ])
    assert.deepStrictEqual(passed([], [resuming({ resumption: null, detail: "gone" })]), [false, false, false])
  })

  it("shows what never closed as such", () => {
    const cells = [closing("cancel", [], { agent: "sdk", notWithinSeconds: 5 })]
    const shown = render({ graceMillis: 500, closing: cells, resuming: [resuming()], criteria: [] })
    assert.match(shown, /CancelTask +flowing +sdk .* not within 5 s/)
  })
})
