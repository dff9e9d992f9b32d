/**
 * The mutants that no test can kill, because what they change cannot be seen: the list in equivalent.json.
 *
 * An entry names a line of code by its text, not by its number, and the changes to it, so that it holds while the file
 * around it changes and is asked for again when the line does. A listed mutant that is killed, or that there is not any
 * more, is an error in the list.
 */
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Mutant } from "./Mutant.ts"

const Entry = Schema.Struct({
  /** Name of the file in src/liveness. */
  file: Schema.String,
  /** The line on which the mutants begin, without its indentation. */
  code: Schema.String,
  /** As `Mutant.change` has it. */
  changes: Schema.Array(Schema.String),
  reason: Schema.NonEmptyString
})
export type Entry = typeof Entry.Type

export const equivalents: ReadonlyArray<Entry> = Schema.decodeUnknownSync(Schema.Array(Entry))(
  JSON.parse(readFileSync(join(import.meta.dirname, "equivalent.json"), "utf8"))
)

/** What is listed of a mutant. */
export const entryOf = (entries: ReadonlyArray<Entry>, file: string, mutant: Mutant): Entry | undefined =>
  entries.find((entry) => entry.file === file && entry.code === mutant.code && entry.changes.includes(mutant.change))

/** What is listed of a file and is none of its mutants. */
export const unknownOf = (
  entries: ReadonlyArray<Entry>,
  file: string,
  mutants: ReadonlyArray<Mutant>
): ReadonlyArray<{ readonly code: string; readonly change: string }> =>
  entries.filter((entry) => entry.file === file).flatMap(({ changes, code }) =>
    changes
      .filter((change) => !mutants.some((mutant) => mutant.code === code && mutant.change === change))
      .map((change) => ({ code, change }))
  )
