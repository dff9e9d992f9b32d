/**
 * Why an agent takes no further work at the moment: a client may come again.
 *
 * It is told with the status 503, and `Retry-After`, so that clients of all kinds know it for what it is.
 */
import * as Schema from "effect/Schema"

/** No further work at the moment. */
export class Refusal extends Schema.TaggedError<Refusal>()("Refusal", {
  /** Why not. */
  reason: Schema.TaggedUnion({
    /** So many tasks are at work as there may be. */
    TooManyTasks: { limit: Schema.Int },
    /** The server is being stopped. */
    ShuttingDown: {}
  })
}) {
  override get message(): string {
    const reason = this.reason
    switch (reason._tag) {
      case "TooManyTasks":
        return `${reason.limit} tasks are at work, as many as this agent takes at once; try again later`
      case "ShuttingDown":
        return "this agent is shutting down and takes no further work"
    }
  }
}
