/**
 * What a client asks of a green agent: AgentBeats' assessment request, the first text part of a message, as JSON.
 *
 *     {"participants": {"<role>": "<url>"}, "config": {"tasks": ["<built-in id>" | {task}, …]}}
 *
 * Our green agent plays every task against every participant. Without `tasks` it plays its built-in ones.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { demonstrationTasks } from "../grading/DemonstrationTasks.ts"
import { Task } from "../grading/Task.ts"

const AssessmentRequest = Schema.fromJsonString(Schema.Struct({
  participants: Schema.Record(Schema.NonEmptyString, Schema.NonEmptyString),
  config: Schema.Struct({
    tasks: Schema.optionalKey(Schema.NonEmptyArray(Schema.Union([Schema.NonEmptyString, Task])))
  }).pipe(Schema.withDecodingDefault(Effect.succeed({})))
}))

/** One task against one participant. */
export interface Bout {
  readonly task: Task
  readonly role: string
  readonly url: string
}

/** The request's JSON. */
export const encode = Schema.encodeSync(AssessmentRequest)

/** The bouts that a message asks for, or one line that says what was expected. */
export const bouts = (text: string): Result.Result<ReadonlyArray<Bout>, string> => {
  const decoded = Schema.decodeResult(AssessmentRequest)(text)
  if (Result.isFailure(decoded)) {
    return Result.fail(
      `expected {"participants": {"<role>": "<agent url>"}, "config": {}} as JSON text; ` +
        decoded.failure.message.replaceAll(/\s+/g, " ")
    )
  }
  const { config, participants } = decoded.success
  const builtIn = new Map(demonstrationTasks.map((task) => [task.id, task]))
  const tasks: Array<Task> = []
  for (const task of config.tasks ?? demonstrationTasks) {
    const found = typeof task === "string" ? builtIn.get(task) : task
    if (found === undefined) {
      return Result.fail(`no built-in task "${task as string}"; there are ${[...builtIn.keys()].join(", ")}`)
    }
    tasks.push(found)
  }
  const entries = Object.entries(participants)
  if (entries.length === 0) return Result.fail("no participant: name at least one role and its agent's url")
  return Result.succeed(entries.flatMap(([role, url]) => tasks.map((task) => ({ task, role, url }))))
}
