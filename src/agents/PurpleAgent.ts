/**
 * The agent under test: an A2A server in front of an engine that streams every token it gets.
 *
 * A message's text is the prompt. The engine hop is watched here, where it is seen best: a stall or a failure ends the
 * task with an error that names the engine, and outer hops report it unchanged. While the engine is silent the agent
 * says so in heartbeats, with the age of its last token and what it knows of the engine.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as A2aServer from "../a2a/A2aServer.ts"
import type { AgentExecutor } from "../a2a/AgentExecutor.ts"
import type { ListenError } from "../a2a/ListenError.ts"
import { Heartbeat } from "../a2a/TaskEvent.ts"
import { WatchedEngine } from "../engine/WatchedEngine.ts"
import { heartbeatOf } from "../liveness/Heartbeat.ts"
import { version } from "../version.ts"

export interface PurpleAgentOptions {
  readonly host: string
  readonly port: number
  readonly cardUrl?: string | undefined
  readonly orphanGrace?: Duration.Input
}

export class PurpleAgent extends Context.Service<PurpleAgent, { readonly url: string }>()(
  "a2a-campaign/PurpleAgent"
) {
  static readonly layer = (options: PurpleAgentOptions): Layer.Layer<PurpleAgent, ListenError, WatchedEngine> =>
    Layer.effect(
      PurpleAgent,
      Effect.gen(function*() {
        const engine = yield* WatchedEngine
        return yield* A2aServer.serve({
          ...options,
          description: {
            name: `purple agent on ${engine.model}`,
            description: "Answers a message with the tokens of its engine, one by one.",
            version,
            skill: { id: "answer", name: "answer", description: "Answers a prompt.", tags: ["chat"] }
          },
          executor: makeExecutor(engine)
        })
      })
    )
}

/** What the agent does with a message. */
export const makeExecutor = (engine: WatchedEngine["Service"]): AgentExecutor => (request) =>
  engine.stream({
    messages: [{ role: "user", content: request.text }],
    requestId: request.taskId,
    ...request.said,
    heartbeat: (state) => Heartbeat.make(heartbeatOf(state))
  })
