import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { EventEmitter } from "node:events"
import * as TaskScreen from "../../src/terminal/TaskScreen.ts"

/** A stream that takes what it is given, unless it is full. */
class Output extends EventEmitter {
  readonly columns = 80
  readonly rows = 24
  readonly isTTY: boolean
  readonly log: Array<string>
  isFull = false
  text = ""

  constructor(isTTY: boolean, log: Array<string> = []) {
    super()
    this.isTTY = isTTY
    this.log = log
  }

  write(text: string): boolean {
    this.text += text
    this.log.push(text)
    return !this.isFull
  }
}

const plain = { color: false, mode: "plain" } as const

describe("TaskScreen", () => {
  it.effect("gives a pipe the answer, byte for byte, and keeps it from a terminal what it would obey", () =>
    Effect.gen(function*() {
      const odd = "a\u001b[2Jb\u0007\r\n"
      const [pipe, terminal, stderr] = [new Output(false), new Output(true), new Output(false)]
      for (const stdout of [pipe, terminal]) {
        yield* Effect.scoped(Effect.gen(function*() {
          const screen = yield* TaskScreen.open({ stdout, stderr, isShared: false }, plain)
          yield* screen.answer(odd)
          yield* screen.answer("c")
        }))
      }
      assert.strictEqual(pipe.text, `${odd}c`)
      assert.strictEqual(terminal.text, "ab\nc\n")
      assert.strictEqual(stderr.text, "")
    }))

  it.effect("begins no line in the middle of another one", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const [stdout, stderr] = [new Output(true, log), new Output(true, log)]
      yield* Effect.scoped(Effect.gen(function*() {
        const screen = yield* TaskScreen.open({ stdout, stderr, isShared: true }, plain)
        yield* screen.answer("half")
        yield* screen.line("one")
        yield* screen.answer("whole\n")
        yield* screen.line("two")
        yield* screen.aside("hm")
        yield* screen.line("three")
      }))
      assert.strictEqual(log.join(""), "half\none\nwhole\ntwo\nhm\nthree\n")
      const file = new Output(false)
      yield* Effect.scoped(Effect.gen(function*() {
        const screen = yield* TaskScreen.open({ stdout, stderr: file, isShared: false }, plain)
        yield* screen.answer("half")
        yield* screen.line("one")
      }))
      assert.strictEqual(file.text, "one\n")
    }))

  it.effect("waits for a reader that takes its time", () =>
    Effect.gen(function*() {
      const [stdout, stderr] = [new Output(false), new Output(false)]
      const screen = yield* TaskScreen.open({ stdout, stderr, isShared: false }, plain)
      stdout.isFull = true
      const fiber = yield* Effect.forkChild(screen.answer("a"), { startImmediately: true })
      yield* Effect.yieldNow
      assert.isUndefined(fiber.pollUnsafe())
      stdout.emit("drain")
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(fiber)))
      assert.strictEqual(stdout.listenerCount("drain"), 0)
      const given = yield* Effect.forkChild(screen.answer("b"), { startImmediately: true })
      yield* Fiber.interrupt(given)
      assert.strictEqual(stdout.listenerCount("drain"), 0)
    }).pipe(Effect.scoped))

  it.effect("fails once nobody reads any more", () =>
    Effect.gen(function*() {
      const [stdout, stderr] = [new Output(false), new Output(false)]
      const screen = yield* TaskScreen.open({ stdout, stderr, isShared: false }, plain)
      stdout.isFull = true
      const fiber = yield* Effect.forkChild(Effect.flip(screen.answer("a")), { startImmediately: true })
      stdout.emit("error", new Error("EPIPE"))
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "OutputClosed")
      assert.strictEqual((yield* Effect.flip(screen.answer("b")))._tag, "OutputClosed")
      assert.notInclude(stdout.text, "b")
    }).pipe(Effect.scoped))

  it.effect("draws below the answer where both are one terminal, and apart where they are not", () =>
    Effect.gen(function*() {
      for (const isShared of [true, false]) {
        const [stdout, stderr] = [new Output(isShared), new Output(true)]
        yield* Effect.scoped(Effect.gen(function*() {
          const screen = yield* TaskScreen.open({ stdout, stderr, isShared }, { color: true, mode: "full" })
          assert.isTrue(screen.isLive)
          yield* screen.status("state")
          yield* screen.answer("text")
          yield* screen.aside("hm")
        }))
        assert.strictEqual(stdout.text, isShared ? "" : "text")
        assert.strictEqual(stderr.text.includes("text"), isShared)
        assert.include(stderr.text, "\u001b[2mhm\u001b[22m")
      }
    }))

  it.effect("says nothing but the answer where nothing else is asked for", () =>
    Effect.gen(function*() {
      const [stdout, stderr] = [new Output(false), new Output(false)]
      const screen = yield* TaskScreen.open({ stdout, stderr, isShared: false }, { color: false, mode: "none" })
      yield* screen.line("one")
      yield* screen.aside("hm")
      yield* screen.answer("a")
      assert.deepStrictEqual([stdout.text, stderr.text], ["a", ""])
    }).pipe(Effect.scoped))
})
