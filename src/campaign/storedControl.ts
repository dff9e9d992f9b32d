/**
 * What a store holds besides battles and attempts: the epochs of its engines, what other terminals ask of the process that
 * runs it, and what that process says of itself.
 *
 * A request is answered once. These are operations of the store's writer, or reads.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import { EngineEpoch, type NewEpoch } from "./EngineEpoch.ts"
import { RunnerState } from "./RunnerState.ts"
import { Selection } from "./Selection.ts"
import { Command, type StoredCommand } from "./StoredCommand.ts"

/** Adds an epoch; gives its id. */
export const addEpoch = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, epoch: NewEpoch) {
  const [added] = yield* sql<{ readonly epoch_id: number }>`INSERT INTO engine_epoch ${
    sql.insert({
      engine: epoch.engine,
      model_id: epoch.modelId,
      model_root: epoch.modelRoot,
      server_started_at: epoch.serverStartedAt,
      began_at: epoch.beganAt
    })
  } RETURNING epoch_id`
  return added!.epoch_id
})

const decodeEpochs = Schema.decodeUnknownEffect(Schema.Array(EngineEpoch))

/** All epochs, the first one first. */
export const epochs = (sql: SqlClient.SqlClient) =>
  Effect.flatMap(
    sql`SELECT epoch_id AS id, engine, model_id AS modelId, model_root AS modelRoot,
      server_started_at AS serverStartedAt, began_at AS beganAt FROM engine_epoch ORDER BY epoch_id`,
    decodeEpochs
  )

const kinds = { Pause: "pause", PauseNow: "pause-now", Cancel: "cancel", Retry: "retry" } as const

const CommandRow = Schema.Struct({
  id: Schema.Int,
  at: Schema.Int,
  kind: Schema.Literals(Object.values(kinds)),
  arguments: Schema.String
})

const encodeSelection = Schema.encodeSync(Schema.fromJsonString(Selection))
const decodeSelection = Schema.decodeUnknownEffect(Schema.fromJsonString(Selection))
const decodeCommands = Schema.decodeUnknownEffect(Schema.Array(CommandRow))

/** Adds a request; gives its id. */
export const request = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, command: Command, at: number) {
  const [added] = yield* sql<{ readonly id: number }>`INSERT INTO command ${
    sql.insert({
      at,
      kind: kinds[command._tag],
      arguments: "selection" in command && command.selection !== undefined ? encodeSelection(command.selection) : "{}"
    })
  } RETURNING command_id AS id`
  return added!.id
})

/** The requests that nobody has answered, the oldest first. */
export const requests = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const rows = yield* sql`SELECT command_id AS id, at, kind, arguments FROM command
    WHERE answered_at IS NULL ORDER BY command_id`
  return yield* Effect.forEach(
    yield* decodeCommands(rows),
    ({ arguments: text, at, id, kind }) =>
      Effect.map(commandOf(kind, text), (command): StoredCommand => ({ id, at, command }))
  )
})

const commandOf = (
  kind: typeof CommandRow.Type["kind"],
  text: string
): Effect.Effect<Command, Schema.SchemaError> => {
  switch (kind) {
    case "pause":
      return Effect.succeed(Command.cases.Pause.make({}))
    case "pause-now":
      return Effect.succeed(Command.cases.PauseNow.make({}))
    case "cancel":
      return text === "{}"
        ? Effect.succeed(Command.cases.Cancel.make({}))
        : Effect.map(decodeSelection(text), (selection) => Command.cases.Cancel.make({ selection }))
    case "retry":
      return Effect.map(decodeSelection(text), (selection) => Command.cases.Retry.make({ selection }))
  }
}

/** Answers a request that nobody has answered. */
export const answer = (sql: SqlClient.SqlClient, id: number, text: string, at: number) =>
  Effect.asVoid(sql`UPDATE command SET answered_at = ${at}, answer = ${text}
    WHERE command_id = ${id} AND answered_at IS NULL`)

/** The answer to a request, once there is one. */
export const answerOf = (sql: SqlClient.SqlClient, id: number) =>
  Effect.map(
    sql<{ readonly answer: string | null }>`SELECT answer FROM command WHERE command_id = ${id}`,
    ([found]) => Option.fromNullishOr(found?.answer)
  )

const encodeRunner = Schema.encodeSync(Schema.fromJsonString(RunnerState))
const decodeRunner = Schema.decodeUnknownEffect(Schema.fromJsonString(RunnerState))

export const saveRunner = (sql: SqlClient.SqlClient, state: RunnerState) =>
  Effect.asVoid(sql`INSERT INTO runner (only, updated_at, state)
    VALUES (1, ${Math.round(state.updatedAt)}, ${encodeRunner(state)})
    ON CONFLICT (only) DO UPDATE SET updated_at = excluded.updated_at, state = excluded.state`)

/** What the process that runs the campaign, or ran it last, has said. */
export const runner = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const [found] = yield* sql`SELECT state FROM runner`
  return found === undefined ? null : yield* decodeRunner(found["state"])
})
