/**
 * Which operation of A2A 1.0 an HTTP method and a path name (specification 11.3 and the annotations of a2a.proto), with
 * and without a tenant in front.
 *
 * Paths are matched as they were sent and unescaped afterwards, segment by segment: an escaped slash or colon belongs to
 * an id, and only a colon as it is begins a verb. What could be both is the path without a tenant. Subscribing is GET in
 * a2a.proto and POST in the text, so it is both.
 */

import * as Result from "effect/Result"

/** An operation by the name of its JSON-RPC method, and what the path says of its parameters. */
export interface RestRoute {
  readonly operation: Operation
  readonly params: Readonly<Record<string, string>>
}

export type RouteResult =
  | { readonly _tag: "Found"; readonly route: RestRoute }
  | { readonly _tag: "WrongMethod"; readonly allow: ReadonlyArray<string> }
  | { readonly _tag: "NotFound" }

export type Operation = typeof templates[number][2]

/** Segments in braces are parameters; a verb stands behind the last colon of the last segment. */
const templates = [
  ["POST", "message:send", "SendMessage"],
  ["POST", "message:stream", "SendStreamingMessage"],
  ["GET", "tasks/{id}:subscribe", "SubscribeToTask"],
  ["POST", "tasks/{id}:subscribe", "SubscribeToTask"],
  ["POST", "tasks/{id}:cancel", "CancelTask"],
  ["GET", "tasks/{id}", "GetTask"],
  ["GET", "tasks", "ListTasks"],
  ["POST", "tasks/{taskId}/pushNotificationConfigs", "CreateTaskPushNotificationConfig"],
  ["GET", "tasks/{taskId}/pushNotificationConfigs", "ListTaskPushNotificationConfigs"],
  ["GET", "tasks/{taskId}/pushNotificationConfigs/{id}", "GetTaskPushNotificationConfig"],
  ["DELETE", "tasks/{taskId}/pushNotificationConfigs/{id}", "DeleteTaskPushNotificationConfig"],
  ["GET", "extendedAgentCard", "GetExtendedAgentCard"]
] as const

/** A task's id does not end in a verb that stands there unescaped. */
const NO_VERB = "(?<!:(?:cancel|subscribe))"

const patterns = ["", "{tenant}/"].flatMap((prefix) =>
  templates.map(([method, template, operation]) => ({
    method,
    operation,
    pattern: new RegExp(
      `^/${(prefix + template).replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}${operation === "GetTask" ? NO_VERB : ""}$`
    )
  }))
)

/** The operation for a method and a path below the agent's root, such as `/tasks/1:cancel`. */
export const find = (method: string, path: string): RouteResult => {
  // Clients put "/tasks" behind an address that itself ends in a slash.
  const single = path.replace(/^\/+/, "/")
  const matches = patterns.flatMap(({ pattern, ...route }) => {
    const match = pattern.exec(single)
    const params = match === null ? undefined : unescaped(match.groups ?? {})
    return params === undefined ? [] : [{ ...route, params }]
  })
  const route = matches.find((each) => each.method === method)
  if (route !== undefined) return { _tag: "Found", route }
  return matches.length === 0
    ? { _tag: "NotFound" }
    : { _tag: "WrongMethod", allow: [...new Set(matches.map((each) => each.method))] }
}

/** The values without their percent-escapes, or nothing if an escape is broken. */
const unescaped = (groups: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined =>
  Result.getOrUndefined(
    Result.try(() =>
      Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]))
    )
  )
