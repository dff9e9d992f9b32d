/**
 * A run that was given up because nothing came: which hop was silent, for how long, and by which limit.
 *
 * `silent`: the engine sent no token. `agent-silent`: an agent sent nothing over A2A. Both are `inferred` from
 * silence alone; a verdict that engine evidence proves says `proved`, and what was proved (StallKind.ts).
 *
 * It is data as well as an error: it crosses the A2A wire and enters the store by its schema, unchanged.
 */
import * as Schema from "effect/Schema"
import { TokenCount } from "../token/TokenEvent.ts"
import { Phase } from "./Phase.ts"
import { Confidence, StallKind } from "./StallKind.ts"
import type { Verdict } from "./Verdict.ts"

/** The connection an event arrived on, named for its far end. */
export const Hop = Schema.Literals(["engine", "purple", "green"])
export type Hop = typeof Hop.Type

export class Stalled extends Schema.TaggedError<Stalled>()("Stalled", {
  kind: StallKind,
  hop: Hop,
  phase: Phase,
  /** Time without a token when the verdict fell, in milliseconds, while we were ready to read. */
  silentMillis: Schema.Finite,
  /** The limit in force, in milliseconds. */
  limitMillis: Schema.Finite,
  /** Tokens received before the silence. */
  tokens: TokenCount,
  confidence: Confidence
}) {
  /** The error that ends a stream of this hop with this verdict. */
  static readonly fromVerdict = (
    hop: Hop,
    { confidence, kind, limit, phase, silentMillis, tokens }: Extract<Verdict, { readonly _tag: "Stalled" }>
  ): Stalled => new Stalled({ kind, hop, phase, silentMillis, limitMillis: limit.millis, tokens, confidence })

  override get message(): string {
    const who = this.hop === "engine" ? "the engine" : `the ${this.hop} agent`
    const ground = this.confidence === "inferred"
      ? "inferred from silence"
      : `proved by the engine's metrics: ${proofs[this.kind]}`
    return `no token from ${who} for ${seconds(this.silentMillis)} (limit ${seconds(this.limitMillis)}), phase ` +
      `${this.phase}, after ${this.tokens} tokens; ${ground}`
  }
}

/** What the metrics showed. */
const proofs: Record<StallKind, string> = {
  "engine-hung": "its counters stand still",
  "decode-hung": "it computes prompts, but no second token of anybody",
  "engine-idle": "it holds no request and nothing moves",
  "engine-dead": "its server is gone",
  "engine-restarted": "its server is another process now",
  orphaned: "it holds fewer requests than it was given",
  "deferred-stuck": "the request waits for a transfer or an adapter",
  silent: "nothing",
  "agent-silent": "nothing"
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(millis < 10_000 ? 1 : 0)} s`
