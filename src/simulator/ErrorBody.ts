/**
 * vLLM's error answers: their shape, and the words in which FastAPI, pydantic and vLLM itself refuse a request.
 *
 * Three families differ in `type` and in wording. What the framework finds (content type, JSON, wrong types, missing
 * keys) is a "Bad Request" that lists each problem as Python would print a dict, with `param` like "body.max_tokens".
 * What vLLM finds is a "BadRequestError" whose message ends with "(parameter=..., value=...)". Other errors have names
 * of their own.
 *
 * Gotcha: vLLM never echoes a container, only its size, and cuts long texts and long lists of problems.
 */

/** The body of an error answer, and the data of an error event inside a stream. */
export interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    /** The HTTP status. */
    readonly code: number
  }
}

export const errorBody = (code: number, type: string, message: string, param: string | null = null): ErrorBody => ({
  error: { message, type, param, code }
})

/** Status 400, as vLLM's own code says it. */
export const badRequest = (message: string, param: string | null = null) =>
  errorBody(400, "BadRequestError", message, param)

/** Status 400 for one parameter; `value` as Python would print it, if it is to be named. */
export const badParameter = (parameter: string, message: string, value?: number | string) =>
  badRequest(`${message} (parameter=${parameter}${value === undefined ? "" : `, value=${value}`})`, parameter)

/** One complaint of the framework. */
export interface Problem {
  /** Pydantic's name of the error, like "int_parsing". */
  readonly type: string
  /** Where in the request, like "body.max_tokens". */
  readonly location: string
  readonly message: string
  /** What was found there. */
  readonly input: unknown
  /** What the JSON reader says. */
  readonly reason?: string
  /** What else pydantic tells of its rule, like the limit that was exceeded. */
  readonly context?: Readonly<Record<string, number | string>>
}

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" }

/** A text as Python prints it inside a container. */
const pythonText = (text: string): string => {
  const quote = text.includes("'") && !text.includes("\"") ? "\"" : "'"
  const escaped = text.replaceAll(/[\\\n\r\t]/g, (found) => escapes[found]!)
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote
}

const cut = (text: string, most: number) => text.length > most ? `${text.slice(0, most)}...[truncated]` : text

const summary = (input: unknown): string => {
  if (typeof input === "string") return cut(input, 200)
  if (input === null || input === undefined) return "None"
  if (typeof input === "boolean") return input ? "True" : "False"
  if (Array.isArray(input)) return `<list of ${input.length} items>`
  if (typeof input === "object") return `<dict of ${Object.keys(input).length} items>`
  return String(input)
}

const line = ({ context, input, location, message, reason, type }: Problem): string => {
  const entries = [["type", type], ["loc", location], ["msg", message], ["input", summary(input)]] as const
  const known = Object.entries(context ?? (reason === undefined ? {} : { error: reason }))
    .map(([key, value]) => `'${key}': ${typeof value === "number" ? value : pythonText(value)}`)
  const told = known.length === 0 ? "" : `, 'ctx': {${known.join(", ")}}`
  return cut(`{${entries.map(([key, value]) => `'${key}': ${pythonText(value)}`).join(", ")}${told}}`, 1000)
}

const listed = (lines: ReadonlyArray<string>, param: string | null): ErrorBody => {
  const noun = lines.length === 1 ? "error" : "errors"
  const shown = lines.slice(0, 10).map((text) => `\n  ${text}`).join("")
  const rest = lines.length > 10 ? `\n  ...and ${lines.length - 10} more ${noun}` : ""
  return errorBody(400, "Bad Request", `${lines.length} validation ${noun}:${shown}${rest}`, param)
}

/** Status 400: the request has the wrong shape. At least one problem. */
export const wrongShape = (problems: ReadonlyArray<Problem>): ErrorBody =>
  listed(problems.map(line), problems[0]?.location ?? null)

/** Status 400: the body is not called JSON. */
export const wrongContentType: ErrorBody = listed(["Unsupported Media Type: Only 'application/json' is allowed"], null)
