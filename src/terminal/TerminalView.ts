/**
 * Shows a running campaign on stderr, from a stream of its events and from nothing else.
 *
 * `full` draws a region again and again (see `renderFull.ts`), at most every 100 ms, and so rarely that drawing stays
 * below a twentieth of a processor: this process also times silences. `plain` writes lines (see `renderPlain.ts`),
 * `json` writes them to stdout, one a line (see `CampaignLine.ts`), `none` only lets them pass. Whichever it is, all events are consumed, and a failure of their stream is ours.
 *
 * Between events the time goes on by the monotonic clock, from the event that came with the least delay.
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { CampaignEvent } from "../campaign/CampaignEvent.ts"
import * as CampaignLine from "./CampaignLine.ts"
import * as CampaignView from "./CampaignView.ts"
import { estimateRemaining, type Remaining } from "./estimateRemaining.ts"
import { LiveRegion } from "./LiveRegion.ts"
import { renderFull } from "./renderFull.ts"
import { renderPlain, renderProgress } from "./renderPlain.ts"

/** How a campaign is shown. */
export type Mode = "full" | "plain" | "json" | "none"

export interface Surroundings {
  /** Whether stderr is a terminal. */
  readonly isTerminal: boolean
  readonly environment: { readonly [name: string]: string | undefined }
}

export interface ViewOptions {
  /** Colours in `full` mode; see `chooseColor`. */
  readonly color: boolean
}

/** The least time between two frames, in milliseconds. */
const FRAME_MILLIS = 100
/** Between two estimates of what is left, in milliseconds of event time. */
const ESTIMATE_MILLIS = 2_000
/** How many times as long as a frame took nothing is drawn after it, and the longest time. */
const REST = 19
const MOST_REST_MILLIS = 1_000
/** How long plain output may be silent, in milliseconds. */
const PLAIN_SILENCE_MILLIS = 30_000

const isSet = (value: string | undefined): boolean => value !== undefined && value !== ""
const isOn = (value: string | undefined): boolean => isSet(value) && value !== "0" && value?.toLowerCase() !== "false"

/** The mode for what was asked: `auto` is full on a terminal that can redraw and is watched, else plain. */
export const chooseMode = (
  ui: "auto" | Mode,
  { environment, isTerminal }: Surroundings
): Mode => {
  if (ui !== "auto") return ui
  return isTerminal && !isOn(environment["CI"]) && environment["TERM"] !== "dumb" ? "full" : "plain"
}

/** Whether to use colours: never with NO_COLOR or TERM=dumb; with FORCE_COLOR always; else on a terminal. */
export const chooseColor = ({ environment, isTerminal }: Surroundings): boolean => {
  if (isSet(environment["NO_COLOR"]) || environment["TERM"] === "dumb") return false
  const force = environment["FORCE_COLOR"]
  return isSet(force) ? isOn(force) : isTerminal
}

/**
 * Shows the campaign until its events end. Fails as the stream of events does.
 *
 * Interrupting it leaves the last state on the screen and the cursor visible.
 */
export const run = Effect.fn("TerminalView.run")(function*<E, R>(
  events: Stream.Stream<CampaignEvent, E, R>,
  mode: Mode,
  { color }: ViewOptions = { color: false }
): Effect.fn.Return<void, E, R | LiveRegion> {
  switch (mode) {
    case "full":
      return yield* full(events, color)
    case "plain":
      return yield* plain(events)
    case "json":
      return yield* Stream.runForEachArray(
        events,
        (chunk) => Console.log(chunk.map(CampaignLine.encode).join("\n"))
      )
    case "none":
      return yield* Stream.runDrain(events)
  }
})

/** The time of the events, carried on between them. */
const makeEventClock = Effect.map(Clock.Clock, (clock) => {
  let ahead = -Infinity
  const elapsed = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  return {
    elapsed,
    now: () => Number.isFinite(ahead) ? elapsed() + ahead : 0,
    observe: (event: CampaignEvent) => {
      ahead = Math.max(ahead, event.atMillis - elapsed())
    }
  }
})

const full = Effect.fnUntraced(function*<E, R>(events: Stream.Stream<CampaignEvent, E, R>, color: boolean) {
  const liveRegion = yield* LiveRegion
  const eventClock = yield* makeEventClock
  let view = CampaignView.initial

  const take = Stream.runForEachArray(events, (chunk) =>
    Effect.sync(() => {
      for (const event of chunk) {
        view = CampaignView.step(view, event)
        eventClock.observe(event)
      }
    }))

  let remaining: Remaining | undefined
  let estimatedAt = -Infinity
  /** The estimate runs down with the clock, so it is made anew only now and then. */
  const estimate = (now: number) => {
    if (remaining !== undefined && now - estimatedAt < ESTIMATE_MILLIS) return
    estimatedAt = now
    remaining = estimateRemaining(view, now)
  }

  yield* Effect.scoped(Effect.gen(function*() {
    const region = yield* liveRegion.open
    const draw = Effect.gen(function*() {
      const size = yield* region.size
      const now = eventClock.now()
      const frame = renderFull(view, now, { ...size, color, remaining })
      if (frame !== "") yield* region.draw(frame)
    })
    const frames = Effect.gen(function*() {
      estimate(eventClock.now())
      const began = eventClock.elapsed()
      yield* draw
      const rest = (eventClock.elapsed() - began) * REST
      yield* Effect.sleep(Math.max(FRAME_MILLIS, Math.min(MOST_REST_MILLIS, rest)))
    })
    yield* Effect.forkScoped(Effect.forever(frames))
    yield* Effect.ensuring(take, draw)
  }))
})

const plain = Effect.fnUntraced(function*<E, R>(events: Stream.Stream<CampaignEvent, E, R>) {
  const eventClock = yield* makeEventClock
  let view = CampaignView.initial
  let wroteAt = eventClock.elapsed()

  const write = (lines: ReadonlyArray<string>) => {
    if (lines.length === 0) return Effect.void
    wroteAt = eventClock.elapsed()
    return Console.error(lines.join("\n"))
  }

  const take = Stream.runForEachArray(events, (chunk) => {
    const lines: Array<string> = []
    for (const event of chunk) {
      const line = renderPlain(view, event)
      if (line !== undefined) lines.push(line)
      view = CampaignView.step(view, event)
      eventClock.observe(event)
    }
    return write(lines)
  })

  // When everything hangs there are no events, and that is when somebody will read the log.
  const reassure = Effect.gen(function*() {
    yield* Effect.sleep(Math.max(FRAME_MILLIS, wroteAt + PLAIN_SILENCE_MILLIS - eventClock.elapsed()))
    if (view.definition === undefined || eventClock.elapsed() - wroteAt < PLAIN_SILENCE_MILLIS) return
    yield* write([renderProgress(view, eventClock.now())])
  })

  yield* Effect.scoped(Effect.gen(function*() {
    yield* Effect.forkScoped(Effect.forever(reassure))
    yield* take
  }))
})
