/** Errors of runs, made from little: for tests of what is done after them. */
import { Failed, type FailReason } from "../../src/liveness/Failed.ts"
import { type RetryKind, retryTable } from "../../src/liveness/RetryTable.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Slow } from "../../src/liveness/Slow.ts"
import { Stalled } from "../../src/liveness/Stalled.ts"
import type { StallKind } from "../../src/liveness/StallKind.ts"
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

const limit = { name: "frozen", millis: 60_000, origin: "default", learning: null } as const

export const stalled = (kind: StallKind, more: Partial<ConstructorParameters<typeof Stalled>[0]> = {}): Stalled =>
  new Stalled({
    hop: "engine",
    kind,
    confidence: kind === "silent" || kind === "agent-silent" ? "inferred" : "proved",
    phase: "decoding",
    tokens: 5,
    silentMillis: 60_000,
    limit,
    circumstances,
    cancel: "confirmed",
    ...more
  })

export const failed = (reason: FailReason, tokens = 5): Failed => new Failed({ hop: "engine", reason, tokens })

const detail = "said so"

const reasons: { readonly [Kind in Exclude<RetryKind, StallKind | "budget">]: FailReason } = {
  "connect-error": { _tag: "ConnectError", url: "http://engine/v1", detail },
  "connect-timeout": { _tag: "ConnectTimeout", detail },
  "connection-lost": { _tag: "ConnectionLost", detail },
  truncated: { _tag: "Truncated" },
  "done-without-finish": { _tag: "DoneWithoutFinish" },
  "server-error": { _tag: "ServerError", status: 500, detail },
  "mid-stream-error 4xx": { _tag: "MidStreamError", code: 400, detail },
  "mid-stream-error 5xx": { _tag: "MidStreamError", code: 500, detail },
  "finish-error": { _tag: "FinishError" },
  unavailable: { _tag: "Unavailable", status: 503, retryAfterMillis: null, detail },
  "rate-limited": { _tag: "RateLimited", status: 429, retryAfterMillis: null, detail },
  "aborted-by-server": { _tag: "AbortedByServer" },
  malformed: { _tag: "Malformed", detail },
  rejected: { _tag: "Rejected", status: 400, detail },
  runaway: { _tag: "Runaway", detail },
  unsupported: { _tag: "Unsupported", detail },
  "agent-failed": { _tag: "AgentFailed", state: "failed", detail }
}

const isStallKind = (kind: RetryKind): kind is StallKind => !(kind in reasons) && kind !== "budget"

/** A usual error of a kind; stalls are silent for so long. */
export const errorOf = (kind: RetryKind, silentMillis = 60_000): RunError => {
  if (kind === "budget") {
    return new Slow({
      hop: "engine",
      reason: "queued",
      phase: "awaiting",
      tokens: 0,
      silentMillis,
      limit: { name: "budget", millis: 60_000, origin: "default", learning: null },
      circumstances,
      cancel: "confirmed"
    })
  }
  return isStallKind(kind) ? stalled(kind, { silentMillis }) : failed(reasons[kind])
}

export const busy = (retryAfterMillis: number | null): Failed =>
  failed({ _tag: "RateLimited", status: 429, retryAfterMillis, detail })

export const allKinds: ReadonlyArray<RetryKind> = retryTable.flatMap(({ kinds }) => kinds as ReadonlyArray<RetryKind>)
