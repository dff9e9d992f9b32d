/**
 * All paths of the simulated server, and what they answer that need no engine.
 *
 * Facts kept here: /health, /version, /load and /v1/models answer from the HTTP side and say nothing about the engine,
 * but /health says when it is dead. What generates is in GenerationRoutes.ts, /metrics in MetricsRoute.ts, sleep in
 * SleepRoutes.ts, faults in faults/FaultRoutes.ts.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type { AdminConfig } from "./AdminConfig.ts"
import * as FaultRoutes from "./faults/FaultRoutes.ts"
import * as GenerationRoutes from "./GenerationRoutes.ts"
import * as MetricsRoute from "./MetricsRoute.ts"
import type { SimulatedServer } from "./SimulatedServer.ts"
import type { SimulatorOptions } from "./SimulatorOptions.ts"
import * as SleepRoutes from "./SleepRoutes.ts"
import { imitatedVersion } from "./WireOptions.ts"

const { jsonUnsafe } = HttpServerResponse

const currentSecond = Effect.map(Clock.currentTimeMillis, (millis) => Math.floor(millis / 1000))

const requireKey = (apiKey: string) =>
  HttpRouter.middleware((handler) =>
    Effect.gen(function*() {
      const { headers, url } = yield* HttpServerRequest.HttpServerRequest
      const [scheme, key] = (headers["authorization"] ?? "").split(" ")
      const allowed = !url.startsWith("/v1") || (scheme?.toLowerCase() === "bearer" && key === apiKey)
      return allowed ? yield* handler : jsonUnsafe({ error: "Unauthorized" }, { status: 401 })
    }), { global: true })

const models = (options: SimulatorOptions) =>
  Effect.map(currentSecond, (created) =>
    jsonUnsafe({
      object: "list",
      data: [{
        id: options.model,
        object: "model",
        created,
        owned_by: "vllm",
        root: options.model,
        parent: null,
        max_model_len: GenerationRoutes.contextTokens(options)
      }]
    }))

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const

/** What a known path answers to the other methods. */
const refuseOthers = (allowed: "GET" | "POST", ...paths: ReadonlyArray<`/${string}`>) => {
  const refusal = jsonUnsafe({ detail: "Method Not Allowed" }, { status: 405, headers: { allow: allowed } })
  const others = methods.filter((method) => method !== allowed)
  return Layer.mergeAll(
    Layer.empty,
    ...paths.flatMap((path) => others.map((method) => HttpRouter.add(method, path, refusal)))
  )
}

/** Whoever asks a silent server waits until it speaks again; only what steers it is answered. */
const waitWhileSilent = (server: SimulatedServer) =>
  HttpRouter.middleware(
    (handler) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
        /^\/(?:sim|admin)\//.test(url) ? handler : server.awake.whenOpen(handler)),
    { global: true }
  )

const health = (server: SimulatedServer) =>
  Effect.sync(() =>
    HttpServerResponse.empty({
      status: server.healthFaults.at(-1) ?? (server.current().state === "dead" ? 503 : 200)
    })
  )

/** All routes of the simulated server; `/sim/...` is ours, the rest is vLLM's. */
export const make = (
  context: GenerationRoutes.GenerationContext & { readonly adminRoutes: AdminConfig["routes"] }
) => {
  const { adminRoutes, board, journal, options, server } = context
  const { chatCompletions, completions } = GenerationRoutes.make(context)
  return Layer.mergeAll(
    HttpRouter.add("POST", "/v1/chat/completions", chatCompletions),
    HttpRouter.add("POST", "/v1/completions", completions),
    HttpRouter.add("GET", "/v1/models", models(options)),
    HttpRouter.add("GET", "/health", health(server)),
    HttpRouter.add("GET", "/version", jsonUnsafe({ version: imitatedVersion })),
    HttpRouter.add(
      "GET",
      "/load",
      Effect.sync(() => jsonUnsafe({ server_load: server.current().load().open }))
    ),
    HttpRouter.add("GET", "/metrics", MetricsRoute.make(options, server)),
    SleepRoutes.make(server.current),
    refuseOthers("POST", "/v1/chat/completions", "/v1/completions", "/sleep", "/wake_up", "/pause", "/resume"),
    refuseOthers("GET", "/v1/models", "/health", "/version", "/load", "/metrics", "/is_sleeping", "/is_paused"),
    HttpRouter.add("GET", "/sim/streams", Effect.map(server.streams, (streams) => jsonUnsafe(streams))),
    HttpRouter.add("GET", "/sim/journal", Effect.map(journal.events, (events) => jsonUnsafe(events))),
    HttpRouter.add("DELETE", "/sim/journal", Effect.as(journal.clear, HttpServerResponse.empty({ status: 204 }))),
    FaultRoutes.make(board),
    adminRoutes,
    HttpRouter.add("*", "/*", jsonUnsafe({ detail: "Not Found" }, { status: 404 })),
    waitWhileSilent(server),
    options.apiKey === undefined ? Layer.empty : requireKey(options.apiKey)
  )
}
