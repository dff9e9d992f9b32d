/** Text that grows above a line that is drawn again and again, on a terminal that wraps. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as GrowingText from "../../src/terminal/GrowingText.ts"
import { ScreenModel } from "./ScreenModel.ts"

const COLUMNS = 7

const terminal = () => {
  const screen = new ScreenModel(COLUMNS)
  const writes: Array<string> = []
  const stream = {
    isTTY: true,
    columns: COLUMNS,
    rows: 24,
    write: (text: string) => {
      writes.push(text)
      return screen.write(text)
    }
  }
  return { screen, stream, writes }
}

/** What a terminal shows of a text. */
const rowsOf = (text: string): ReadonlyArray<string> => {
  const screen = new ScreenModel(COLUMNS)
  screen.write(text.replaceAll("\n", "\r\n"))
  return screen.shown
}

const Piece = Schema.Literals(["a", "bc", "def ghi", "jklmnopqrstu", "\n", "x\ny", "end\n"])
const Action = Schema.TaggedUnion({
  Text: { text: Piece },
  Line: { line: Schema.Literals(["-", "-----", "-------", "---------"]) },
  Status: { line: Schema.Literals(["", "s", "state", "status"]) }
})

describe("GrowingText", () => {
  it.effect.prop(
    "leaves what was written, and nothing else, in whatever pieces it came",
    [Schema.Array(Action)],
    ([actions]) =>
      Effect.gen(function*() {
        const { screen, stream } = terminal()
        let expected = ""
        let below = ""
        yield* Effect.scoped(Effect.gen(function*() {
          const { line, status, text } = yield* GrowingText.open(stream)
          for (const action of actions) {
            if (action._tag === "Text") {
              yield* text(action.text)
              expected += action.text
            } else if (action._tag === "Line") {
              yield* line(action.line)
              expected += `${expected === "" || expected.endsWith("\n") ? "" : "\n"}${action.line}\n`
            } else {
              yield* status(action.line)
              below = action.line
            }
            const text1 = below === "" ? expected : `${expected}${/^$|\n$/.test(expected) ? "" : "\n"}${below}`
            assert.deepStrictEqual(screen.shown, rowsOf(text1))
          }
        }))
        assert.deepStrictEqual(screen.shown, rowsOf(expected))
        // Whoever writes next begins at the left edge, on a row that is empty.
        screen.write("$")
        assert.strictEqual(screen.rows[screen.row], "$")
      }),
    { arbitrary: { runs: 400 } }
  )

  it.effect("draws a line in one write, and the same line not again", () =>
    Effect.gen(function*() {
      const { stream, writes } = terminal()
      yield* Effect.scoped(Effect.gen(function*() {
        const { status, text } = yield* GrowingText.open(stream)
        yield* text("ab")
        yield* status("one")
        const before = writes.length
        yield* status("two")
        yield* status("two")
        yield* text("cd")
        assert.strictEqual(writes.length, before + 2)
        assert.isFalse(writes.slice(before).join("").includes("\u001b[J"), "nothing is erased before it is overwritten")
      }))
    }))

  it.effect("keeps the cursor in the row of the line, whatever the terminal echoes there", () =>
    Effect.gen(function*() {
      const { screen, stream } = terminal()
      yield* Effect.scoped(Effect.gen(function*() {
        const { status, text } = yield* GrowingText.open(stream)
        yield* text("ab")
        yield* status("status")
        screen.write("^C")
        yield* text("cd")
        assert.deepStrictEqual(screen.shown, ["abcd", "status"])
      }))
    }))

  it.effect("goes on in a row of its own when the terminal gets another width", () =>
    Effect.gen(function*() {
      const { screen, stream } = terminal()
      yield* Effect.scoped(Effect.gen(function*() {
        const { status, text } = yield* GrowingText.open(stream)
        yield* text("ab")
        yield* status("status")
        stream.columns = 20
        screen.columns = 20
        yield* status("status of it")
        yield* text("cd")
      }))
      assert.deepStrictEqual(screen.shown.slice(0, 2), ["ab", "cd"])
    }))

  it.effect("leaves an unfinished row alone when the terminal gets another width", () =>
    Effect.gen(function*() {
      const { screen, stream } = terminal()
      yield* Effect.scoped(Effect.gen(function*() {
        const { text } = yield* GrowingText.open(stream)
        yield* text("ab")
        stream.columns = 20
        screen.columns = 20
        yield* text("cd")
      }))
      assert.deepStrictEqual(screen.shown, ["ab", "cd"])
    }))

  it.effect("keeps what an agent says from the terminal, and a style to its own row", () =>
    Effect.gen(function*() {
      const { screen, stream, writes } = terminal()
      yield* Effect.scoped(Effect.gen(function*() {
        const { text } = yield* GrowingText.open(stream)
        yield* text("why\u001b[2J\u0007", "dim")
        yield* text("yes\r")
      }))
      assert.deepStrictEqual(screen.shown, ["why", "yes"])
      assert.include(writes.join(""), "\u001b[2mwhy\u001b[22m")
    }))
})
