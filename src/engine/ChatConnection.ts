/**
 * The body of one streamed chat completion (adapter for undici and eventsource-parser).
 *
 * What arrives is kept as items, parsed events and comments in their order, until it is asked for; while much of it is
 * kept, the socket is not read. Laws: nothing is timed here; an event that says that there was an error ends the items
 * with a failure, behind everything that came before it; `[DONE]` and the end of the body end them; closing it closes the
 * socket at once, also while nothing arrives, but a body that has said `[DONE]` is read to its end first, so that a
 * completed request is never seen as aborted.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import { createParser, type EventSourceMessage } from "eventsource-parser"
import type { Dispatcher } from "undici"
import { FailReason } from "../liveness/Failed.ts"
import * as EngineFailure from "./EngineFailure.ts"

/** An SSE comment among the items. */
export const COMMENT: unique symbol = Symbol("comment")

type Items = readonly [unknown, ...ReadonlyArray<unknown>]
type End = Cause.Done | FailReason

/** Items read ahead of a slow consumer before the socket is left unread. */
const READ_AHEAD = 512
/** How long a body that has said `[DONE]` may take to end. */
const BODY_END_GRACE = "1 second"
/** What is kept of the body of a refusal, in characters. */
const REFUSAL_CHARACTERS = 16_384

export interface ChatConnectionOptions {
  /** The reason behind what undici throws. */
  readonly explain: (error: unknown) => FailReason
  /** Takes out of what the server said what nobody may read. */
  readonly redact: (reason: FailReason) => FailReason
  /** Told whether the server answered with a stream. */
  readonly onHeaders: (exit: Exit.Exit<void, FailReason>) => void
}

export class ChatConnection implements Dispatcher.DispatchHandler {
  readonly #explain: (error: unknown) => FailReason
  readonly #redact: (reason: FailReason) => FailReason
  readonly #onHeaders: (exit: Exit.Exit<void, FailReason>) => void
  readonly #decoder = new TextDecoder()
  readonly #parser = createParser({
    onEvent: (event) => this.#onEvent(event),
    onComment: () => {
      if (this.#end === undefined && !this.#bodyEnded.isOpen()) this.#items.push(COMMENT)
    }
  })
  readonly #bodyEnded = Latch.makeUnsafe()
  #controller: Dispatcher.DispatchController | undefined
  #aborted = false
  #items: Array<unknown> = []
  #end: End | undefined
  #waiter: (() => void) | undefined
  /** The status and the body so far of an answer that is a refusal. */
  #refusal: { readonly status: number; text: string; readonly headers: RefusalHeaders } | undefined
  #answered = false
  #isDone = false
  #contentType = ""

  constructor({ explain, onHeaders, redact }: ChatConnectionOptions) {
    this.#explain = explain
    this.#redact = redact
    this.#onHeaders = onHeaders
  }

  /** Whether `data: [DONE]` came. */
  get doneSeen(): boolean {
    return this.#isDone
  }

  /** The content type the server answered with. */
  get contentType(): string {
    return this.#contentType
  }

  /** What has come since it was last asked; waits until there is something. */
  readonly pull: Effect.Effect<Items, End> = Effect.suspend(() =>
    this.#taken() ??
      Effect.callback<Items, End>((resume) => {
        this.#waiter = () => resume(this.#taken()!)
        return Effect.sync(() => {
          this.#waiter = undefined
        })
      })
  )

  /** Closes the socket; a body that is complete but for its end is given the time to end. */
  readonly close: Effect.Effect<void> = Effect.suspend(() =>
    this.#isDone ? Effect.asVoid(Effect.timeoutOption(this.#bodyEnded.await, BODY_END_GRACE)) : Effect.void
  ).pipe(Effect.andThen(Effect.sync(() => {
    this.#aborted = true
    this.#controller?.abort(new DOMException("The request was given up", "AbortError"))
  })))

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#aborted) controller.abort(new DOMException("The request was given up", "AbortError"))
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: RefusalHeaders): void {
    if (status < 200) return
    if (status >= 300) {
      this.#refusal = { status, text: "", headers }
      return
    }
    this.#contentType = String(headers["content-type"] ?? "")
    this.#answer(Exit.void)
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true })
    if (this.#refusal !== undefined) {
      if (this.#refusal.text.length < REFUSAL_CHARACTERS) this.#refusal.text += text
      return
    }
    this.#parser.feed(text)
    this.#wake()
    // Behind its end nothing more is kept, and a body that is not read has no end.
    if (this.#end === undefined && this.#items.length > READ_AHEAD) controller.pause()
  }

  onResponseEnd(): void {
    this.#bodyEnded.openUnsafe()
    if (this.#refusal !== undefined) {
      const { headers, status, text } = this.#refusal
      const location = status < 400 ? headers["location"] : undefined
      const detail = location === undefined ? undefined : `it leads to ${location}; give that address`
      const reason = EngineFailure.fromStatus(
        status,
        detail ?? EngineFailure.detailOf(status, text),
        EngineFailure.retryAfterMillis(headers["retry-after"]?.toString())
      )
      return this.#answer(Exit.fail(this.#redact(reason)))
    }
    // A body may end without the empty line behind its last event; what of a comment was cut off is none.
    this.#parser.feed(`${this.#decoder.decode()}\n\n`)
    this.#end ??= Cause.Done()
    this.#wake()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#bodyEnded.openUnsafe()
    const reason = this.#explain(error)
    if (!this.#answered) return this.#answer(Exit.fail(reason))
    this.#end ??= reason
    this.#wake()
  }

  #answer(exit: Exit.Exit<void, FailReason>): void {
    if (this.#answered) return
    this.#answered = true
    this.#onHeaders(exit)
  }

  #onEvent({ data, event }: EventSourceMessage): void {
    if (this.#end !== undefined) return
    if (data.startsWith("[DONE]")) {
      this.#isDone = true
      this.#end = Cause.Done()
      return
    }
    const json = EngineFailure.parseEvent(data, event === "error")
    if (json._tag === "Failure") this.#end = this.#redact(json.failure)
    else this.#items.push(json.success)
  }

  #wake(): void {
    if (this.#items.length === 0 && this.#end === undefined) return
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.()
  }

  /** What there is to hand on: the items, then the end. */
  #taken(): Effect.Effect<Items, End> | undefined {
    const [first, ...rest] = this.#items
    if (this.#items.length > 0) {
      this.#items = []
      if (this.#controller?.paused === true) this.#controller.resume()
      return Effect.succeed([first, ...rest])
    }
    return this.#end === undefined ? undefined : Effect.fail(this.#end)
  }
}

type RefusalHeaders = Readonly<Record<string, string | Array<string> | undefined>>
