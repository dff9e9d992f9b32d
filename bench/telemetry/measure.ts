/**
 * Measures an agent, or a tap, with and without telemetry in rounds: all are started once and take turns, under the same load.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { Calls as ClientCalls } from "../latency/calls.ts"
import { BenchError } from "../support/BenchError.ts"
import * as Child from "../support/Child.ts"
import { startEngineProcess } from "../wire/startEngine.ts"
import { type Calls, type TargetName, type WayName, wayNames } from "./calls.ts"
import type { LoadCell, WatchCell } from "./Results.ts"

export interface LoadOptions {
  readonly target: TargetName
  readonly rounds: number
  readonly streams: number
  /** Of each. */
  readonly tokensPerSecond: number
  readonly seconds: number
}

const ENDLESS_TOKENS = 1_000_000
/** Streams opened in a second. */
const RAMP = 200
/** Before anything is counted in a round, and in the first one for the compiler. */
const SETTLING_SECONDS = 1
const WARMING_SECONDS = 3

const startProcess = (name: string) => Child.start<Calls>(name, new URL("./served.ts", import.meta.url))

/** In turn, so that nobody is always the first. */
const inTurn = (round: number): ReadonlyArray<WayName> => round % 2 === 0 ? wayNames : wayNames.toReversed()

/** A process of its own, whose work is nobody's cost here. */
const startCollector = Effect.gen(function*() {
  const collector = yield* startProcess("collector")
  return { collector, collectorUrl: yield* collector.call("collect", null) }
})

const requireCollected = (collected: number) =>
  collected > 0
    ? Effect.void
    : Effect.fail(
      new BenchError({
        message: "no span has come to the collector, so what was measured is not its cost",
        exitCode: 1
      })
    )

/** The cells of each round, and the page of the one that has one, while its streams run. */
export const measureLoad = Effect.fnUntraced(function*(options: LoadOptions) {
  const { rounds, seconds, streams, target, tokensPerSecond } = options
  const engine = yield* startEngineProcess
  const engineUrl = yield* engine.call("startEngine", {
    tokens: ENDLESS_TOKENS,
    gapMillis: 1000 / tokensPerSecond,
    silentAfter: null,
    text: "stamped"
  })
  const { collector, collectorUrl } = yield* startCollector
  const start = Effect.fnUntraced(function*(way: WayName) {
    const served = yield* startProcess(`${target} "${way}"`)
    return { served, url: yield* served.call("start", { engineUrl: `${engineUrl}/v1`, target, way, collectorUrl }) }
  })
  const processes = yield* Effect.all(
    { off: start("off"), metrics: start("metrics"), exported: start("exported") },
    { concurrency: "unbounded" }
  )
  let page: Calls["page"]["output"] | undefined

  const load = Effect.fnUntraced(function*(way: WayName, settlingSeconds: number) {
    const { served, url } = processes[way]
    const client = yield* Child.start<ClientCalls>("client", new URL("../latency/stampClient.ts", import.meta.url))
    yield* client.call("open", { url, direct: target === "tap", streams, perSecond: RAMP })
    yield* Effect.sleep(settlingSeconds * 1000)
    const before = yield* served.usage
    yield* client.call("listen", { millis: seconds * 1000, windows: 1 })
    const after = yield* served.usage
    const [window] = yield* client.call("heard", null)
    if (way === "metrics") page = yield* served.call("page", null)
    const cell: LoadCell = {
      way,
      tokensPerSecond: (window?.tokens ?? NaN) * 1000 / (window?.millis ?? NaN),
      cpuMicrosPerToken: (after.cpuMicros - before.cpuMicros) / (window?.tokens ?? NaN)
    }
    return cell
  }, Effect.scoped)

  const loads: Array<ReadonlyArray<LoadCell>> = []
  // A single round shows nothing but that it can be measured.
  for (const way of rounds === 1 ? [] : wayNames) {
    yield* load(way, Math.min(WARMING_SECONDS, seconds))
    yield* engine.call("allClosed", null)
  }
  for (let round = 0; round < rounds; round++) {
    const cells: Array<LoadCell> = []
    for (const way of inTurn(round)) {
      cells.push(yield* load(way, Math.min(SETTLING_SECONDS, seconds)))
      yield* engine.call("allClosed", null)
    }
    loads.push(cells)
    yield* Console.error(
      `${target}, round ${round + 1}: ${
        cells.map(({ cpuMicrosPerToken, tokensPerSecond, way }) =>
          `${way} ${cpuMicrosPerToken.toFixed(2)} µs/token at ${Math.round(tokensPerSecond)}/s`
        ).join(", ")
      }`
    )
  }
  // The last round's spans are sent within a second.
  yield* Effect.sleep(1000)
  yield* requireCollected(yield* collector.call("collected", null))
  return { loads, page: page ?? null }
})

/** The watch alone, as fast as it goes. */
export const measureWatch = Effect.fnUntraced(function*(
  { arrivals, rounds }: { readonly arrivals: number; readonly rounds: number }
) {
  const { collectorUrl } = yield* startCollector
  const loops = {
    off: yield* startProcess("watch without metrics"),
    metrics: yield* startProcess("watch with metrics"),
    exported: yield* startProcess("watch with metrics that are sent")
  }
  const watch = (way: WayName, count: number) =>
    Effect.map(loops[way].call("watch", { way, arrivals: count, collectorUrl }), (millis): WatchCell => ({
      way,
      cpuNanosPerArrival: millis * 1e6 / count
    }))
  for (const way of wayNames) yield* watch(way, arrivals)
  const watches: Array<ReadonlyArray<WatchCell>> = []
  for (let round = 0; round < rounds; round++) {
    watches.push(yield* Effect.forEach(inTurn(round), (way) => watch(way, arrivals)))
  }
  return watches
})
