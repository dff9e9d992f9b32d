/**
 * Adapter over `ajv`: holds a value against a JSON Schema, in a process of its own, since a pattern in a schema may take
 * for ever on an unlucky value and `ajv` makes code out of schemas. Nobody imports this file; `JsonSchemas.ts` runs it.
 *
 * Protocol: one JSON request `{ schema, value? }` on standard input; one JSON line `Valid`, `Invalid` or `BadSchema` on
 * standard output.
 *
 * Schemas are 2020-12, or draft-07 where `$schema` says so. Unknown keywords and formats are not looked at, as the
 * standard has it. Gotcha: no imports of ours, and `try` is needed here; there is no Effect.
 */
import { Ajv } from "ajv"
import { Ajv2020 } from "ajv/dist/2020.js"
import { readFileSync, writeSync } from "node:fs"

const request = JSON.parse(readFileSync(0, "utf8")) as { readonly schema: unknown; readonly value?: unknown }

const answer = (line: Readonly<Record<string, unknown>>): void => {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

const isOlderDraft = (schema: unknown): boolean =>
  typeof schema === "object" && schema !== null && /draft-0[67]/.test(String(Reflect.get(schema, "$schema")))

const compile = () => {
  const { schema } = request
  if (typeof schema !== "boolean" && (typeof schema !== "object" || schema === null || Array.isArray(schema))) {
    throw new Error("a schema is an object, true or false")
  }
  const options = { strict: false, validateFormats: false, logger: false } as const
  return (isOlderDraft(schema) ? new Ajv(options) : new Ajv2020(options)).compile(schema)
}

const validate = () => {
  try {
    return compile()
  } catch (error) {
    answer({ _tag: "BadSchema", detail: error instanceof Error ? error.message : "it cannot be compiled" })
    return undefined
  }
}

/** Without `value`, only the schema is looked at. */
const judge = (check: ReturnType<typeof compile>): void => {
  if (!("value" in request) || check(request.value)) return answer({ _tag: "Valid" })
  const [first] = check.errors ?? []
  answer({ _tag: "Invalid", place: first?.instancePath ?? "", detail: first?.message ?? "it is not allowed" })
}

const check = validate()
try {
  if (check !== undefined) judge(check)
} catch {
  answer({ _tag: "Invalid", place: "", detail: "it is nested too deep" })
}
