/**
 * The connections a token crosses, each named for its far end: runner ── green ── purple ── engine.
 */
import * as Schema from "effect/Schema"

/** Which connection of a token's way: named for its far end. */
export const Hop = Schema.Literals(["engine", "purple", "green"])
export type Hop = typeof Hop.Type

/** How the far end is called in a sentence. */
export const nameOfHop: Record<Hop, string> = {
  engine: "the engine",
  purple: "the purple agent",
  green: "the green agent"
}
