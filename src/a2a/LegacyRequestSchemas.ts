/**
 * The parameters of the methods of A2A 0.3, from types/src/types.ts of its specification: plain JSON, in which parts
 * carry a `kind` and a message may leave its own out.
 */
import * as Schema from "effect/Schema"
import {
  anyObject,
  base64,
  boolean,
  exactlyOneOf,
  field,
  integer,
  MAX_INT32,
  name,
  object,
  optional,
  parts,
  required,
  text,
  texts
} from "./RequestFields.ts"

const literal = (...allowed: ReadonlyArray<string>) =>
  field((value) => allowed.some((each) => each === value), `Must be ${allowed.map((each) => `"${each}"`).join(" or ")}`)

const historyLength = integer({ min: 0, max: MAX_INT32, strings: false }, "Must be a non-negative integer")

const file = object({
  bytes: optional(base64),
  uri: optional(text),
  name: optional(text),
  mimeType: optional(text)
}).check(exactlyOneOf(["bytes", "uri"]))

/** What each kind of part must carry. */
const CONTENT: Readonly<Record<string, string>> = { text: "text", file: "file", data: "data" }

const part = object({
  kind: required(literal(...Object.keys(CONTENT))),
  text: optional(text),
  file: optional(file),
  data: optional(anyObject),
  metadata: optional(anyObject)
}).check(Schema.makeFilter((value) => {
  const member = CONTENT[String(value.kind)]
  return member === undefined || member in value || { path: [member], issue: "Required" }
}))

const message = object({
  kind: optional(literal("message")),
  messageId: required(name),
  contextId: optional(text),
  taskId: optional(text),
  role: required(literal("user", "agent")),
  parts: required(parts(part)),
  metadata: optional(anyObject),
  extensions: optional(texts),
  referenceTaskIds: optional(texts)
})

const pushNotificationConfig = object({
  id: optional(text),
  url: required(name),
  token: optional(text),
  authentication: optional(object({ schemes: required(texts), credentials: optional(text) }))
})

const sendMessage = object({
  message: required(message),
  configuration: optional(object({
    acceptedOutputModes: optional(texts),
    historyLength: optional(historyLength),
    pushNotificationConfig: optional(pushNotificationConfig),
    blocking: optional(boolean)
  })),
  metadata: optional(anyObject)
})

const taskId = { id: required(name), metadata: optional(anyObject) }

export const byMethod = {
  "message/send": sendMessage,
  "message/stream": sendMessage,
  "tasks/get": object({ ...taskId, historyLength: optional(historyLength) }),
  "tasks/cancel": object(taskId),
  "tasks/resubscribe": object(taskId),
  "tasks/pushNotificationConfig/set": object({
    taskId: required(name),
    pushNotificationConfig: required(pushNotificationConfig)
  }),
  "tasks/pushNotificationConfig/get": object({ ...taskId, pushNotificationConfigId: optional(text) }),
  "tasks/pushNotificationConfig/list": object(taskId),
  "tasks/pushNotificationConfig/delete": object({ ...taskId, pushNotificationConfigId: required(name) })
}
