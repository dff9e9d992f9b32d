/**
 * Tells the feed of a call what its answer says, whatever kind of answer it is: a stream of chunks, a whole object, a
 * refusal, something else. It only looks.
 *
 * Gotcha: a refusal may repeat the key that was sent; no word of a refusal of keys is kept, and what was sent as a key is
 * taken out of every other one.
 */
import * as Result from "effect/Result"
import * as EngineFailure from "../engine/EngineFailure.ts"
import { FailReason } from "../liveness/Failed.ts"
import type { CallFeed } from "./CallFeed.ts"
import { CallReader, type CallReaderOptions } from "./CallReader.ts"
import { type Decoding, decoding } from "./ContentDecoding.ts"
import { valueOf } from "./hopHeaders.ts"
import { isFields } from "./joinFields.ts"
import type { Pulse } from "./Pulse.ts"

export interface AnswerObserverOptions {
  readonly feed: CallFeed
  readonly pulse: Pulse
  readonly baseUrl: string
  /** How many answers were asked for. */
  readonly choices: number
  /** What was sent as a key. */
  readonly secrets: ReadonlyArray<string>
  /** Every chunk of a stream, parsed, if somebody wants them. */
  readonly onChunk?: NonNullable<CallReaderOptions["onChunk"]>
  readonly onErrorEvent?: (event: unknown) => void
  /** Tokens of a stream came, in one read. */
  readonly onArrival?: () => void
  /** Everything of a stream has been told. */
  readonly onStreamOver?: () => void
}

type Kind = "stream" | "whole" | "refusal" | "opaque"

/** Kept of a whole answer and of a refusal, in bytes. */
const MOST_WHOLE = 16 * 1024 * 1024
const MOST_REFUSAL = 16 * 1024

export class AnswerObserver {
  readonly #options: AnswerObserverOptions
  #kind: Kind = "opaque"
  #status = 0
  #contentType = ""
  #retryAfter: string | undefined
  #reader: CallReader | undefined
  #decoding: Decoding | undefined
  #kept: Array<Buffer> = []
  #keptBytes = 0
  #onOver: (() => void) | undefined

  constructor(options: AnswerObserverOptions) {
    this.#options = options
  }

  /** An error event can be put behind what was sent. */
  get takesEvents(): boolean {
    return this.#kind === "stream" && this.#decoding === undefined && this.#reader?.isBetweenEvents === true
  }

