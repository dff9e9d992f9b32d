/**
 * What somebody at another terminal asks of the process that runs a campaign. It is kept until it is answered, so a
 * request that comes while nobody runs the campaign is found by whoever runs it next.
 */
import * as Schema from "effect/Schema"
import { Selection } from "./Selection.ts"

/** What may be asked of a campaign. */
export const Command = Schema.TaggedUnion({
  /** Begin nothing more; what is in flight ends by itself. */
  Pause: {},
  /** The same, and end what is in flight. */
  PauseNow: {},
  /**
   * End it for good: what is pending stays without a score, and what is in flight is ended. With a selection only those of
   * its battles that are not in flight; the campaign goes on with the rest.
   */
  Cancel: { selection: Schema.optionalKey(Selection) },
  /** Play unscored battles again. */
  Retry: { selection: Selection }
})
export type Command = typeof Command.Type

/** The answer to a command that concerns none of the battles. */
export const nothingMatches = "no battle matches"

/** A request that nobody has answered. */
export interface StoredCommand {
  /** What its answer is asked for by. */
  readonly id: number
  /** When it was asked, in milliseconds since 1970. */
  readonly at: number
  /** What is asked. */
  readonly command: Command
}
