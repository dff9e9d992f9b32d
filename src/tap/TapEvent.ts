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
  /** The path of the request, without the query. */
  readonly path: string
  /** The model that it names. */
  readonly model: string
  /** The battle that it belongs to, by its name at the tap. */
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

/** One thing that happened at a tap. */
export type TapEvent =
  | { readonly _tag: "CallBegan" } & CallName
  /** It became slow, or it is alive again, or it was found stalled. */
  | {
    readonly _tag: "CallVerdict"
    /** What can be said of it now. */
    readonly verdict: Verdict
  } & CallName
  | {
    readonly _tag: "CallEnded"
    /** How it ended. */
    readonly end: CallEnd
    /** The status it was answered with; `null` if it was not. */
    readonly status: number | null
    /** Tokens of its answer. */
    readonly tokens: number
    /** Since it was asked, in milliseconds. */
    readonly millis: number
    /** From being asked to the first token, in milliseconds; `null` where none came. */
    readonly firstTokenMillis: number | null
    /** What went wrong. */
    readonly detail: string | null
  } & CallName
  /** Anything but a completion: it passed, and was not watched. */
  | {
    readonly _tag: "Passed"
    /** Its HTTP method. */
    readonly method: string
    /** Its path, without the query. */
    readonly path: string
    /** The status it was answered with; `null` if it was not. */
    readonly status: number | null
  }
  | {
    readonly _tag: "BattleOpened"
    /** Its name at the tap. */
    readonly battle: string
    /** Who plays it. */
    readonly agent: string
    /** Counted from 1. */
    readonly attempt: number
  }
  | {
    readonly _tag: "BattleClosed"
    /** Its name at the tap. */
    readonly battle: string
    /** Who played it. */
    readonly agent: string
    /** Calls that were its own. */
    readonly calls: number
    /** Their tokens. */
    readonly tokens: number
    /** Calls that may have been its own. */
    readonly shared: number
  }
