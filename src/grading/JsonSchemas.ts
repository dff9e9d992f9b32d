/**
 * Holds JSON values against JSON Schemas without ever hanging: `JsonSchemaProgram.ts` does it, in a Node process that may
 * read but neither write nor start anything, with bounded processor time and memory.
 *
 * Who is to blame: a schema that cannot be compiled, or that needs more than its time, is the task's fault
 * (`InvalidSpecification`); a process that does not answer is ours.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import { GradingError, type GradingFailure } from "./GradingError.ts"
import { runToEnd } from "./NodeChildProcess.ts"

const cpuSeconds = 5

const Line = Schema.TaggedUnion({
  Valid: {},
  /** `place` is a JSON Pointer; empty for the whole value. */
  Invalid: { place: Schema.String, detail: Schema.String },
  BadSchema: { detail: Schema.String }
})
const decodeLine = Schema.decodeUnknownEffect(Schema.fromJsonString(Line))

const program = (): string =>
  fileURLToPath(new URL(`./JsonSchemaProgram${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url))

const failed = (reason: GradingFailure) => new GradingError({ reason })
const invalid = (detail: string) => failed({ _tag: "InvalidSpecification", detail })

/** `value` is a JSON text; without it only the schema is looked at. */
const ask = Effect.fnUntraced(function*(schema: unknown, value: string | undefined) {
  const schemaText = yield* Effect.try({
    try: () => JSON.stringify(schema) ?? "null",
    catch: () => invalid("its schema is not JSON")
  })
  const input = `{"schema":${schemaText}${value === undefined ? "" : `,"value":${value}`}}`
  const end = yield* runToEnd({
    executable: process.execPath,
    arguments: ["--permission", "--allow-fs-read=*", "--disable-warning=ExperimentalWarning", program()],
    input,
    wallLimit: Duration.seconds(60),
    memoryMegabytes: 2_048,
    fileBytes: 0,
    cpuSeconds,
    outputBytes: 100_000,
    errorOutputBytes: 4_096
  }).pipe(Effect.mapError(({ detail }) => failed({ _tag: "SandboxNotStarted", detail })))
  if (end.signal === "SIGXCPU") {
    return yield* invalid(`the schema needs more than ${cpuSeconds} s for this value`)
  }
  const line = yield* decodeLine(end.output).pipe(Effect.mapError(() =>
    end.signal === null || end.stopped !== "no"
      ? failed({ _tag: "SandboxNotStarted", detail: `no word about the schema; ${end.errorOutput.slice(0, 500)}` })
      : failed({ _tag: "SandboxKilled", signal: end.signal })
  ))
  if (line._tag === "BadSchema") return yield* invalid(`its schema is not valid: ${line.detail}`)
  return line
})

/** Why the value does not satisfy the schema, with the place of the first fault; undefined if it does. */
export const whyRefused = Effect.fn("JsonSchemas.whyRefused")(function*(schema: unknown, value: unknown) {
  const text = Option.liftThrowable(() => JSON.stringify(value))()
  if (Option.isNone(text)) return "the whole value: it is nested too deep"
  const line = yield* ask(schema, text.value)
  if (line._tag === "Valid") return undefined
  return `${line.place === "" ? "the whole value" : `at ${line.place}`}: ${line.detail}`
})

/** Fails with `InvalidSpecification` if the schema cannot be used. */
export const checkSchema = (schema: unknown): Effect.Effect<void, GradingError> => Effect.asVoid(ask(schema, undefined))
