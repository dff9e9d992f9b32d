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
  InvalidAgentResponseError,
  RequestMalformedError,
  RestContentTypeNotSupportedError,
  restStatusFor,
  toRestErrorBody
} from "@a2a-js/sdk/errors"
import type { A2ARequestHandler, ServerCallContext } from "@a2a-js/sdk/server"
import * as CallContext from "./CallContext.ts"
import { requireCapability } from "./Capabilities.ts"
import type { HttpAnswer, JsonAnswer } from "./HttpAnswer.ts"
import { Refusal } from "./Refusal.ts"
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
  const answer = answersTo(call)
  const found = RestRoutes.find(call.method, call.path)
  if (found._tag === "NotFound") return answer(404, plainError(404, "NOT_FOUND", `There is nothing at ${call.path}.`))
  if (found._tag === "WrongMethod") {
    const allow = found.allow.join(", ")
    const message = `${call.path} takes ${allow}, not ${call.method}.`
    return answer(405, plainError(405, "UNIMPLEMENTED", message), { allow })
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
    if (violations.length > 0) return answer(400, invalidParameters(violations))
    const { context, echo } = CallContext.make(card, call)
    const tenant = "tenant" in params ? params.tenant : call.query.get("tenant")
    if (typeof tenant === "string" && tenant !== "") context.setTenant(tenant)
    const result = operations[operation](handler, params, context)
    if (!isAsyncIterator(result)) return answer(200, await result, echo)

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
    if (error instanceof Refusal) {
      return answer(503, plainError(503, "UNAVAILABLE", error.message), { "retry-after": "1" })
    }
    const status = restStatusFor(error)
    return answer(status, toRestErrorBody(error, status))
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

const JSON_CONTENT_TYPE = "application/json"
const CONTENT_TYPES = [A2A_CONTENT_TYPE, JSON_CONTENT_TYPE]

/** The body's members; none for an empty body. */
const bodyOf = ({ body, headers }: RestCall): Readonly<Record<string, unknown>> => {
  if (body === "") return {}
  const contentType = headers["content-type"]
  if (contentType !== undefined && !CONTENT_TYPES.includes(contentType.split(";")[0]!.trim().toLowerCase())) {
    // 5.4 has 400 for the media types of parts; for that of a request HTTP has a status of its own.
    throw new RestContentTypeNotSupportedError({
      message: `The body is ${contentType}; send ${CONTENT_TYPES.join(" or ")}.`,
      statusCode: 415
    })
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

/**
 * Answers in the media type that the client itself speaks: that of A2A where it names it or names none, as 11.1 wants,
 * and plain JSON, which 1.0.0 had, for a client that knows no other.
 */
const answersTo = ({ headers }: RestCall) =>
(
  status: number,
  json: unknown,
  more: Readonly<Record<string, string>> = {}
): JsonAnswer => {
  const { accept, "content-type": sent } = headers
  const named = `${accept ?? ""},${sent ?? ""}`.toLowerCase()
  const isPlain = !named.includes(A2A_CONTENT_TYPE) && (accept !== undefined || named.includes(JSON_CONTENT_TYPE))
  return {
    _tag: "Json",
    status,
    contentType: isPlain ? JSON_CONTENT_TYPE : A2A_CONTENT_TYPE,
    json,
    headers: { vary: "Accept", ...more }
  }
}

/** The body for a request that is refused before it comes to A2A. */
const plainError = (code: number, status: string, message: string) => ({
  error: { code, status, message, details: [] }
})

/** Fields at fault: the SDK's client knows the error by its `ErrorInfo`, everybody else the fields by `BadRequest`. */
const invalidParameters = (violations: ReadonlyArray<RequestValidation.FieldViolation>) => {
  const { error } = toRestErrorBody(new RequestMalformedError(RequestValidation.describe(violations)), 400)
  return { error: { ...error, details: [...error.details, RequestValidation.badRequest(violations)] } }
}
