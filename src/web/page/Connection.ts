/**
 * The page's connection to its server: frames as they come, and whether they still come.
 *
 * Laws
 * - A connection that is lost is opened again, for ever, every two seconds; the page says so, and since when.
 * - Frames that do not follow each other end in a new connection, which begins with a snapshot. The browser's own way to
 *   reconnect tells the server the last frame it saw; a server that does not know it sends a snapshot.
 * - The server says something at least every five seconds, so a connection that says nothing for fifteen is dead, also
 *   where nobody has closed it: a laptop that slept, a network that is gone.
 * - A page that nobody sees is not connected once it knows how things are: a browser has six connections to a server for
 *   all of its tabs together, and with a stream in each the seventh battle that somebody opens would never come.
 *
 * Gotcha: an EventSource that was refused (no token, another server) does not say why, so the page asks in another way.
 */
import type { Problem } from "../BattlePage.ts"
import type { Frame } from "../Frame.ts"

/** Times in milliseconds of the page's own clock. */
export interface ConnectionState {
  readonly kind: "connecting" | "open" | "lost"
  /** Since when; wall clock, in milliseconds since 1970. */
  readonly since: number
  /** Why the server refuses, where it says. */
  readonly refusal: string | null
}

export interface Listener {
  /** Takes a frame, and says whether it followed; if it did not, a snapshot is asked for. */
  readonly frame: (frame: Frame) => boolean
  readonly changed: (state: ConnectionState) => void
}

const RETRY_MILLIS = 2_000
const SILENT_MILLIS = 15_000
/** How long a page that nobody sees any more stays connected. */
const AWAY_MILLIS = 5_000

/** Connects, and goes on for as long as the page is there. */
export const connect = (listener: Listener): void => {
  let source: EventSource
  let heardAt = performance.now()
  let triedAt = -Infinity
  /** When nobody saw the page any more; one that was opened behind others has not been seen at all. */
  let hiddenAt = -Infinity
  let isAway = false
  let state: ConnectionState = { kind: "connecting", since: Date.now(), refusal: null }

  const become = (kind: ConnectionState["kind"], refusal: string | null = null) => {
    if (state.kind === kind && state.refusal === refusal) return
    state = { kind, since: state.kind === kind ? state.since : Date.now(), refusal }
    listener.changed(state)
  }

  const open = () => {
    triedAt = heardAt = performance.now()
    source = new EventSource("events")
    source.addEventListener("message", ({ data }) => {
      heardAt = performance.now()
      if (listener.frame(JSON.parse(String(data)) as Frame)) become("open")
      // Opened again by the clock below, so that a server which never makes sense is not asked all the time.
      else source.close()
    })
    source.addEventListener("error", ({ target }) => {
      // One that was given up for another may still have something to say.
      if (target !== source) return
      become("lost", state.refusal)
      if (source.readyState === EventSource.CLOSED) void askWhy().then((refusal) => become("lost", refusal))
    })
  }

  const reopen = () => {
    source.close()
    open()
  }

  open()
  listener.changed(state)
  document.addEventListener("visibilitychange", () => {
    hiddenAt = performance.now()
    if (document.hidden || !isAway) return
    isAway = false
    become("connecting")
    reopen()
  })
  setInterval(() => {
    const now = performance.now()
    if (document.hidden && state.kind === "open" && now - hiddenAt > AWAY_MILLIS) {
      isAway = true
      source.close()
    }
    if (isAway) return
    if (source.readyState === EventSource.CLOSED && now - triedAt > RETRY_MILLIS) reopen()
    else if (now - heardAt > SILENT_MILLIS) {
      become("lost", state.refusal)
      reopen()
    }
  }, 1_000)
}

/** Why the server refuses this page, if it says; `null` where nobody answers or nothing is wrong. */
const askWhy = (): Promise<string | null> =>
  fetch("events").then((answer) =>
    answer.ok
      ? answer.body!.cancel().then(() => null)
      : answer.json().then((problem) => (problem as Problem).error)
  ).catch(() => null)
