/** What is different between a stored campaign and a file of settings, and whether the campaign may go on with it. */
import * as Effect from "effect/Effect"
import type { ConfigChange } from "../campaign/config/changesBetween.ts"
import { type CommandError, inputError } from "./CommandError.ts"

/** A line each. */
export const changesText = (changes: ReadonlyArray<ConfigChange>): string =>
  changes.map(({ line, startsNewCampaign }) => `  ${startsNewCampaign ? "new campaign" : "may change  "}  ${line}`)
    .join("\n")

/** Fails if any of them makes another campaign of it. */
export const refuseOther = (file: string, changes: ReadonlyArray<ConfigChange>): Effect.Effect<void, CommandError> => {
  const breaking = changes.filter(({ startsNewCampaign }) => startsNewCampaign)
  return breaking.length === 0
    ? Effect.void
    : Effect.fail(inputError(
      `these settings are another campaign than the one in ${file}: ${breaking.map(({ line }) => line).join("; ")}; ` +
        "take that back, or begin a new one with --db and another file"
    ))
}
