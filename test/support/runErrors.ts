/** Errors of runs as a watch makes them, for tests that only hand them on. */
import { Stalled } from "../../src/liveness/Stalled.ts"
import type { Circumstances } from "../../src/liveness/Verdict.ts"

export const circumstances: Circumstances = {
  run: { hop: "engine", attempt: 1, endpoint: "http://engine/v1", model: "m" },
  decidedBy: "evidence",
  atMillis: 70_500.25,
  phases: [{ phase: "connecting", sinceMillis: 0 }, { phase: "decoding", sinceMillis: 200 }],
  gapsMillis: [20, 21.5],
  limits: [{ name: "frozen", millis: 60_000, origin: "floor", learning: null }],
  evidence: {
    binding: "proven",
    frozenMillis: 60_001,
    samples: [{ atMillis: 69_000, outcome: "refused", sample: null }]
  }
}

/** A stall of the engine, proved. */
export const stalled = (more: Partial<Stalled> = {}): Stalled =>
  new Stalled({
    hop: "engine",
    kind: "engine-hung",
    confidence: "proved",
    phase: "decoding",
    tokens: 17,
    silentMillis: 62_000.5,
    limit: { name: "frozen", millis: 60_000, origin: "floor", learning: null },
    circumstances,
    cancel: "unconfirmed",
    ...more
  })
