/**
 * How a bench ends other than well: one line on stderr, and an exit code.
 *
 * 1 something that was measured did not work · 2 wrong usage.
 */
import * as Data from "effect/Data"
import * as Runtime from "effect/Runtime"

export class BenchError extends Data.TaggedError("BenchError")<{
  readonly message: string
  readonly exitCode: 1 | 2
}> {
  override get [Runtime.errorExitCode](): number {
    return this.exitCode
  }
}
