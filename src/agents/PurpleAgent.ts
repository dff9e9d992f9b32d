/**
 * The agent under test: an A2A server in front of an engine that streams every token it gets.
 *
 * A message's text is the prompt. The engine hop is watched here, where it is seen best: a stall or a failure ends the
 * task with an error that names the engine, and outer hops report it unchanged. While the engine is silent the agent
 * says so in heartbeats, with the age of its last token and what it knows of the engine. Who goes on in a context is answered by
 * a model that is told what was said in it before (Conversations.ts).
 *
 * `layerWith` is an agent with logic of its own on the same server: tools, several calls of the model, other models; what it
 * is made of stands in AgentWork.ts.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as A2aServer from "../a2a/A2aServer.ts"
import type { AgentDescription } from "../a2a/AgentCard.ts"
import type { ListenError } from "../a2a/ListenError.ts"
import { WatchedEngine } from "../engine/WatchedEngine.ts"
import { version } from "../version.ts"
import { makeExecutor } from "./AnswerExecutor.ts"
import { type ConversationLimits, Conversations } from "./Conversations.ts"

export type { ConversationLimits } from "./Conversations.ts"

/** How the agent is served, and what it remembers. */
export interface PurpleAgentOptions extends A2aServer.ServeOptions {
  /** What its card says; the name of its model unless given. */
  readonly description?: AgentDescription | undefined
  /** What of earlier turns the model is told again. */
  readonly conversations?: Partial<ConversationLimits> | undefined
}

/** An agent under test that is being served. */
export class PurpleAgent extends Context.Service<PurpleAgent, {
  /** Where it listens, such as `http://127.0.0.1:9019/`. */
  readonly url: string
}>()("a2a-campaign/PurpleAgent") {
  /**
   * An agent that does what its executor says. `R`: the services that the executor needs. Fails where it cannot listen.
   *
   * @example
   * import { A2aClient } from "a2a-campaign/A2aClient"
   * import { PurpleAgent } from "a2a-campaign/PurpleAgent"
   * import { Delta } from "a2a-campaign/TokenEvent"
   * import * as Effect from "effect/Effect"
   * import * as Stream from "effect/Stream"
   *
   * const agent = PurpleAgent.layerWith({
   *   host: "127.0.0.1",
   *   port: 0,
   *   description: {
   *     name: "counter",
   *     description: "Counts words.",
   *     version: "1",
   *     skill: { id: "count", name: "count", description: "Counts words.", tags: ["example"] }
   *   },
   *   executor: ({ text }) =>
   *     Stream.make(Delta.make({ channel: "content", text: `${text.split(" ").length} words`, tokens: 2 }))
   * })
   *
   * const program = Effect.gen(function*() {
   *   const { url } = yield* PurpleAgent
   *   const client = yield* A2aClient
   *   yield* client.send({ url, hop: "purple", text: "once upon a time" }).pipe(
   *     Stream.runForEach((event) => Effect.sync(() => event._tag === "Delta" && console.log(event.text)))
   *   )
   * })
   *
   * await Effect.runPromise(Effect.provide(program, [agent, A2aClient.layer]))
   * // prints: 4 words
   */
  static readonly layerWith = <R = never>(
    options: A2aServer.A2aServerOptions<R>
  ): Layer.Layer<PurpleAgent, ListenError, R> => Layer.effect(PurpleAgent, A2aServer.serve(options))

  /** An agent that answers a message with what its engine says. Fails where it cannot listen. */
  static readonly layer = (options: PurpleAgentOptions): Layer.Layer<PurpleAgent, ListenError, WatchedEngine> =>
    Layer.effect(
      PurpleAgent,
      Effect.gen(function*() {
        const engine = yield* WatchedEngine
        return yield* A2aServer.serve({
          ...options,
          description: options.description ?? {
            name: `purple agent on ${engine.model}`,
            description: "Answers a message with the tokens of its engine, one by one.",
            version,
            skill: { id: "answer", name: "answer", description: "Answers a prompt.", tags: ["chat"] }
          },
          executor: makeExecutor(engine, new Conversations(options.conversations))
        })
      })
    )
}
