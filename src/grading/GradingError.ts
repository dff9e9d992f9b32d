/**
 * The grader's own failures. An error here means that nothing is known about the answer, so the battle has no score;
 * it is never turned into a score of 0. Whatever an answer does (no code, endless loop, crash) is a `Grade` instead.
 *
 * - `SandboxNotStarted`: the sandbox process did not come up; `detail` holds the beginning of what it complained about.
 * - `SandboxKilled`: it was killed by a signal that no answer can cause and that we did not send.
 * - `SandboxStarved`: a call ran out of time without having had the processor, so the machine is to blame.
 * - `InvalidSpecification`: the task cannot be graded as it is written; retrying does not help.
 * - `ToolMissing`: what the task needs is not here (Python, a judge, a command); retrying does not help either.
 * - `JudgeFailed`: the run of the judge model stalled, was too slow or failed; the error inside says which, and where.
 * - `JudgementUnreadable`: the judge model answered, twice, with something that is no judgement.
 * - `CommandFailed`: the user's own grading program did not do its part.
 * - `OwnGraderFailed`: a grader that the program itself brought did not do its part.
 */
import * as Schema from "effect/Schema"
import { RunError } from "../liveness/RunError.ts"

export const GradingFailure = Schema.TaggedUnion({
  SandboxNotStarted: { detail: Schema.String },
  SandboxKilled: { signal: Schema.String },
  SandboxStarved: { cpuMillis: Schema.Finite, wallMillis: Schema.Finite },
  InvalidSpecification: { detail: Schema.String },
  ToolMissing: { detail: Schema.String },
  JudgeFailed: { error: RunError },
  JudgementUnreadable: { detail: Schema.String },
  CommandFailed: { detail: Schema.String },
  OwnGraderFailed: { kind: Schema.String, detail: Schema.String }
})
export type GradingFailure = typeof GradingFailure.Type

const describe = (reason: GradingFailure): string =>
  GradingFailure.match(reason, {
    SandboxNotStarted: ({ detail }) => `the grading process could not be started: ${detail}`,
    SandboxKilled: ({ signal }) => `the grading process was killed from outside by ${signal}`,
    SandboxStarved: ({ cpuMillis, wallMillis }) =>
      `the grading process had only ${cpuMillis} ms of processor time within ${wallMillis} ms`,
    InvalidSpecification: ({ detail }) => `the task cannot be graded: ${detail}`,
    ToolMissing: ({ detail }) => `the task cannot be graded here: ${detail}`,
    JudgeFailed: ({ error }) => `the judge model gave no judgement: ${error.message}`,
    JudgementUnreadable: ({ detail }) => `the judge model gave no readable judgement: ${detail}`,
    CommandFailed: ({ detail }) => `the grading command failed: ${detail}`,
    OwnGraderFailed: ({ detail, kind }) => `the grader "${kind}" failed: ${detail}`
  })

/** The grader's own failure: nothing is known about the answer. */
export class GradingError extends Schema.TaggedError<GradingError>()("GradingError", {
  /** Why; see the head of this file. */
  reason: GradingFailure
}) {
  override get message() {
    return describe(this.reason)
  }
}
