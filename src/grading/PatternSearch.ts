/**
 * Searches texts with a task's regular expression. The search runs in the sandbox, since a pattern can take for ever on
 * an unlucky text, and nothing could stop it in this process.
 *
 * Who is to blame: a pattern that is none, and one that takes too long, are the task's fault (`InvalidSpecification`), as
 * the answer cannot be judged by it.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { GradingError } from "./GradingError.ts"
import type { Sandbox } from "./Sandbox.ts"
import type { TextRule } from "./Task.ts"

type RegexRule = typeof TextRule.cases.Regex.Type

const invalid = (detail: string) => new GradingError({ reason: { _tag: "InvalidSpecification", detail } })

const program = "const search = (pattern, flags, text) => new RegExp(pattern, flags).test(text)"

/** Fails with `InvalidSpecification` if it is no regular expression. */
export const check = ({ flags = "", pattern }: RegexRule): Effect.Effect<void, GradingError> =>
  Effect.suspend(() => {
    if (!/^[imsuv]*$/.test(flags)) return Effect.fail(invalid(`"${flags}" are not flags out of "imsuv"`))
    return Result.match(Result.try(() => new RegExp(pattern, flags)), {
      onFailure: (error) =>
        Effect.fail(invalid(error instanceof Error ? error.message : "it is not a regular expression")),
      onSuccess: () => Effect.void
    })
  })

/** Whether the pattern finds something in the text. */
export const finds = Effect.fnUntraced(function*(sandbox: Sandbox["Service"], rule: RegexRule, text: string) {
  yield* check(rule)
  const [outcome] = yield* sandbox.run({
    code: program,
    functionName: "search",
    calls: [[rule.pattern, rule.flags ?? "", text]]
  })
  if (outcome?._tag === "Returned") return outcome.value === true
  return yield* invalid(`its pattern cannot be searched for in this answer: ${outcome?.detail ?? "no result"}`)
})
