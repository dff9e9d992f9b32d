/**
 * Measures streams that are open and get nothing: what they cost, whether they are served when their time has come, and
 * whether the server forgets them when the client goes.
 *
 * The first token of each stream is far enough away for all of them to be opened and to be idle for a while; the second
 * one never comes. If the machine was too slow for that, the bench says so and measures nothing.
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { BenchError } from "../support/BenchError.ts"
import type { ServerName } from "./calls.ts"
import { startClient, startServer } from "./measureStreams.ts"
import type { IdleCell } from "./Results.ts"

export interface IdleOptions {
  readonly server: ServerName
  readonly streams: number
  readonly idleMillis: number
}

/** What a slow machine may take to open a stream, and for everything else. */
const OPENING_MILLIS = 4
const SLACK_MILLIS = 2000

/** Never, as far as this bench is concerned. */
const HOUR_MILLIS = 3_600_000

const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

const fail = (server: ServerName, message: string) =>
  Effect.fail(new BenchError({ message: `idle, ${server}: ${message}`, exitCode: 1 }))

/** Asks again and again; gives how long it took. */
const waitUntil = <E, R>(
  server: ServerName,
  what: string,
  limitMillis: number,
  isSo: Effect.Effect<boolean, E, R>
) =>
  Effect.gen(function*() {
    const startedAt = yield* now
    while (!(yield* isSo)) yield* Effect.sleep("10 millis")
    return (yield* now) - startedAt
  }).pipe(Effect.timeoutOrElse({
    duration: limitMillis,
    orElse: () => fail(server, `${what} in ${limitMillis / 1000} s`)
  }))

/** One server with so many idle streams. */
export const measureIdle = Effect.fnUntraced(function*({ idleMillis, server, streams }: IdleOptions) {
  const client = yield* startClient
  const child = yield* startServer(server)
  const firstTokenMillis = idleMillis + SLACK_MILLIS + streams * OPENING_MILLIS
  const url = yield* child.call("startServer", {
    server,
    streams,
    tokens: 2,
    firstTokenMillis,
    gapMillis: HOUR_MILLIS
  })
  const noneOpen = Effect.map(client.call("openStreams", { url }), (open) => open === 0)

  // So that code and buffers that all streams share are not counted as theirs.
  yield* client.call("open", { url, streams: Math.max(1, Math.ceil(streams / 10)) })
  yield* client.call("leave", null)
  yield* waitUntil(server, "abandoned streams are still open", SLACK_MILLIS + streams * OPENING_MILLIS, noneOpen)

  yield* child.call("collectGarbage", null)
  const empty = yield* child.usage
  const startedAt = yield* now
  const openMillis = yield* client.call("open", { url, streams })
  const open = yield* client.call("openStreams", { url })
  if (open !== streams) return yield* fail(server, `the server counts ${open} open streams instead of ${streams}`)
  yield* child.call("collectGarbage", null)
  const before = yield* child.usage
  yield* Effect.sleep(idleMillis)
  const after = yield* child.usage
  if ((yield* client.call("served", null)) > 0) {
    return yield* fail(server, "this machine is too slow: tokens came before all streams were idle together")
  }

  const allServed = Effect.map(client.call("served", null), (served) => served === streams)
  const limit = startedAt + openMillis + firstTokenMillis + SLACK_MILLIS + streams * OPENING_MILLIS - (yield* now)
  yield* waitUntil(server, "not all streams got their token", Math.round(limit), allServed)
  const served = yield* client.call("served", null)
  yield* client.call("leave", null)
  const gone = yield* waitUntil(
    server,
    "streams are open without a client",
    SLACK_MILLIS + streams * OPENING_MILLIS,
    noneOpen
  )
  yield* Console.error(
    `idle, ${server}: ${streams} streams opened in ${Math.round(openMillis)} ms, all served, all gone`
  )
  return {
    server,
    openMillis,
    rssBytesPerStream: (before.rssBytes - empty.rssBytes) / streams,
    idleCpuShare: (after.cpuMicros - before.cpuMicros) / 1000 / idleMillis,
    served,
    goneMillis: gone
  } satisfies IdleCell
}, Effect.scoped)
