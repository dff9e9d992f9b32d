/**
 * The grader of a campaign that runs here: with its user's own commands, which only the user's own file may name, and with
 * the judge that the file names. `campaign serve green` has neither: its tasks come from the network.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { WatchedEngine } from "../../engine/WatchedEngine.ts"
import { Grader } from "../../grading/Grader.ts"
import { Judge } from "../../grading/Judge.ts"
import { Sandbox } from "../../grading/Sandbox.ts"
import type { Task } from "../../grading/Task.ts"
import { UserCommand } from "../../grading/UserCommand.ts"
import { taskError } from "../CampaignError.ts"

/** The sandbox for these tasks. Walls are tried only where an answer is run behind them: that takes half a second. */
export const sandboxFor = (tasks: ReadonlyArray<Task>): Layer.Layer<Sandbox> =>
  tasks.some(runsAnswers) ? Sandbox.layer : Sandbox.layerWith({ kinds: [] })

/** What an answer says, or a pattern of the task, may take for ever in these. */
const runsAnswers = ({ grader }: Task): boolean => {
  switch (grader._tag) {
    case "JavaScriptTests":
    case "PythonTests":
    case "JsonSchema":
      return true
    case "TextMatch":
      return grader.rule._tag === "Regex"
    case "ModelGraded":
    case "Command":
    case "Own":
    case "Evaluator":
      return false
  }
}

/** With a judge on that engine, if there is one. The sandbox is its user's, because trying it takes half a second. */
export const layer = <R>(
  judge: Layer.Layer<WatchedEngine, never, R> | undefined
): Layer.Layer<Grader, never, R | Sandbox> =>
  Grader.layerNoDeps.pipe(Layer.provide([
    UserCommand.layer,
    judge === undefined ? Judge.layerNone : Judge.layer.pipe(Layer.provide(judge))
  ]))

/**
 * Fails in one line if a task cannot be graded here, whatever its answer; else behind what answers are run. A judge is taken
 * at its word. `grader` stands in the place of ours.
 */
export const check = Effect.fn("CampaignGrader.check")(
  function*(tasks: ReadonlyArray<Task>, hasJudge: boolean, grader?: Layer.Layer<Grader>) {
    return yield* Effect.gen(function*() {
      const { check, environment } = yield* Grader
      for (const task of tasks) {
        if (task.grader._tag === "ModelGraded" && hasJudge) continue
        yield* Effect.mapError(check(task), ({ message }) => taskError(task.id, `task ${task.id}: ${message}`))
      }
      return environment.sandbox
    }).pipe(Effect.provide(grader ?? layer<never>(undefined)))
  }
)
