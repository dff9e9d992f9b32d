/**
 * The answer to a client of the tap, as bytes (adapter for the responses of `node:http`).
 *
 * Laws: what is written goes out in its chunks; whatever is cut looks cut to the client, behind everything that was
 * written before, and never complete; after an end nothing is written.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { TapRefusal } from "./TapRefusal.ts"

export class ClientAnswer {
  readonly #response: ServerResponse
  readonly #isOldClient: boolean
  #isOver = false
  /** The body goes out in chunks, which we make ourselves until its end. */
  #isChunked = false

  /** `onGone` is called once if the client goes before the end of its answer; `onDrain` when there is room again. */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    { onDrain, onGone }: { readonly onGone: () => void; readonly onDrain: () => void }
  ) {
    this.#response = response
    this.#isOldClient = request.httpVersionMajor === 1 && request.httpVersionMinor === 0
    // The engine's own date is the one that counts.
    response.sendDate = false
    response.on("drain", onDrain)
    response.on("error", () => {})
    response.on("close", () => {
      if (this.#isOver) return
      this.#isOver = true
      onGone()
    })
  }

  get hasBegun(): boolean {
    return this.#response.headersSent
  }

  /** 102 and 103; other interim answers speak of the connection. */
  readonly interim = (status: number, rawHeaders: ReadonlyArray<string>): void => {
    if (this.#isOver) return
    if (status === 102) this.#response.writeProcessing()
    const links = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === "link")
    if (status === 103 && links.length > 0) this.#response.writeEarlyHints({ link: links })
  }

  /** The head of the answer; names and values in a flat list. Gives where its body goes, until it ends or is cut. */
  readonly begin = (status: number, statusText: string, headers: Array<string>): AnswerBody => {
    if (this.#isOver) return nobody
    const response = this.#response
    response.writeHead(status, statusText, headers)
    response.flushHeaders()
    this.#isChunked = response.chunkedEncoding
    if (!this.#isChunked) return response
    response.chunkedEncoding = false
    return new ChunkedBody(response)
  }

  readonly end = (rawTrailers: ReadonlyArray<string> = []): void => {
    if (this.#isOver) return
    this.#isOver = true
    this.#response.chunkedEncoding = this.#isChunked
    if (rawTrailers.length > 0) this.#response.addTrailers(pairs(rawTrailers))
    this.#response.end()
  }

  /** A whole answer. */
  readonly answer = (status: number, statusText: string, headers: Array<string>, body: string): void => {
    if (this.#isOver) return
    this.#isOver = true
    this.#response.writeHead(status, statusText, [...headers, "content-length", String(Buffer.byteLength(body))])
    this.#response.end(body)
  }

  /** The tap's own answer, where nothing has been answered yet. */
  readonly refuse = ({ error, retry, status }: TapRefusal): void => {
    const headers = ["content-type", "application/json", ...(retry ? [] : ["x-should-retry", "false"])]
    this.answer(status, "", headers, JSON.stringify({ error }))
  }

  /** The same as the last event of a stream. */
  readonly refuseInStream = ({ error }: TapRefusal): void => {
    if (this.#isOver) return
    this.#isOver = true
    this.#response.chunkedEncoding = this.#isChunked
    this.#response.end(`data: ${JSON.stringify({ error })}\n\n`)
  }

  /** Cuts it, as a connection is cut. */
  readonly cut = (): void => {
    if (this.#isOver) return
    this.#isOver = true
    const { socket } = this.#response
    // An answer that stands behind others of its connection has no socket yet.
    if (socket === null) return void this.#response.destroy()
    // To a client that knows no chunks an end would be the end of the body.
    if (this.#isOldClient) socket.resetAndDestroy()
    else socket.destroySoon()
  }
}

/** Where the body of an answer goes. */
export interface AnswerBody {
  /** Whether there is room for more. */
  write(bytes: Buffer): boolean
}

/**
 * Makes the chunks of HTTP/1.1 itself: `node:http` hands each to the socket in four pieces, which costs as much as a fifth
 * of all that a token costs. Nothing is different on the wire (RFC 9112, section 7.1).
 */
class ChunkedBody implements AnswerBody {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  write(bytes: Buffer): boolean {
    const { length } = bytes
    // The chunk of no bytes is the end.
    if (length === 0) return true
    const size = length.toString(16)
    const at = size.length + 2
    const chunk = Buffer.allocUnsafe(at + length + 2)
    chunk.write(size, 0, "latin1")
    chunk[at - 2] = CARRIAGE_RETURN
    chunk[at - 1] = LINE_FEED
    chunk.set(bytes, at)
    chunk[at + length] = CARRIAGE_RETURN
    chunk[at + length + 1] = LINE_FEED
    return this.#response.write(chunk)
  }
}

const CARRIAGE_RETURN = 0x0d
const LINE_FEED = 0x0a

const nobody: AnswerBody = { write: () => true }

const pairs = (raw: ReadonlyArray<string>): Array<[string, string]> =>
  raw.flatMap((name, at): Array<[string, string]> => at % 2 === 0 ? [[name, raw[at + 1] ?? ""]] : [])
