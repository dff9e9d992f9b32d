/**
 * An engine that is watched: its third answer hangs, and the engine's own counters prove it.
 *
 *     node --conditions=a2a-campaign-source examples/watchedEngine.ts
 *
 * The limits are far shorter than anybody would want them, so that nobody has to wait for a minute.
 */
import { Engine } from "a2a-campaign/Engine"
import * as EngineCanary from "a2a-campaign/EngineCanary"
import * as Liveness from "a2a-campaign/Liveness"
import * as ScrapedEvidence from "a2a-campaign/ScrapedEvidence"
import { Simulator } from "a2a-campaign/Simulator"
import { WatchedEngine } from "a2a-campaign/WatchedEngine"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

const limits = {
  ...Liveness.defaults,
  tickMillis: 100,
  suspectFloorMillis: 500,
  suspectPriorMillis: 500,
  frozenFloorMillis: 2000
}

const ask = (requestId: string) =>
  Effect.gen(function*() {
    const engine = yield* WatchedEngine
    yield* engine.stream({
      messages: [{ role: "user", content: "Write runLengthEncode(text) in JavaScript." }],
      requestId,
      onVerdict: (verdict) => {
        if (verdict._tag !== "Alive") console.log(`${requestId}: ${verdict._tag}`)
      }
    }).pipe(Stream.runDrain)
  })

const program = Effect.gen(function*() {
  const { url } = yield* Simulator
  const gate = yield* Liveness.EngineGate
  // The canary proves that the metrics are those of the engine that answers.
  yield* gate.doubt(`${url}/v1`)
  yield* Effect.scoped(gate.enter(`${url}/v1`))
  yield* ask("first")
  yield* ask("second")
}).pipe(
  Effect.catchTag("Stalled", (stalled) => Console.log(`${stalled.kind}, ${stalled.confidence}: ${stalled.message}`))
)

const simulator = Simulator.layer({
  host: "127.0.0.1",
  port: 0,
  interTokenMillis: 5,
  faults: ["engine-hang:after-tokens=20,request=3"]
})

const services = Layer.unwrap(Simulator.useSync(({ url }) => {
  const address = { baseUrl: `${url}/v1`, model: "simulated-model" }
  const evidence = ScrapedEvidence.layer({
    baseUrl: address.baseUrl,
    interval: "500 millis",
    suspectInterval: "200 millis"
  })
  return Layer.merge(
    WatchedEngine.layer({ limits }).pipe(
      Layer.provide([Engine.layer(address), Liveness.Ticker.layer(100), Liveness.LimitLearner.layerMemory()])
    ),
    Liveness.EngineGate.layer().pipe(Layer.provide(EngineCanary.layer(address)))
  ).pipe(Layer.provide(evidence))
})).pipe(Layer.provideMerge(simulator))

await Effect.runPromise(Effect.provide(program, services))
