/** Why an agent takes no further work at the moment: a client may come again. */
import * as Schema from "effect/Schema"

export class Refusal extends Schema.TaggedError<Refusal>()("Refusal", {
  reason: Schema.TaggedUnion({
    /** So many tasks are at work as there may be. */
    TooManyTasks: { limit: Schema.Int },
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
