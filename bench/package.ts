/**
 * `package`: what does it cost to install the package, and to import each of its modules?
 *
 * The cost of an import is what comes on top of Effect's own `Effect` and `Stream`, which a program that embeds us has
 * loaded anyway.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { availableParallelism } from "node:os"
import { measure } from "./package/measure.ts"
import { render } from "./package/render.ts"
import { summarize } from "./package/Results.ts"
import { count, json } from "./support/flags.ts"

export const packageBench = Command.make(
  "package",
  { times: count("times", 7, "How often each module is imported; medians count"), json },
  Effect.fn("bench.package")(function*({ json, ...options }) {
    const measured = yield* measure(options)
    const conditions = { bench: "package", node: process.version, processors: availableParallelism(), options }
    yield* Console.log(
      json ? JSON.stringify({ ...conditions, measured, summary: summarize(measured) }) : render(measured)
    )
  })
).pipe(
  Command.withDescription("What it costs to install the package, and to import each of its modules."),
  Command.withExamples([{ command: "npm run bench -- package --times 1", description: "A quick look" }])
)
