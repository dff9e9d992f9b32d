/**
 * A whole campaign over the whole pipe in virtual time: the simulated engine, the agents and the gate as the command
 * puts them together, the runner and the store. Sockets are real; minutes are not.
 *
 * The fault is put in force in the moment in which the first attempt begins: the canary has passed before it. Unless it
 * ends by itself it is taken away when that attempt has ended, or, if that shuts the gate, when a canary has failed, too.
 */
import { assert } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { gateOf } from "../../src/campaign/parts/CampaignGates.ts"
import { EngineParts } from "../../src/campaign/parts/EngineParts.ts"
import * as StartedEngines from "../../src/campaign/parts/StartedEngines.ts"
import * as StoredLimitLearner from "../../src/campaign/StoredLimitLearner.ts"
import { Sandbox } from "../../src/grading/Sandbox.ts"
import { EngineGate } from "../../src/liveness/EngineGate.ts"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { rowOf } from "../../src/liveness/RetryTable.ts"
import { RunError } from "../../src/liveness/RunError.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import type { JournalEvent } from "../../src/simulator/Journal.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { eventually, pass } from "../simulator/faults/virtualTime.ts"
import { simulator } from "../simulator/harness.ts"
import { definitionOf, underTest } from "../support/campaigns.ts"
import { campaignOf } from "../support/memoryCampaign.ts"

/** Every word is another one, so that nothing of one attempt can stand unseen in the answer of another. */
export const wordsOf = (count: number): string => Array.from({ length: count }, (_, index) => `word${index}`).join(" ")

const StoredAttempt = Schema.Struct({
  number: Schema.Int,
  verdict: Schema.String,
  error: Schema.NullOr(Schema.fromJsonString(RunError)),
  content: Schema.String
})

export interface CampaignOptions {
  /** Battles, all at once; 1 unless given. */
  readonly battles?: number
  /** The fault is not taken away. */
  readonly endsByItself?: boolean
  readonly answer?: string
  /** The answer is code that is run: no virtual time passes meanwhile. */
  readonly isRun?: boolean
  readonly limits?: Partial<LivenessLimits>
  readonly hardCapMillis?: number
  readonly stallPolicy?: Definition["stallPolicy"]
  /** Virtual seconds between two moments in which sockets work: more is faster, and further from the truth. */
  readonly step?: number
}

export type Played = Effect.Success<ReturnType<typeof play>>

/** Virtual seconds after which every campaign has ended. */
const LONGEST = 2000

/** As the command builds them, with the connection of the store in reach. */
const stores = Layer.mergeAll(
  Sandbox.layer,
  A2aClient.layer,
  EngineParts.layerWith({}),
  Ticker.layer(),
  StoredLimitLearner.layer().pipe(
    Layer.provideMerge(CampaignStore.layerNoDeps),
    Layer.provideMerge(NodeSqlite.layer({ filename: ":memory:", create: true }))
  )
)

