/**
 * The body of a request to the tap, whole or as it comes (adapter for the requests of `node:http`).
 */
import type { IncomingMessage } from "node:http"
import { PassThrough, type Readable } from "node:stream"

/**
 * Reads a body that is at most so many bytes long. Of a longer one nothing has been read, as far as who reads it next can
 * tell, and `done` gets nothing. Not called where the client goes before the end.
 */
export const collect = (
  request: IncomingMessage,
  mostBytes: number,
  done: (body: Buffer | undefined) => void
): void => {
  const chunks: Array<Buffer> = []
  let length = 0
  const onData = (bytes: Buffer) => {
    chunks.push(bytes)
    length += bytes.length
    if (length <= mostBytes) return
    stop()
    request.pause()
    request.unshift(Buffer.concat(chunks))
    done(undefined)
  }
  const onEnd = () => {
    stop()
    done(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
  }
  const stop = () => {
    request.off("data", onData)
    request.off("end", onEnd)
  }
  request.on("error", () => {})
  request.on("data", onData)
  request.on("end", onEnd)
}

/**
 * The body as it comes; nothing where there is none. Whoever destroys it leaves the client's connection alone, so that
 * there still is somebody to answer; a client that goes breaks it.
 */
export const streaming = (request: IncomingMessage): Readable | null => {
  const { headers } = request
  const length = headers["content-length"]
  if (headers["transfer-encoding"] === undefined && (length === undefined || length === "0")) return null
  const through = new PassThrough()
  through.on("error", () => {})
  request.on("error", (error) => through.destroy(error))
  return request.pipe(through)
}
