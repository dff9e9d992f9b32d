/**
 * Child process: a client that holds streams open, and reads them or does not.
 *
 * A paused reader is a socket that was never asked for a byte, so that the kernel's buffers fill and then the server has
 * nowhere to write.
 */
import { createConnection, type Socket } from "node:net"
import { answerCalls } from "../support/answerCalls.ts"
import { countText } from "../support/countText.ts"
import { chatCompletion, type PostRequest, sendStreamingMessage, subscribeToTask, toText } from "../wire/requests.ts"
import type { Asking, Calls } from "./calls.ts"

/** Connections that have no answer yet. */
const OPENING_AT_ONCE = 50
/** Stands in every token of the bare engine that is numbered, and behind the text of a snapshot. */
const FIRST_TOKEN = "0;"

const kept = new Set<Socket>()

const requestOf = (asking: Asking): PostRequest => {
  switch (asking._tag) {
    case "Engine":
      return chatCompletion()
    case "NewTask":
      return sendStreamingMessage()
    case "Subscribe":
      return subscribeToTask(asking.taskId)
  }
}

const connect = (url: string, request: PostRequest, reject: (error: Error) => void): Socket => {
  const { hostname, port } = new URL(url)
  const socket = createConnection({ host: hostname, port: Number(port), noDelay: true })
  kept.add(socket)
  socket.on("error", reject)
  socket.on("close", () => kept.delete(socket))
  socket.write(toText(url, request))
  return socket
}

const open = ({ asking, streams, url }: Calls["open"]["input"]) =>
  new Promise<null>((resolve, reject) => {
    let opened = 0
    let begun = 0
    const openNext = () => {
      if (opened === streams) return
      opened++
      const socket = connect(url, requestOf(asking), reject)
      const countTokens = countText(FIRST_TOKEN)
      let seen = false
      socket.on("data", (piece) => {
        if (seen || countTokens(piece) === 0) return
        seen = true
        begun++
        if (begun === streams) resolve(null)
        openNext()
      })
    }
    for (let count = 0; count < OPENING_AT_ONCE; count++) openNext()
  })

const openPaused = async ({ asking, streams, url }: Calls["openPaused"]["input"]) => {
  await Promise.all(Array.from({ length: streams }, () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(url, requestOf(asking), reject)
      socket.pause()
      socket.on("connect", () => resolve())
    })))
  return null
}

const startTask = ({ url }: { readonly url: string }) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(url, sendStreamingMessage(), reject)
    let text = ""
    const read = (piece: Buffer) => {
      text += piece.toString()
      const id = /"task":\{"id":"([^"]+)"/.exec(text)?.[1]
      if (id === undefined) return
      socket.off("data", read)
      socket.resume()
      resolve(id)
    }
    socket.on("data", read)
  })

answerCalls<Calls>({
  startTask,
  open,
  openPaused,
  leave: async () => {
    for (const socket of kept) socket.destroy()
    return null
  }
})