  readonly headers = (status: number, raw: ReadonlyArray<string>): void => {
    this.#status = status
    this.#contentType = valueOf(raw, "content-type") ?? ""
    this.#retryAfter = valueOf(raw, "retry-after")
    this.#kind = status >= 300
      ? "refusal"
      : this.#contentType.includes("text/event-stream")
      ? "stream"
      : "whole"
    if (this.#kind !== "refusal") this.#options.feed.headers()
    if (this.#kind === "stream") this.#reader = this.#makeReader()
    const encoding = valueOf(raw, "content-encoding")
    if (encoding === undefined || encoding === "" || encoding === "identity") return
    this.#decoding = decoding(encoding, { onData: (bytes) => this.#read(bytes), onEnd: () => this.#over() })
    if (this.#decoding === undefined) this.#kind = "opaque"
  }

  data(bytes: Buffer): void {
    if (this.#decoding === undefined) this.#read(bytes)
    else this.#decoding.write(bytes)
  }

  /** Who can be given the bytes directly, where nothing has to be done to them; each object in between costs. */
  get plainReader(): CallReader | undefined {
    return this.#kind === "stream" && this.#decoding === undefined ? this.#reader : undefined
  }

  readonly #settle = (): void => {
    this.#reader?.settle()
    this.#options.feed.hand()
  }

  /** The body is complete; `onOver` is called when all of it has been told. */
  readonly end = (onOver: () => void): void => {
    this.#onOver = onOver
    if (this.#decoding === undefined) this.#over()
    else this.#decoding.end()
  }

  /** The connection broke, or was never made. */
  readonly error = (error: Error): void => {
    this.#decoding?.stop()
    this.#reader?.settle()
    this.#options.feed.fail(this.#redacted(EngineFailure.fromUnknown(this.#options.baseUrl, error)))
  }

  /** Nobody wants the answer any more. */
  readonly stop = (): void => this.#decoding?.stop()

  #makeReader(): CallReader {
    const { choices, feed, onArrival, onChunk, onErrorEvent, onStreamOver, pulse } = this.#options
    return new CallReader({
      choices,
      onCounted: feed.counted,
      onTokens: feed.received,
      onUntold: () => pulse.add(this.#settle),
      onNothing: feed.transport,
      onError: (reason, event) => {
        onErrorEvent?.(event)
        feed.fail(this.#redacted(reason))
      },
      onDone: () => {
        if (feed.hasFinish) feed.done()
        else feed.fail(FailReason.cases.DoneWithoutFinish.make({}))
        onStreamOver?.()
      },
      ...(onArrival === undefined ? {} : { onArrival }),
      ...(onChunk === undefined ? {} : { onChunk })
    })
  }

  #read(bytes: Buffer): void {
    switch (this.#kind) {
      case "stream":
        return this.#reader?.read(bytes)
      case "whole":
      case "refusal":
        return this.#keep(bytes, this.#kind === "whole" ? MOST_WHOLE : MOST_REFUSAL)
      case "opaque":
        return this.#options.feed.received(0, null)
    }
  }

  #keep(bytes: Buffer, most: number): void {
    if (this.#keptBytes >= most) return
    this.#kept.push(bytes)
    this.#keptBytes += bytes.length
  }

  #over(): void {
    this.#tellEnd()
    this.#onOver?.()
    this.#onOver = undefined
  }

  #tellEnd(): void {
    const { feed, onStreamOver } = this.#options
    switch (this.#kind) {
      case "stream":
        this.#reader?.end()
        if (feed.hasFinish) feed.done()
        else feed.fail(FailReason.cases.Truncated.make({}))
        return onStreamOver?.()
      case "refusal":
        return feed.fail(this.#refusal())
      case "whole":
        return this.#whole()
      case "opaque":
        feed.counted({ tokens: 0, text: false, channel: null, usage: null, finishReason: "unknown" })
        return feed.done()
    }
  }

  #text(): string {
    return Buffer.concat(this.#kept).toString()
  }

  #refusal(): FailReason {
    const status = this.#status
    const detail = status === 401 || status === 403
      ? "the engine refused the agent's credentials"
      : EngineFailure.detailOf(status, this.#text())
    return this.#redacted(EngineFailure.fromStatus(status, detail, EngineFailure.retryAfterMillis(this.#retryAfter)))
  }

  #whole(): void {
    const { feed } = this.#options
    const json = Result.getOrUndefined(
      Result.try({ try: () => JSON.parse(this.#text()) as unknown, catch: () => undefined })
    )
    // An answer that is too long to be looked at is an answer all the same.
    const isLong = this.#keptBytes >= MOST_WHOLE
    if (!isLong && (!isFields(json) || !Array.isArray(json["choices"]))) {
      const detail = `expected a completion, got ${this.#contentType || "no content type"}`
      return feed.fail(FailReason.cases.Malformed.make({ detail }))
    }
    const choices = isFields(json) && Array.isArray(json["choices"]) ? json["choices"] : []
    const last: unknown = choices.at(-1)
    const reason = isFields(last) ? last["finish_reason"] : undefined
    const tokens = tokensIn(json)
    feed.counted({
      tokens,
      text: true,
      channel: "content",
      usage: tokens === 0 ? null : tokens,
      finishReason: typeof reason === "string" ? reason : "unknown"
    })
    feed.done()
  }

  #redacted(reason: FailReason): FailReason {
    if (!("detail" in reason)) return reason
    const detail = this.#options.secrets.reduce((text, secret) => text.replaceAll(secret, "<redacted>"), reason.detail)
    return { ...reason, detail }
  }
}

const tokensIn = (json: unknown): number => {
  const usage = isFields(json) ? json["usage"] : undefined
  const tokens = isFields(usage) ? usage["completion_tokens"] : undefined
  return typeof tokens === "number" && Number.isSafeInteger(tokens) && tokens >= 0 ? tokens : 0
}

/** What a request sends as a key, so that it can be taken out of what is said of it. */
export const secretsIn = (raw: ReadonlyArray<string>): ReadonlyArray<string> => {
  const secrets: Array<string> = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (!/^(authorization|api-key|x-api-key|cookie|x-goog-api-key)$/i.test(raw[at]!)) continue
    const value = raw[at + 1]!.trim()
    secrets.push(value, ...value.split(/\s+/).slice(1))
  }
  return secrets.filter((secret) => secret.length > 3)
}
