/**
 * Streams an answer of an OpenAI-compatible engine as token events, here of the simulated engine on a free port.
 *
 *     node --conditions=a2a-campaign-source examples/engineTokens.ts
 */
import { Engine } from "a2a-campaign/Engine"
import { Simulator } from "a2a-campaign/Simulator"
import * as Transcript from "a2a-campaign/Transcript"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

const program = Effect.gen(function*() {
  const engine = yield* Engine
  const transcript = yield* engine.stream({
    messages: [{ role: "user", content: "Write runLengthEncode(text) in JavaScript." }],
    requestId: "example-1"
  }).pipe(Stream.runFold(() => Transcript.empty, Transcript.step))
  yield* Console.log(transcript.content)
  yield* Console.log(
    `${transcript.tokens} tokens by ${transcript.tokenBasis}, finish reason ${transcript.finishReason}`
  )
})

const simulator = Simulator.layer({ host: "127.0.0.1", port: 0, interTokenMillis: 1 })
const engine = Layer.unwrap(
  Simulator.useSync(({ url }) => Engine.layer({ baseUrl: `${url}/v1`, model: "simulated-model" }))
).pipe(Layer.provide(simulator))

await Effect.runPromise(Effect.provide(program, engine))
