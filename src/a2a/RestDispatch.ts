/**
 * One call of the HTTP+JSON binding of A2A 1.0 (specification section 11) over the SDK's request handler and codecs
 * (adapter): the SDK has this binding only for Express.
 *
 * Laws: it never rejects, and every answer is the binding's own: a failure is a `google.rpc.Status` as 11.6 words it. A
 * call that fails before its first event is a plain answer with its HTTP status. Checks come in this order: path,
 * method, version, the capability that the card declares, content type, parameters.
 *
 * Gotcha: the generator of a stream is asked for its first event only. What follows is read from the task's log, by the
 * reader that the handler leaves in the context.
 */
import {
  A2A_CONTENT_TYPE,
  AgentCard,
  CancelTaskRequest,
  DeleteTaskPushNotificationConfigRequest,
  GetExtendedAgentCardRequest,
  GetTaskPushNotificationConfigRequest,
  GetTaskRequest,
  ListTaskPushNotificationConfigsRequest,
  ListTaskPushNotificationConfigsResponse,
  ListTasksRequest,
  ListTasksResponse,
  type Message,
  SendMessageRequest,
  SendMessageResponse,
  StreamResponse,
  SubscribeToTaskRequest,
  Task,
  TaskPushNotificationConfig
} from "@a2a-js/sdk"
import {
  ContentTypeNotSupportedError,
  InvalidAgentResponseError,
  PushNotificationNotSupportedError,
  RequestMalformedError,
  restStatusFor,
  toRestErrorBody,
  UnsupportedOperationError
} from "@a2a-js/sdk/errors"
import type { A2ARequestHandler, ServerCallContext } from "@a2a-js/sdk/server"
import * as CallContext from "./CallContext.ts"
import type { HttpAnswer, JsonAnswer } from "./HttpAnswer.ts"
import { isObject } from "./RequestFields.ts"
import * as RequestValidation from "./RequestValidation.ts"
import * as RestRoutes from "./RestRoutes.ts"

export interface RestCall extends CallContext.Caller {
  readonly method: string
  /** Below the agent's root, as it was sent: `/message:send` or `/acme/tasks/a%20b:cancel`. */
  readonly path: string
  readonly query: URLSearchParams
  /** Empty where there is none. */
  readonly body: string
}

export type RestDispatch = (call: RestCall) => Promise<HttpAnswer>

/** The dispatcher of one agent. It never rejects. */
export const make = (card: AgentCard, handler: A2ARequestHandler): RestDispatch => async (call) => {
  const found = RestRoutes.find(call.method, call.path)
  if (found._tag === "NotFound") return statusAnswer(404, "NOT_FOUND", `There is nothing at ${call.path}.`)
  if (found._tag === "WrongMethod") {
    const allow = found.allow.join(", ")
    return statusAnswer(405, "UNIMPLEMENTED", `${call.path} takes ${allow}, not ${call.method}.`, { allow })
  }
  const { operation, params: fromPath } = found.route
  try {
    CallContext.requireVersion(card, "HTTP+JSON", CallContext.requestedVersion(call))
    requireCapability(card, operation)
    const params = { ...(call.method === "POST" ? bodyOf(call) : queryOf(call.query)), ...fromPath }
    const violations = [
      ...(call.method === "POST" ? [] : repeated(call.query)),
      ...RequestValidation.violationsOf(operation, params)
    ]
    if (violations.length > 0) return invalid(violations)
    const { context, echo } = CallContext.make(card, call)
    const tenant = "tenant" in params ? params.tenant : call.query.get("tenant")
    if (typeof tenant === "string" && tenant !== "") context.setTenant(tenant)
    const result = operations[operation](handler, params, context)
    if (!isAsyncIterator(result)) return jsonAnswer(200, await result, echo)

    const first = await result.next()
    if (first.done === true) throw new InvalidAgentResponseError("The agent's stream has no event.")
    return {
      _tag: "Events",
      first: StreamResponse.toJSON(first.value),
      dialect: "1.0",
      envelope: (event) => event,
      context,
      headers: echo
    }
  } catch (error) {
    const status = restStatusFor(error)
    return jsonAnswer(status, toRestErrorBody(error, status))
  }
}

/** What each operation asks of the handler, and its answer as JSON. */
const operations: Readonly<
  Record<
    RestRoutes.Operation,
    (
      handler: A2ARequestHandler,
      params: unknown,
      context: ServerCallContext
    ) => Promise<unknown> | AsyncIterator<StreamResponse>
  >
