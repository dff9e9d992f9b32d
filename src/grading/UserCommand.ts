/**
 * Grades by a program of the user's: it reads `{ "task", "prompt", "answer" }` as JSON and prints
 * `{ "score": 0..1, "explanation"?: "..." }`, alone or as its last line.
 *
 * It is the user's own, so it runs unconfined, with the user's environment but for what opens doors (`CAMPAIGN_*`,
 * `*_API_KEY`). Whatever it does other than print a score is a `GradingError`, since nothing is known about the answer
 * then; at its time limit it is ended with its process group.
 *
 * Gotcha: a task may come from the network (an assessment request), and its command must not run on the machine of whoever
 * serves. So there is a layer that refuses, and it is the one that a grader has unless told otherwise.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { existsSync } from "node:fs"
import { availableParallelism } from "node:os"
import { oneLine } from "./Grade.ts"
import { GradingError } from "./GradingError.ts"
import { findExecutable, ownEnvironment } from "./HostTools.ts"
import { type ProgramEnd, runToEnd } from "./NodeChildProcess.ts"
import type { GraderSpecification } from "./Task.ts"

type Command = typeof GraderSpecification.cases.Command.Type
type Service = Context.Service.Shape<typeof UserCommand>

export interface CommandInput {
  readonly task: string
  readonly prompt: string
  readonly answer: string
}

const Output = Schema.Struct({
  score: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  explanation: Schema.optionalKey(Schema.String)
})
export type CommandOutput = typeof Output.Type

const decodeOutput = Schema.decodeUnknownOption(Schema.fromJsonString(Output))

const defaultTimeLimitMillis = 60_000
const outputBytes = 1_000_000
const shownCharacters = 300

const isSecret = (name: string): boolean => /^CAMPAIGN_|_API_KEY$/i.test(name)

const environment = () => Object.fromEntries(Object.entries(ownEnvironment()).filter(([name]) => !isSecret(name)))

const failed = (detail: string) => new GradingError({ reason: { _tag: "CommandFailed", detail } })
const missing = (detail: string) => new GradingError({ reason: { _tag: "ToolMissing", detail } })

const refusal = missing("commands are not run here")

const find = Effect.fnUntraced(function*({ command, workingDirectory = process.cwd() }: Command) {
  if (!existsSync(workingDirectory)) {
    return yield* missing(`the working directory "${workingDirectory}" of its command does not exist`)
  }
  return yield* Effect.fromOption(findExecutable(command[0], workingDirectory)).pipe(
    Effect.mapError(() => missing(`the command "${command[0]}" was not found`))
  )
})

const whyUseless = (end: ProgramEnd, limitMillis: number): string | undefined => {
  const complaint = end.errorOutput.trim() === "" ? "" : `: ${oneLine(end.errorOutput, shownCharacters)}`
  if (end.stopped === "wall-limit") return `it was not done within ${limitMillis} ms${complaint}`
  if (end.stopped === "output-limit") return `it printed more than ${outputBytes} bytes`
  if (end.signal !== null) return `it was ended by ${end.signal}${complaint}`
  if (end.exitCode !== 0) return `it ended with exit code ${end.exitCode}${complaint}`
  return undefined
}

const readOutput = (output: string): Option.Option<CommandOutput> =>
  Option.orElse(decodeOutput(output), () => decodeOutput(output.trimEnd().split("\n").at(-1) ?? ""))

export class UserCommand extends Context.Service<UserCommand, {
  /** Fails if the command cannot be started here; it is not run. */
  readonly check: (command: Command) => Effect.Effect<void, GradingError>
  readonly run: (command: Command, input: CommandInput) => Effect.Effect<CommandOutput, GradingError>
}>()("a2a-campaign/UserCommand") {
  /** Refuses every command. */
  static readonly layerNone = Layer.succeed(UserCommand, {
    check: () => Effect.fail(refusal),
    run: () => Effect.fail(refusal)
  })

  /** Runs commands, at most as many at once as there are processors. */
  static readonly layer = Layer.effect(
    UserCommand,
    Effect.gen(function*() {
      const turns = yield* Semaphore.make(availableParallelism())

      const run = Effect.fn("UserCommand.run")(function*(command: Command, input: CommandInput) {
        const { timeLimitMillis = defaultTimeLimitMillis, workingDirectory = process.cwd() } = command
        const executable = yield* find(command)
        const end = yield* runToEnd({
          executable,
          arguments: command.command.slice(1),
          input: `${JSON.stringify(input)}\n`,
          environment: environment(),
          workingDirectory,
          wallLimit: Duration.millis(timeLimitMillis),
          outputBytes,
          errorOutputBytes: 8_192
        }).pipe(
          turns.withPermit,
          Effect.mapError(({ detail }) => failed(`it could not be started: ${detail}`))
        )
        const problem = whyUseless(end, timeLimitMillis)
        if (problem !== undefined) return yield* failed(problem)
        return yield* Effect.fromOption(readOutput(end.output)).pipe(
          Effect.mapError(() => failed(`it printed no {"score": 0..1} but "${oneLine(end.output, shownCharacters)}"`))
        )
      })
      return UserCommand.of({ check: (command) => Effect.asVoid(find(command)), run })
    })
  )

  /** Commands that are decided by a function. */
  static readonly layerTest = (run: Service["run"]) => Layer.succeed(UserCommand, { check: () => Effect.void, run })
}
