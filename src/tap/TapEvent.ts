/**
 * What happens at a tap, for people and for programs that log: every call, every verdict on one, every battle.
 *
 * Nothing here was sent by an agent but the path, the model and the battle's name: no header, no prompt, no answer.
 */
import type { Verdict } from "../liveness/Verdict.ts"

/** Why a call belongs to nobody. */
export type Unattributed =
  /** No battle is open. */
  | "no battle"
  /** The one that it names is not open. */
  | "not open"
  /** It may be any of several. */
  | "shared"

/** A completion. */
export interface CallName {
  /** Counted from 1. */
  readonly call: number
  readonly path: string
  readonly model: string
  readonly battle: string | null
  /** Why there is no battle. */
  readonly why: Unattributed | null
  /** How its answer was asked for: as a stream, whole and made a stream by us, or whole as it was. */
  readonly mode: "stream" | "reassembled" | "whole"
}

/** How a call ended. */
export type CallEnd =
  | "completed"
  | "failed"
  /** Given up by us. */
  | "stalled"
  /** The client went. */
  | "client-gone"
  /** Its battle was closed. */
  | "battle-closed"
  | "shut-down"

export type TapEvent =
  | { readonly _tag: "CallBegan" } & CallName
  /** It became slow, or it is alive again, or it was found stalled. */
  | { readonly _tag: "CallVerdict"; readonly verdict: Verdict } & CallName
  | {
    readonly _tag: "CallEnded"
    readonly end: CallEnd
    /** The status it was answered with; `null` if it was not. */
    readonly status: number | null
    readonly tokens: number
    /** Since it was asked, in milliseconds. */
    readonly millis: number
    readonly firstTokenMillis: number | null
    /** What went wrong. */
    readonly detail: string | null
  } & CallName
  /** Anything but a completion: it passed, and was not watched. */
  | { readonly _tag: "Passed"; readonly method: string; readonly path: string; readonly status: number | null }
  | { readonly _tag: "BattleOpened"; readonly battle: string; readonly agent: string; readonly attempt: number }
  | {
    readonly _tag: "BattleClosed"
    readonly battle: string
    readonly agent: string
    readonly calls: number
    readonly tokens: number
    /** Calls that may have been its own. */
    readonly shared: number
  }
