/**
 * `campaign init`: writes a commented `campaign.toml` that runs as it is, and never over a file that is there.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { initialFile } from "../campaign/config/initialFile.ts"
import { inputError } from "./CommandError.ts"
import { invocation } from "./invocation.ts"

export const init = Command.make(
  "init",
  {
    file: Argument.String("FILE").pipe(
      Argument.withDescription("The file to write (campaign.toml)"),
      Argument.withDefault("campaign.toml")
    )
  },
  Effect.fn("campaign.init")(function*({ file }) {
    const fileSystem = yield* FileSystem.FileSystem
    yield* fileSystem.writeFileString(file, initialFile, { flag: "wx" }).pipe(
      Effect.mapError(({ message, reason }) =>
        inputError(
          reason._tag === "AlreadyExists"
            ? `${file} exists already and was left as it is; name another file, or take it away first`
            : `${file} cannot be written: ${message.replaceAll(/\s+/g, " ")}`
        )
      )
    )
    yield* Console.log(
      `${file} is a campaign that runs as it is. Look at its plan by: ${invocation()} validate -c ${file}\n` +
        `Run it by: ${invocation()} run -c ${file}`
    )
  })
).pipe(
  Command.withDescription(
    "Write a commented campaign.toml that runs as it is, with a simulated engine, and shows every key there is."
  ),
  Command.withShortDescription("Write a commented campaign.toml that runs as it is."),
  Command.withExamples([
    { command: "campaign init", description: "campaign.toml in this folder" },
    { command: "campaign init night.toml", description: "Under another name" }
  ])
)
