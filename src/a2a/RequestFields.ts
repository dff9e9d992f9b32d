/**
 * The fields that requests of A2A are made of, as schemas whose messages say what the field must be.
 *
 * They check and change nothing: what a field becomes is the SDK's codec's business. Every field is a check on the raw
 * JSON, so that its message is exactly the one written here.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isString = (value: unknown): value is string => typeof value === "string"

/** A field that holds if the predicate does; otherwise the message says what it must be. */
export const field = (predicate: (value: unknown) => boolean, message: string) =>
  Schema.Unknown.check(Schema.makeFilter((value) => predicate(value) ? undefined : message))

/** A field that must be there. */
export const required = <S extends Schema.Top>(schema: S) =>
  schema.pipe(Schema.annotateKey({ messageMissingKey: "Required" }))

export const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(schema)

/** An object with these fields and any others. */
export const object = <const Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.Struct(fields).annotate({ message: "Must be an object" })

export const text = field(isString, "Must be a string")
export const name = field((value) => isString(value) && value !== "", "Must be a string that is not empty")
export const boolean = field((value) => typeof value === "boolean", "Must be true or false")
/** The client's own JSON object. */
export const anyObject = field(isObject, "Must be an object")
export const texts = field(
  (value) => Array.isArray(value) && value.every(isString),
  "Must be an array of strings"
)

/** A list of at least one part. */
export const parts = <S extends Schema.Top>(part: S) =>
  Schema.Array(part).annotate({ message: "Must be an array" }).check(
    Schema.makeFilter((items) => items.length > 0 || "At least one part is required")
  )

/** An integer between the two; ProtoJSON writes integers as numbers or as decimal strings, JSON only as numbers. */
export const integer = (
  { max, min, strings }: { readonly min: number; readonly max: number; readonly strings: boolean },
  message: string
) =>
  field((value) => {
    const number = strings && isString(value) && /^-?\d{1,15}$/.test(value) ? Number(value) : value
    return typeof number === "number" && Number.isInteger(number) && number >= min && number <= max
  }, message)

export const MAX_INT32 = 2 ** 31 - 1

/** RFC 3339, which is what ProtoJSON reads: with seconds and a zone. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

export const timestamp = field(
  (value) => isString(value) && RFC_3339.test(value) && Option.isSome(DateTime.make(value)),
  "Must be an ISO 8601 timestamp in UTC such as 2025-11-09T10:30:00.000Z"
)

/** Standard or URL-safe base64, padded or not, as ProtoJSON reads it. */
export const base64 = field(
  (value) => isString(value) && /^[A-Za-z0-9+/_-]*={0,2}$/.test(value),
  "Must be a base64 string"
)

/** A member of an object that must have exactly one of these. */
export const exactlyOneOf = (names: ReadonlyArray<string>) =>
  Schema.makeFilter((value: object) =>
    names.filter((each) => each in value).length === 1 || `Must have exactly one of ${names.join(", ")}`
  )
