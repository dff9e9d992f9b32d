/**
 * `npm run example-report`: plays the example night and writes its report into docs/, as HTML and as Markdown.
 *
 * The night is played in virtual time by the real runner and the real watch over modelled engines, from a seed; it takes a
 * minute or two. The same seed gives the same numbers, so what changes in docs/ is what has changed in the code.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as References from "effect/References"
import { join } from "node:path"
import { writeReport } from "../src/cli/writeReport.ts"
import { version } from "../src/version.ts"
import { tasks } from "./exampleReport/ExampleNight.ts"
import { playExample } from "./exampleReport/playExample.ts"
import { count } from "./support/flags.ts"

/** What the store is called in the report: its real place is gone when somebody reads it. */
const NAME = "example-night.db"

const example = Command.make(
  "example-report",
  {
    seed: Flag.Int("seed").pipe(Flag.withDescription("What the night follows from"), Flag.withDefault(7)),
    repetitions: count("repetitions", 12, "Battles of each task and agent"),
    tasks: count("tasks", tasks.length, "Tasks of the night, the first ones"),
    output: Flag.String("output").pipe(
      Flag.withDescription("The folder for example-report.html and example-report.md (docs)"),
      Flag.withDefault(join(import.meta.dirname, "..", "docs"))
    )
  },
  Effect.fn("exampleReport")(function*({ output, ...options }) {
    const fileSystem = yield* FileSystem.FileSystem
    const folder = yield* fileSystem.makeTempDirectoryScoped({ prefix: "example-night-" })
    const database = join(folder, NAME)
    yield* Console.error(`a night of ${options.tasks} tasks, ${options.repetitions} times each; this takes a while`)
    const played = yield* playExample({ ...options, file: database })
    const report = { ...played, header: { ...played.header, file: NAME } }
    for (const kind of ["html", "markdown"] as const) {
      const file = join(output, `example-report.${kind === "html" ? "html" : "md"}`)
      yield* Console.log(yield* writeReport({ report, comparison: null, kind, file, database }))
    }
  }, Effect.scoped)
)

Command.run(example, { version }).pipe(
  Effect.provideService(References.LogToStderr, true),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain()
)
