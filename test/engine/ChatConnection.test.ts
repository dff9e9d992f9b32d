import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { ChatConnection, COMMENT } from "../../src/engine/ChatConnection.ts"
import { FailReason } from "../../src/liveness/Failed.ts"

const event = (data: unknown) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`
const { ConnectionLost } = FailReason.cases

/** A connection whose server is the test, and what it has done to its socket. */
const connect = () => {
  const socket = { paused: false, resumes: 0, aborts: 0 }
  const controller = {
    aborted: false,
    reason: null,
    get paused() {
      return socket.paused
    },
    pause: () => {
      socket.paused = true
    },
    resume: () => {
      socket.paused = false
      socket.resumes++
    },
    abort: () => {
      socket.aborts++
    }
  }
  const headers: Array<Exit.Exit<void, FailReason>> = []
  const connection = new ChatConnection({
    explain: (error) => ConnectionLost.make({ detail: String(error) }),
    redact: (reason) => "detail" in reason ? { ...reason, detail: reason.detail.replaceAll("secret", "***") } : reason,
    onHeaders: (exit) => headers.push(exit)
  })
  return {
    connection,
    headers,
    socket,
    start: () => connection.onRequestStart(controller),
    answer: (status: number, fields: Record<string, string> = {}) =>
      connection.onResponseStart(controller, status, fields),
    send: (text: string) => connection.onResponseData(controller, Buffer.from(text)),
    end: () => connection.onResponseEnd(),
    lose: () => connection.onResponseError(controller, new Error("lost"))
  }
}

const open = () => {
  const opened = connect()
  opened.start()
  opened.answer(200, { "content-type": "text/event-stream" })
  return opened
}

describe("ChatConnection", () => {
  it.effect("leaves the socket unread while much is kept, and reads on when it has been taken", () =>
    Effect.gen(function*() {
      const { connection, send, socket } = open()
      send(event({ n: 1 }).repeat(512))
      assert.isFalse(socket.paused)
      send(": comment\n\n")
      assert.isTrue(socket.paused)
      const items = yield* connection.pull
      assert.lengthOf(items, 513)
      assert.strictEqual(items.at(-1), COMMENT)
      assert.deepStrictEqual(socket, { paused: false, resumes: 1, aborts: 0 })
    }))

  it.effect("reads on behind the sentinel, whatever is kept, so that the end of the body is seen", () =>
    Effect.gen(function*() {
      const { connection, end, send, socket } = open()
      send(event({ n: 1 }).repeat(600) + event("[DONE]"))
      assert.isFalse(socket.paused)
      const closing = yield* Effect.forkChild(connection.close, { startImmediately: true })
      assert.strictEqual(socket.aborts, 0)
      end()
      yield* Fiber.join(closing)
      assert.lengthOf(yield* connection.pull, 600)
    }))

  it.effect("closes the socket at once, or, behind the sentinel, after a second without an end", () =>
    Effect.gen(function*() {
      const silent = open()
      yield* silent.connection.close
      assert.strictEqual(silent.socket.aborts, 1)
      const done = open()
      done.send(event("[DONE]"))
      const closing = yield* Effect.forkChild(done.connection.close, { startImmediately: true })
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(done.socket.aborts, 0)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
      assert.strictEqual(done.socket.aborts, 1)
    }))

  it.effect("closes a connection that is made only after it was given up", () =>
    Effect.gen(function*() {
      const { connection, socket, start } = connect()
      yield* connection.close
      assert.strictEqual(socket.aborts, 0)
      start()
      assert.strictEqual(socket.aborts, 1)
    }))

  it.effect("gives what came before an error, and then the error without what nobody may read", () =>
    Effect.gen(function*() {
      const { connection, send } = open()
      send(event({ n: 1 }) + event({ error: { message: "bad secret", code: 7 } }) + event({ n: 2 }))
      assert.deepStrictEqual(yield* connection.pull, [{ n: 1 }])
      assert.deepStrictEqual(
        yield* Effect.flip(connection.pull),
        FailReason.cases.MidStreamError.make({ code: 7, detail: "bad ***" })
      )
    }))

  it.effect("gives what came before the connection was lost, and stays lost", () =>
    Effect.gen(function*() {
      const { connection, headers, lose, send } = open()
      send(event({ n: 1 }))
      lose()
      assert.deepStrictEqual(yield* connection.pull, [{ n: 1 }])
      for (let time = 0; time < 2; time++) {
        assert.deepInclude(yield* Effect.flip(connection.pull), { _tag: "ConnectionLost" })
      }
      assert.deepStrictEqual(headers, [Exit.void])
    }))

  it("says why there is no stream: what a refusal said, in bounds, or where it leads", () => {
    const refused = (status: number, body: string, fields: Record<string, string> = {}) => {
      const { answer, end, headers, send, start } = connect()
      start()
      answer(103)
      answer(status, fields)
      for (let at = 0; at < body.length; at += 10_000) send(body.slice(at, at + 10_000))
      assert.lengthOf(headers, 0)
      end()
      return headers
    }
    const { RateLimited, Rejected, ServerError } = FailReason.cases
    const limited = { status: 429, retryAfterMillis: 3000, detail: "*** in use" }
    assert.deepStrictEqual(
      refused(429, JSON.stringify({ error: { message: "secret in use" } }), { "retry-after": "3" }),
      [Exit.fail(RateLimited.make(limited))]
    )
    assert.deepStrictEqual(refused(404, ""), [Exit.fail(Rejected.make({ status: 404, detail: "404 without a body" }))])
    assert.deepStrictEqual(refused(400, "x".repeat(100_000)), [
      Exit.fail(Rejected.make({ status: 400, detail: `400 ${"x".repeat(500)}` }))
    ])
    assert.deepStrictEqual(refused(307, "", { location: "http://elsewhere/v1" }), [
      Exit.fail(ServerError.make({ status: 307, detail: "it leads to http://elsewhere/v1; give that address" }))
    ])
  })
})
