import { assert, describe, it } from "@effect/vitest"
import { between } from "../../src/campaign/EngineLoad.ts"
import type { EngineSample } from "../../src/liveness/EngineSample.ts"

const sample = (values: Partial<EngineSample> = {}): EngineSample => ({
  engine: "0",
  heartbeat: "1",
  running: 3,
  waiting: 1,
  deferred: 0,
  kvCacheUsage: 0.5,
  generationTokens: 1000,
  promptTokens: 10,
  decodeOutputs: 5,
  firstTokens: 5,
  finished: 1,
  preemptions: 0,
  decodeP99Millis: null,
  asleep: false,
  startedAtSeconds: 1,
  ...values
})

describe("EngineLoad", () => {
  it("has a rate between two scrapes of one process only", () => {
    const first = { atMillis: 1000, sample: sample() }
    const said = { running: 3, waiting: 1, kvCacheUsage: 0.5, asleep: false }
    assert.deepStrictEqual(between(undefined, first), { ...said, tokensPerSecond: null })
    const later = { atMillis: 6000, sample: sample({ generationTokens: 1253 }) }
    assert.deepStrictEqual(between(first, later), { ...said, tokensPerSecond: 50.6 })
    assert.strictEqual(between(first, { ...later, sample: sample() }).tokensPerSecond, 0)
    assert.isNull(between(first, { ...later, sample: sample({ generationTokens: 3 }) }).tokensPerSecond)
    assert.isNull(between(first, { ...later, sample: sample({ generationTokens: null }) }).tokensPerSecond)
  })
})
