/**
 * What one element of a stream is to the watch, whatever the stream is of: progress, transport, its finish or an error.
 *
 * Whoever brings a stream of their own brings a classifier: a function from an element to one of these, or, where an
 * element alone does not tell, a `Classifier` that makes such a function for each stream. It is called once for each
 * element, in their order, and must be quick and synchronous.
 *
 * Laws: elements that came together are one arrival, which is progress exactly if one of them is, with all their tokens;
 * what stands behind an error in its chunk is not looked at.
 *
 * Gotcha: say `transport` of everything that proves no token: comments, role chunks, empty deltas, pings. They go on when
 * the engine behind them is dead.
 */
import * as Data from "effect/Data"
import type { Ended, Frame, LivenessInput } from "./LivenessInput.ts"

/** What an element is; made by `progress`, `counted`, `transport`, `finish` and `error`. */
export type Classification =
  | {
    readonly _tag: "Progress"
    /** Tokens that the element is known to stand for. */
    readonly tokens: number
    /** What they belong to; `null` where nothing of them is shown. */
    readonly channel: ProgressChannel | null
  }
  | {
    readonly _tag: "Counted"
    /** All tokens so far, as the engine says. */
    readonly count: number
  }
  | { readonly _tag: "Transport" }
  | {
    readonly _tag: "Finish"
    /** As the engine names it, such as "stop" or "length". */
    readonly reason: string
    /** Tokens that came with it. */
    readonly tokens: number
  }
  | {
    readonly _tag: "Error"
    /** What was said. */
    readonly detail: string
    /** An HTTP status, where there is one. */
    readonly code: number | null
  }

/** What tokens belong to; "work" is what an agent says of its own doing. */
export type ProgressChannel = "content" | "reasoning" | "tool-call" | "work"

/** Tells what an element is. */
export type Classify<A> = (element: A) => Classification

/** Tells what elements are where those before them must be known. */
export interface Classifier<A> {
  /** The function for one stream, called when it begins. */
  readonly start: () => Classify<A>
}

/** What is known of an element that carries something of the answer. */
export interface ProgressOptions {
  /** Tokens that the element is known to stand for; 1 unless given. */
  readonly tokens?: number
  /** What they belong to; "content" unless given. `null` for tokens of which nothing is shown. */
  readonly channel?: ProgressChannel | null
}

const oneToken: Classification = { _tag: "Progress", tokens: 1, channel: "content" }

/** The element carries something of the answer. */
export const progress = (options?: ProgressOptions): Classification =>
  options === undefined
    ? oneToken
    : {
      _tag: "Progress",
      tokens: options.tokens ?? 1,
      channel: options.channel === undefined ? "content" : options.channel
    }

/** The element tells how many tokens there were in all: progress exactly if they have become more. */
export const counted = (tokens: number): Classification => ({ _tag: "Counted", count: tokens })

/** The element proves that the transport lives, and nothing about the engine. */
export const transport: Classification = { _tag: "Transport" }

/**
 * The answer is complete, for this reason ("stop" unless given); the element may carry its last tokens. The reasons
 * "abort" and "error" fail the run, as they do for vLLM.
 */
export const finish = (reason = "stop", { tokens = 0 }: { readonly tokens?: number } = {}): Classification => ({
  _tag: "Finish",
  reason,
  tokens
})

/** The element says that the answer has failed; `code` is an HTTP status, where there is one. */
export const error = (detail: string, { code = null }: { readonly code?: number | null } = {}): Classification => ({
  _tag: "Error",
  detail,
  code
})

/** The function that reads one stream. */
export const started = <A>(classify: Classify<A> | Classifier<A>): Classify<A> =>
  typeof classify === "function" ? classify : classify.start()

/** For programs without types: a function that is handed on and not called, or a case without a return. */
class NoClassification extends Data.TaggedError("NoClassification")<{ readonly given: string }> {
  override get message(): string {
    return `it gave ${this.given} for an element, and not what progress(), counted(), transport, finish() or error() are`
  }
}

/** What elements that came together at `at` are to the reducer. */
export const inputsOf =
  <A>(classify: Classify<A>) => (elements: ReadonlyArray<A>, at: number): ReadonlyArray<LivenessInput> => {
    let isFrame = false
    let tokens = 0
    let channel: Frame["channel"] = null
    let usage: number | null = null
    let finishReason: string | null = null
    let ended: Ended | undefined
    for (const element of elements) {
      const what = classify(element)
      switch (what?._tag) {
        case "Progress":
          isFrame = true
          tokens += what.tokens
          channel = what.channel ?? channel
          break
        case "Counted":
          isFrame = true
          usage = what.count
          break
        case "Finish":
          isFrame = true
          tokens += what.tokens
          finishReason = what.reason
          break
        case "Error":
          ended = { _tag: "Ended", at, how: "error", code: what.code, detail: what.detail }
          break
        case "Transport":
          break
        default:
          throw new NoClassification({ given: typeof what === "function" ? "a function" : String(what) })
      }
      if (ended !== undefined) break
    }
    const first: LivenessInput = isFrame
      ? { _tag: "Frame", at, tokens, text: channel !== null, usage, channel, finishReason }
      : { _tag: "TransportOnly", at }
    return ended === undefined ? [first] : [first, ended]
  }
