// The settings of latency over HTTP: remote prefills on both routes, units in options, and what is refused.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { post, simulator, userMessage } from "./harness.ts"

const answers = { _tag: "FixedText", text: "Well." } as const

describe("Simulator: latency", () => {
  it.live("answers at once what was computed elsewhere, and lets wait what was not", () =>
    Effect.gen(function*() {
      const kv_transfer_params = { do_remote_prefill: true }
      const chat = yield* post({ ...userMessage("Hi"), kv_transfer_params })
      assert.include(yield* Effect.promise(() => chat.text()), "Well.")
      const completion = yield* post({ prompt: "Hi", kv_transfer_params }, { path: "/v1/completions" })
      assert.include(yield* Effect.promise(() => completion.text()), "Well.")
      const here = yield* Effect.timeoutOption(post(userMessage("Hi")), "200 millis")
      assert.strictEqual(here._tag, "None")
    }).pipe(Effect.provide(simulator({ timeToFirstTokenMillis: "10m", interTokenMillis: 0, answers }))))

  it.effect("refuses times that are none, naming them", () =>
    Effect.gen(function*() {
      for (
        const options of [{ prefillMillisPerToken: "soon" }, { interTokenDeviationMillis: -1 }, {
          latencyCalculator: "guess" as "constant"
        }]
      ) {
        const layer = Simulator.layer({ host: "127.0.0.1", port: 0, ...options })
        const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
        assert.match(error.message, new RegExp(`^invalid simulator options: .*${Object.keys(options)[0]}`))
      }
    }))
})
