/**
 * Child process: a client that reads many streams at once and does as little as possible with them, so that the server
 * is what is measured: plain sockets, and events are counted, not parsed.
 *
 * A token is a `data: ` event, but for the role chunk and `[DONE]`; each write of a server is one HTTP chunk, which ends
 * behind the empty line of its last event.
 */
import { request } from "node:http"
import { createConnection, type Socket } from "node:net"
import { text } from "node:stream/consumers"
import { answerCalls } from "../support/answerCalls.ts"
import { countText } from "../support/countText.ts"
import { median, quantile } from "../support/statistics.ts"
import { type Calls, MODEL, type Reception, type Spread } from "./calls.ts"

const question = JSON.stringify({
  model: MODEL,
  messages: [{ role: "user", content: "Say something long." }],
  stream: true
})

const requestText = (host: string) =>
  [
    "POST /v1/chat/completions HTTP/1.1",
    `host: ${host}`,
    "connection: close",
    "content-type: application/json",
    `content-length: ${question.length}`,
    "",
    question
  ].join("\r\n")

/** What there is of one stream; times are readings of the monotonic clock. */
interface Reading {
  readonly socket: Socket
  readonly sentAt: number
  firstByteAt: number
  firstTokenAt: number
  events: number
  writes: number
}

interface Listener {
  readonly onFirstByte?: () => void
  readonly onEnd?: () => void
  readonly onError: (error: Error) => void
}

const startReading = (url: string, listener: Listener): Reading => {
  const { host, hostname, port } = new URL(url)
  const socket = createConnection({ host: hostname, port: Number(port), noDelay: true })
  const reading: Reading = {
    socket,
    sentAt: performance.now(),
    firstByteAt: NaN,
    firstTokenAt: NaN,
    events: 0,
    writes: 0
  }
  const countEvents = countText("data: ")
  const countWrites = countText("\n\n\r\n")
  socket.write(requestText(host))
  socket.on("data", (piece) => {
    if (Number.isNaN(reading.firstByteAt)) {
      reading.firstByteAt = performance.now()
      if (!piece.toString("latin1").startsWith("HTTP/1.1 200 ")) {
        return socket.destroy(new Error(`refused: ${piece.toString().slice(0, 200)}`))
      }
      listener.onFirstByte?.()
    }
    reading.events += countEvents(piece)
    reading.writes += countWrites(piece)
    if (reading.events > 0 && Number.isNaN(reading.firstTokenAt)) reading.firstTokenAt = performance.now()
    return undefined
  })
  socket.on("end", () => listener.onEnd?.())
  socket.on("error", listener.onError)
  return reading
}

const spread = (values: ReadonlyArray<number>): Spread => ({ median: median(values), p99: quantile(values, 0.99) })

const readAll = (url: string, streams: number, tokens: number) =>
  new Promise<Reception>((resolve, reject) => {
    const startedAt = performance.now()
    let ended = 0
    const end = () => {
      ended++
      if (ended < streams) return
      const wallMillis = performance.now() - startedAt
      const wrong = readings.find(({ events }) => events !== tokens + 2)
      if (wrong !== undefined) return reject(new Error(`a stream of ${wrong.events - 2} tokens instead of ${tokens}`))
      resolve({
        wallMillis,
        tokens: streams * tokens,
        writes: readings.reduce((sum, { writes }) => sum + writes, 0),
        firstByteMillis: spread(readings.map(({ firstByteAt, sentAt }) => firstByteAt - sentAt)),
        firstTokenMillis: spread(readings.map(({ firstTokenAt, sentAt }) => firstTokenAt - sentAt))
      })
    }
    const readings = Array.from({ length: streams }, () => startReading(url, { onEnd: end, onError: reject }))
  })

/** Connections that are not accepted yet: fewer than any server's backlog. */
const CONNECTING_AT_ONCE = 100

let kept: Array<Reading> = []

const open = (url: string, streams: number) =>
  new Promise<number>((resolve, reject) => {
    const startedAt = performance.now()
    let opened = 0
    kept = []
    const openNext = () => {
      if (kept.length === streams) return
      kept.push(startReading(url, {
        onError: reject,
        onFirstByte: () => {
          opened++
          if (opened === streams) resolve(performance.now() - startedAt)
          openNext()
        }
      }))
    }
    for (let count = 0; count < CONNECTING_AT_ONCE; count++) openNext()
  })

const sample = (url: string) =>
  new Promise<string>((resolve, reject) => {
    request(`${url}/v1/chat/completions`, { method: "POST", headers: { "content-type": "application/json" } })
      .on("response", (response) => {
        text(response).then((body) =>
          resolve(
            body.replaceAll(/"id":"chatcmpl-[0-9a-f]{32}"/g, `"id":""`).replaceAll(/"created":\d+/g, `"created":0`)
          ), reject)
      })
      .on("error", reject)
      .end(question)
  })

answerCalls<Calls>({
  sample: async ({ url }) => sample(url),
  readAll: async ({ streams, tokens, url }) => readAll(url, streams, tokens),
  open: async ({ streams, url }) => open(url, streams),
  served: async () => kept.filter(({ events }) => events > 0).length,
  leave: async () => {
    for (const { socket } of kept) socket.destroy()
    kept = []
    return null
  },
  openStreams: async ({ url }) =>
    new Promise((resolve, reject) => {
      request(`${url}/sim/streams`)
        .on("response", (response) => {
          text(response).then((body) => resolve((JSON.parse(body) as ReadonlyArray<unknown>).length)).catch(reject)
        })
        .on("error", reject)
        .end()
    })
})
