/**
 * A run that was given up because nothing came: which hop was silent, for how long, and by which limit.
 *
 * `silent`: the engine sent no token. `agent-silent`: an agent sent nothing over A2A. Both are `inferred` from
 * silence alone; a verdict that engine evidence proves says `proved`.
 *
 * It is data as well as an error: it crosses the A2A wire and enters the store by its schema, unchanged.
 */
import * as Schema from "effect/Schema"
import { TokenCount } from "../token/TokenEvent.ts"
import { Phase } from "./Phase.ts"

/** The connection an event arrived on, named for its far end. */
export const Hop = Schema.Literals(["engine", "purple", "green"])
export type Hop = typeof Hop.Type

export class Stalled extends Schema.TaggedError<Stalled>()("Stalled", {
  kind: Schema.Literals(["silent", "agent-silent"]),
  hop: Hop,
  phase: Phase,
  /** Time without a token when the verdict fell, in milliseconds, while we were ready to read. */
  silentMillis: Schema.Finite,
  /** The limit in force, in milliseconds. */
  limitMillis: Schema.Finite,
  /** Tokens received before the silence. */
  tokens: TokenCount,
  confidence: Schema.Literals(["proved", "inferred"])
}) {
  override get message(): string {
    const who = this.hop === "engine" ? "the engine" : `the ${this.hop} agent`
    return `no token from ${who} for ${seconds(this.silentMillis)} (limit ${seconds(this.limitMillis)}), phase ` +
      `${this.phase}, after ${this.tokens} tokens; ${this.confidence} from silence`
  }
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(millis < 10_000 ? 1 : 0)} s`
