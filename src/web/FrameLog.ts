/**
 * The frames of one dashboard, as text for event streams, numbered, and kept for a moment for whoever lost the connection.
 *
 * Laws: a frame is made once, however many pages there are; who has seen frame n of this log is given n + 1 and on, or a
 * snapshot; nobody is given a frame twice. What is kept is bounded in number and in size.
 *
 * Numbers mean nothing to another log: its name stands before them.
 */
import type { Changes, Frame, State } from "./Frame.ts"

/** Ten seconds of frames. */
const KEPT_FRAMES = 50
/** All that is kept, in UTF-16 units. */
const KEPT_LENGTH = 4_000_000
const SAME_MOMENT_MILLIS = 200

export class FrameLog {
  readonly #name: string
  #frames: Array<{ readonly sequence: number; readonly text: string }> = []
  #length = 0
  #sequence = 0
  #snapshot: { readonly sequence: number; readonly atMillis: number; readonly text: string } | undefined

  /** `name` is another one for every log that a page may ever have seen. */
  constructor(name: string) {
    this.#name = name
  }

  /** A frame with what has changed, for everybody who has seen all before it. */
  append(changes: Omit<Changes, "kind" | "sequence">): string {
    const sequence = ++this.#sequence
    const text = this.#textOf(sequence, { kind: "changes", sequence, ...changes })
    this.#frames.push({ sequence, text })
    this.#length += text.length
    while (this.#frames.length > KEPT_FRAMES || this.#length > KEPT_LENGTH) {
      this.#length -= this.#frames.shift()!.text.length
    }
    return text
  }

  /** What somebody is given who has seen nothing: as of the last frame. Made once for all who come at the same moment. */
  snapshot(now: number, make: () => State): string {
    const sequence = this.#sequence
    const last = this.#snapshot
    if (last?.sequence === sequence && now - last.atMillis < SAME_MOMENT_MILLIS) return last.text
    const text = this.#textOf(sequence, { kind: "snapshot", sequence, atMillis: Math.round(now), ...make() })
    this.#snapshot = { sequence, atMillis: now, text }
    return text
  }

  /** The frames after the last one that somebody has seen, by its id; `undefined` where they are not all there. */
  since(lastEventId: string): string | undefined {
    const [name, number] = lastEventId.split("/")
    const seen = Number(number)
    if (name !== this.#name || !/^\d+$/.test(number ?? "") || seen > this.#sequence) return undefined
    if (seen < (this.#frames[0]?.sequence ?? this.#sequence + 1) - 1) return undefined
    return this.#frames.filter(({ sequence }) => sequence > seen).map(({ text }) => text).join("")
  }

  /** Everything is another one from now on: whoever was told of it needs a snapshot. */
  restart(): void {
    this.#sequence++
    this.#frames = []
    this.#length = 0
    this.#snapshot = undefined
  }

  // JSON has no line break, so one line of data holds all of it.
  #textOf(sequence: number, frame: Frame): string {
    return `id: ${this.#name}/${sequence}\ndata: ${JSON.stringify(frame)}\n\n`
  }
}

/** A frame that is not kept and has no number. */
export const beat = (atMillis: number): string =>
  `data: ${JSON.stringify({ kind: "beat", atMillis: Math.round(atMillis) })}\n\n`
