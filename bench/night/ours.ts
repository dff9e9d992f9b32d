/**
 * The night as ours plays it: the real campaign runner with its plan, queue, histories, gate, breaker, epochs and store,
 * the real watch on all three hops, and the modelled engine behind them, in virtual time.
 *
 * The engine does a step every second, and its troubles begin and end on whole seconds.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import type { A2aMessage } from "../../src/a2a/A2aClient.ts"
import { asItCan } from "../../src/campaign/AgentFollowing.ts"
import { keyOf } from "../../src/campaign/Battle.ts"
import { BattleQueue } from "../../src/campaign/BattleQueue.ts"
import { CampaignEngines } from "../../src/campaign/CampaignEngines.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as CampaignRunner from "../../src/campaign/CampaignRunner.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { fixed } from "../../src/campaign/Concurrency.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import { defaultPolicy } from "../../src/campaign/FailurePolicy.ts"
import type { Task } from "../../src/grading/Task.ts"
import { AgentBreaker } from "../../src/liveness/AgentBreaker.ts"
import { Canary } from "../../src/liveness/Canary.ts"
import { EngineGate } from "../../src/liveness/EngineGate.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { BenchError } from "../support/BenchError.ts"
import type { Answer, Night } from "./Night.ts"
import { type NightEnd, NightEngine } from "./NightEngine.ts"
import { type NightRun, producedBy } from "./NightRun.ts"
import { CANARY, clientOf, nightEngine, seatOf } from "./nightServices.ts"

const AGENT = "agent-1"
/** Nobody waits longer for a night. */
const MOST_HOURS = 12

const taskOf = (task: number): Task => ({
  id: `task ${task}`,
  prompt: `task ${task}`,
  grader: { _tag: "TextMatch", rule: { _tag: "Contains", expected: "word" } }
})

const definitionOf = (night: Night, concurrency: number): Definition => {
  const [first, ...rest] = Array.from({ length: night.tasks }, (_, task) => taskOf(task))
  return {
    id: `night ${night.seed}`,
    tasks: [first!, ...rest],
    engines: [{ name: "engine-1", url: null, keyVariable: null, concurrency: null, onModelChange: "stop" }],
    agents: [{
      name: AGENT,
      engine: "engine-1",
      concurrency: null,
      following: asItCan,
      kind: { _tag: "Model", model: null, maxTokens: 16_384 }
    }],
    judge: null,
    repetitions: night.repetitions,
    concurrency: fixed(concurrency),
    seed: night.seed,
    policy: defaultPolicy,
    limits: defaults,
    stallPolicy: "enforce",
    hardCapMillis: null
  }
}

/**
 * Which request belongs to which attempt: the assessment of a battle does not say its repetition, but attempts are sent
 * in the order in which they begin.
 */
class Begun {
  readonly #waiting = new Map<string, Array<string>>()
  readonly #answers = new Map<string, Answer>()
  readonly #night: Night

  constructor(night: Night) {
    this.#night = night
  }

  tell(event: CampaignEvent): void {
    if (event._tag !== "AttemptBegan") return
    const { battle, number } = event
    const id = `${keyOf(battle)} attempt ${number}`
    const task = Number(battle.task.slice("task ".length))
    this.#answers.set(id, this.#night.answer({ task, repetition: battle.repetition - 1 }, number))
    const key = `${battle.task} attempt ${number}`
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) this.#waiting.set(key, [id])
    else waiting.push(id)
  }

  readonly nameOf = ({ said, text }: A2aMessage): string =>
    this.#waiting.get(`${text} attempt ${said?.attempt ?? 1}`)!.shift()!

  readonly answerOf = (id: string): Answer => this.#answers.get(id)!
}

/** Lets the engine work and have its troubles. */
const engineLife = (engine: NightEngine, night: Night) =>
  Effect.gen(function*() {
    for (let second = 1;; second++) {
      yield* Effect.sleep(1000)
      for (const { from, kind, killedAt, until } of night.troubles) {
        if (second === from && kind === "hang") engine.hang()
        if (second === killedAt) engine.kill()
        if (second === until) engine.serve()
      }
      engine.step()
    }
  })

