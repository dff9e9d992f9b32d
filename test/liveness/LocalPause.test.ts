/** A process that was too busy to read its sockets must not call the other side silent. Real time, real socket. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { connect } from "node:net"
import { Worker } from "node:worker_threads"
import * as Liveness from "../../src/liveness/Liveness.ts"

const LIMIT_MILLIS = 300

/** A server in a thread of its own that sends a byte every 20 ms, whatever the main thread does. */
const tickingServer = Effect.acquireRelease(
  Effect.callback<{ readonly worker: Worker; readonly port: number }>((resume) => {
    const worker = new Worker(
      `const { parentPort } = require("node:worker_threads")
      const server = require("node:net").createServer((socket) => {
        const timer = setInterval(() => socket.write("x"), 20)
        socket.on("close", () => clearInterval(timer)).on("error", () => {})
      })
      server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port))`,
      { eval: true }
    )
    worker.once("message", (port: number) => resume(Effect.succeed({ worker, port })))
  }),
  ({ worker }) => Effect.promise(() => worker.terminate())
)

const bytesFrom = (port: number): Stream.Stream<number> =>
  Stream.callback<number>((queue) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const socket = connect(port, "127.0.0.1")
        socket.on("data", (data) => Queue.offerUnsafe(queue, data.length))
        return socket
      }),
      (socket) => Effect.sync(() => socket.destroy())
    )
  )

const blockEventLoop = (millis: number): void => {
  const until = performance.now() + millis
  while (performance.now() < until);
}

describe("a blocked event loop", () => {
  it.live("is not taken for silence, however often it is longer than the limit", () =>
    Effect.gen(function*() {
      const { port } = yield* tickingServer
      let blocks = 0
      const bytes = yield* bytesFrom(port).pipe(
        Liveness.timeoutFail(() => "called silent", LIMIT_MILLIS),
        Stream.tap(() =>
          Effect.sync(() => {
            // While the next pull waits, not while the consumer works; and at the end of a turn of the event loop, so that
            // the next one begins with the timers that are over by then.
            if (blocks++ % 10 === 5) setTimeout(() => setImmediate(() => blockEventLoop(LIMIT_MILLIS * 1.5)), 5)
          })
        ),
        Stream.take(60),
        Stream.runFold(() => 0, (sum, length) => sum + length)
      )
      assert.isAtLeast(bytes, 60)
      assert.isAtLeast(blocks, 60)
    }))
})
