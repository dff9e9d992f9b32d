/**
 * The agent under test: an A2A server in front of an engine that streams every token it gets.
 *
 * A message's text is the prompt. The engine hop is guarded here, where it is seen best: a stall or a failure ends the
 * task with an error that names the engine, and outer hops report it unchanged.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as A2aServer from "../a2a/A2aServer.ts"
import type { AgentExecutor } from "../a2a/AgentExecutor.ts"
import type { ListenError } from "../a2a/ListenError.ts"
import { asTokenEvent, isProgress } from "../a2a/TaskEvent.ts"
import { Engine } from "../engine/Engine.ts"
import { failIfStalled } from "../liveness/TokenGuard.ts"
import { version } from "../version.ts"

export interface PurpleAgentOptions {
  readonly host: string
  readonly port: number
  readonly cardUrl?: string | undefined
  /** Silence of the engine after which a run is given up. */
  readonly stallLimit: Duration.Duration
  readonly orphanGrace?: Duration.Input
}

export class PurpleAgent extends Context.Service<PurpleAgent, { readonly url: string }>()(
  "a2a-campaign/PurpleAgent"
) {
  static readonly layer = (options: PurpleAgentOptions): Layer.Layer<PurpleAgent, ListenError, Engine> =>
    Layer.effect(
      PurpleAgent,
      Effect.gen(function*() {
        const engine = yield* Engine
        return yield* A2aServer.serve({
          ...options,
          description: {
            name: `purple agent on ${engine.model}`,
            description: "Answers a message with the tokens of its engine, one by one.",
            version,
            skill: { id: "answer", name: "answer", description: "Answers a prompt.", tags: ["chat"] }
          },
          executor: makeExecutor(engine, options.stallLimit)
        })
      })
    )
}

/** What the agent does with a message. */
export const makeExecutor = (engine: Engine["Service"], stallLimit: Duration.Duration): AgentExecutor => (request) =>
  engine.stream({ messages: [{ role: "user", content: request.text }], requestId: request.taskId }).pipe(
    failIfStalled({ hop: "engine", limit: stallLimit, isProgress, asTokenEvent })
  )
