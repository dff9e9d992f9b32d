/**
 * One battle that a runner watches through the tap, while its stream is open.
 *
 * Told are token counts of its calls, heartbeats while there are none, and the end if one of its calls was given up.
 * A heartbeat tells of the call in flight that has been silent longest, and of all tokens that were told before it; while
 * the agent has no call in flight it is at work as far as anybody here can see (`agent-work`).
 *
 * Laws: the sum of the tokens told is that of its calls; a runner that does not read costs nothing: what waits for it is
 * added up. After its end nothing is told.
 */
import type { AnySpan } from "effect/Tracer"
import { type Ended, type TaskEvent, TaskEvent as TaskEventSchema } from "../a2a/TaskEvent.ts"
import { encodeEvent } from "../a2a/TokenExtension.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { TapCall } from "./TapCall.ts"
import * as TapRefusal from "./TapRefusal.ts"

export interface BattleName {
  readonly battle: string
  readonly agent: string
  /** Counted from 1. */
  readonly attempt: number
  /** A factor on the limits of silences about which nothing is known. */
  readonly patience: number
  /** A W3C trace id by which its calls are known. */
  readonly trace: string | undefined
  /** The span of the agent's task, where its runner tells of one. */
  readonly parent?: AnySpan | undefined
  /** Texts that all stand in the prompt of its calls; none where that is not known. */
  readonly prompt: ReadonlyArray<string>
}

/** The runner's end of the stream. */
export interface BattleSink {
  /** Whether there is room for more; `onRoom` asks for it. */
  readonly write: (event: string) => boolean
  readonly end: () => void
}

export interface OpenBattleOptions {
  readonly name: BattleName
  readonly sink: BattleSink
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly heartbeatMillis: number
}

export class OpenBattle {
  readonly name: BattleName
  readonly calls = new Set<TapCall>()
  readonly openedAt: number
  /** Calls so far, those that may have been its own, and all its tokens. */
  callsBegun = 0
  shared = 0
  tokens = 0
  readonly #sink: BattleSink
  readonly #now: () => number
  readonly #heartbeatMillis: number
  #lastToldAt: number
  /** When the last call was, or the last token of one. */
  #lastSeenAt: number
  #hasRoom = true
  #waiting = { content: 0, reasoning: 0 }
  #isOver = false

  constructor({ heartbeatMillis, name, now, sink }: OpenBattleOptions) {
    this.name = name
    this.#sink = sink
    this.#now = now
    this.#heartbeatMillis = heartbeatMillis
    this.openedAt = now()
    this.#lastToldAt = this.openedAt
    this.#lastSeenAt = this.openedAt
  }

  get isOver(): boolean {
    return this.#isOver
  }

  readonly began = (call: TapCall): void => {
    this.calls.add(call)
    this.callsBegun++
    this.#lastSeenAt = this.#now()
  }

  readonly ended = (call: TapCall): void => {
    this.calls.delete(call)
    this.#lastSeenAt = this.#now()
  }

  /** Tokens of one of its calls. */
  readonly received = (tokens: number, channel: "content" | "reasoning"): void => {
    this.tokens += tokens
    this.#lastSeenAt = this.#now()
    this.#waiting[channel] += tokens
    this.#tellWaiting()
  }

  /** The runner has read what was written. */
  readonly onRoom = (): void => {
    this.#hasRoom = true
    this.#tellWaiting()
  }

  /** Says at once how it stands. */
  readonly beat = (): void => this.#tell(this.#heartbeat())

  /** Time passes. */
  readonly tick = (): void => {
    if (this.#now() - this.#lastToldAt >= this.#heartbeatMillis) this.beat()
  }

  /** One of its calls was given up, and is closed once the runner knows; the others are of no use any more. */
  readonly fail = (error: RunError, close: () => void): void =>
    this.#end({ _tag: "Ended", state: "failed", text: error.message, error }, close)

  /** Somebody wants no more of it. */
  readonly cancel = (text: string): void => this.#end({ _tag: "Ended", state: "canceled", text, error: null }, () => {})

  #end(event: Ended, close: () => void): void {
    if (this.#isOver) return
    this.#tellWaiting()
    // It is the last thing that is written, room or not.
    this.#hasRoom = true
    this.#tell(event)
    this.#isOver = true
    close()
    for (const call of this.calls) call.close(TapRefusal.battleClosed(this.name.battle), "battle-closed")
    this.#sink.end()
  }

  #tellWaiting(): void {
    const { content, reasoning } = this.#waiting
    if (!this.#hasRoom || this.#isOver) return
    this.#waiting = { content: 0, reasoning: 0 }
    if (reasoning > 0) this.#write(`{"_tag":"Delta","channel":"reasoning","text":"","tokens":${reasoning}}`)
    if (content > 0) this.#write(`{"_tag":"Delta","channel":"content","text":"","tokens":${content}}`)
  }

  #tell(event: TaskEvent): void {
    if (!this.#isOver && this.#hasRoom) this.#write(JSON.stringify(encodeEvent(event)))
  }

  #write(json: string): void {
    this.#lastToldAt = this.#now()
    this.#hasRoom = this.#sink.write(`data: ${json}\n\n`)
  }

  #heartbeat(): TaskEvent {
    const now = this.#now()
    let worst: TapCall | undefined
    for (const call of this.calls) {
      if (worst === undefined || call.silence(now) > worst.silence(now)) worst = call
    }
    const limit = worst?.toldLimit(now)
    return TaskEventSchema.make({
      _tag: "Heartbeat",
      phase: worst?.phase ?? "agent-work",
      tokens: this.tokens,
      tokenAgeMillis: worst?.silence(now) ?? now - this.#lastSeenAt,
      engine: worst?.engine ?? "unknown",
      intervalMillis: this.#heartbeatMillis,
      ...limit === undefined ? {} : { limit }
    })
  }
}
