/** Our client and our server over a line that is cut again and again: nothing is lost and nothing comes twice. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type AddressInfo, connect, createServer, type Server } from "node:net"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { isTokenEvent } from "../../src/a2a/TaskEvent.ts"
import { Delta, Finish, Usage } from "../../src/token/TokenEvent.ts"
import * as Transcript from "../../src/token/Transcript.ts"
import { agent } from "../support/agents.ts"
import { askWith } from "../support/askWith.ts"

/** A line to a port that breaks after so many bytes, so often. */
const line = (bytes: number, cuts: number) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: Server; readonly url: string; target: number; left: number }>((resume) => {
      const server = createServer((client) => {
        const inner = connect(state.target, "127.0.0.1")
        const close = () => {
          client.destroy()
          inner.destroy()
        }
        for (const socket of [client, inner]) socket.on("error", close).on("close", close)
        client.pipe(inner)
        let sent = 0
        inner.on("data", (data) => {
          sent += data.length
          client.write(data)
          if (sent > bytes && state.left > 0) {
            state.left--
            client.end()
            inner.destroy()
          }
        })
      })
      const state = { server, url: "", target: 0, left: cuts }
      server.listen(0, "127.0.0.1", () => {
        state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
        resume(Effect.succeed(state))
      })
    }),
    ({ server }) => Effect.sync(() => server.close())
  )

describe("a line that is cut ten times", () => {
  it.live("loses and doubles nothing of an answer with reasoning", () =>
    Effect.gen(function*() {
      const count = 3000
      const cutting = yield* line(8000, 10)
      const purple = yield* agent(() =>
        Stream.range(1, count).pipe(
          Stream.rechunk(10),
          Stream.mapArrayEffect((numbers) => Effect.as(Effect.sleep(2), numbers)),
          Stream.map((n) =>
            Delta.make({ channel: n < 1000 ? "reasoning" : "content", text: `${n} `, tokens: 1 + n % 3 })
          ),
          Stream.concat(Stream.make(
            Finish.make({ reason: "length" }),
            Usage.make({ promptTokens: 7, completionTokens: 6000 })
          ))
        ), { cardUrl: cutting.url })
      cutting.target = Number(new URL(purple.url).port)
      const { error, events } = yield* askWith(cutting.url).pipe(Effect.provide(A2aClient.layer))
      assert.isUndefined(error)
      assert.strictEqual(cutting.left, 0)
      const tokens = events.filter(isTokenEvent)
      const { content, finishReason, promptTokens, reasoning } = Transcript.fromEvents(tokens)
      const numbers = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, index) => `${from + index} `).join("")
      assert.deepStrictEqual({ content, finishReason, promptTokens, reasoning }, {
        content: numbers(1000, count + 1),
        reasoning: numbers(1, 1000),
        finishReason: "length",
        promptTokens: 7
      })
      const counted = tokens.reduce((sum, event) => sum + (event._tag === "Delta" ? event.tokens : 0), 0)
      assert.strictEqual(counted, Array.from({ length: count }, (_, n) => 1 + (n + 1) % 3).reduce((a, b) => a + b, 0))
    }))
})
