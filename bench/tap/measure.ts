/**
 * Measures the ways to the engine in rounds: every process is started once, and they take turns.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Child from "../support/Child.ts"
import { median } from "../support/statistics.ts"
import { startEngineProcess } from "../wire/startEngine.ts"
import type { Calls, WayName } from "./calls.ts"
import type { FirstByteCell, LoadCell } from "./Results.ts"

export interface MeasureOptions {
  readonly ways: ReadonlyArray<WayName>
  readonly rounds: number
  readonly streams: number
  readonly tokensPerSecond: number
  readonly seconds: number
  readonly requests: number
}

const ENDLESS_TOKENS = 10_000_000
/** Before the first round, so that no compiler is measured. */
const WARMING_SECONDS = 2

/** The cells of each round. */
export const measure = Effect.fnUntraced(function*(options: MeasureOptions) {
  const { requests, rounds, seconds, streams, tokensPerSecond, ways } = options
  const engine = yield* startEngineProcess
  const client = yield* Child.start<Calls>("client", new URL("./client.ts", import.meta.url))
  const engineUrl = yield* engine.call("startEngine", {
    tokens: ENDLESS_TOKENS,
    gapMillis: 1000 / tokensPerSecond,
    silentAfter: null,
    text: "stamped"
  })
  const proxy = Effect.fnUntraced(function*(name: string, script: string) {
    const child = yield* Child.start<Calls>(name, new URL(script, import.meta.url))
    return { url: yield* child.call("startProxy", { engineUrl }), proxy: child }
  })
  const direct = { url: engineUrl, proxy: undefined }
  const bare = ways.includes("bare") ? yield* proxy("bare proxy", "./bareProxy.ts") : direct
  const ours = ways.some((way) => way === "tap" || way === "battles") ? yield* proxy("tap", "./ourTap.ts") : direct
  const places = { direct, bare, tap: ours, battles: ours }

  const load = Effect.fnUntraced(function*(way: WayName, forSeconds: number) {
    const { proxy, url } = places[way]
    yield* client.call("open", { url, streams, battles: way === "battles" })
    const before = proxy === undefined ? undefined : yield* proxy.usage
    const heard = yield* client.call("listen", { millis: forSeconds * 1000 })
    const after = proxy === undefined ? undefined : yield* proxy.usage
    yield* client.call("close", null)
    const cell: LoadCell = {
      way,
      tokensPerSecond: heard.tokens * 1000 / heard.millis,
      cpuMicrosPerToken: before === undefined || after === undefined
        ? null
        : (after.cpuMicros - before.cpuMicros) / heard.tokens
    }
    return cell
  })

  const loaded = ways.filter((way) => way !== "direct")
  const timed = ways.filter((way) => way !== "battles")
  for (const way of loaded) yield* load(way, Math.min(WARMING_SECONDS, seconds))
  for (const way of timed) yield* client.call("firstBytes", { url: places[way].url, requests: Math.ceil(requests / 2) })

  const loads: Array<ReadonlyArray<LoadCell>> = []
  const firstBytes: Array<ReadonlyArray<FirstByteCell>> = []
  for (let round = 0; round < rounds; round++) {
    const times: Array<FirstByteCell> = []
    for (const way of timed) {
      times.push({ way, millis: median(yield* client.call("firstBytes", { url: places[way].url, requests })) })
    }
    const cells: Array<LoadCell> = []
    // In turn, so that nobody is always the first.
    for (const way of round % 2 === 0 ? loaded : loaded.toReversed()) cells.push(yield* load(way, seconds))
    firstBytes.push(times)
    loads.push(cells)
    yield* Console.error(
      `round ${round + 1}: ${
        cells.map(({ cpuMicrosPerToken, way }) => `${way} ${cpuMicrosPerToken?.toFixed(2)} µs/token`).join(", ")
      }; ${times.map(({ millis, way }) => `${way} ${millis.toFixed(2)} ms`).join(", ")}`
    )
  }
  return { loads, firstBytes }
})
