/**
 * The event stream of one page, written to a response of `node:http` (adapter).
 *
 * A page that does not read is not written to: it misses frames, and gets a snapshot once it has read what it was given. So
 * at most one frame waits for it in this process, however slow it is. One that does not read for a minute is closed; if it
 * still lives, its browser comes back.
 *
 * Nothing here ever throws or waits: whoever tells frames also runs a campaign.
 */
import type { ServerResponse } from "node:http"

/** How long a page may not read, in milliseconds. */
const STUCK_MILLIS = 60_000

export class PageStream {
  readonly #response: ServerResponse
  #writable = true
  #blockedAt = 0
  #behind = false

  /** Begins the stream; `onClose` is told once when it is over, for whatever reason. */
  constructor(response: ServerResponse, headers: Readonly<Record<string, string>>, onClose: () => void) {
    this.#response = response
    response.on("error", () => {})
    response.once("close", onClose)
    response.on("drain", () => {
      this.#writable = true
    })
    response.writeHead(200, headers)
    // A browser takes the stream for open with its first bytes only; it tries again after a second if it breaks.
    this.#write("retry: 1000\n\n", 0)
  }

  /** Whether it has missed frames and can take a snapshot now. */
  get wantsSnapshot(): boolean {
    return this.#behind && this.#writable
  }

  /** Gives it a snapshot, or the frames that it has missed; later, if it does not read. */
  giveAll(text: string, now: number): void {
    this.#behind = !this.#writable
    if (this.#writable && text !== "") this.#write(text, now)
  }

  /** Gives it one more frame, or has it miss that one. `now` is in milliseconds of any clock that does not go back. */
  give(text: string, now: number): void {
    if (this.#behind) return
    if (this.#writable) return this.#write(text, now)
    this.#behind = true
  }

  /** Closes it if it has not read for too long. */
  closeIfStuck(now: number): void {
    if (!this.#writable && now - this.#blockedAt > STUCK_MILLIS) this.#response.destroy()
  }

  /** Ends it; what was written is still sent. */
  end(): void {
    this.#response.end()
  }

  #write(text: string, now: number): void {
    if (this.#response.destroyed) return
    this.#writable = this.#response.write(text)
    if (!this.#writable) this.#blockedAt = now
  }
}
