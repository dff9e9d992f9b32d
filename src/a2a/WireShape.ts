/**
 * Whether JSON has the shape of an A2A stream event, of 1.0 or of 0.3: looked at before the SDK reads it, because the SDK
 * takes what has a wrong type for absent, and would turn a hostile answer into an empty one.
 *
 * Law: total over any JSON. Only types are looked at, and only of what is used; unknown members, unknown states and
 * absent ids are fine, because agents of other makes and later versions have them.
 */
import * as Result from "effect/Result"

/** How deep JSON may be nested. What reads it later does so recursively, and a stack is finite. */
const MOST_DEPTH = 128

/** The flaw of an event's result, in words that go on after "event 3"; undefined if there is none. */
export const flawOf = (result: unknown): string | undefined => {
  if (!isObject(result)) return `is ${nameOf(result)} and not an object`
  if ("kind" in result) return flawOfLegacy(result)
  const known = payloads.filter(([names]) => names.some((name) => isSet(result[name])))
  const [payload, second] = known
  if (payload === undefined) return `has a payload of an unknown kind (${membersOf(result)})`
  if (second !== undefined) return `has two payloads (${membersOf(result)})`
  const [names, flaw] = payload
  return flaw(names.map((name) => result[name]).find(isSet))
}

const flawOfLegacy = (result: Json): string | undefined => {
  switch (result["kind"]) {
    case "task":
      return isSet(result["status"]) ? flawOfTask(result) : "has a task without a status"
    case "message":
      return flawOfMessage(result, "message")
    case "status-update":
      return flawOfStatusUpdate(result)
    case "artifact-update":
      return flawOfArtifactUpdate(result)
    default:
      return `has a payload of an unknown kind (${String(JSON.stringify(result["kind"])).slice(0, 80)})`
  }
}

/** Whether JSON text is nested deeper than anything that is meant to be read. */
export const isTooDeep = (text: string): boolean => {
  if (text.length < 2 * MOST_DEPTH) return false
  let depth = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === BACKSLASH) index++
      else if (code === QUOTE) inString = false
    } else if (code === QUOTE) {
      inString = true
    } else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      if (++depth > MOST_DEPTH) return true
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) {
      depth--
    }
  }
  return false
}

const QUOTE = 34
const BACKSLASH = 92
const OPEN_BRACKET = 91
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

/** Any JSON. V8 parses it without recursion, so also what is nested too deeply. */
export const parseJson = (text: string): Result.Result<unknown, unknown> => Result.try((): unknown => JSON.parse(text))

type Json = Readonly<Record<string, unknown>>
type Flaw = string | undefined

/** Whether it is an object and not an array. */
export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isSet = (value: unknown): boolean => value !== undefined && value !== null

/** What a JSON value is, in a word. */
const nameOf = (value: unknown): string =>
  value === null ? "null" : value === undefined ? "nothing" : Array.isArray(value) ? "an array" : `a ${typeof value}`

const membersOf = (value: Json): string => Object.keys(value).slice(0, 5).join(", ").slice(0, 80) || "no member"

const flawOfText = (value: unknown, where: string): Flaw =>
  isSet(value) && typeof value !== "string" ? `has ${where} that is ${nameOf(value)} and not a text` : undefined

const flawOfMetadata = (value: Json, where: string): Flaw =>
  isSet(value["metadata"]) && !isObject(value["metadata"])
    ? `has ${where}metadata that is ${nameOf(value["metadata"])} and not an object`
    : undefined

const flawOfEach = (value: unknown, where: string, flaw: (element: unknown) => Flaw): Flaw => {
  if (!isSet(value)) return undefined
  if (!Array.isArray(value)) return `has ${where} that is ${nameOf(value)} and not an array`
  for (const element of value) {
    const found = flaw(element)
    if (found !== undefined) return found
  }
  return undefined
}

const flawOfPart = (part: unknown): Flaw =>
  !isObject(part)
    ? `has a part that is ${nameOf(part)} and not an object`
    : flawOfText(part["text"], "a part's text") ?? flawOfMetadata(part, "a part's ")

const flawOfIds = (value: Json): Flaw =>
  flawOfText(value["taskId"] ?? value["task_id"], "a taskId") ??
    flawOfText(value["contextId"] ?? value["context_id"], "a contextId")

const flawOfMessage = (message: unknown, where: string): Flaw =>
  !isObject(message)
    ? `has a ${where} that is ${nameOf(message)} and not an object`
    : flawOfIds(message) ?? flawOfEach(message["parts"], `${where} parts`, flawOfPart) ??
      flawOfMetadata(message, `${where} `)

const flawOfStatus = (status: unknown): Flaw => {
  if (!isObject(status)) return `has a status that is ${nameOf(status)} and not an object`
  return isSet(status["message"]) ? flawOfMessage(status["message"], "status message") : undefined
}

const flawOfArtifact = (artifact: unknown): Flaw => {
  if (!isObject(artifact)) return `has an artifact that is ${nameOf(artifact)} and not an object`
  const id = artifact["artifactId"] ?? artifact["artifact_id"]
  return flawOfText(id, "an artifactId") ?? flawOfText(artifact["name"], "an artifact's name") ??
    flawOfEach(artifact["parts"], "artifact parts", flawOfPart) ?? flawOfMetadata(artifact, "artifact ")
}

const flawOfTask = (task: unknown): Flaw => {
  if (!isObject(task)) return `has a task that is ${nameOf(task)} and not an object`
  if (typeof task["id"] !== "string" || task["id"] === "") return "has a task without an id"
  return flawOfText(task["contextId"] ?? task["context_id"], "a contextId") ??
    (isSet(task["status"]) ? flawOfStatus(task["status"]) : undefined) ??
    flawOfEach(task["artifacts"], "artifacts", flawOfArtifact) ??
    flawOfEach(task["history"], "history", (message) => flawOfMessage(message, "message")) ??
    flawOfMetadata(task, "task ")
}

const flawOfStatusUpdate = (update: unknown): Flaw =>
  !isObject(update)
    ? `has a status update that is ${nameOf(update)} and not an object`
    : flawOfIds(update) ?? flawOfStatus(update["status"]) ?? flawOfMetadata(update, "")

const flawOfArtifactUpdate = (update: unknown): Flaw => {
  if (!isObject(update)) return `has an artifact update that is ${nameOf(update)} and not an object`
  const append = update["append"]
  return flawOfIds(update) ?? flawOfArtifact(update["artifact"]) ??
    (isSet(append) && typeof append !== "boolean" ? `has an append that is ${nameOf(append)}` : undefined) ??
    flawOfMetadata(update, "")
}

/** The payloads of 1.0 by their member's names: ProtoJSON has both spellings. */
const payloads: ReadonlyArray<readonly [ReadonlyArray<string>, (value: unknown) => Flaw]> = [
  [["task"], flawOfTask],
  // 0.3 over HTTP+JSON calls it "msg".
  [["message", "msg"], (message) => flawOfMessage(message, "message")],
  [["statusUpdate", "status_update"], flawOfStatusUpdate],
  [["artifactUpdate", "artifact_update"], flawOfArtifactUpdate]
]
