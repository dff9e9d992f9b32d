/**
 * The types of the keys of a request, checked and converted as pydantic does in its lenient mode.
 *
 * A text that is a number counts as one, "yes" as true, 1.0 as an integer; null counts as "not given"; keys that are not
 * in the table pass unseen. All wrong keys are reported, in the order of the table, which is that of vLLM's models.
 *
 * Gotchas: a prompt has four types, and a value that is none of them is told so four times; what is wrong inside a list
 * or an object is not found here.
 */
import * as Result from "effect/Result"
import type { Problem } from "./ErrorBody.ts"

export type FieldType = "integer" | "number" | "boolean" | "string" | "list" | "object" | "prompt"

/** The known keys of a request. */
export type FieldTypes = Readonly<Record<string, FieldType>>

type Complaint = Pick<Problem, "type" | "message">
type Converted = Result.Result<unknown, ReadonlyArray<Complaint>>

const complain = (type: string, message: string): Converted => Result.fail([{ type, message }])

const integerText = /^\s*[+-]?\d+(_\d+)*(\.0*)?\s*$/
const numberText = /^\s*[+-]?(\d+(_\d+)*\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i
const truths = new Map(
  [["1", "true", "t", "yes", "y", "on"], ["0", "false", "f", "no", "n", "off"]].flatMap((texts, index) =>
    texts.map((text) => [text, index === 0] as const)
  )
)

const toNumber = (text: string) => Number(text.replaceAll("_", ""))

const toInteger = (value: unknown): Converted => {
  const say = (type: string, more: string) => complain(type, `Input should be a valid integer${more}`)
  if (typeof value === "boolean") return Result.succeed(Number(value))
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return complain("finite_number", "Input should be a finite number")
    return Number.isInteger(value)
      ? Result.succeed(value)
      : say("int_from_float", ", got a number with a fractional part")
  }
  if (typeof value !== "string") return say("int_type", "")
  return integerText.test(value)
    ? Result.succeed(toNumber(value))
    : say("int_parsing", ", unable to parse string as an integer")
}

const toFloat = (value: unknown): Converted => {
  const say = (type: string, more: string) => complain(type, `Input should be a valid number${more}`)
  if (typeof value === "boolean") return Result.succeed(Number(value))
  if (typeof value === "number") return Result.succeed(value)
  if (typeof value !== "string") return say("float_type", "")
  return numberText.test(value)
    ? Result.succeed(toNumber(value))
    : say("float_parsing", ", unable to parse string as a number")
}

const toBoolean = (value: unknown): Converted => {
  if (typeof value === "boolean") return Result.succeed(value)
  if (typeof value !== "string" && typeof value !== "number") {
    return complain("bool_type", "Input should be a valid boolean")
  }
  const truth = truths.get(String(value).toLowerCase())
  return truth === undefined
    ? complain("bool_parsing", "Input should be a valid boolean, unable to interpret input")
    : Result.succeed(truth)
}

const notList: Complaint = { type: "list_type", message: "Input should be a valid list" }
const notString: Complaint = { type: "string_type", message: "Input should be a valid string" }
const notObject: Complaint = {
  type: "model_attributes_type",
  message: "Input should be a valid dictionary or object to extract fields from"
}

const unless = (complaints: ReadonlyArray<Complaint>, right: (value: unknown) => boolean) => (value: unknown) =>
  right(value) ? Result.succeed(value) : Result.fail(complaints)

const isString = (value: unknown) => typeof value === "string"

/** Whether a JSON value is an object. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const converters: Readonly<Record<FieldType, (value: unknown) => Converted>> = {
  integer: toInteger,
  number: toFloat,
  boolean: toBoolean,
  string: unless([notString], isString),
  list: unless([notList], Array.isArray),
  object: unless([notObject], isObject),
  prompt: unless([notList, notList, notString, notList], (value) => isString(value) || Array.isArray(value))
}

/** The body with the values of the known keys converted, or what is wrong with them and with the keys that lack. */
export const convert = (
  body: unknown,
  types: FieldTypes,
  required: ReadonlyArray<string> = []
): Result.Result<unknown, ReadonlyArray<Problem>> => {
  if (!isObject(body)) return Result.fail([{ ...notObject, location: "body", input: body }])
  const converted: Record<string, unknown> = { ...body }
  const problems: Array<Problem> = []
  for (const [key, type] of Object.entries(types)) {
    const input = body[key]
    const location = `body.${key}`
    if (input === undefined && required.includes(key)) {
      problems.push({ type: "missing", location, message: "Field required", input: body })
    }
    if (input === undefined || (input === null && !required.includes(key))) continue
    const result = converters[type](input)
    if (Result.isSuccess(result)) converted[key] = result.success
    else problems.push(...result.failure.map((complaint) => ({ ...complaint, location, input })))
  }
  return problems.length === 0 ? Result.succeed(converted) : Result.fail(problems)
}
