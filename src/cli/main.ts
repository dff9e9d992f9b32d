/**
 * The command: its verbs, and how it ends.
 *
 * Results go to stdout, everything else to stderr. An error is one line that says what to do; wrong usage is one line
 * and exit code 2; an interruption is 130.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { version } from "../version.ts"
import { CommandError, inputError, usageError } from "./CommandError.ts"
import { columnsOfTerminal, renderHelp } from "./renderHelp.ts"
import { telemetryFor } from "./telemetry.ts"
import { commandFor } from "./verbs.ts"

/** Help is as wide as it can be read. Wrong usage is told in one line; the whole help is a screen that hides it. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    if (event._tag === "Version") return CliOutput.defaultPresenter.present(event)
    if (event._tag === "Help") {
      return Effect.flatMap(TerminalCapabilities, ({ canColor }) =>
        Console.log(renderHelp(event.helpDoc, {
          columns: columnsOfTerminal(),
          color: canColor
        })))
    }
    const reasons = event.errors.map((error) => error.message.replaceAll(/\s*\n\s*/g, " "))
    return Console.error(`campaign: ${reasons.join("; ")} (see \`${event.commandPath.join(" ")} --help\`)`)
  }
}

commandFor(process.argv.slice(2)).pipe(
  Effect.onInterrupt(() => Console.error("campaign: interrupted before it began; nothing was stored")),
  Effect.flatMap((command) => Command.run(command, { version })),
  Effect.provide([
    CliOutput.layerPresenter(presenter),
    telemetryFor(process.argv.slice(2), process.stderr.isTTY === true)
  ]),
  Effect.catch((error) => {
    if (error._tag === "ShowHelp") {
      return error.errors.length === 0
        ? Effect.void
        : Effect.fail(usageError("told above"))
    }
    const end = error instanceof CommandError ? error : inputError(error.message)
    return Effect.andThen(Console.error(`campaign: ${end.message}`), Effect.fail(end))
  }),
  Effect.provideService(References.LogToStderr, true),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
