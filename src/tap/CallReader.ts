/**
 * Reads the body of a streamed completion as it passes, and tells what it says (adapter for eventsource-parser).
 *
 * Laws: the bytes are only looked at; it does not matter how they were cut; what is told is what a parser of every event
 * would tell. Most events are not parsed (TokenTemplate.ts).
 *
 * `isBetweenEvents` is whether what was read so far ends with a whole event, so that another one may be put behind it.
 */
import * as Result from "effect/Result"
import { createParser, type EventSourceMessage } from "eventsource-parser"
import * as ChunkCount from "../engine/ChunkCount.ts"
import * as EngineFailure from "../engine/EngineFailure.ts"
import type { FailReason } from "../liveness/Failed.ts"
import { TokenTemplate } from "./TokenTemplate.ts"

export interface CallReaderOptions {
  /** How many answers were asked for. */
  readonly choices: number
  /** Synchronous, like all the others; `tokens` of them came with this. */
  readonly onCounted: (counted: ChunkCount.Counted) => void
  /** There is something for `settle` to tell. */
  readonly onUntold: () => void
  /** So many tokens came that are like the one before. */
  readonly onTokens: (tokens: number, channel: ChunkCount.Counted["channel"]) => void
  /** A comment, or an event that tells nothing. */
  readonly onNothing: () => void
  /** An event that says that there was an error, as it stands there. */
  readonly onError: (reason: FailReason, event: unknown) => void
  readonly onDone: () => void
  /** Tokens came, in one read. */
  readonly onArrival?: () => void
  /** Every chunk, parsed; where this is given none is passed over. */
  readonly onChunk?: (chunk: Readonly<Record<string, unknown>>) => void
}

const LINE_FEED = 0x0a

export class CallReader {
  readonly #options: CallReaderOptions
  readonly #decoder = new TextDecoder()
  readonly #parser = createParser({
    onEvent: (event) => this.#onEvent(event),
    onComment: () => this.#options.onNothing()
  })
  #count = ChunkCount.initial
  #template: TokenTemplate | undefined
  /** The last event that was parsed is one token and nothing else. */
  #isPlain = false
  #isBetween = true
  /** Tokens that are like the one of the template, and were not told. */
  #untold = 0
  #isOver = false
  /** An event of the last read that was parsed had tokens. */
  #hasCounted = false

  constructor(options: CallReaderOptions) {
    this.#options = options
  }

  get isBetweenEvents(): boolean {
    return this.#isBetween
  }

  /** Looks at the next bytes; tokens like the one before are told by `settle`, all at once. */
  read(bytes: Buffer): void {
    let at = 0
    let alike = 0
    while (at < bytes.length) {
      const template = this.#template
      const end = template === undefined || !this.#isBetween ? -1 : template.endOf(bytes, at)
      if (end === -1) {
        this.settle()
        at = this.#parse(bytes, at)
      } else {
        if (this.#untold === 0) this.#options.onUntold()
        this.#untold++
        alike++
        at = end
      }
    }
    const { onArrival } = this.#options
    if (onArrival === undefined || (alike === 0 && !this.#hasCounted)) return
    this.#hasCounted = false
    onArrival()
  }

  /** Tells what has been read and was not told. */
  readonly settle = (): void => {
    const tokens = this.#untold
    if (tokens === 0) return
    this.#untold = 0
    this.#count = { ...this.#count, tokens: this.#count.tokens + tokens }
    this.#options.onTokens(tokens, this.#template!.channel)
  }

  /** The body has ended; an event without its empty line still counts. */
  readonly end = (): void => {
    this.settle()
    this.#parser.feed(`${this.#decoder.decode()}\n\n`)
  }

  /** Parses from there to the end of an event, or of the bytes. */
  #parse(bytes: Buffer, from: number): number {
    const found = bytes.indexOf("\n\n", from)
    const end = found === -1 ? bytes.length : found + 2
    const wasBetween = this.#isBetween
    this.#isBetween = found !== -1 || (from < bytes.length && bytes.at(-1) === LINE_FEED && this.#endsEmpty(bytes))
    this.#isPlain = false
    this.#parser.feed(this.#decoder.decode(bytes.subarray(from, end), { stream: true }))
    if (this.#isPlain && wasBetween && found !== -1 && this.#options.onChunk === undefined) {
      this.#template = TokenTemplate.of(bytes.subarray(from, end)) ?? this.#template
    }
    return end
  }

  /** With lines that end in CR LF, or an empty line that came by itself. */
  #endsEmpty(bytes: Buffer): boolean {
    return bytes.length >= 4 && bytes.subarray(-4).toString("latin1") === "\r\n\r\n"
  }

  #onEvent({ data, event }: EventSourceMessage): void {
    const options = this.#options
    if (this.#isOver) return
    if (data.startsWith("[DONE]")) {
      this.#isOver = true
      return options.onDone()
    }
    const parsed = EngineFailure.parseEvent(data, event === "error")
    if (Result.isFailure(parsed)) {
      this.#isOver = true
      return options.onError(parsed.failure, Result.getOrUndefined(asJson(data)))
    }
    const chunk = parsed.success
    if (!ChunkCount.isChunk(chunk)) return options.onNothing()
    options.onChunk?.(chunk)
    const [count, counted] = ChunkCount.read(this.#count, chunk, options.choices)
    this.#count = count
    this.#isPlain = counted.text && counted.tokens === 1 && counted.usage === null && counted.finishReason === null &&
      counted.channel !== "tool-call" && count.finished.size === 0
    if (counted.tokens === 0 && !counted.text && counted.usage === null && counted.finishReason === null) {
      return options.onNothing()
    }
    if (counted.tokens > 0 || counted.text) this.#hasCounted = true
    options.onCounted(counted)
  }
}

const asJson = (data: string) => Result.try({ try: () => JSON.parse(data) as unknown, catch: () => undefined })
