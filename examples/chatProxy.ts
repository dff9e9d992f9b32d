/**
 * An HTTP service in front of an engine: it passes chat completions through, byte for byte, finds hung ones, and tries
 * again what fails before its first byte.
 *
 *     node --conditions=a2a-campaign-source examples/chatProxy.ts
 *
 * The limits are far shorter than anybody would want them, so that nobody has to wait for a minute.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ChatCompletionClassifier from "a2a-campaign/ChatCompletionClassifier"
import * as Liveness from "a2a-campaign/Liveness"
import * as LivenessPolicy from "a2a-campaign/LivenessPolicy"
import * as ScrapedEvidence from "a2a-campaign/ScrapedEvidence"
import { Simulator } from "a2a-campaign/Simulator"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import OpenAI from "openai"

/** The engine's answer as it comes, watched. Whatever goes wrong is one of the errors that the retry table knows. */
const watchedAnswer = (engine: string, question: Uint8Array) =>
  HttpClientRequest.post(`${engine}/chat/completions`).pipe(
    HttpClientRequest.bodyUint8Array(question, "application/json"),
    HttpClient.execute,
    Effect.flatMap((response) =>
      response.status === 200
        ? Effect.succeed(response.stream)
        : Effect.flatMap(response.text, (said) => Effect.fail(Liveness.Failed.fromStatus(response.status, said)))
    ),
    Stream.unwrap,
    Stream.mapError((error) =>
      error instanceof Liveness.Failed
        ? error
        : new Liveness.Failed({ hop: "engine", reason: { _tag: "ConnectionLost", detail: error.message }, tokens: 0 })
    ),
    Liveness.watchWith({ classify: ChatCompletionClassifier.body, endpoint: engine })
  )

const errorBody = (error: Error & { readonly _tag: string }) => ({
  error: { message: error.message, type: error._tag }
})

/** The route; it is only for answers that are streamed. */
const proxy = (engine: string) =>
  HttpRouter.add(
    "POST",
    "/v1/chat/completions",
    Effect.gen(function*() {
      const request = yield* HttpServerRequest.HttpServerRequest
      const question = new Uint8Array(yield* request.arrayBuffer)
      const answer = yield* Liveness.begun(watchedAnswer(engine, question)).pipe(
        Effect.tapError((error) => Effect.sync(() => console.log(`before the first byte: ${error.message}`))),
        Effect.retry(Liveness.schedule({ attempts: 3 }))
      )
      // From here on the client has bytes: an error can only be told to it.
      const body = Stream.catch(answer, (error) =>
        Stream.make(`data: ${JSON.stringify(errorBody(error))}\n\n`).pipe(Stream.encodeText))
      return HttpServerResponse.stream(body, { contentType: "text/event-stream" })
    }).pipe(
      Effect.catchTag(["Stalled", "Slow", "Failed"], (error) =>
        HttpServerResponse.json(errorBody(error), { status: 502 }))
    )
  )

const policy = LivenessPolicy.layer({
  limits: { tickMillis: 50, suspectFloorMillis: 200, suspectPriorMillis: 200, frozenFloorMillis: 500 }
})

const service = (engine: string) =>
  HttpRouter.serve(proxy(engine), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(Liveness.layer(
      ScrapedEvidence.layer({ baseUrl: engine, interval: "50 millis", suspectInterval: "50 millis" })
    )),
    Layer.provide(NodeHttpClient.layerUndici),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0, gracefulShutdownTimeout: 0 })),
    Layer.provide(policy)
  )

/** A client that knows nothing of all this. */
const ask = (baseURL: string) =>
  Effect.promise(async () => {
    const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 })
    const messages = [{ role: "user" as const, content: "Write runLengthEncode(text) in JavaScript." }]
    let text = ""
    try {
      for await (
        const chunk of await client.chat.completions.create({ model: "simulated-model", messages, stream: true })
      ) {
        text += chunk.choices[0]?.delta.content ?? ""
      }
      console.log(`the client has a whole answer of ${text.length} characters`)
    } catch (error) {
      console.log(`the client has ${text.length} characters, and then: ${(error as Error).message}`)
    }
  })

const program = Effect.gen(function*() {
  const { address } = yield* HttpServer.HttpServer
  if (address._tag === "UnixPathAddress") return
  yield* ask(`http://127.0.0.1:${address.port}/v1`)
  yield* ask(`http://127.0.0.1:${address.port}/v1`)
})

/** An engine of your own stands here. The first request to this one is dropped, and its third answer hangs. */
const simulator = Simulator.layer({
  host: "127.0.0.1",
  port: 0,
  timeToFirstTokenMillis: 20,
  interTokenMillis: 5,
  faults: ["connection-dropped:request=1", "engine-hang:after-tokens=5,request=3"]
})
const services = Layer.unwrap(Simulator.useSync(({ url }) => service(`${url}/v1`))).pipe(Layer.provide(simulator))

await Effect.runPromise(Effect.provide(program, services))
