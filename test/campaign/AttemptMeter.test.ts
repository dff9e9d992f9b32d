import { assert, describe, it } from "@effect/vitest"
import { Replaced } from "../../src/a2a/TaskEvent.ts"
import * as AttemptMeter from "../../src/campaign/AttemptMeter.ts"
import { Delta, Finish, Signal } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"

describe("AttemptMeter", () => {
  it("measures TTFT at the first token, not at the first sign of life, and the rate after it", () => {
    let meter = AttemptMeter.begin()
    const at = (atMillis: number, ...events: ReadonlyArray<Parameters<typeof AttemptMeter.step>[1][number]>) => {
      meter = AttemptMeter.step(meter, events, atMillis)
    }
    at(10, Signal.make({ signal: "accepted" }), Signal.make({ signal: "role" }))
    assert.strictEqual(AttemptMeter.timeToFirstToken(meter), null)
    assert.strictEqual(meter.phase, "awaiting")
    at(400, said("a"))
    assert.strictEqual(AttemptMeter.tokensPerSecond(meter), null)
    at(500, said("b"), Delta.make({ channel: "content", text: "", tokens: 3 }))
    at(600, Finish.make({ reason: "stop" }))
    assert.strictEqual(AttemptMeter.timeToFirstToken(meter), 400)
    assert.strictEqual(AttemptMeter.tokensPerSecond(meter), 40)
    assert.deepInclude(meter, {
      phase: "finishing",
      arrivals: [{ atMillis: 400, tokens: 1 }, { atMillis: 500, tokens: 4 }]
    })
    at(700, Replaced.make({ text: "other" }))
    assert.deepInclude(meter.transcript, { content: "other", tokens: 5, finishReason: "stop" })
  })
})
