/**
 * Everything the reducer is told: what came in on the stream, what scrapes and probes found, and that time passes.
 *
 * Every input carries `at`: monotonic milliseconds of one clock, taken where the bytes were read. Inputs are plain
 * objects, made once per chunk; none of them is stored. Only `Heartbeat` crosses a wire, so its engine has a schema.
 *
 * `fromTokenEvents` makes one `Frame` of all token events that arrived together. Laws: it is life exactly if one of them
 * is, and it carries the sum of their tokens, so that a reducer that never sees a token by itself misses none.
 * `ofTokenEvents` is the same in the form that `Liveness.watch` asks for.
 */
import * as Schema from "effect/Schema"
import { isProgress, type TokenEvent, tokensOf } from "../token/TokenEvent.ts"
import type { BindingStatus } from "./Binding.ts"
import type { EngineSample } from "./EngineSample.ts"
import type { LearnedLimits, ToldLimit } from "./LimitInForce.ts"
import type { Phase } from "./Phase.ts"
import type { CancelledBy, Degenerate, RunName } from "./Verdict.ts"

/** What an inner hop knows of its engine, in one word, for the heartbeats it sends outwards. */
export const EngineDigest = Schema.Literals(["moving", "asleep", "frozen", "gone", "unknown"])
export type EngineDigest = typeof EngineDigest.Type

/** The request was sent. */
export interface Opened {
  readonly _tag: "Opened"
  /** When, in monotonic milliseconds. */
  readonly at: number
  /** Which run. */
  readonly run: RunName
  /** What earlier runs or a canary at this endpoint found; `unproven` unless given. */
  readonly binding?: BindingStatus
  /** The longest healthy step of the engine that they saw, in milliseconds. */
  readonly longestStepMillis?: number
  /** The engine has just been started and may compile. */
  readonly firstRun?: boolean
  /** The limits that finished runs of its kind have taught. */
  readonly learned?: LearnedLimits
  /** The agent promises a heartbeat this often, in milliseconds; a first heartbeat promises the configured interval. */
  readonly heartbeatMillis?: number
  /** What the request asked for. */
  readonly maxTokens?: number
  /** What its user grants it, in milliseconds. */
  readonly budgetMillis?: number
}

/** Response headers of success. */
export interface Headers {
  readonly _tag: "Headers"
  readonly at: number
}

/** Something of the answer; life only if it proves a token, see `LivenessStep`. */
export interface Frame {
  readonly _tag: "Frame"
  /** Monotonic milliseconds. */
  readonly at: number
  /** Tokens it is known to stand for. */
  readonly tokens: number
  /** It carries text, reasoning or a piece of a tool call that is not empty. */
  readonly text: boolean
  /** The engine's running count of tokens, where the frame has one. */
  readonly usage: number | null
  /** What it belongs to; "work" is what an agent says of its own doing, `null` a token without text. */
  readonly channel: "content" | "reasoning" | "tool-call" | "work" | null
  /** The finish reason, once all choices have one. */
  readonly finishReason: string | null
}

/** The transport lives: a comment, a role chunk, an empty delta, a status without content. Life of nobody. */
export interface TransportOnly {
  readonly _tag: "TransportOnly"
  readonly at: number
}

/** An agent says that it lives, and how old its last token is. */
export interface Heartbeat {
  readonly _tag: "Heartbeat"
  /** When it came, in monotonic milliseconds. */
  readonly at: number
  /** What the agent's run does. */
  readonly phase: Phase
  /** Its tokens so far. */
  readonly tokens: number
  /** How long ago the last of them came, in milliseconds. */
  readonly tokenAgeMillis: number
  /** What the agent knows of its engine. */
  readonly engine: EngineDigest
  /** How often it promises the next one, in milliseconds. */
  readonly intervalMillis?: number
  /** The limit that ends its run if nothing comes, for people who watch; absent where none does, or it does not say. */
  readonly limit?: ToldLimit
}

