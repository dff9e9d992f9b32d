/**
 * Child process: a client on plain sockets that counts tokens by the stamps in them and looks at nothing else.
 */
// @effect-diagnostics globalTimers:off
import { createConnection, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { answerCalls } from "../support/answerCalls.ts"
import { countText } from "../support/countText.ts"
import { chatCompletion, toText } from "../wire/requests.ts"
import type { Calls } from "./calls.ts"

const sockets = new Set<Socket>()
let tokens = 0

const connect = (url: string, onData: (bytes: Buffer) => void): Promise<Socket> => {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: hostname, port: Number(port), noDelay: true }, () => resolve(socket))
    sockets.add(socket)
    socket.on("error", reject)
    socket.on("data", onData)
    socket.on("close", () => sockets.delete(socket))
  })
}

const firstByte = async (url: string): Promise<number> => {
  const { promise, resolve } = Promise.withResolvers<number>()
  const socket = await connect(url, () => resolve(performance.now()))
  const startedAt = performance.now()
  socket.write(toText(url, chatCompletion()))
  const millis = await promise - startedAt
  socket.destroy()
  return millis
}

const follow = async (url: string, battle: string): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = await connect(url, () => resolve())
  const { host } = new URL(url)
  socket.write(`GET /.campaign-tap/battles/${battle}?agent=bench HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
  return promise
}

const openOne = async (url: string, battle: string | undefined): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const count = countText("@")
  if (battle !== undefined) await follow(url, battle)
  const socket = await connect(url, (bytes) => {
    const found = count(bytes)
    tokens += found
    if (found > 0) resolve()
  })
  const request = chatCompletion()
  const headers = battle === undefined ? request.headers : { ...request.headers, "x-campaign-battle": battle }
  socket.write(toText(url, { ...request, headers }))
  return promise
}

answerCalls<Calls>({
  firstBytes: async ({ requests, url }) => {
    const times: Array<number> = []
    for (let count = 0; count < requests; count++) times.push(await firstByte(url))
    return times
  },
  open: async ({ battles, streams, url }) => {
    for (let count = 0; count < streams; count++) await openOne(url, battles ? `battle-${count}` : undefined)
    return null
  },
  listen: async ({ millis }) => {
    const before = tokens
    const startedAt = performance.now()
    await sleep(millis)
    return { tokens: tokens - before, millis: performance.now() - startedAt }
  },
  close: async () => {
    for (const socket of sockets) socket.destroy()
    // What was closed has to be seen by who is measured, before something else is.
    await sleep(300)
    return null
  }
})