/** Plays a campaign against the fault to its end, and gives what everybody has written down. */
export const play = (fault: string, options: CampaignOptions = {}) => {
  const { answer = wordsOf(30), battles = 1, endsByItself = false, isRun = false, step = 1 } = options
  return Effect.gen(function*() {
    const { faults, journal, streams, url } = yield* Simulator
    const store = yield* CampaignStore
    const definition: Definition = {
      ...definitionOf({ repetitions: battles, concurrency: battles }),
      ...underTest({ _tag: "Model", model: "simulated-model", maxTokens: 500 }, url),
      limits: { ...defaults, ...options.limits },
      hardCapMillis: options.hardCapMillis ?? null,
      stallPolicy: options.stallPolicy ?? "enforce"
    }
    yield* store.create(definition, null)
    const engines = yield* StartedEngines.start(definition)
    const gates = yield* Layer.build(gateOf(engines))
    const campaign = yield* campaignOf(definition, engines, new Map(), { gate: Layer.succeedContext(gates) })
    const stored = Effect.flatMap(store.load, Effect.fromOption)
    const events: Array<CampaignEvent> = []
    const isOver = (event: CampaignEvent) =>
      event._tag === "GateChanged"
        ? event.state === "open"
        : event._tag === "AttemptEnded" && (event.record.error === null || rowOf(event.record.error).gate !== "yes")
    const begin = Effect.suspend(() => Effect.orDie(faults.add(fault)))
    const onEvent = Effect.fnUntraced(function*(event: CampaignEvent) {
      if (event._tag === "AttemptBegan" && !events.some(({ _tag }) => _tag === "AttemptBegan")) yield* begin
      events.push(event)
      if (!endsByItself && isOver(event)) yield* faults.clear
    })
    const fiber = yield* campaign.play({ onEvent }).pipe(
      Effect.forkChild({ startImmediately: true })
    )
    for (let seconds = 0; seconds < LONGEST && fiber.pollUnsafe() === undefined; seconds += 5 * step) {
      yield* pass(5 * step, step)
      if (isRun && requestsOf({ journal: yield* journal }).some(({ events }) => events.some(isFinish))) {
        yield* eventually(Effect.sync(() => events.at(-1)?._tag), (tag) => tag === "CampaignEnded")
      }
    }
    assert.isDefined(fiber.pollUnsafe(), JSON.stringify(events.slice(-5)))
    yield* Fiber.join(fiber)
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql`SELECT number, verdict, error, content
      FROM attempt JOIN battle USING (battle_id) ORDER BY attempt_id`
    return {
      answer,
      events,
      attempts: yield* Schema.decodeUnknownEffect(Schema.Array(StoredAttempt))(rows),
      outcomes: (yield* stored).battles.map(({ outcome }) => outcome),
      journal: yield* journal,
      /** What the engine still does for us. */
      open: (yield* streams).filter(({ id }) => isOurs(id)),
      gate: yield* Context.get(gates, EngineGate).state(engines.get("engine-1")!.options.baseUrl)
    }
  }).pipe(
    Effect.scoped,
    Effect.provide([
      Layer.fresh(stores),
      simulator({
        interTokenMillis: 100,
        timeToFirstTokenMillis: 400,
        answers: { _tag: "FixedText", text: answer }
      })
    ]),
    Effect.orDie
  )
}

const isFinish = ({ event }: JournalEvent) => event === "finish"

/** Neither a canary nor the request of somebody whom a fault has brought. */
const isOurs = (id: string) => id.startsWith("chatcmpl-") && !id.includes("canary")

type Tag = CampaignEvent["_tag"]

/** The events of a kind. */
export const told = <T extends Tag>({ events }: Pick<Played, "events">, tag: T) =>
  events.filter((event): event is Extract<CampaignEvent, { readonly _tag: T }> => event._tag === tag)

interface Shut {
  readonly from: number
  readonly until: number
}

/** When the gate let nobody in, from the start-up canary on. */
export const shutTimes = (played: Pick<Played, "events">): ReadonlyArray<Shut> => {
  const times: Array<Shut> = []
  let from: number | undefined
  for (const { atMillis, sinceMillis, state } of told(played, "GateChanged")) {
    if (state === "suspect" || state === "open") from ??= sinceMillis
    else if (from !== undefined) {
      times.push({ from, until: atMillis })
      from = undefined
    }
  }
  return from === undefined ? times : [...times, { from, until: Infinity }]
}

/** How a response can end, as its server sees it. */
const ends = new Set(["end", "torn", "close-seen"])

/** The requests of the attempts, in the order in which they came, with the ends of their responses. */
export const requestsOf = ({ journal }: Pick<Played, "journal">) => {
  const ids = journal.flatMap(({ event, request }) => event === "request" && isOurs(request) ? [request] : [])
  return ids.map((id) => {
    const events = journal.filter(({ request }) => request === id)
    return {
      events,
      ends: events.filter(({ event }) => ends.has(event)),
      /** When its client had last reason to believe that it lives. */
      lastTokenAt: events.findLast(({ event, tokens = 0 }) => event === "request" || (event === "chunk" && tokens > 0))!
        .atMillis
    }
  })
}
