/**
 * The predecessor's failure: 36 s of generation arrived as one event. Here every hop is a process of its own, and the
 * tokens must arrive at the runner one by one, as they were generated.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { tokensIn } from "../../src/campaign/AttemptMeter.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { start } from "../support/command.ts"

const TOKENS = 60
const GAP_MILLIS = 50

describe("the whole pipe", () => {
  it.live("carries 60 tokens 50 ms apart to the runner as they are generated", () =>
    Effect.gen(function*() {
      const simulator = Context.get(
        yield* Layer.build(Simulator.layer({
          host: "127.0.0.1",
          port: 0,
          timeToFirstTokenMillis: 100,
          interTokenMillis: GAP_MILLIS,
          jitterCoefficient: 0,
          answers: { _tag: "LengthOnly", tokens: TOKENS }
        })),
        Simulator
      )
      const any = ["--host", "127.0.0.1", "--port", "0"]
      const purple = yield* start([
        "serve",
        "purple",
        ...any,
        "--engine",
        `${simulator.url}/v1`,
        "--model",
        "simulated-model"
      ])
      const green = yield* start(["serve", "green", ...any])
      const [, purpleUrl] = yield* purple.line(/listens at (\S+)/)
      const [, greenUrl] = yield* green.line(/listens at (\S+)/)

      const arrivals: Array<number> = []
      let tokens = 0
      yield* Effect.gen(function*() {
        const client = yield* A2aClient
        const text = JSON.stringify({ participants: { agent: purpleUrl }, config: { tasks: ["run-length"] } })
        yield* client.send({ url: greenUrl!, hop: "green", text }).pipe(
          Stream.runForEachArray((events) =>
            Effect.sync(() => {
              const arrived = tokensIn(events)
              tokens += arrived
              if (arrived > 0) arrivals.push(performance.now())
            })
          )
        )
      }).pipe(Effect.provide(A2aClient.layer))

      assert.strictEqual(tokens, TOKENS)
      assert.isAtLeast(new Set(arrivals.map((at) => Math.round(at))).size, 45)
      assert.isAtLeast(arrivals.at(-1)! - arrivals[0]!, 0.9 * (TOKENS - 1) * GAP_MILLIS)
      const journal = yield* simulator.journal
      assert.isFalse(journal.some(({ event }) => event === "abort-honoured"))
      assert.deepStrictEqual(yield* simulator.streams, [])
    }))
})