/** One scrape of the metrics of one engine. */
export interface Scrape {
  readonly _tag: "Scrape"
  /** When its answer had come, in monotonic milliseconds. */
  readonly at: number
  /** When it was asked for. */
  readonly askedAt: number
  /**
   * `refused`: nobody listens at the address. `failed`: anything else but an answer that could be read: too slow, an
   * error, malformed, no series of this engine.
   */
  readonly outcome: EngineSample | "refused" | "failed"
  /** Our streams at this engine that have begun and not finished, this one among them if so; `null` if unknown. */
  readonly openStreams: number | null
  /**
   * Whether, where the engine holds fewer than those, this run must be among the missing: as many of them as are missing
   * have been without a token since, and this is one. Where nobody has counted, it may be.
   */
  readonly isMissing?: boolean
  /** Whether the server's list of models has ours; `null` if unknown. */
  readonly modelServed: boolean | null
}

/** The status of a health probe. */
export interface Health {
  readonly _tag: "Health"
  readonly at: number
  readonly status: number
}

/** The connection was refused, or ended. */
export interface Ended {
  readonly _tag: "Ended"
  /** Monotonic milliseconds. */
  readonly at: number
  /** How it ended. */
  readonly how:
    | "connect-error"
    | "connect-timeout"
    /** The sentinel came. */
    | "done"
    /** The body ended without it. */
    | "eof"
    /** The connection broke. */
    | "reset"
    /** An error event inside the stream. */
    | "error"
    | "malformed"
    | "runaway"
    | "unsupported"
    | "agent-failed"
  /** The code of an error event. */
  readonly code?: number | null
  /** What was said of it, in words. */
  readonly detail?: string
}

/** The server answered with a status that is not success. */
export interface Rejected {
  readonly _tag: "Rejected"
  readonly at: number
  readonly status: number
  readonly retryAfterMillis: number | null
  readonly detail?: string
}

/** A check outside found that the tokens are worthless. */
export interface Worthless {
  readonly _tag: "Worthless"
  readonly at: number
  readonly as: Degenerate
}

/** Somebody of ours wants no more of it. */
export interface Cancelled {
  readonly _tag: "Cancelled"
  readonly at: number
  readonly by: CancelledBy
}

/** The consumer lets us read, or does not; while it does not, no time passes for the run. */
export interface Reading {
  readonly _tag: "Reading"
  readonly at: number
  readonly on: boolean
}

/** Time passes. Only a tick judges. */
export interface Tick {
  readonly _tag: "Tick"
  /** Monotonic milliseconds. */
  readonly at: number
}

/** What a run can be told: the input of `step`. Times (`at`) are monotonic milliseconds that never fall. */
export type LivenessInput =
  | Opened
  | Headers
  | Frame
  | TransportOnly
  | Heartbeat
  | Scrape
  | Health
  | Ended
  | Rejected
  | Worthless
  | Cancelled
  | Reading
  | Tick

/** The input that token events make which arrived together at `at`. */
export const fromTokenEvents = (events: ReadonlyArray<TokenEvent>, at: number): LivenessInput => {
  let life = false
  let tokens = 0
  let text = false
  let channel: Frame["channel"] = null
  let usage: number | null = null
  let finishReason: string | null = null
  for (const event of events) {
    life ||= isProgress(event)
    tokens += tokensOf(event)
    switch (event._tag) {
      case "Delta":
        if (event.text !== "") {
          text = true
          channel = event.channel
        }
        break
      case "ToolCallDelta":
        text = true
        channel = "tool-call"
        break
      case "Usage":
        usage = event.completionTokens
        break
      case "Finish":
        finishReason = event.reason
    }
  }
  if (life || usage !== null) return { _tag: "Frame", at, tokens, text, usage, channel, finishReason }
  return events.some((event) => event._tag === "Signal" && event.signal === "accepted")
    ? { _tag: "Headers", at }
    : { _tag: "TransportOnly", at }
}

/** The inputs of a stream of token events. */
export const ofTokenEvents = (events: ReadonlyArray<TokenEvent>, at: number): ReadonlyArray<LivenessInput> => [
  fromTokenEvents(events, at)
]
