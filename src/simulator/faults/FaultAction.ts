/**
 * What faults do, in the simulator's own terms: the catalogue says of each fault which of these it is made of.
 *
 * A `RequestAction` concerns one request: how it is refused, scheduled, answered or written. A `ServerAction` concerns
 * everybody: it has a beginning and an end, and ends by itself or when the fault is taken away. A request can begin one.
 *
 * Law: actions are data. What they do is decided where it is done: in EngineFaults.ts (the engine's part of a request),
 * BodyFaults.ts (its bytes) and ServerFaults.ts (the server).
 */
import type { Alarm, PauseMode } from "../EngineLoop.ts"
import type { HoldReason } from "../Sequence.ts"

/** Something of this size is told instead of a token, again and again. */
export type NoiseFrame = "comment" | "empty-delta" | "role-chunk" | "usage"

/** How a body ends behind the last token that is told. */
export type BodyEnd =
  | { readonly _tag: "ErrorEvent"; readonly code: number; readonly message?: string }
  /** The body is complete as far as HTTP can tell. */
  | { readonly _tag: "CleanEnd" }
  | { readonly _tag: "Done" }
  | { readonly _tag: "HalfEvent" }
  | { readonly _tag: "Reset" }
  /** The connection is closed in the middle of a chunk of HTTP's chunked encoding. */
  | { readonly _tag: "Cut" }

export type RequestAction =
  /** Nothing else happens to this request. */
  | { readonly _tag: "Exempt" }
  | {
    readonly _tag: "Refuse"
    readonly status: number
    readonly type: string
    readonly message: string
    readonly param?: string
    readonly retryAfterSeconds?: number
    /** Counted as refused by a full queue. */
    readonly queueFull?: boolean
  }
  | { readonly _tag: "NoAnswer" }
  /** They come with the first byte of the body. */
  | { readonly _tag: "HoldHeaders" }
  /** The connection is closed without an answer. */
  | { readonly _tag: "Drop" }
  | { readonly _tag: "ContentType"; readonly value: string }
  /** Somebody else answers, with HTML and 200. */
  | { readonly _tag: "Page" }
  | {
    readonly _tag: "Pace"
    readonly firstTokenSeconds?: number
    readonly gapSeconds?: number
    readonly tokensPerStep?: number
    /** The prompt is computed in chunks of a second, and is made so long that each of them fills a block. */
    readonly chunked?: boolean
  }
  /** The answer is this text, again and again, until the request's limit. */
  | { readonly _tag: "Endless"; readonly text: string }
  /** The answer begins with reasoning that is not told, for so long. */
  | { readonly _tag: "HiddenReasoning"; readonly seconds: number }
  /** The answer is a call of the request's first tool, told as a whole after so long. */
  | { readonly _tag: "BufferedToolCall"; readonly seconds: number }
  | { readonly _tag: "Hold"; readonly reason: HoldReason; readonly seconds: number; readonly others: number }
  | {
    readonly _tag: "Preempt"
    readonly afterTokens: number
    readonly times: number
    readonly seconds: number
    readonly others: number
  }
  | { readonly _tag: "Lose"; readonly afterTokens: number }
  | { readonly _tag: "IgnoreAbort" }
  /** The role chunk comes with the headers. */
  | { readonly _tag: "RoleChunkFirst" }
  | { readonly _tag: "Noise"; readonly frame: NoiseFrame; readonly everySeconds: number }
  | { readonly _tag: "End"; readonly afterTokens: number; readonly end: BodyEnd }
  | { readonly _tag: "BrokenEvent"; readonly afterTokens: number }
  | { readonly _tag: "HugeEvent"; readonly afterTokens: number; readonly bytes: number }
  /** What follows the chunk with the finish reason, instead of the usage and `[DONE]`. */
  | { readonly _tag: "AfterFinish"; readonly usage: boolean; readonly then: "end" | "stay-open" | "reset" }
  | { readonly _tag: "Encode"; readonly how: "one-byte-writes" | "split-characters" | "crlf" | "byte-order-mark" }
  | { readonly _tag: "Buffer" }
  | { readonly _tag: "IdleCut"; readonly seconds: number }
  | {
    readonly _tag: "Trigger"
    readonly when: Alarm["when"]
    /** It waits until so many requests are open. */
    readonly openRequests?: number
    readonly action: ServerAction
  }

/** What is wrong with an answer to GET /metrics. */
export type MetricsFault =
  | { readonly kind: "down" }
  | { readonly kind: "slow"; readonly seconds: number }
  | { readonly kind: "error"; readonly status: number }
  | { readonly kind: "huge"; readonly megabytes: number }
  | { readonly kind: "malformed" }
  | { readonly kind: "wrong-model"; readonly model: string }
  | { readonly kind: "other-replica" }
  | { readonly kind: "alternating" }
  | { readonly kind: "cached"; readonly seconds: number }
  | { readonly kind: "disabled" }

export type ServerAction =
  | {
    readonly _tag: "Hang"
    readonly ranks: "all" | number
    /** What the gauge of running requests shows meanwhile; absent: what it showed. */
    readonly runningGauge?: number
  }
  /** Meanwhile so many other clients come, get their first tokens, and leave. */
  | { readonly _tag: "StopDecoding"; readonly others: number }
  | { readonly _tag: "Sleep"; readonly mode: PauseMode }
  /** Then the server refuses connections until the end. */
  | { readonly _tag: "EngineDeath"; readonly exitSeconds: number }
  /** The process is gone; at the end there is a new one. */
  | { readonly _tag: "Kill"; readonly sockets: "half-open" | "closed" }
  | { readonly _tag: "RefuseConnections" }
  /** Connections are accepted, and nothing is answered. */
  | { readonly _tag: "Silence" }
  | { readonly _tag: "Metrics"; readonly fault: MetricsFault }
  | { readonly _tag: "Health"; readonly status: number }
  /** Requests of other clients that come and go. */
  | { readonly _tag: "OtherRequests"; readonly count: number }

export type FaultAction = RequestAction | ServerAction

const serverTags: ReadonlySet<FaultAction["_tag"]> = new Set<ServerAction["_tag"]>([
  "Hang",
  "StopDecoding",
  "Sleep",
  "EngineDeath",
  "Kill",
  "RefuseConnections",
  "Silence",
  "Metrics",
  "Health",
  "OtherRequests"
])

export const isServerAction = (action: FaultAction): action is ServerAction => serverTags.has(action._tag)
