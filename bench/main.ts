/**
 * `npm run bench -- NAME`: measured comparisons, each against its own baseline.
 *
 * Results go to stdout, progress to stderr. A bench is a command of its own file; it is added to `benches` and to
 * nothing else. Exit codes: 0 measured, 1 something measured did not work, 2 wrong usage, 130 interrupted.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { version } from "../src/version.ts"
import { campaign } from "./campaign.ts"
import { cancel } from "./cancel.ts"
import { dashboard } from "./dashboard.ts"
import { latency } from "./latency.ts"
import { liveness } from "./liveness.ts"
import { memory } from "./memory.ts"
import { night } from "./night.ts"
import { packageBench } from "./package.ts"
import { relay } from "./relay.ts"
import { report } from "./report.ts"
import { simulator } from "./simulator.ts"
import { BenchError } from "./support/BenchError.ts"
import { tap } from "./tap.ts"
import { telemetry } from "./telemetry.ts"

const benches = [
  campaign,
  cancel,
  dashboard,
  latency,
  liveness,
  memory,
  night,
  packageBench,
  relay,
  report,
  simulator,
  tap,
  telemetry
] as const

const bench = Command.make("bench").pipe(
  Command.withDescription("Measured comparisons, each with its own baseline."),
  Command.withSubcommands(benches)
)

/** Wrong usage is told in one line, with the names that would have been right. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    if (event._tag !== "InvalidInvocation") return CliOutput.defaultPresenter.present(event)
    const reasons = event.errors.map((error) => error.message.replaceAll(/\s*\n\s*/g, " "))
    const names = benches.map(({ name }) => name).join(", ")
    return Console.error(`bench: ${reasons.join("; ")} (benches: ${names}; see \`node bench/main.ts --help\`)`)
  }
}

Command.run(bench, { version }).pipe(
  Effect.provide(CliOutput.layerPresenter(presenter)),
  Effect.catch((error) => {
    if (error instanceof BenchError) return Effect.andThen(Console.error(`bench: ${error.message}`), Effect.fail(error))
    if (error._tag === "ShowHelp" && error.errors.length === 0) return Effect.void
    return Effect.fail(new BenchError({ message: error.message, exitCode: 2 }))
  }),
  Effect.provideService(References.LogToStderr, true),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
