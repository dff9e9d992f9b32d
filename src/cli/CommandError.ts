/**
 * How the command ends other than well: one line on stderr, and an exit code that scripts can rely on.
 *
 * 1 an error · 2 wrong usage · 100 the campaign is done and not good enough · 130 interrupted and resumable.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"

export class CommandError extends Data.TaggedError("CommandError")<{
  readonly message: string
  readonly exitCode: 1 | 2 | 100 | 130
}> {
  override get [Runtime.errorExitCode](): number {
    return this.exitCode
  }
}

/** The command was called wrongly. */
export const usageError = (message: string): CommandError => new CommandError({ message, exitCode: 2 })

/** What the command was given cannot be used. */
export const inputError = (message: string): CommandError => new CommandError({ message, exitCode: 1 })

/** What was asked of the campaign's results does not hold. */
export const gateError = (message: string): CommandError => new CommandError({ message, exitCode: 100 })

/** It stopped before its end and can be resumed. */
export const pausedError = (message: string): CommandError => new CommandError({ message, exitCode: 130 })

/** Turns errors with a message for people into ends of the command; an end stays what it is. */
export const orExit = <A, E extends { readonly message: string }, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, CommandError, R> =>
  Effect.mapError(effect, (error) => error instanceof CommandError ? error : inputError(error.message))
