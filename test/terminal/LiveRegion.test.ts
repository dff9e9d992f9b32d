import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { EventEmitter } from "node:events"
import { LiveRegion } from "../../src/terminal/LiveRegion.ts"
import { ScreenModel } from "./ScreenModel.ts"

const hide = "\u001b[?25l"
const show = "\u001b[?25h"

const terminal = (columns: number | undefined, rows: number | undefined, isTTY = true) => {
  const written: Array<string> = []
  return { isTTY, columns, rows, written, write: (text: string) => written.push(text) }
}

/** What a terminal of endless height shows after `text`. */
const screenOf = (text: string, columns = 80) => {
  const screen = new ScreenModel(columns)
  screen.write(text)
  return screen.shown
}

const Frames = Schema.Array(
  Schema.NonEmptyArray(Schema.Literals(["", "short", "another", "as wide as", "all of it!", "ten signs."]))
)

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

  it.effect.prop(
    "shows the last frame and nothing else, whatever came before it",
    [Frames],
    ([frames]) =>
      Effect.scoped(Effect.gen(function*() {
        const stream = terminal(10, 24)
        const region = yield* LiveRegion.on(stream).open
        stream.write("before\r\n")
        for (const lines of frames) {
          yield* region.draw(lines.join("\n"))
          const shown = ["before", ...lines]
          assert.deepStrictEqual(
            screenOf(stream.written.join(""), 10),
            shown.slice(0, shown.findLastIndex((line) => line !== "") + 1)
          )
        }
      })),
    { arbitrary: { runs: 300 } }
  )

  it.effect("writes what has changed and nothing else, at once and over what was there", () =>
    Effect.scoped(Effect.gen(function*() {
      const stream = terminal(80, 24)
      const region = yield* LiveRegion.on(stream).open
      yield* region.draw("one\ntwo\nthree\nfour")
      const before = stream.written.length
      yield* region.draw("one\n2\nthree\n4")
      assert.deepStrictEqual(stream.written.slice(before), [
        "\u001b[?2026h\r\u001b[3A2\u001b[K\r\n\u001b[1B4\u001b[K\r\n\u001b[?2026l"
      ])
    })))

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

  it.effect("gives the cursor back while a shell has stopped it, and goes on below what the shell wrote", () =>
    Effect.gen(function*() {
      const stream = terminal(80, 24)
      const host = Object.assign(new EventEmitter(), {
        pid: 7,
        kill: (pid: number, signal: string) => stream.written.push(`<${signal} ${pid}>`)
      })
      yield* Effect.scoped(Effect.gen(function*() {
        const region = yield* LiveRegion.on(stream, host).open
        yield* region.draw("one\ntwo")
        host.emit("SIGTSTP")
        assert.deepStrictEqual(stream.written.slice(-2), [show, "<SIGSTOP 7>"])
        stream.written.pop()
        stream.write("[1]+ Stopped\r\n$ fg\r\n")
        host.emit("SIGCONT")
        assert.strictEqual(stream.written.at(-1), hide)
        yield* region.draw("one\n2")
        assert.deepStrictEqual(screenOf(stream.written.join("")), ["one", "two", "[1]+ Stopped", "$ fg", "one", "2"])
      }))
      assert.deepStrictEqual(host.eventNames(), [])
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
