/**
 * `dashboard`: what does a web page cost the process that runs a campaign?
 *
 * A campaign of generated events, with all its battles in flight and each of them decoding at the same rate, is told to the
 * dashboard as a runner tells it, with no page, one, and many. The baseline is the reducer of the terminal, which a runner
 * has in any case. Time is made up, so it takes as long as the work does; what is said is processor time for each second of
 * the campaign, in percent of one processor.
 *
 * Gotcha: pages are not on sockets here. Their frames are encoded once for each page, which is what a socket does with them;
 * what the kernel does is not seen.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { EventEmitter } from "node:events"
import type { ServerResponse } from "node:http"
import { availableParallelism } from "node:os"
import { calm } from "../src/campaign/AttemptOutlook.ts"
import { type Battle, plan } from "../src/campaign/Battle.ts"
import type { CampaignEvent } from "../src/campaign/CampaignEvent.ts"
import * as CampaignView from "../src/terminal/CampaignView.ts"
import { Audience } from "../src/web/Audience.ts"
import * as DashboardHistory from "../src/web/DashboardHistory.ts"
import { definitionOf } from "./campaign/plannedCampaign.ts"
import { atMost, criteriaLines, type Criterion, requireMet } from "./support/Criterion.ts"
import { count, json } from "./support/flags.ts"
import { significant, table } from "./support/table.ts"

const FRAME_MILLIS = 200
/** Between two moments at which tokens arrive. */
const STEP_MILLIS = 5
/** Of a processor, for one page more than the terminal costs. */
const MOST_PERCENT = 10

interface Cell {
  readonly what: string
  readonly percent: number
  readonly frameBytes: number
}

interface Load {
  readonly battles: ReadonlyArray<Battle>
  readonly begin: CampaignEvent
  readonly tokensPerSecond: number
  readonly seconds: number
}

/** A page that reads everything. */
class Page extends EventEmitter {
  readonly destroyed = false
  bytes = 0
  writes = 0
  writeHead(): void {}
  write(text: string): boolean {
    this.bytes += Buffer.from(text).length
    this.writes++
    return true
  }
}

const cpuMillis = () => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

/** Tells all of it, and lets time pass; in percent of a processor. */
const played = (load: Load, tell: (event: CampaignEvent) => void, tick: (now: number) => void): number => {
  const { battles, seconds, tokensPerSecond } = load
  const every = 1000 / tokensPerSecond
  const next = battles.map((_, index) => index / battles.length * every)
  const tokens = battles.map(() => 0)
  const began = cpuMillis()
  for (let now = STEP_MILLIS; now <= seconds * 1000; now += STEP_MILLIS) {
    battles.forEach((battle, index) => {
      if (next[index]! > now) return
      next[index]! += every
      tokens[index]!++
      tell({ _tag: "TokensArrived", atMillis: now, battle, phase: "decoding", tokens: tokens[index]!, arrived: 1 })
      if (tokens[index]! % 100 === 0) {
        tell({ _tag: "OutlookChanged", atMillis: now, battle, number: 1, outlook: { ...calm, engine: "moving" } })
      }
    })
    if (now % FRAME_MILLIS === 0) tick(now)
  }
  return (cpuMillis() - began) / (seconds * 10)
}

const terminal = (load: Load): Cell => {
  let view = CampaignView.step(CampaignView.initial, load.begin)
  for (const battle of load.battles) {
    view = CampaignView.step(view, { _tag: "AttemptBegan", atMillis: 0, battle, number: 1 })
  }
  const percent = played(load, (event) => {
    view = CampaignView.step(view, event)
  }, () => {})
  return { what: "the terminal's reducer", percent, frameBytes: 0 }
}

const withPages = (load: Load, pages: number): Cell => {
  const clock = { now: 0 }
  const audience = new Audience({ elapsed: () => clock.now, name: "bench", headers: {} })
  audience.begin({
    file: "bench.db",
    origin: 0,
    lateMillis: 0,
    laneOfEndpoint: () => undefined,
    history: DashboardHistory.none
  }, 0)
  audience.tell(load.begin)
  for (const battle of load.battles) audience.tell({ _tag: "AttemptBegan", atMillis: 0, battle, number: 1 })
  const looking = Array.from({ length: pages }, () => new Page())
  for (const page of looking) audience.join(page as unknown as ServerResponse, undefined)
  const percent = played(load, (event) => audience.tell(event), (now) => {
    clock.now = now
    audience.tick()
  })
  const [first] = looking
  return {
    what: `a dashboard with ${pages === 0 ? "no page" : pages === 1 ? "one page" : `${pages} pages`}`,
    percent,
    frameBytes: first === undefined ? 0 : first.bytes / first.writes
  }
}

export const dashboard = Command.make(
  "dashboard",
  {
    battles: count("battles", 500, "Battles in flight"),
    rate: count("rate", 20, "Tokens per second of each"),
    seconds: count("seconds", 20, "Of the campaign"),
    pages: count("pages", 10, "Pages in the last case"),
    json
  },
  Effect.fn("bench.dashboard")(function*({ json, ...options }) {
    const { battles: asked } = options
    const addresses = { engineUrl: "http://127.0.0.1/v1", greenUrl: "", purpleUrl: "" }
    const definition = definitionOf({ ...addresses, battles: asked, concurrency: asked })
    const battles = plan(definition).slice(0, asked)
    const load: Load = {
      battles,
      begin: {
        _tag: "CampaignBegan",
        atMillis: 0,
        definition,
        battles: battles.map((battle) => ({ battle, outcome: { _tag: "Pending" } }))
      },
      tokensPerSecond: options.rate,
      seconds: options.seconds
    }
    terminal({ ...load, seconds: 2 })
    withPages({ ...load, seconds: 2 }, 1)
    const cells: Array<Cell> = []
    for (const pages of [undefined, 0, 1, options.pages]) {
      const cell = pages === undefined ? terminal(load) : withPages(load, pages)
      yield* Console.error(`${cell.what}: ${significant(cell.percent)} %`)
      cells.push(cell)
    }
    const [base, , one] = cells
    const criteria: ReadonlyArray<Criterion> = [
      atMost(MOST_PERCENT, {
        name: "one page, beyond the terminal",
        value: one!.percent - base!.percent,
        unit: "% of a processor"
      })
    ]
    const conditions = { bench: "dashboard", node: process.version, processors: availableParallelism(), options }
    yield* Console.log(
      json ? JSON.stringify({ ...conditions, cells, criteria }) : [
        ...table([
          ["", "% of a processor", "× terminal", "kB per frame"],
          ...cells.map(({ frameBytes, percent, what }) => [
            what,
            significant(percent),
            significant(percent / base!.percent),
            frameBytes === 0 ? "" : significant(frameBytes / 1000)
          ])
        ], ["left"]),
        "",
        ...criteriaLines(criteria)
      ].join("\n")
    )
    yield* requireMet(criteria)
  })
).pipe(
  Command.withDescription("What a web page costs the process that runs a campaign."),
  Command.withExamples([{
    command: "npm run bench -- dashboard --battles 500 --rate 30",
    description: "An engine that is quick for as many battles"
  }])
)
