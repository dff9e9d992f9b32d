/**
 * What happens at a tap, as lines for people and as JSON for programs: pure.
 *
 * A call is a line when it ends, and one for each time that it is found slow, alive again, or stalled. Calls are told by
 * their numbers, so that lines of one call find each other among those of others.
 */
import * as Schema from "effect/Schema"
import { inSeconds } from "../liveness/inSeconds.ts"
import type { SlowReason } from "../liveness/SlowReason.ts"
import { Verdict } from "../liveness/Verdict.ts"
import type { CallEnd, CallName, TapEvent } from "../tap/TapEvent.ts"

const encodeVerdict = Schema.encodeSync(Verdict)

/** The event as it is, with its verdict as it is stored. */
export const jsonOfTapEvent = (event: TapEvent): unknown =>
  event._tag === "CallVerdict" ? { ...event, verdict: encodeVerdict(event.verdict) } : event

/** One line; none of what is told by a later one. */
export const lineOfTapEvent = (event: TapEvent): string | undefined => {
  switch (event._tag) {
    case "CallBegan":
      return undefined
    case "CallVerdict":
      return verdictLine(event)
    case "CallEnded":
      return `${nameOf(event)} ${endOf(event)}`
    case "Passed":
      return `${event.method} ${event.path}: ${event.status ?? "not answered"}`
    case "BattleOpened":
      return `battle ${event.battle} opened: ${event.agent}, attempt ${event.attempt}`
    case "BattleClosed": {
      const shared = event.shared === 0 ? "" : `, and ${counted(event.shared, "more call")} that may have been its own`
      return `battle ${event.battle} closed: ${counted(event.calls, "call")}, ${
        counted(event.tokens, "token")
      }${shared}`
    }
  }
}

const verdictLine = (event: Extract<TapEvent, { readonly _tag: "CallVerdict" }>): string | undefined => {
  const { verdict } = event
  switch (verdict._tag) {
    case "Slow":
      return `${nameOf(event)} ${slowly[verdict.reason]}, no token for ${inSeconds(verdict.silentMillis)} after ${
        counted(verdict.tokens, "token")
      }`
    case "Stalled":
      return `${nameOf(event)} STALLED (${verdict.kind}, ${verdict.confidence}), no token for ${
        inSeconds(verdict.silentMillis)
      } after ${counted(verdict.tokens, "token")}`
    default:
      return undefined
  }
}

const slowly: Record<SlowReason, string> = {
  queued: "slow, waits in the engine's queue",
  prefill: "slow, its prompt is worked on",
  preempted: "slow, was put back into the engine's queue",
  "silent-decoding": "slow, the engine decodes and sends nothing",
  "engine-asleep": "slow, the engine is asleep or paused",
  "agent-work": "slow, its agent works on something else",
  "silent-unverified": "slow, nobody can tell why",
  "below-rate": "slow, fewer tokens per second than wanted"
}

const ends: Record<CallEnd, string> = {
  completed: "completed",
  failed: "failed",
  stalled: "closed as stalled",
  "client-gone": "the agent went",
  "battle-closed": "closed with its battle",
  "shut-down": "closed with the tap"
}

const endOf = (event: Extract<TapEvent, { readonly _tag: "CallEnded" }>): string => {
  const first = event.firstTokenMillis === null ? "" : `, first after ${inSeconds(event.firstTokenMillis)}`
  const detail = event.detail === null ? "" : `: ${event.detail}`
  return `${ends[event.end]}, ${counted(event.tokens, "token")} in ${inSeconds(event.millis)}${first}${detail}`
}

const nameOf = ({ battle, call, mode, model, path, why }: CallName): string => {
  const whose = battle === null ? (why === "no battle" ? "" : ` (battle ${why})`) : ` (battle ${battle})`
  const kind = path.endsWith("/chat/completions") ? "" : ` ${path}`
  const how = mode === "whole" ? ", unseen until whole" : ""
  return `call ${call}${whose}${kind} ${model === "" ? "?" : model}${how}:`
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`
