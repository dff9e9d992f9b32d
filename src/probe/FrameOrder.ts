/**
 * Whether the events of a stream belong together, as our client demands it (StreamOrder.ts in a2a does that of decoded
 * events): one task in one context, begun before its artifacts; or one message and nothing else.
 */
import type { AgentFrame } from "./AgentFrame.ts"

/** Judges one event after the other; gives the flaw of an event as a clause. */
export const makeFrameOrder = () => {
  let events = 0
  let taskId = ""
  let contextId = ""

  return (frame: AgentFrame): string | undefined => {
    events++
    const which = `event ${events}`
    if (frame.kind === "message" && events > 1) return `${which} is a message in the stream of a task`
    if (frame.kind === "artifact" && events === 1) return `${which} is an artifact before its task`
    if (taskId !== "" && frame.taskId !== "" && frame.taskId !== taskId) return `${which} is of another task`
    if (contextId !== "" && frame.contextId !== "" && frame.contextId !== contextId) {
      return `${which} is of another context`
    }
    taskId ||= frame.taskId
    contextId ||= frame.contextId
    return undefined
  }
}
