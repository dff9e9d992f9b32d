/**
 * One completion at the tap while it is open: what is known of it, and its feed.
 *
 * The watch (watchCall.ts) writes what it knows; the battle and the control API read it. How the call is closed is the
 * exchange's (Exchange.ts).
 */
import type { ToldLimit } from "../liveness/LimitInForce.ts"
import type { EngineDigest } from "../liveness/LivenessInput.ts"
import type { Phase } from "../liveness/Phase.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { Verdict } from "../liveness/Verdict.ts"
import { none, type OpenSpan } from "../telemetry/Spans.ts"
import type { CallArrivals } from "./CallArrivals.ts"
import type { CallFeed } from "./CallFeed.ts"
import type { OpenBattle } from "./OpenBattle.ts"
import type { RequestPlan } from "./RequestPlan.ts"
import type { CallName } from "./TapEvent.ts"
import type { TapRefusal } from "./TapRefusal.ts"

export interface TapCallOptions {
  readonly name: CallName
  readonly plan: RequestPlan
  readonly feed: CallFeed
  readonly battle: OpenBattle | undefined
  /** None unless given. */
  readonly span?: OpenSpan
  /** Monotonic milliseconds. */
  readonly beganAt: number
  /** Where somebody counts them. */
  readonly arrivals?: CallArrivals | undefined
}

export class TapCall {
  readonly name: CallName
  readonly plan: RequestPlan
  readonly feed: CallFeed
  readonly battle: OpenBattle | undefined
  readonly beganAt: number
  readonly span: OpenSpan
  readonly arrivals: CallArrivals | undefined
  phase: Phase = "connecting"
  engine: EngineDigest = "unknown"
  /** The limit that its watch counted last, and when it said so. */
  limit: { readonly told: ToldLimit; readonly at: number } | undefined
  verdict: Verdict | undefined
  /** What it was given up for. */
  error: RunError | undefined
  firstTokenAt: number | undefined
  lastTokenAt: number | undefined
  /** The watch has given it up; what follows is the watch's. */
  isGivenUp = false
  /** Closes it towards the engine, and tells the agent nothing. */
  stop: () => void = () => {}
  /** Closes it towards the engine and answers the agent; nothing where it is over. */
  close: (refusal: TapRefusal, end: "stalled" | "battle-closed" | "shut-down") => void = () => {}

  constructor(options: TapCallOptions) {
    this.name = options.name
    this.plan = options.plan
    this.feed = options.feed
    this.battle = options.battle
    this.beganAt = options.beganAt
    this.span = options.span ?? none
    this.arrivals = options.arrivals
  }

  /** How long there has been no token, in milliseconds. */
  readonly silence = (now: number): number => now - (this.lastTokenAt ?? this.beganAt)

  /** The limit that ends its silence, at this moment. */
  readonly toldLimit = (now: number): ToldLimit | undefined =>
    this.limit === undefined
      ? undefined
      : { ...this.limit.told, usedMillis: this.limit.told.usedMillis + Math.max(0, now - this.limit.at) }

  /** Tokens were told. */
  readonly received = (now: number): void => {
    this.firstTokenAt ??= now
    this.lastTokenAt = now
    this.limit = undefined
  }
}
