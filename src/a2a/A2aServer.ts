/**
 * Serves one agent over HTTP: its card, JSON-RPC of A2A 1.0 and 0.3 at the root, and HTTP+JSON of A2A 1.0 below it, with
 * streams as server-sent events.
 *
 * The version is chosen by the `A2A-Version` header; none means 0.3, as the specification says. A response stream ends
 * its reader when the client goes, waits for slow clients, and carries a comment every 15 s of silence so that proxies
 * keep it open. A comment never stands for a token. Where the process has metrics they are at `/metrics`.
 *
 * `serve` is the easy way, with an executor and a relay of its own. `layer` and `serveRelay` take the relay from the
 * context, so that it can be one of yours; `PurpleAgent.layerWith` does the same for an executor, as a layer.
 *
 * When the scope ends, no further work is taken, what is at work may come to its end within `drain`, and the rest is
 * cancelled: a relay belongs to one server.
 */
import { SSE_HEADERS } from "@a2a-js/sdk"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { createServer } from "node:http"
import * as AgentCard from "./AgentCard.ts"
import type { AgentExecutor } from "./AgentExecutor.ts"
import * as Authenticator from "./Authenticator.ts"
import * as CardRoutes from "./CardRoutes.ts"
import { EventFrames, onlyEvent } from "./EventFrames.ts"
import * as EventStreamResponse from "./EventStreamResponse.ts"
import type { HttpAnswer } from "./HttpAnswer.ts"
import * as HttpCalls from "./HttpCalls.ts"
import * as JsonRpcDispatch from "./JsonRpcDispatch.ts"
import * as KeepAlive from "./KeepAlive.ts"
import { ListenError } from "./ListenError.ts"
import * as MetricsRoute from "./MetricsRoute.ts"
import { Relay, type RelayOptions } from "./Relay.ts"
import { RelayRequestHandler } from "./RelayRequestHandler.ts"
import * as RestDispatch from "./RestDispatch.ts"
import * as TaskFollowing from "./TaskFollowing.ts"

export { type AgentDescription } from "./AgentCard.ts"
export { type AgentExecutor, type AgentRequest } from "./AgentExecutor.ts"
export { ListenError } from "./ListenError.ts"

/** How a server listens, whatever it serves. */
export interface ListenOptions {
  /** The address to listen on, such as `127.0.0.1`, or `0.0.0.0` for all. */
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** The address on the card, where it is not the one listened on (behind a proxy, in a container). */
  readonly cardUrl?: string | undefined
  /** Who may call; everybody unless given. */
  readonly authenticator?: Authenticator.Authenticator | undefined
  /** How long work may go on after the scope has ended. Not at all unless given. */
  readonly drain?: Duration.Input | undefined
  /** The largest body taken, in bytes. 10 MiB unless given. */
  readonly mostBodyBytes?: number | undefined
  /** How long a connection may take to send the head of a request, from its first byte or from being opened. 10 s. */
  readonly headTimeout?: Duration.Input | undefined
  /** How long a request may take to arrive. 60 s. */
  readonly requestTimeout?: Duration.Input | undefined
}

/** How an agent is served; every agent of ours takes these. */
export interface ServeOptions extends ListenOptions, Omit<RelayOptions, "executor"> {}

/** An agent of which the relay is told elsewhere. */
export interface RelayedOptions extends ListenOptions {
  /** What the card says of it. */
  readonly description: AgentCard.AgentDescription
}

/** An agent, and how it is served. `R`: the services that its executor needs. */
export interface A2aServerOptions<R = never> extends ServeOptions, RelayedOptions {
  /** What it does with a message: the events of its task, as a stream. */
  readonly executor: AgentExecutor<R>
}

/** An agent that is being served. */
export class A2aServer extends Context.Service<A2aServer, {
  /** Where the agent listens, such as `http://127.0.0.1:9009/`. */
  readonly url: string
}>()("a2a-campaign/A2aServer") {
  /** Serves the agent of the relay that is in the context. Fails where it cannot listen. */
  static readonly layer = (options: RelayedOptions): Layer.Layer<A2aServer, ListenError, Relay> =>
    Layer.effect(A2aServer, serveRelay(options))
}

