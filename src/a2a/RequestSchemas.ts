/**
 * The parameters of the methods of A2A 1.0, from specification/a2a.proto: which fields are required, and their types.
 *
 * They stand for ProtoJSON with null members already taken out and names in camelCase (RequestValidation.ts does that).
 */
import { Role, TaskState } from "@a2a-js/sdk"
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
  texts,
  timestamp
} from "./RequestFields.ts"

/** The names of an enum's values but for the unspecified one, which stands for a field that is not there. */
const namesOf = (values: Readonly<Record<string, string | number>>) =>
  Object.keys(values).filter((each) => Number(values[each]) > 0)

/** An enum's value by name or, as ProtoJSON allows, by number. */
const oneOf = (values: Readonly<Record<string, string | number>>, more: ReadonlyArray<unknown> = []) => {
  const names = namesOf(values)
  const allowed: ReadonlySet<unknown> = new Set([...names, ...names.map((each) => values[each]), ...more])
  return field((value) => allowed.has(value), `Must be one of ${names.join(", ")}`)
}

const historyLength = integer({ min: 0, max: MAX_INT32, strings: true }, "Must be a non-negative integer")
const pageSize = integer({ min: 1, max: 100, strings: true }, "Must be an integer between 1 and 100")

const part = object({
  text: optional(text),
  raw: optional(base64),
  url: optional(text),
  data: optional(Schema.Unknown),
  metadata: optional(anyObject),
  filename: optional(text),
  mediaType: optional(text)
}).check(exactlyOneOf(["text", "raw", "url", "data"]))

const message = object({
  messageId: required(name),
  contextId: optional(text),
  taskId: optional(text),
  role: required(oneOf(Role)),
  parts: required(parts(part)),
  metadata: optional(anyObject),
  extensions: optional(texts),
  referenceTaskIds: optional(texts)
})

const pushNotificationConfig = {
  tenant: optional(text),
  id: optional(text),
  url: required(name),
  token: optional(text),
  authentication: optional(object({ scheme: required(name), credentials: optional(text) }))
}

const sendMessage = object({
  tenant: optional(text),
  message: required(message),
  configuration: optional(object({
    acceptedOutputModes: optional(texts),
    taskPushNotificationConfig: optional(object({ ...pushNotificationConfig, taskId: optional(text) })),
    historyLength: optional(historyLength),
    returnImmediately: optional(boolean)
  })),
  metadata: optional(anyObject)
})

const oneConfig = object({ tenant: optional(text), taskId: required(name), id: required(name) })

/** By the names that the methods have in JSON-RPC; HTTP+JSON uses the same parameters. */
export const byMethod = {
  SendMessage: sendMessage,
  SendStreamingMessage: sendMessage,
  GetTask: object({ tenant: optional(text), id: required(name), historyLength: optional(historyLength) }),
  ListTasks: object({
    tenant: optional(text),
    contextId: optional(text),
    // The unspecified state asks for all of them.
    status: optional(oneOf(TaskState, ["TASK_STATE_UNSPECIFIED", TaskState.TASK_STATE_UNSPECIFIED])),
    pageSize: optional(pageSize),
    pageToken: optional(text),
    historyLength: optional(historyLength),
    statusTimestampAfter: optional(timestamp),
    includeArtifacts: optional(boolean)
  }),
  CancelTask: object({ tenant: optional(text), id: required(name), metadata: optional(anyObject) }),
  SubscribeToTask: object({ tenant: optional(text), id: required(name) }),
  CreateTaskPushNotificationConfig: object({ ...pushNotificationConfig, taskId: required(name) }),
  GetTaskPushNotificationConfig: oneConfig,
  DeleteTaskPushNotificationConfig: oneConfig,
  ListTaskPushNotificationConfigs: object({
    tenant: optional(text),
    taskId: required(name),
    pageSize: optional(historyLength),
    pageToken: optional(text)
  }),
  GetExtendedAgentCard: object({ tenant: optional(text) })
}
