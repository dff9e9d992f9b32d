/**
 * What our own purple agent does with a message: one call of its engine, whose tokens are the answer.
 *
 * Law: the model is told the earlier turns of the context that came to their end, and nobody else's.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgentExecutor, AgentRequest } from "../a2a/AgentExecutor.ts"
import { Heartbeat, isTokenEvent } from "../a2a/TaskEvent.ts"
import type { WatchedEngine } from "../engine/WatchedEngine.ts"
import { heartbeatOf } from "../liveness/Heartbeat.ts"
import * as Transcript from "../token/Transcript.ts"
import { Conversations } from "./Conversations.ts"

/** What the agent does with a message. */
export const makeExecutor = (
  engine: WatchedEngine["Service"],
  conversations: Conversations = new Conversations()
): AgentExecutor =>
(request) =>
  Stream.suspend(() => {
    const context = JSON.stringify([request.user, request.tenant, request.contextId])
    const question = promptOf(request)
    let transcript = Transcript.empty
    return engine.stream({
      messages: [...conversations.before(context), { role: "user", content: question }],
      requestId: request.taskId,
      ...request.said,
      heartbeat: (state) => Heartbeat.make(heartbeatOf(state))
    }).pipe(
      Stream.mapArray((events) => {
        for (const event of events) if (isTokenEvent(event)) transcript = Transcript.step(transcript, event)
        return events
      }),
      Stream.onEnd(Effect.sync(() => conversations.add(context, { question, answer: transcript.content })))
    )
  })

/** What the model is asked: the text, and data as JSON. */
const promptOf = ({ data, text }: AgentRequest): string =>
  [...text === "" ? [] : [text], ...data.map((value) => JSON.stringify(value))].join("\n")
