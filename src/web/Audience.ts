/**
 * The pages that look at a dashboard: each gets the same frames, made once, and none of them can hold anything up.
 *
 * Laws: while nobody looks no frame is made; a page that comes is given a snapshot of that very moment, and those that were
 * there are given the changes up to it first; a page that cannot follow is given a snapshot instead of what it missed.
 *
 * Time between events goes on by the monotonic clock, from the event that came with the least delay. All is synchronous: the
 * caller says when time has passed.
 */
import type { ServerResponse } from "node:http"
import type { CampaignEvent } from "../campaign/CampaignEvent.ts"
import { Dashboard, type DashboardOptions } from "./Dashboard.ts"
import { beat, FrameLog } from "./FrameLog.ts"
import { PageStream } from "./PageStream.ts"

/** How long nothing may be said to a page, in milliseconds. */
const BEAT_MILLIS = 5_000
/** More pages than that are refused. */
const MOST_PAGES = 100

export interface AudienceOptions {
  /** In milliseconds of a clock that does not go back. */
  readonly elapsed: () => number
  /** Of this server, unlike that of any other one. */
  readonly name: string
  readonly headers: Readonly<Record<string, string>>
}

export class Audience {
  readonly #elapsed: () => number
  readonly #headers: Readonly<Record<string, string>>
  readonly #log: FrameLog
  readonly #pages = new Set<PageStream>()
  #dashboard: Dashboard | undefined
  /** What the campaign's time is more than `elapsed`. */
  #ahead = 0
  #saidAt = -Infinity
  /** Whether it is another campaign, or another run of it, than the pages that are there have been told of. */
  #isAnother = false

  constructor({ elapsed, headers, name }: AudienceOptions) {
    this.#elapsed = elapsed
    this.#headers = headers
    this.#log = new FrameLog(name)
  }

  get dashboard(): Dashboard | undefined {
    return this.#dashboard?.hasBegun === true ? this.#dashboard : undefined
  }

  get isFull(): boolean {
    return this.#pages.size >= MOST_PAGES
  }

  /** The campaign's time now. */
  get now(): number {
    return this.#elapsed() + this.#ahead
  }

  /** Shows another campaign from now on, or the same in another process; its time is `atMillis` now. */
  begin(options: DashboardOptions, atMillis: number): void {
    this.#dashboard = new Dashboard(options)
    this.#ahead = atMillis - this.#elapsed()
  }

  /** What happens in the campaign. The first of them must say what it is. */
  tell(event: CampaignEvent): void {
    const dashboard = this.#dashboard
    if (dashboard === undefined) return
    dashboard.take(event)
    if (event._tag === "CampaignBegan") {
      // Not told at once: what is stored comes as a beginning and an end, and nobody shall hear that it runs. Its own time
      // is no news either: where all is shown late, it is told before it is due.
      this.#isAnother = true
    } else this.#ahead = Math.max(this.#ahead, event.atMillis - this.#elapsed())
  }

  /** One more page, which has seen frames up to that id. */
  join(response: ServerResponse, lastEventId: string | undefined): void {
    // What happened while nobody looked is in no frame.
    if (this.#pages.size === 0) this.#forget()
    else this.#flush()
    const page = new PageStream(response, this.#headers, () => this.#pages.delete(page))
    this.#pages.add(page)
    if (this.dashboard === undefined) return
    const missed = lastEventId === undefined ? undefined : this.#log.since(lastEventId)
    // Who has missed nothing is told that, too: until something comes a page takes its connection for lost.
    page.giveAll(missed === "" ? beat(this.now) : missed ?? this.#snapshot(), this.#elapsed())
    this.#saidAt = this.#elapsed()
  }

  /** Some time has passed. */
  tick(): void {
    if (this.#pages.size === 0) return
    const now = this.#elapsed()
    if (!this.#flush() && now - this.#saidAt >= BEAT_MILLIS) this.#giveEach(beat(this.now))
    for (const page of this.#pages) {
      if (page.wantsSnapshot && this.dashboard !== undefined) page.giveAll(this.#snapshot(), now)
      page.closeIfStuck(now)
    }
  }

  /** Tells the last that has happened, and ends all streams. */
  end(): void {
    this.#flush()
    for (const page of this.#pages) page.end()
  }

  /** What has changed is told in snapshots only. */
  #forget(): void {
    this.#isAnother = false
    this.#dashboard?.changes(this.now)
    this.#log.restart()
  }

  /** Gives everybody what has changed; whether anything has. */
  #flush(): boolean {
    if (this.#isAnother) {
      this.#forget()
      this.#saidAt = this.#elapsed()
      for (const page of this.#pages) page.giveAll(this.#snapshot(), this.#saidAt)
      return true
    }
    const changes = this.dashboard?.changes(this.now)
    if (changes === undefined) return false
    this.#giveEach(this.#log.append(changes))
    return true
  }

  #giveEach(text: string): void {
    const now = this.#elapsed()
    this.#saidAt = now
    for (const page of this.#pages) page.give(text, now)
  }

  #snapshot(): string {
    const dashboard = this.#dashboard!
    return this.#log.snapshot(this.now, () => dashboard.state(this.now))
  }
}
