import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { LiveRegion } from "../../src/terminal/LiveRegion.ts"

const hide = "\u001b[?25l"
const show = "\u001b[?25h"

const terminal = (columns: number | undefined, rows: number | undefined, isTTY = true) => {
  const written: Array<string> = []
  return { isTTY, columns, rows, written, write: (text: string) => written.push(text) }
}

/** A control sequence, or text. */
const written = /\u241b\[\??(\d*)([A-Za-z])|(\n|\r|[^\u241b\n\r]+)/g

/** What a terminal of endless height shows after `text`: enough of one to follow what log-update writes. */
const screenOf = (text: string) => {
  const lines = [""]
  let row = 0
  for (const [, parameter, command, line] of text.replaceAll("\u001b", "\u241b").matchAll(written)) {
    const count = parameter === undefined || parameter === "" ? 1 : Number(parameter)
    if (line === "\n") row++
    else if (line !== undefined && line !== "\r") lines[row] = line
    else if (command === "A") row = Math.max(0, row - count)
    else if (command === "B") row += count
    else if (command === "J") lines.length = row
    else if (command === "K" && parameter === "2") lines[row] = ""
    while (lines.length <= row) lines.push("")
  }
  return lines
}

describe("LiveRegion", () => {
  it.effect("hides the cursor while it is open, and leaves the last frame", () =>
    Effect.gen(function*() {
      const stream = terminal(80, 24)
      const listeners = process.listenerCount("exit")
      yield* Effect.scoped(Effect.gen(function*() {
        const region = yield* LiveRegion.on(stream).open
        assert.strictEqual(stream.written.join(""), hide)
        assert.strictEqual(process.listenerCount("exit"), listeners + 1)
        yield* region.draw("one\ntwo")
        yield* region.draw("one\nthree")
      }))
      assert.strictEqual(stream.written.at(-1), show)
      assert.deepStrictEqual(screenOf(stream.written.join("")).filter((line) => line !== ""), ["one", "three"])
      assert.strictEqual(process.listenerCount("exit"), listeners)
    }))

  it.effect("shows the cursor again when it is interrupted", () =>
    Effect.gen(function*() {
      const stream = terminal(80, 24)
      const fiber = yield* Effect.forkChild(
        Effect.scoped(Effect.andThen(LiveRegion.on(stream).open, Effect.never)),
        { startImmediately: true }
      )
      assert.strictEqual(stream.written.at(-1), hide)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(stream.written.at(-1), show)
    }))

  it.effect("takes a terminal without a size for one of 80 × 24", () =>
    Effect.scoped(Effect.gen(function*() {
      for (const size of [0, undefined]) {
        const stream = terminal(size, size)
        const region = yield* LiveRegion.on(stream).open
        assert.deepStrictEqual(yield* region.size, { columns: 80, rows: 24 })
        yield* region.draw("drawn")
        assert.include(stream.written.join(""), "drawn")
      }
    })))

  it.effect("writes nothing for a frame that is already there", () =>
    Effect.scoped(Effect.gen(function*() {
      const stream = terminal(80, 24)
      const region = yield* LiveRegion.on(stream).open
      yield* region.draw("same")
      const before = stream.written.length
      yield* region.draw("same")
      assert.strictEqual(stream.written.length, before)
    })))

  it.effect("erases what a narrower terminal has made of the frame before", () =>
    Effect.scoped(Effect.gen(function*() {
      const stream = terminal(20, 24)
      const region = yield* LiveRegion.on(stream).open
      yield* region.draw(`${"a".repeat(20)}\n${"b".repeat(5)}`)
      stream.columns = 8
      const before = stream.written.length
      yield* region.draw("new")
      // Three lines of the first, one of the second.
      assert.strictEqual(stream.written[before], "\r\u001b[4A\u001b[J")
      assert.include(stream.written.slice(before + 1).join(""), "new")
      stream.rows = 10
      yield* region.draw("new")
      assert.strictEqual(stream.written.at(-2), "\r\u001b[1A\u001b[J")
    })))

  it.effect("leaves the cursor alone where there is no terminal", () =>
    Effect.gen(function*() {
      const stream = terminal(undefined, undefined, false)
      yield* Effect.scoped(Effect.andThen(LiveRegion.on(stream).open, (region) => region.draw("frame")))
      assert.notInclude(stream.written.join(""), "\u001b[?25")
    }))
})
