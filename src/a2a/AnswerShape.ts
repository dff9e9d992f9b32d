/**
 * Whether JSON has the shape of an answer about a task that is no stream: a task by itself, or a task or a message in the
 * envelope of `SendMessage`; of A2A 1.0 or 0.3, bare or in a JSON-RPC response. The counterpart of WireShape.ts.
 *
 * Law: total over any JSON, and as lenient as for events: only types are looked at, and only of what is used.
 */
import { flawOf, isObject } from "./WireShape.ts"

/** The flaw of an answer, in words that go on after "the answer"; undefined if there is none. */
export const flawOfAnswer = (json: unknown): string | undefined => {
  const result = isObject(json) && json["jsonrpc"] === "2.0" ? json["result"] : json
  if (!isObject(result) || "kind" in result) return flawOf(result)
  if (isObject(result["task"])) return flawOf({ task: result["task"] })
  // 0.3 over HTTP+JSON calls it so.
  const message = result["message"] ?? result["msg"]
  return isObject(message) ? flawOf({ message }) : flawOf({ task: result })
}
