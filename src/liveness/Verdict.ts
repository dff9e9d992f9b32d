/**
 * What can be said of a run at any moment. `Alive` and `Slow` come and go; the other four are final.
 *
 * A final verdict carries its circumstances: what was known when it fell, and who decided. It is stored and crosses the
 * A2A wire by its schema. All times in it are milliseconds of the run: since it began, without our own pauses.
 *
 * "stream stopped unexpectedly" is no verdict (netclaw issue 718): whoever ended a run says so, and why.
 */
import * as Schema from "effect/Schema"
import { TokenCount } from "../token/TokenEvent.ts"
import { BindingStatus } from "./Binding.ts"
import { EvidenceSample } from "./EngineRecord.ts"
import { FailKind } from "./FailKind.ts"
import { Hop } from "./Hop.ts"
import { LimitInForce } from "./LimitInForce.ts"
import { Phase } from "./Phase.ts"
import { SlowReason } from "./SlowReason.ts"
import { Confidence, StallKind } from "./StallKind.ts"

const Millis = Schema.Finite

/** Which run this is, told by whoever opened it. */
export const RunName = Schema.Struct({
  /** At which hop it is watched. */
  hop: Hop,
  /** Counted from 1. */
  attempt: Schema.Int,
  /** Where the far end is; nothing secret, because it is stored. */
  endpoint: Schema.String,
  /** The model that is asked. */
  model: Schema.String
})
export type RunName = typeof RunName.Type

/** What the metrics said, and whether they are those of the engine that serves us. */
const Evidence = Schema.Struct({
  binding: BindingStatus,
  /** How long the engine had stood still when it was last seen; `null` where it never was. */
  frozenMillis: Schema.NullOr(Millis),
  /** The last three scrapes, oldest first. */
  samples: Schema.Array(EvidenceSample)
})
export type Evidence = typeof Evidence.Type

export const DecidedBy = Schema.Literals([
  /** A limit of ours, without evidence. */
  "limit",
  "evidence",
  /** The engine or its server, in words. */
  "engine",
  /** An agent, likewise. */
  "agent",
  "transport",
  /** Our own check of what the answer is worth. */
  "check",
  "user",
  "budget",
  "shutdown",
  "downstream-gone"
])
export type DecidedBy = typeof DecidedBy.Type

/** What was known when a final verdict fell. */
export const Circumstances = Schema.Struct({
  /** Which run it was. */
  run: RunName,
  /** Whose word or limit it was. */
  decidedBy: DecidedBy,
  /** When it fell, in milliseconds of the run. */
  atMillis: Millis,
  /** The last phases, and since when each. */
  phases: Schema.Array(Schema.Struct({ phase: Phase, sinceMillis: Millis })),
  /** The last gaps between progress, oldest first. */
  gapsMillis: Schema.Array(Millis),
  /** The limits that were in force. */
  limits: Schema.Array(LimitInForce),
  /** What the engine's metrics had said. */
  evidence: Evidence
})
export type Circumstances = typeof Circumstances.Type

export const CancelledBy = Schema.Literals(["user", "budget", "shutdown", "downstream-gone"])
export type CancelledBy = typeof CancelledBy.Type

export const Degenerate = Schema.Literals(["repetition", "garbage"])
export type Degenerate = typeof Degenerate.Type

/** How the connection of a completed run ended after its finish. */
export const Closed = Schema.Literals(["done", "eof", "grace", "reset-after-finish"])
export type Closed = typeof Closed.Type

/** What can be said of a run; a tagged union and a schema. All times are milliseconds, all rates tokens per second. */
export const Verdict = Schema.TaggedUnion({
  /** Tokens come as they should, or nothing says otherwise. */
  Alive: {
    phase: Phase,
    tokens: TokenCount,
    /** Over the last half minute or more; 0 before there were two moments to measure between. */
    tokensPerSecond: Schema.Finite,
    silentMillis: Millis
  },
  /** It is silent for longer than usual, or slower than asked for, and is not given up. */
  Slow: {
    reason: SlowReason,
    phase: Phase,
    tokens: TokenCount,
    silentMillis: Millis,
    sinceMillis: Millis,
    /** The limit that made it slow. */
    limit: LimitInForce,
    /** The last thing the engine said; `null` where it said nothing that may be believed. */
    engine: Schema.NullOr(EvidenceSample)
  },
  /** Final: nothing came for too long, or the engine is known to stand still. */
  Stalled: {
    kind: StallKind,
    confidence: Confidence,
    phase: Phase,
    tokens: TokenCount,
    silentMillis: Millis,
    /** The limit that decided. */
    limit: LimitInForce,
    circumstances: Circumstances
  },
  /** Final: somebody said that it failed, or it ended without a finish reason. */
  Failed: {
    kind: FailKind,
    phase: Phase,
    /** HTTP status of a refusal. */
    status: Schema.NullOr(Schema.Int),
    /** Code of an error inside the stream. */
    code: Schema.NullOr(Schema.Int),
    retryAfterMillis: Schema.NullOr(Millis),
    detail: Schema.String,
    tokens: TokenCount,
    silentMillis: Millis,
    circumstances: Circumstances
  },
  /** Final: the engine ended the answer. */
  Completed: {
    finishReason: Schema.String,
    closed: Closed,
    tokens: TokenCount,
    degenerate: Schema.NullOr(Degenerate)
  },
  /** Final: somebody of ours wanted no more of it. */
  Cancelled: {
    by: CancelledBy,
    /** What it waited for; `null` where tokens came as fast as ever. */
    slow: Schema.NullOr(SlowReason),
    phase: Phase,
    tokens: TokenCount,
    silentMillis: Millis,
    circumstances: Circumstances
  }
})
export type Verdict = typeof Verdict.Type

/** A verdict after which nothing changes. */
export type FinalVerdict = Exclude<Verdict, { readonly _tag: "Alive" | "Slow" }>