const MOST_BODY_BYTES = 10 * 1024 * 1024
/** Clients of a server that stops are not waited for: their tasks are cancelled and their streams closed. */
const GRACEFUL_SHUTDOWN = "100 millis"

const STREAM_HEADERS = {
  "content-type": SSE_HEADERS["Content-Type"],
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": SSE_HEADERS["X-Accel-Buffering"]
}

/** Listens until the scope ends; then tasks are cancelled and nothing is left listening. Fails where it cannot listen. */
export const serve = <R = never>(
  options: A2aServerOptions<R>
): Effect.Effect<A2aServer["Service"], ListenError, Scope.Scope | R> =>
  Effect.flatMap(Relay.make(options), (relay) => Effect.provideService(serveRelay(options), Relay, relay))

/** The same for the relay that is in the context. */
export const serveRelay = Effect.fn("A2aServer.serve")(function*(
  options: RelayedOptions
): Effect.fn.Return<A2aServer["Service"], ListenError, Scope.Scope | Relay> {
  const { authenticator = Authenticator.none, host, port } = options
  const headersTimeout = Duration.toMillis(options.headTimeout ?? "10 seconds")
  const requestTimeout = Duration.toMillis(options.requestTimeout ?? "60 seconds")
  const server = yield* NodeHttpServer.make(
    () =>
      createServer({
        headersTimeout,
        requestTimeout: Math.max(headersTimeout, requestTimeout),
        connectionsCheckingInterval: Math.min(headersTimeout / 2, 1000),
        // Clients that offer HTTP/2 by the way (Java's do) are answered in HTTP/1.1, with their bodies read as ever.
        shouldUpgradeCallback: () => false
      }),
    { host, port, gracefulShutdownTimeout: GRACEFUL_SHUTDOWN }
  ).pipe(Effect.mapError((error) => ListenError.fromCause(host, port, error.cause)))
  // One cannot connect to the address that stands for all addresses.
  const url =
    new URL(HttpServer.formatAddress(server.address).replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]"))
      .href
  const card = AgentCard.make(options.description, options.cardUrl ?? url, authenticator.security)
  const relay = yield* Relay
  const handler = new RelayRequestHandler(card, relay, yield* Effect.context<never>())
  const keepAlive = yield* KeepAlive.make
  const answer = HttpCalls.make({
    authenticator,
    jsonRpc: JsonRpcDispatch.make(card, handler),
    rest: RestDispatch.make(card, handler),
    mostBodyBytes: options.mostBodyBytes ?? MOST_BODY_BYTES
  })
  const calls = Effect.interruptible(Effect.flatMap(
    HttpServerRequest.HttpServerRequest,
    (request) => Effect.flatMap(answer(request), respond(keepAlive, request))
  ))
  // Behind the router and not in it: a route for everything would take HEAD from the card, and misses broken escapes.
  const cards = yield* HttpRouter.toHttpEffect(Layer.merge(CardRoutes.layer(card), MetricsRoute.layer(authenticator)))
  const answered = Effect.catchIf(cards, ({ reason }) => reason._tag === "RouteNotFound", () => calls)
  // A request that names no trace begins one; it is no part of what was going on when the agent was started.
  yield* Effect.updateContext(
    server.serve(answered),
    (context: Context.Context<Scope.Scope>) => Context.omit(Tracer.ParentSpan)(context) as typeof context
  )
  // While streams can still be written: their clients are told how their tasks end.
  yield* Effect.addFinalizer(() => relay.drain(options.drain ?? 0))
  return { url }
})

const respond =
  (keepAlive: KeepAlive.KeepAlive, request: HttpServerRequest.HttpServerRequest) =>
  (answer: HttpAnswer): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
    const { headers } = answer
    if (answer._tag === "Json") {
      const { contentType, status } = answer
      return Effect.succeed(HttpServerResponse.text(JSON.stringify(answer.json), { status, contentType, headers }))
    }
    const following = TaskFollowing.take(answer.context)
    const streamHeaders = { ...STREAM_HEADERS, ...headers }
    return following === undefined
      ? Effect.succeed(HttpServerResponse.text(onlyEvent(answer.first), { headers: streamHeaders }))
      : EventStreamResponse.write(request, streamHeaders, new EventFrames(answer, following, keepAlive))
  }
