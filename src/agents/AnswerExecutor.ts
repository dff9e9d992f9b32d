/**
 * What our own purple agent does with a message: one call of its engine, whose tokens are the answer. The model is told what
 * was said in the same conversation before (Conversations.ts).
 */
import type { AgentExecutor } from "../a2a/AgentExecutor.ts"
import { Heartbeat } from "../a2a/TaskEvent.ts"
import type { WatchedEngine } from "../engine/WatchedEngine.ts"
import { heartbeatOf } from "../liveness/Heartbeat.ts"
import { Conversations } from "./Conversations.ts"

/** What the agent does with a message. */
export const makeExecutor =
  (engine: WatchedEngine["Service"], conversations: Conversations = new Conversations()): AgentExecutor => (request) =>
    conversations.turn(request, (messages) =>
      engine.stream({
        messages,
        requestId: request.taskId,
        ...request.said,
        heartbeat: (state) => Heartbeat.make(heartbeatOf(state))
      }))
