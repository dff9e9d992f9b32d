/**
 * Child process: a client of many streams that does nothing but find the stamps in what it reads, on plain sockets that
 * share one buffer. What a token waits in this process belongs to every path alike, and is measured with the direct one.
 */
// @effect-diagnostics globalTimers:off
import { createConnection, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { answerCalls } from "../support/answerCalls.ts"
import { quantiles } from "../support/statistics.ts"
import { machineMillis } from "../wire/machineMillis.ts"
import { chatCompletion, type PostRequest, sendStreamingMessage, toText } from "../wire/requests.ts"
import { makeStampReader } from "../wire/stamps.ts"
import type { Calls, Window } from "./calls.ts"

interface Listening {
  readonly delays: Array<number>
  readonly streams: Set<Socket>
  reads: number
}

/** A read is taken out of it before the next one comes. */
const buffer = Buffer.allocUnsafe(256 * 1024)
let listening: Listening | undefined

const open = (url: string, request: PostRequest, onFirst: () => void, onFault: (error: Error) => void) => {
  const { hostname, port } = new URL(url)
  let readAt = 0
  let begun = false
  const read = makeStampReader((writtenAt) => {
    if (!begun) {
      begun = true
      onFirst()
    }
    listening?.delays.push(readAt - writtenAt)
  })
  const socket = createConnection({
    host: hostname,
    port: Number(port),
    noDelay: true,
    onread: {
      buffer,
      callback: (length: number) => {
        readAt = machineMillis()
        const before = listening?.delays.length
        read(buffer, length)
        if (listening !== undefined && listening.delays.length !== before) {
          listening.reads++
          listening.streams.add(socket)
        }
        return true
      }
    }
  })
  socket.on("error", onFault)
  socket.on("end", () => onFault(new Error(`a stream ended${begun ? "" : " before its first token"}`)))
  socket.write(toText(url, request))
}

const openAll = ({ direct, perSecond, streams, url }: Calls["open"]["input"]) => {
  const { promise, reject, resolve } = Promise.withResolvers<null>()
  let begun = 0
  const onFirst = () => {
    begun++
    if (begun === streams) resolve(null)
  }
  const startedAt = performance.now()
  const openDue = async () => {
    for (let opened = 0; opened < streams; opened++) {
      await sleep(Math.max(0, startedAt + opened * 1000 / perSecond - performance.now()))
      open(url, direct ? chatCompletion() : sendStreamingMessage(), onFirst, reject)
    }
  }
  openDue().catch(reject)
  return promise
}

const windowOf = ({ delays, reads, streams }: Listening, millis: number): Window => {
  const [p50, p90, p99, max] = quantiles(delays, [0.5, 0.9, 0.99, 1])
  return {
    millis,
    tokens: delays.length,
    reads,
    streams: streams.size,
    delays: delays.length === 0 ? null : { p50: p50!, p90: p90!, p99: p99!, max: max! }
  }
}

let heard: Array<{ readonly listening: Listening; readonly millis: number }> = []

/** Nothing is sorted before the end, so that no token comes between two windows, and the engine's count is of this time. */
const listen = async ({ millis, windows }: Calls["listen"]["input"]) => {
  heard = []
  let startedAt = performance.now()
  for (let count = 0; count < windows; count++) {
    listening = { delays: [], streams: new Set(), reads: 0 }
    await sleep(millis / windows)
    const now = performance.now()
    heard.push({ listening, millis: now - startedAt })
    startedAt = now
  }
  listening = undefined
  return null
}

answerCalls<Calls>({
  open: openAll,
  listen,
  heard: async () => heard.map((one) => windowOf(one.listening, one.millis))
})
