/**
 * Serves one agent over HTTP: its card, and JSON-RPC of A2A 1.0 and 0.3 with streams as server-sent events.
 *
 * The version is chosen by the `A2A-Version` header; none means 0.3, as the specification says. A response stream ends
 * its reader when the client goes, waits for slow clients, and carries a comment every 15 s of its life so that proxies
 * keep it open. A comment never stands for a token.
 */
import { SSE_HEADERS } from "@a2a-js/sdk"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import * as AgentCard from "./AgentCard.ts"
import type { AgentExecutor } from "./AgentExecutor.ts"
import * as EventStreamBody from "./EventStreamBody.ts"
import type { HttpAnswer } from "./HttpAnswer.ts"
import * as JsonRpcDispatch from "./JsonRpcDispatch.ts"
import * as KeepAlive from "./KeepAlive.ts"
import { ListenError } from "./ListenError.ts"
import * as Relay from "./Relay.ts"
import { RelayRequestHandler } from "./RelayRequestHandler.ts"
import * as TaskFollowing from "./TaskFollowing.ts"

export interface A2aServerOptions {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** The address on the card, where it is not the one listened on (behind a proxy, in a container). */
  readonly cardUrl?: string | undefined
  readonly description: AgentCard.AgentDescription
  readonly executor: AgentExecutor
  /** How long a task goes on after its last reader has gone. 30 s unless given. */
  readonly orphanGrace?: Relay.RelayOptions["orphanGrace"]
}

export interface A2aServer {
  /** Where the agent listens, such as `http://127.0.0.1:9009/`. */
  readonly url: string
}

/** The largest message taken, in bytes. */
const MAX_BODY_BYTES = 10 * 1024 * 1024
/** Clients of a server that stops are not waited for: their tasks are cancelled and their streams closed. */
const GRACEFUL_SHUTDOWN = "100 millis"

const STREAM_HEADERS = {
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": SSE_HEADERS["X-Accel-Buffering"]
}

/** Listens until the scope ends; then tasks are cancelled and nothing is left listening. */
export const serve = Effect.fn("A2aServer.serve")(function*(
  options: A2aServerOptions
): Effect.fn.Return<A2aServer, ListenError, Scope.Scope> {
  const { executor, host, port } = options
  const server = yield* NodeHttpServer.make(createServer, {
    host,
    port,
    gracefulShutdownTimeout: GRACEFUL_SHUTDOWN
  }).pipe(Effect.mapError((error) => ListenError.fromCause(host, port, error.cause)))
  // One cannot connect to the address that stands for all addresses.
  const url =
    new URL(HttpServer.formatAddress(server.address).replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]"))
      .href
  const card = AgentCard.make(options.description, options.cardUrl ?? url)
  const relay = yield* Relay.make({
    executor,
    ...(options.orphanGrace === undefined ? {} : { orphanGrace: options.orphanGrace })
  })
  const dispatch = JsonRpcDispatch.make(card, new RelayRequestHandler(card, relay, yield* Effect.context<never>()))
  const keepAlive = yield* KeepAlive.make
  yield* server.serve(yield* HttpRouter.toHttpEffect(routes(AgentCard.toJson(card), dispatch, keepAlive)))
  return { url }
})

const routes = (card: unknown, dispatch: JsonRpcDispatch.JsonRpcDispatch, keepAlive: KeepAlive.KeepAlive) => {
  const cardResponse = HttpServerResponse.jsonUnsafe(card, { headers: { "cache-control": "no-cache" } })
  return Layer.mergeAll(
    HttpRouter.add("GET", "/.well-known/agent-card.json", cardResponse),
    HttpRouter.add("GET", "/.well-known/agent.json", cardResponse),
    HttpRouter.add("POST", "/", (request) => jsonRpc(request, dispatch, keepAlive))
  )
}

const jsonRpc = Effect.fnUntraced(function*(
  request: HttpServerRequest.HttpServerRequest,
  dispatch: JsonRpcDispatch.JsonRpcDispatch,
  keepAlive: KeepAlive.KeepAlive
) {
  const body = yield* request.text.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(MAX_BODY_BYTES)),
    Effect.option
  )
  if (body._tag === "None") return HttpServerResponse.text("The body cannot be read or is too large.", { status: 413 })
  // Aborts when the request is over: its response sent to the end, or its client gone.
  const signal = yield* Effect.abortSignal
  const answer = yield* Effect.promise(() => dispatch({ body: body.value, headers: request.headers, signal }))
  return respond(answer, keepAlive)
})

const respond = (answer: HttpAnswer, keepAlive: KeepAlive.KeepAlive): HttpServerResponse.HttpServerResponse => {
  if (answer._tag === "Json") {
    return HttpServerResponse.text(JSON.stringify(answer.json), {
      status: answer.status,
      contentType: answer.contentType,
      headers: answer.headers
    })
  }
  const following = TaskFollowing.take(answer.context)
  return HttpServerResponse.stream(
    following === undefined
      ? Stream.make(EventStreamBody.onlyEvent(answer.first))
      : EventStreamBody.make(answer, following, keepAlive),
    { contentType: SSE_HEADERS["Content-Type"], headers: { ...STREAM_HEADERS, ...answer.headers } }
  )
}