const playNight = Effect.fnUntraced(function*(night: Night, concurrency: number) {
  const clock = yield* Clock.Clock
  const engine = new NightEngine(() => Number(clock.monotonicTimeNanosUnsafe()) / 1e9)
  const begun = new Begun(night)
  const nightSeat = yield* seatOf("engine-1", nightEngine(engine, begun.answerOf))
  const services = yield* Layer.build(Layer.mergeAll(
    clientOf([nightSeat], begun.nameOf),
    EngineGate.layer().pipe(Layer.provide(Canary.layerTest(() => nightSeat.canary))),
    AgentBreaker.layer({ failures: defaultPolicy.breakerFailures }).pipe(Layer.provide(Canary.layerNone)),
    BattleQueue.layerMemory,
    CampaignEngines.layerTest({
      look: () =>
        Effect.sync(() =>
          engine.state === "down"
            ? undefined
            : { models: [{ id: "m", root: null }], startedAtMillis: engine.startedAtSeconds * 1000 }
        ),
      queueTimes: () => Effect.undefined,
      serve: () => Effect.void
    })
  ))
  const store = yield* CampaignStore
  yield* store.create(definitionOf(night, concurrency), null)
  const campaign = yield* Effect.flatMap(store.load, Effect.fromOption)
  const events: Array<CampaignEvent> = []
  yield* Effect.forkChild(engineLife(engine, night), { startImmediately: true })
  const fiber = yield* CampaignRunner.run({
    campaign,
    seats: new Map([[AGENT, nightSeat.seat]]),
    onEvent: (event) =>
      Effect.sync(() => {
        begun.tell(event)
        if (event._tag !== "TokensArrived") events.push(event)
      })
  }).pipe(Effect.provide(services), Effect.forkChild({ startImmediately: true }))
  for (let minute = 0; minute < MOST_HOURS * 60 && fiber.pollUnsafe() === undefined; minute++) {
    yield* TestClock.adjust("1 minute")
  }
  if (fiber.pollUnsafe() === undefined) {
    return yield* new BenchError({ message: `the campaign of night ${night.seed} never ended`, exitCode: 1 })
  }
  yield* Fiber.join(fiber)
  const { battles } = yield* Effect.flatMap(store.load, Effect.fromOption)
  return {
    ...runOf(events, engine.ends),
    scored: battles.filter(({ outcome }) => outcome._tag === "Scored").length
  }
})

/** What the engine and the events say of the night. */
const runOf = (
  events: ReadonlyArray<CampaignEvent>,
  all: ReadonlyArray<NightEnd>
): Omit<NightRun, "scored"> => {
  const ends = all.filter(({ id }) => !id.startsWith(CANARY))
  const records = events.flatMap((event) => event._tag === "AttemptEnded" ? [event.record] : [])
  return {
    attempts: records.length,
    falseKills: ends.filter(({ how }) => how === "closed alive").length,
    foundAfterSeconds: ends.flatMap(({ at, hungSince, how }) => how === "closed hung" ? [at - hungSince!] : []),
    tokensThrownAway: producedBy(ends.filter(({ how }) => how !== "finished")),
    wallSeconds: (events.at(-1)?.atMillis ?? NaN) / 1000,
    charged: records.filter(({ charged, verdict }) => charged && verdict !== "completed").length,
    openings:
      events.filter((event) =>
        event._tag === "GateChanged" && event.of === "engine" && event.state === "open" &&
        event.sinceMillis === event.atMillis
      ).length,
    alarms: events.filter(({ _tag }) => _tag === "OperatorNeeded").length
  }
}

/** Plays the night; the campaign's own services live as long as it. */
export const playOurs = (night: Night, concurrency: number) =>
  playNight(night, concurrency).pipe(
    Effect.scoped,
    Random.withSeed(night.seed),
    Effect.provide(
      Layer.fresh(Layer.mergeAll(CampaignStore.layerMemory, Ticker.layer())).pipe(Layer.provideMerge(TestClock.layer()))
    )
  )
