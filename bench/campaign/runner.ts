/**
 * Child process: the runner of a campaign with all that the command gives it, but the agents, which are processes of their
 * own: what an agent costs is measured by other benches, and would be most of what is seen here.
 *
 * Its view is that of a log (`plain`), whose lines are dropped.
 *
 * Gotcha: collecting garbage to see what is held takes time and holds up the loop, so its time is subtracted, and the
 * loop's delay begins anew behind it.
 */
import type * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { monitorEventLoopDelay, performance } from "node:perf_hooks"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { BattlePlan } from "../../src/campaign/BattlePlan.ts"
import { BattleQueue } from "../../src/campaign/BattleQueue.ts"
import { CampaignEngines } from "../../src/campaign/CampaignEngines.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as CampaignRunner from "../../src/campaign/CampaignRunner.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { AgentBreaker } from "../../src/liveness/AgentBreaker.ts"
import { Canary } from "../../src/liveness/Canary.ts"
import { EngineGate } from "../../src/liveness/EngineGate.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { LiveRegion } from "../../src/terminal/LiveRegion.ts"
import * as TerminalView from "../../src/terminal/TerminalView.ts"
import { answerCalls } from "../support/answerCalls.ts"
import type { Calls, RunnerCost, StoredCampaign } from "./calls.ts"
import { battlesOf, definitionOf, seatsOf } from "./plannedCampaign.ts"
import { watchSqlite } from "./watchSqlite.ts"

/** How often the heap is looked at: twice in each tenth. */
const LOOKS = 20

let scored = 0

const loaded = Effect.flatMap(CampaignStore, (store) => store.load).pipe(Effect.map(Option.getOrThrow))

const services = Layer.mergeAll(
  A2aClient.layer,
  BattleQueue.layerMemory,
  CampaignEngines.layerNone,
  EngineGate.layer().pipe(Layer.provide(Canary.layerNone)),
  AgentBreaker.layer({ failures: 5 }).pipe(Layer.provide(Canary.layerNone)),
  Ticker.layer(),
  LiveRegion.layer
)

const silent: Console.Console = { ...globalThis.console, log: () => {}, error: () => {} }

const cpuMillis = () => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

/** What is held, and what looking at it has cost. */
const makeLook = () => {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const heaps: Array<number> = []
  const residents: Array<number> = []
  let spent = 0
  let worst = { p50: 0, p99: 0, max: 0 }
  const settle = () => {
    // The interval between two looks at the loop is part of what it tells.
    const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map((nanos) => nanos / 1e6 - 1)
    worst = { p50: Math.max(worst.p50, p50!), p99: Math.max(worst.p99, p99!), max: Math.max(worst.max, max!) }
  }
  return {
    look: () => {
      settle()
      const before = cpuMillis()
      collect()
      const { heapUsed, rss } = process.memoryUsage()
      heaps.push(heapUsed)
      residents.push(rss)
      spent += cpuMillis() - before
      // The next turn is when it notices.
      setImmediate(() => setImmediate(() => delay.reset()))
    },
    heaps,
    residents,
    spentMillis: () => spent,
    loopDelay: () => worst
  }
}

const play = Effect.fnUntraced(function*(options: StoredCampaign) {
  const campaign = yield* loaded
  const sqlite = watchSqlite()
  const { repetitions, tasks } = battlesOf(options.battles)
  const everyBattles = Math.max(1, Math.floor(tasks * repetitions / LOOKS))
  const looks = makeLook()
  let tokens = 0
  const onEvent = (event: CampaignEvent) => {
    if (event._tag === "AttemptEnded") {
      tokens += event.record.tokens
      if (event.record.outcome._tag === "Scored") scored++
      if (scored % everyBattles === 0) setImmediate(looks.look)
    }
    return Effect.asVoid(Queue.offer(events, event))
  }
  const events = yield* Queue.unbounded<CampaignEvent, Cause.Done>()
  const view = yield* Effect.forkChild(TerminalView.run(Stream.fromQueue(events), "plain"))
  const began = performance.now()
  const cpuBegan = cpuMillis()
  yield* CampaignRunner.run({ campaign, seats: seatsOf(options), onEvent })
  yield* Queue.end(events)
  yield* Fiber.join(view)
  const cost: RunnerCost = {
    scored,
    tokens,
    wallMillis: performance.now() - began,
    cpuMillis: cpuMillis() - cpuBegan - looks.spentMillis(),
    heaps: looks.heaps,
    residents: looks.residents,
    longestBlock: sqlite.longest(),
    sqliteMillis: sqlite.totalMillis(),
    longestWaitMillis: sqlite.longestWaitMillis(),
    loopDelay: looks.loopDelay()
  }
  return cost
})

answerCalls<Calls>({
  create: (options) =>
    CampaignStore.use((store) => store.create(definitionOf(options), null)).pipe(
      Effect.provide(CampaignStore.layer({ filename: options.database, create: true })),
      Effect.as(null),
      Effect.runPromise
    ),
  play: (options) =>
    play(options).pipe(
      Effect.provide([
        services,
        CampaignStore.layerExclusive({ filename: options.database, create: false, ownThread: true })
      ]),
      Effect.provideService(Console.Console, silent),
      Effect.runPromise
    ),
  scored: async () => scored,
  plan: ({ database }) =>
    Effect.gen(function*() {
      const began = performance.now()
      const campaign = yield* loaded
      const read = performance.now()
      const { pending } = new BattlePlan(campaign.definition, campaign.battles)
      return { loadMillis: read - began, planMillis: performance.now() - read, pending }
    }).pipe(
      Effect.provide(CampaignStore.layer({ filename: database, create: false })),
      Effect.runPromise
    )
})
