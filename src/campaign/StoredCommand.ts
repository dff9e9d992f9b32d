/**
 * What somebody at another terminal asks of the process that runs a campaign. It is kept until it is answered, so a
 * request that comes while nobody runs the campaign is found by whoever runs it next.
 */
import * as Schema from "effect/Schema"
import { Selection } from "./Selection.ts"

export const Command = Schema.TaggedUnion({
  /** Begin nothing more; what is in flight ends by itself. */
  Pause: {},
  /** The same, and end what is in flight. */
  PauseNow: {},
  /** End it for good: what is pending stays without a score. */
  Cancel: {},
  /** Play unscored battles again. */
  Retry: { selection: Selection }
})
export type Command = typeof Command.Type

export interface StoredCommand {
  readonly id: number
  /** When it was asked, in milliseconds since 1970. */
  readonly at: number
  readonly command: Command
}
