/**
 * One request to the engine, in chunks and without streams (adapter for undici).
 *
 * Laws: what comes is told in its order and in its chunks; `close` closes the socket at once, also while the request
 * waits for one, and nothing is told behind it; an end or an error is told once.
 */
import type { Readable } from "node:stream"
import type { Dispatcher } from "undici"

export interface UpstreamRequest {
  /** Scheme, host and port. */
  readonly origin: string
  /** With its query. */
  readonly path: string
  readonly method: string
  /** Name, value, name, value. */
  readonly headers: Array<string>
  readonly body: string | Buffer | Readable | null
}

/** What is told; all of it is synchronous. */
export interface UpstreamListener {
  /** An answer before the answer, such as 103. */
  readonly onInterim: (status: number, rawHeaders: ReadonlyArray<string>) => void
  readonly onHeaders: (status: number, statusText: string, rawHeaders: ReadonlyArray<string>) => void
  /** Whether there is room for more; where not, `resume` asks for it. */
  onData(bytes: Buffer): boolean
  readonly onEnd: (rawTrailers: ReadonlyArray<string>) => void
  /** It could not be sent, or broke. */
  readonly onError: (error: Error) => void
}

export class UpstreamCall implements Dispatcher.DispatchHandler {
  readonly #listener: UpstreamListener
  #controller: Dispatcher.DispatchController | undefined
  #isOver = false

  constructor(listener: UpstreamListener) {
    this.#listener = listener
  }

  /** Sends it. */
  readonly open = (dispatcher: Pick<Dispatcher, "dispatch">, request: UpstreamRequest): void => {
    dispatcher.dispatch({ ...request, method: request.method as Dispatcher.HttpMethod }, this)
  }

  /** Nobody wants it any more. */
  readonly close = (): void => {
    if (this.#isOver) return
    this.#isOver = true
    this.#controller?.abort(givenUp)
  }

  readonly resume = (): void => {
    if (this.#controller?.paused === true) this.#controller.resume()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isOver) controller.abort(givenUp)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>,
    statusText?: string
  ): void {
    if (this.#isOver) return
    const raw = rawOf(controller.rawHeaders) ?? flat(headers)
    if (status < 200) this.#listener.onInterim(status, raw)
    else this.#listener.onHeaders(status, statusText ?? "", raw)
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (!this.#isOver && !this.#listener.onData(bytes)) controller.pause()
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#listener.onEnd(rawOf(controller.rawTrailers) ?? [])
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#listener.onError(error)
  }
}

/** One for all: making one costs as much as closing a socket. */
const givenUp = new DOMException("The request was given up", "AbortError")

/** Names and values as they came, which HTTP writes in Latin-1. */
const rawOf = (raw: Dispatcher.DispatchController["rawHeaders"]): Array<string> | undefined =>
  Array.isArray(raw) ? raw.map((part) => typeof part === "string" ? part : part.toString("latin1")) : undefined

const flat = (headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>): Array<string> =>
  Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().flatMap((one) => [name, one])
  )
