/**
 * What the specification demands of a request's parameters and the SDK's lenient `fromJSON` lets through: one function
 * from a method's name and its parameters to the fields at fault, for A2A 1.0 (JSON-RPC and HTTP+JSON) and 0.3.
 *
 * Laws: a request that the official clients send is never refused; every refusal names the field and what it must be;
 * unknown members are ignored (specification 5.7). Parameters of 1.0 are ProtoJSON: a null member is one that is not
 * there, names may be in snake_case, integers may be decimal strings, enum values may be numbers.
 *
 * Gotcha: `metadata` and `data` are the client's own JSON and are looked at only for their depth, as no serialiser
 * writes back what is nested without end; 100 levels is the limit of protobuf's own parsers.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Legacy from "./LegacyRequestSchemas.ts"
import { isObject } from "./RequestFields.ts"
import * as Current from "./RequestSchemas.ts"

/** One field at fault, as in `google.rpc.BadRequest`: `message.parts[0].text`, or "" for the parameters as a whole. */
export interface FieldViolation {
  readonly field: string
  readonly description: string
}

/** How deep parameters may be nested. */
const MAX_DEPTH = 100
/** How many parts a message may have: each takes up to 8 µs to look at, in which no stream moves. */
const MAX_PARTS = 1000
/** How many fields at fault an answer names at most: a hostile request may have millions. */
const MAX_VIOLATIONS = 20

const schemas: Readonly<Record<string, Schema.Codec<unknown>>> = { ...Current.byMethod, ...Legacy.byMethod }

const decoders = new Map(
  Object.entries(schemas).map(([method, schema]) => [
    method,
    Schema.decodeUnknownResult(schema, { errors: "all" })
  ])
)

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/**
 * The fields of a method's parameters that are at fault; none for a method that is not known. The methods of 1.0 and of
 * 0.3 have different names, so the name says which words are expected.
 */
export const violationsOf = (method: string, params: unknown): ReadonlyArray<FieldViolation> => {
  const decode = decoders.get(method)
  if (decode === undefined) return []
  if (isDeeperThan(params, MAX_DEPTH)) {
    return [{ field: "", description: `Must not be nested more than ${MAX_DEPTH} levels deep` }]
  }
  if (partsOf(params) > MAX_PARTS) {
    return [{ field: "message.parts", description: `Must not be more than ${MAX_PARTS}` }]
  }
  const result = decode(method in Current.byMethod ? withoutNulls(params, camelCase) : withoutNulls(params, asIs))
  return Result.isSuccess(result) ?
    [] :
    issuesOf(result.failure.issue).issues.slice(0, MAX_VIOLATIONS).map((issue) => ({
      field: fieldOf(issue.path ?? []),
      description: issue.message
    }))
}

/** The detail object of an error that names fields at fault (specification 3.3.2, 9.5, 11.6). */
export const badRequest = (violations: ReadonlyArray<FieldViolation>) => ({
  "@type": "type.googleapis.com/google.rpc.BadRequest",
  fieldViolations: violations
})

/** The same in one line, for a message. */
export const describe = (violations: ReadonlyArray<FieldViolation>): string =>
  `Invalid parameters: ${
    violations.map(({ description, field }) => field === "" ? description : `${field}: ${description}`).join("; ")
  }`

const fieldOf = (path: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }>): string =>
  path.map((segment) => typeof segment === "object" ? segment.key : segment).reduce<string>(
    (field, key) =>
      typeof key === "number" ? `${field}[${key}]` : field === "" ? String(key) : `${field}.${String(key)}`,
    ""
  )

const partsOf = (params: unknown): number => {
  const message = isObject(params) ? params["message"] : undefined
  return isObject(message) && Array.isArray(message["parts"]) ? message["parts"].length : 0
}

const isDeeperThan = (value: unknown, depth: number): boolean =>
  typeof value === "object" && value !== null &&
  (depth === 0 || Object.values(value).some((member) => isDeeperThan(member, depth - 1)))

const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
const asIs = (name: string): string => name

/**
 * The value without null members, with its members renamed; what is the client's own stays as it is, and the null of a
 * data part is data.
 */
const withoutNulls = (value: unknown, rename: (name: string) => string): unknown =>
  Array.isArray(value)
    ? value.map((item) => withoutNulls(item, rename))
    : isObject(value)
    ? Object.fromEntries(
      Object.entries(value).flatMap(([name, member]) =>
        name === "data" || (name === "metadata" && member !== null)
          ? [[name, member]]
          : member === null
          ? []
          : [[rename(name), withoutNulls(member, rename)]]
      )
    )
    : value
