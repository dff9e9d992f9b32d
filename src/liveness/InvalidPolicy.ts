/**
 * A liveness policy that is refused: a setting that there is not or that may not have its value, or settings that do not
 * go together. Each problem is a clause that names what was given, and both settings where two contradict each other.
 */
import * as Schema from "effect/Schema"

/** Why a policy is refused. */
export class InvalidPolicy extends Schema.TaggedError<InvalidPolicy>()("InvalidPolicy", {
  /** Whether it cannot be read, or contradicts itself, with each problem in a clause. */
  reason: Schema.TaggedUnion({
    /** Unknown settings, or values that a setting may not have. */
    Malformed: { problems: Schema.Array(Schema.String) },
    /** Each setting may have its value, but not together with another's. */
    Contradictory: { problems: Schema.Array(Schema.String) }
  })
}) {
  /** One line. */
  override get message(): string {
    return `the liveness policy is refused: ${this.reason.problems.join("; ")}`
  }
}
