import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as OtlpOutbox from "../../src/telemetry/OtlpOutbox.ts"
import * as OtlpSettings from "../../src/telemetry/OtlpSettings.ts"
import { scriptedServer } from "../support/scriptedServer.ts"

describe("OtlpOutbox", () => {
  it.effect("names whoever does not take the last of it", () =>
    Effect.gen(function*() {
      const { url } = yield* scriptedServer(() => {})
      const told: Array<string> = []
      const outbox = yield* OtlpOutbox.make((line) => Effect.sync(() => void told.push(line)))
      const { signals: { logs } } = OtlpSettings.read((name) =>
        name === "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT" ? `${url}/v1/logs?key=secret` : undefined
      )
      const client = outbox.clientOf("logs", logs!)
      const last = Effect.ignore(client.post(`${url}/v1/logs`))
      const closing = yield* Effect.forkChild(outbox.close(last), { startImmediately: true })
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(told, [`the last of it is not taken within 1.5 s by ${url}/v1/logs`])
    }))
})
