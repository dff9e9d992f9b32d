/**
 * What can go wrong with the file in which a campaign is kept.
 *
 * One outer error with a tagged reason, so that a caller can treat one reason apart
 * (`Effect.catchReason("StoreError", "Missing", ...)`) and let the others through. It is backed by a schema because it
 * may be shown, logged or sent.
 *
 * The message of every reason is one line and ends with what the user can do about it: it is printed as it is by the
 * command. `detail` is what SQLite or the file system said and may hold several lines; only the message joins them.
 */
import * as Schema from "effect/Schema"

/** What a store could not do, or would not. */
export const StoreErrorReason = Schema.TaggedUnion({
  /** The file was to be read, or written without being created, and is not there. */
  Missing: { path: Schema.String },
  /** The file is there but is of another kind, or is damaged. It has not been changed. */
  NotADatabase: { path: Schema.String, detail: Schema.String },
  /** Nothing is known about the content: a missing directory, a missing permission, a lock held for too long. */
  CannotOpen: { path: Schema.String, detail: Schema.String },
  /** A later release has written the file and knows what we do not. It has not been changed. */
  Newer: { path: Schema.String, step: Schema.Int, known: Schema.Int },
  /** Another process runs the campaign of this file; `since` is in milliseconds since 1970. */
  Held: { path: Schema.String, pid: Schema.Int, host: Schema.String, since: Schema.Finite },
  /** An attempt of a battle that has an outcome already was to begin. */
  NotPending: { battle: Schema.String, state: Schema.Literals(["scored", "unscored"]) },
  /** A definition with fewer battles than the stored one was to take its place. */
  NotExtended: { missing: Schema.Int, example: Schema.String },
  /** The store was open and refused an operation, for example because the disk is full. */
  Query: { operation: Schema.String, detail: Schema.String }
})
export type StoreErrorReason = typeof StoreErrorReason.Type

const oneLine = (text: string) => text.trim().replace(/\s*\n\s*/g, " ")

/** "2026-11-22 22:01" where the user is. */
const localTime = (millis: number) =>
  new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" }).format(millis)

/** A store could not do what it was asked for. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  /** Why. */
  reason: StoreErrorReason
}) {
  override get message(): string {
    return StoreErrorReason.match(this.reason, {
      Missing: ({ path }) => `There is no file ${path}: check the path, or run the campaign that creates it.`,
      NotADatabase: ({ detail, path }) =>
        `${path} is damaged or is not a campaign store (${oneLine(detail)}): ` +
        `it was left unchanged, so restore it from a copy or name another file.`,
      CannotOpen: ({ detail, path }) =>
        `Cannot open ${path} (${oneLine(detail)}): ` +
        `check its directory, your permissions and that no other program holds it.`,
      Newer: ({ known, path, step }) =>
        `${path} was written by a newer campaign (it stands at step ${step}, this one knows ${known}): ` +
        `use that version or name another file.`,
      Held: ({ host, path, pid, since }) =>
        `${path} is being run by process ${pid} on ${host} since ${localTime(since)}: ` +
        `wait for it, pause it from here with "campaign pause --db ${path}", or name another file.`,
      NotPending: ({ battle, state }) => `The battle ${battle} is ${state} already: nothing of it is begun again.`,
      NotExtended: ({ example, missing }) =>
        `The campaign has ${missing} battles that the new configuration lacks, ${example} among them: ` +
        `keep its tasks, agents and repetitions, or name another file for a new campaign.`,
      Query: ({ detail, operation }) =>
        `The store failed to ${operation} (${oneLine(detail)}): ` +
        `remove the cause and run the command again, what was stored before is kept.`
    })
  }
}

/**
 * Turns any failure inside a store operation into a `StoreError` with the reason `Query`, for `Effect.mapError`.
 *
 * `operation` is a verb phrase that follows "failed to": "save the attempt".
 */
export const queryFailed = (operation: string) => (error: { readonly message: string }): StoreError =>
  new StoreError({ reason: StoreErrorReason.cases.Query.make({ operation, detail: error.message }) })