> = {
  SendMessage: (handler, params, context) =>
    handler.sendMessage(SendMessageRequest.fromJSON(params), context).then((result) =>
      SendMessageResponse.toJSON({
        payload: isMessage(result) ? { $case: "message", value: result } : { $case: "task", value: result }
      })
    ),
  SendStreamingMessage: (handler, params, context) =>
    handler.sendMessageStream(SendMessageRequest.fromJSON(params), context),
  SubscribeToTask: (handler, params, context) => handler.resubscribe(SubscribeToTaskRequest.fromJSON(params), context),
  GetTask: (handler, params, context) => handler.getTask(GetTaskRequest.fromJSON(params), context).then(Task.toJSON),
  CancelTask: (handler, params, context) =>
    handler.cancelTask(CancelTaskRequest.fromJSON(params), context).then(Task.toJSON),
  ListTasks: (handler, params, context) => {
    const request = ListTasksRequest.fromJSON(params)
    return handler.listTasks(request, context).then((response) => listOf(response, request.includeArtifacts === true))
  },
  CreateTaskPushNotificationConfig: (handler, params, context) =>
    handler.createTaskPushNotificationConfig(TaskPushNotificationConfig.fromJSON(params), context).then(
      TaskPushNotificationConfig.toJSON
    ),
  GetTaskPushNotificationConfig: (handler, params, context) =>
    handler.getTaskPushNotificationConfig(GetTaskPushNotificationConfigRequest.fromJSON(params), context).then(
      TaskPushNotificationConfig.toJSON
    ),
  ListTaskPushNotificationConfigs: (handler, params, context) =>
    handler.listTaskPushNotificationConfigs(ListTaskPushNotificationConfigsRequest.fromJSON(params), context).then(
      ListTaskPushNotificationConfigsResponse.toJSON
    ),
  DeleteTaskPushNotificationConfig: (handler, params, context) =>
    handler.deleteTaskPushNotificationConfig(DeleteTaskPushNotificationConfigRequest.fromJSON(params), context).then(
      () => ({})
    ),
  GetExtendedAgentCard: (handler, params, context) =>
    handler.getAuthenticatedExtendedAgentCard(GetExtendedAgentCardRequest.fromJSON(params), context).then(
      AgentCard.toJSON
    )
}

const isMessage = (result: Message | Task): result is Message => "messageId" in result

const isAsyncIterator = <A>(value: Promise<unknown> | AsyncIterator<A>): value is AsyncIterator<A> => "next" in value

/** The list with the fields that must be there even when they are empty (specification 3.1.4), which codecs leave out. */
const listOf = (response: ListTasksResponse, includeArtifacts: boolean): unknown => ({
  tasks: response.tasks.map((task) => {
    const { artifacts = [], ...rest } = Task.toJSON(task) as Readonly<Record<string, unknown>>
    return includeArtifacts ? { ...rest, artifacts } : rest
  }),
  nextPageToken: response.nextPageToken,
  pageSize: response.pageSize,
  totalSize: response.totalSize
})

/** Throws what specification 3.3.4 demands for an operation whose capability the card does not declare. */
const requireCapability = ({ capabilities }: AgentCard, operation: RestRoutes.Operation): void => {
  switch (operation) {
    case "SendStreamingMessage":
    case "SubscribeToTask":
      if (capabilities?.streaming !== true) throw new UnsupportedOperationError("This agent does not stream.")
      return
    case "GetExtendedAgentCard":
      if (capabilities?.extendedAgentCard !== true) {
        throw new UnsupportedOperationError("This agent has no extended card.")
      }
      return
    case "CreateTaskPushNotificationConfig":
    case "GetTaskPushNotificationConfig":
    case "ListTaskPushNotificationConfigs":
    case "DeleteTaskPushNotificationConfig":
      if (capabilities?.pushNotifications !== true) throw new PushNotificationNotSupportedError()
  }
}

const CONTENT_TYPES = [A2A_CONTENT_TYPE, "application/json"]

/** The body's members; none for an empty body. */
const bodyOf = ({ body, headers }: RestCall): Readonly<Record<string, unknown>> => {
  if (body === "") return {}
  const contentType = headers["content-type"]
  if (contentType !== undefined && !CONTENT_TYPES.includes(contentType.split(";")[0]!.trim().toLowerCase())) {
    throw new ContentTypeNotSupportedError(
      `The body is ${contentType}; send ${CONTENT_TYPES.join(" or ")}.`
    )
  }
  const json = parsed(body)
  if (!isObject(json)) throw new RequestMalformedError("The body must be a JSON object.")
  return json
}

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch (error) {
    throw new RequestMalformedError(`The body is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/**
 * Parameters from a query string, as ProtoJSON: numbers may stay decimal strings, booleans and numbers of enum values
 * may not. What is neither stays as it is and is refused by its type.
 */
const queryOf = (query: URLSearchParams): Readonly<Record<string, unknown>> =>
  Object.fromEntries([...query].map(([name, value]) => {
    if (name === "includeArtifacts" && /^(true|false)$/.test(value)) return [name, value === "true"]
    if (name === "status" && /^\d+$/.test(value)) return [name, Number(value)]
    return [name, value]
  }))

/** No parameter of these operations is a list. */
const repeated = (query: URLSearchParams): ReadonlyArray<RequestValidation.FieldViolation> =>
  [...new Set(query.keys())].filter((name) => query.getAll(name).length > 1).map((field) => ({
    field,
    description: "Must not be given more than once"
  }))

const jsonAnswer = (status: number, json: unknown, headers: Readonly<Record<string, string>> = {}): JsonAnswer => ({
  _tag: "Json",
  status,
  contentType: A2A_CONTENT_TYPE,
  json,
  headers
})

/** The answer to a request that is refused before it comes to A2A. */
const statusAnswer = (
  code: number,
  status: string,
  message: string,
  headers: Readonly<Record<string, string>> = {}
): JsonAnswer => jsonAnswer(code, { error: { code, status, message, details: [] } }, headers)

/** Fields at fault: the SDK's client knows the error by its `ErrorInfo`, everybody else the fields by `BadRequest`. */
const invalid = (violations: ReadonlyArray<RequestValidation.FieldViolation>): JsonAnswer => {
  const { error } = toRestErrorBody(new RequestMalformedError(RequestValidation.describe(violations)), 400)
  return jsonAnswer(400, {
    error: { ...error, details: [...error.details, RequestValidation.badRequest(violations)] }
  })
}
