/**
 * What a call tells of itself, kept until the watch asks: the bridge from sockets, which push, to `Liveness.watch`, which
 * pulls.
 *
 * Tokens are added up and handed on together: the first at once, the next ones at the next pulse (Pulse.ts), because each
 * hand-over costs as much as forwarding a token does. So what is told of a call is as old as a pulse at most, which is
 * nothing against limits of seconds.
 *
 * Laws: nothing is lost or counted twice; the end comes last, and at once; a call that has ended takes no more.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Counted } from "../engine/ChunkCount.ts"
import { Failed, type FailReason } from "../liveness/Failed.ts"
import type { Frame } from "../liveness/LivenessInput.ts"
import type { Pulse } from "./Pulse.ts"

/** What is told of a call; the watch says when. */
export type FeedItem = { readonly _tag: "Headers" } | { readonly _tag: "TransportOnly" } | Omit<Frame, "at">

type Items = readonly [FeedItem, ...ReadonlyArray<FeedItem>]
type End = Cause.Done | Failed

export class CallFeed {
  readonly #pulse: Pulse
  #headers = false
  #transport = false
  #frame: { -readonly [Key in keyof Omit<Frame, "at">]: Frame[Key] } | undefined
  #end: End | undefined
  #waiter: ((taken: Effect.Effect<Items, End>) => void) | undefined
  #begun = false
  #finish: "none" | "told" | "withheld" = "none"
  #withheld: FailReason | undefined
  /** Tokens told so far. */
  tokens = 0

  constructor(pulse: Pulse) {
    this.#pulse = pulse
  }

  get isEnded(): boolean {
    return this.#end !== undefined
  }

  /** The engine has ended the answer, whatever became of it. */
  get hasFinish(): boolean {
    return this.#finish !== "none"
  }

  /** The engine has ended the answer as it should. */
  get isComplete(): boolean {
    return this.#finish === "told"
  }

  /** What went wrong, in words. */
  get failure(): string | null {
    return this.#end instanceof Failed ? this.#end.message : null
  }

  /** What came since it was last asked; waits until there is something. */
  readonly pull: Effect.Effect<Items, End> = Effect.suspend(() =>
    this.#taken() ?? Effect.callback<Items, End>((resume) => {
      this.#waiter = resume
      return Effect.sync(() => {
        this.#waiter = undefined
      })
    })
  )

  /** The engine answered with success. */
  readonly headers = (): void => {
    this.#headers = true
    this.hand()
  }

  /** Something came that tells nothing of the engine. */
  readonly transport = (): void => {
    this.#transport = true
    this.#pulse.add(this.hand)
  }

  /** So many tokens with text. */
  readonly received = (tokens: number, channel: Counted["channel"]): void => {
    const frame = this.#framed()
    frame.tokens += tokens
    frame.text = true
    frame.channel = channel
    this.#moved(tokens)
  }

  /** What a chunk said. An engine that ended the answer in an error says so in the finish; the end then tells it. */
  readonly counted = ({ channel, finishReason, text, tokens, usage }: Counted): void => {
    const frame = this.#framed()
    frame.tokens += tokens
    frame.text ||= text
    frame.channel = channel ?? frame.channel
    frame.usage = usage ?? frame.usage
    if (finishReason === "abort" || finishReason === "error") {
      this.#finish = "withheld"
      this.#withheld = finishReason === "abort" ? { _tag: "AbortedByServer" } : { _tag: "FinishError" }
    } else if (finishReason !== null) {
      frame.finishReason = finishReason
      this.#finish = "told"
    }
    this.#moved(tokens)
    if (finishReason !== null) this.hand()
  }

  /** The answer ended as it should, or in the error that its finish told. */
  readonly done = (): void => this.#close(this.#withheld === undefined ? Cause.Done() : this.#failed(this.#withheld))

  /** The answer failed. After a finish nothing can fail it any more. */
  readonly fail = (reason: FailReason): void =>
    this.#finish === "none" ? this.#close(this.#failed(reason)) : this.done()

  #failed(reason: FailReason): Failed {
    return new Failed({ hop: "engine", reason, tokens: this.tokens })
  }

  #framed() {
    return this.#frame ??= {
      _tag: "Frame",
      tokens: 0,
      text: false,
      usage: null,
      channel: null,
      finishReason: null
    }
  }

  #moved(tokens: number): void {
    this.tokens += tokens
    if (this.#begun) return this.#pulse.add(this.hand)
    this.#begun = true
    this.hand()
  }

  #close(end: End): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.hand()
  }

  /** Hands on what there is, if it is asked for. */
  readonly hand = (): void => {
    const waiter = this.#waiter
    const taken = waiter === undefined ? undefined : this.#taken()
    if (taken === undefined) return
    this.#waiter = undefined
    waiter?.(taken)
  }

  #taken(): Effect.Effect<Items, End> | undefined {
    const items: Array<FeedItem> = []
    if (this.#headers) items.push({ _tag: "Headers" })
    if (this.#frame !== undefined) items.push(this.#frame)
    else if (this.#transport) items.push({ _tag: "TransportOnly" })
    this.#headers = false
    this.#transport = false
    this.#frame = undefined
    const [first, ...rest] = items
    if (first !== undefined) return Effect.succeed([first, ...rest])
    return this.#end === undefined ? undefined : Effect.fail(this.#end)
  }
}
