/**
 * A run that was given up because nothing came: which hop was silent, for how long, by which limit, and what proved it.
 *
 * It is the verdict `Stalled` of the watch at that hop, as an error that ends the stream. It is data as well: it crosses
 * the A2A wire and enters the store by its schema, unchanged, and outer hops fail with the very same.
 */
import * as Schema from "effect/Schema"
import { CancelProof } from "./CancelProof.ts"
import { Hop, nameOfHop } from "./Hop.ts"
import { inSeconds } from "./inSeconds.ts"
import type { StallKind } from "./StallKind.ts"
import { Verdict } from "./Verdict.ts"

const { _tag: _, ...verdict } = Verdict.cases.Stalled.fields

/**
 * The run was given up because nothing came: the error of a token stream. `kind` and `confidence` say what is known.
 */
export class Stalled extends Schema.TaggedError<Stalled>()("Stalled", {
  /** Whose far end was silent. */
  hop: Hop,
  ...verdict,
  /** Whether the engine is known to have dropped the request. */
  cancel: CancelProof
}) {
  /** The error that ends a stream of this hop with this verdict. */
  static readonly fromVerdict = (
    hop: Hop,
    { _tag, ...verdict }: Extract<Verdict, { readonly _tag: "Stalled" }>,
    cancel: CancelProof
  ): Stalled => new Stalled({ hop, ...verdict, cancel })

  /** What the engine's metrics showed, as a clause; `undefined` where it was inferred from silence. */
  get proof(): string | undefined {
    return this.confidence === "inferred" ? undefined : proofs[this.kind]
  }

  override get message(): string {
    const ground = this.proof === undefined ? "inferred from silence" : `proved by the engine's metrics: ${this.proof}`
    return `no token from ${nameOfHop[this.hop]} for ${inSeconds(this.silentMillis)} (limit ${
      inSeconds(this.limit.millis)
    }), phase ${this.phase}, after ${this.tokens} tokens; ${ground}`
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
