/**
 * What an agent is told by the tap itself, in the form in which OpenAI-compatible servers tell an error, so that every
 * SDK makes its own error of it, with a message and a code.
 *
 * Gotcha: the SDKs try again by themselves after a status of 500 or more, unless `x-should-retry: false` stands in the
 * answer (`shouldRetry` in openai-node's client.ts, `_should_retry` in openai-python's _base_client.py). A run that was
 * given up must not be begun again behind the back of who gave it up.
 */

export interface TapRefusal {
  readonly status: number
  readonly error: {
    readonly message: string
    readonly type: "campaign_tap_error"
    readonly param: null
    readonly code: RefusalCode
  }
  /** Whether the agent's SDK may try again by itself. */
  readonly retry: boolean
}

export type RefusalCode =
  /** No token for too long, or no answer. */
  | "engine_stalled"
  /** The battle that the call belongs to has ended, or its runner has. */
  | "battle_closed"
  /** No connection to the engine. */
  | "engine_unreachable"
  /** Nobody knows this path of the tap's own. */
  | "tap_shut_down"

const refusal = (status: number, code: RefusalCode, message: string, retry = false): TapRefusal => ({
  status,
  error: { message: `campaign tap: ${message}`, type: "campaign_tap_error", param: null, code },
  retry
})

/** `message` says what was seen. */
export const stalled = (message: string): TapRefusal =>
  refusal(504, "engine_stalled", `the engine's answer was given up: ${message}`)

export const battleClosed = (battle: string): TapRefusal =>
  refusal(504, "battle_closed", `battle ${battle}, to which this call belonged, was closed`)

/** A connection that was refused may be tried again, as it would be without a tap. */
export const unreachable = (url: string, detail: string): TapRefusal =>
  refusal(502, "engine_unreachable", `no connection to the engine at ${url}: ${detail}`, true)

export const shutDown: TapRefusal = refusal(503, "tap_shut_down", "it was shut down")
