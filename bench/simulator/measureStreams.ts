/**
 * Measures many streams at once, flat out or paced: each server and the client in a process of its own.
 *
 * The servers take turns, so that what else the machine does meets all of them. Two rounds before the measured ones warm
 * the compiler up, and one stream of each server is compared, text for text: they must do the same work.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { BenchError } from "../support/BenchError.ts"
import * as Child from "../support/Child.ts"
import type { Calls, ServerName, StreamShape } from "./calls.ts"
import { type StreamsCell, streamsCell, type StreamsRun } from "./Results.ts"

export interface StreamsOptions extends StreamShape {
  /** What is measured, for the progress. */
  readonly name: string
  readonly servers: ReadonlyArray<ServerName>
  readonly streams: number
  readonly repeats: number
}

const WARM_UP_ROUNDS = 2

interface Running {
  readonly server: ServerName
  readonly child: Child.Child<Calls>
  readonly url: string
  readonly runs: Array<StreamsRun>
}

const scripts = {
  ours: new URL("./ourServer.ts", import.meta.url),
  bare: new URL("./bareServer.ts", import.meta.url),
  client: new URL("./loadClient.ts", import.meta.url)
}

/** A server, which ends with the scope. */
export const startServer = (server: ServerName) =>
  Child.start<Calls>(`server "${server}"`, server.startsWith("ours") ? scripts.ours : scripts.bare)

/** A client, which ends with the scope. */
export const startClient = Child.start<Calls>("client", scripts.client)

/** One cell for each server, in their order. */
export const measureStreams = Effect.fnUntraced(function*(options: StreamsOptions) {
  const { firstTokenMillis, gapMillis, repeats, servers, streams, tokens } = options
  const client = yield* startClient
  const running: Array<Running> = []
  for (const server of servers) {
    const child = yield* startServer(server)
    const url = yield* child.call("startServer", { server, streams, tokens, firstTokenMillis, gapMillis })
    running.push({ server, child, url, runs: [] })
  }

  const samples = yield* Effect.forEach(running, ({ url }) => client.call("sample", { url }))
  const different = running.find((_, index) => samples[index] !== samples[0])
  if (different !== undefined) {
    return yield* new BenchError({ message: `"${different.server}" and "${servers[0]}" differ in text`, exitCode: 1 })
  }

  for (let round = 1 - WARM_UP_ROUNDS; round <= repeats; round++) {
    for (const { child, runs, server, url } of running) {
      const before = { server: yield* child.usage, client: yield* client.usage }
      const reception = yield* client.call("readAll", { url, streams, tokens })
      const after = { server: yield* child.usage, client: yield* client.usage }
      if (round < 1) continue
      runs.push({
        reception,
        serverCpuMicros: after.server.cpuMicros - before.server.cpuMicros,
        clientCpuMicros: after.client.cpuMicros - before.client.cpuMicros
      })
      const perSecond = Math.round(reception.tokens * 1000 / reception.wallMillis)
      yield* Console.error(`${options.name}, ${server}, ${round} of ${repeats}: ${perSecond} tokens/s`)
    }
  }
  return running.map(({ runs, server }): StreamsCell => streamsCell(server, runs))
}, Effect.scoped)
