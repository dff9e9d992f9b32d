/**
 * Plays the example night into a store: the real campaign runner, the real watch on all hops and the real evidence, over
 * modelled engines, in virtual time.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import type { A2aMessage } from "../../src/a2a/A2aClient.ts"
import { asItCan } from "../../src/campaign/AgentFollowing.ts"
import { BattleQueue } from "../../src/campaign/BattleQueue.ts"
import { CampaignEngines } from "../../src/campaign/CampaignEngines.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as CampaignRunner from "../../src/campaign/CampaignRunner.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { fixed } from "../../src/campaign/Concurrency.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import { defaultPolicy } from "../../src/campaign/FailurePolicy.ts"
import { fromTests } from "../../src/grading/Grade.ts"
import type { Task } from "../../src/grading/Task.ts"
import { AgentBreaker } from "../../src/liveness/AgentBreaker.ts"
import { Canary } from "../../src/liveness/Canary.ts"
import { EngineGate } from "../../src/liveness/EngineGate.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { reportOf } from "../../src/report/ReportFold.ts"
import { clientOf, type NightSeat, seatOf } from "../night/nightServices.ts"
import { BenchError } from "../support/BenchError.ts"
import { ExampleEngine } from "./ExampleEngine.ts"
import { agents, answerOf, type ExampleAgent, type ExampleAnswer, passedOf, tasks } from "./ExampleNight.ts"

export interface ExampleOptions {
  /** The store, made anew. */
  readonly file: string
  readonly seed: number
  readonly repetitions: number
  /** Of the tasks of the night, the first ones. */
  readonly tasks: number
}

/** Nobody waits longer for a night. */
const MOST_MINUTES = 12 * 60
/** 2026-11-21 20:00 UTC. */
const EVENING = Date.UTC(2026, 10, 21, 20)
const BATTLES_AT_ONCE = 3

const engineNameOf = ({ name }: ExampleAgent): string => `vllm-${name}`

const definitionOf = ({ repetitions, seed, tasks: count }: ExampleOptions): Definition => {
  const [first, ...rest] = tasks.slice(0, count).map(({ id }): Task => ({
    id,
    prompt: id,
    grader: { _tag: "TextMatch", rule: { _tag: "Contains", expected: "word" } }
  }))
  return {
    id: "example-night",
    tasks: [first!, ...rest],
    engines: agents.map((agent) => ({
      name: engineNameOf(agent),
      url: null,
      keyVariable: null,
      concurrency: null,
      onModelChange: "stop"
    })),
    agents: agents.map((agent) => ({
      name: agent.name,
      engine: engineNameOf(agent),
      concurrency: null,
      following: asItCan,
      kind: { _tag: "Model", model: agent.model, maxTokens: 4096 }
    })) as unknown as Definition["agents"],
    judge: null,
    repetitions,
    concurrency: fixed(BATTLES_AT_ONCE),
    seed,
    policy: defaultPolicy,
    limits: defaults,
    stallPolicy: "enforce",
    hardCapMillis: null
  }
}

/**
 * Which request belongs to which attempt: an assessment does not say its repetition, but those of an agent and a task are
 * sent in the order in which their attempts begin.
 */
class Begun {
  readonly #waiting = new Map<string, Array<string>>()
  readonly #answers = new Map<string, ExampleAnswer>()
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed
  }

  tell(event: CampaignEvent): void {
    if (event._tag !== "AttemptBegan") return
    const { battle, number } = event
    const agent = agents.find(({ name }) => name === battle.agent)!
    const id = `${battle.agent} ${battle.task} ${battle.repetition} attempt ${number}`
    this.#answers.set(id, answerOf(this.#seed, agent, battle, number))
    const key = `http://${engineNameOf(agent)}/ ${battle.task} attempt ${number}`
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) this.#waiting.set(key, [id])
    else waiting.push(id)
  }

  readonly nameOf = ({ said, text, url }: A2aMessage): string =>
    this.#waiting.get(`${url} ${text} attempt ${said?.attempt ?? 1}`)!.shift()!

  readonly answerOf = (id: string): ExampleAnswer => {
    const answer = this.#answers.get(id)!
    this.#answers.delete(id)
    return answer
  }
}

/** Lets an engine work and have its troubles. */
const engineLife = (engine: ExampleEngine, agent: ExampleAgent, begunAt: number) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const changes = agent.troubles.flatMap(({ killedAtMillis, servesAtMillis, stopsAtMillis }) => [
      { at: stopsAtMillis, change: () => engine.stop() },
      ...killedAtMillis === null ? [] : [{ at: killedAtMillis, change: () => engine.kill() }],
      { at: servesAtMillis, change: () => engine.serve() }
    ])
    for (;;) {
      const now = clock.currentTimeMillisUnsafe()
      yield* Effect.sleep(Math.max(1, Math.ceil(engine.nextMillis - now)))
      while (changes[0] !== undefined && clock.currentTimeMillisUnsafe() - begunAt >= changes[0].at) {
        changes.shift()!.change()
      }
      engine.work()
    }
  })

const gradeOf = (answer: string) => {
  const { passed, tests } = passedOf(answer)
  return fromTests(
    Array.from({ length: tests }, (_, index) => ({ outcome: index < passed ? "passed" : "wrong-value" }))
  )
}

const play = Effect.fnUntraced(function*(options: ExampleOptions) {
  const clock = yield* Clock.Clock
  const begun = new Begun(options.seed)
  const now = () => clock.currentTimeMillisUnsafe()
  const engines = new Map(agents.map((agent) => [engineNameOf(agent), new ExampleEngine(agent, begun.answerOf, now)]))
  const seats: Array<readonly [ExampleAgent, NightSeat]> = []
  for (const agent of agents) {
    seats.push([agent, yield* seatOf(engineNameOf(agent), engines.get(engineNameOf(agent))!)])
  }
  const canaryOf = new Map(seats.map(([, { canary, seat }]) => [seat.endpoint, canary]))
  const services = yield* Layer.build(Layer.mergeAll(
    clientOf(seats.map(([, seat]) => seat), begun.nameOf, gradeOf),
    EngineGate.layer().pipe(Layer.provide(Canary.layerTest((endpoint) => canaryOf.get(endpoint)!))),
    AgentBreaker.layer({ failures: defaultPolicy.breakerFailures }).pipe(Layer.provide(Canary.layerNone)),
    BattleQueue.layerMemory,
    CampaignEngines.layerTest({
      look: (name) =>
        Effect.sync(() => {
          const engine = engines.get(name)!
          return engine.state === "down"
            ? undefined
            : { models: [{ id: engine.model, root: null }], startedAtMillis: engine.startedAtMillis }
        }),
      queueTimes: () => Effect.undefined,
      serve: () => Effect.void
    })
  ))
  const store = yield* CampaignStore
  yield* store.create(definitionOf(options), null)
  yield* store.setState("running")
  for (const agent of agents) {
    yield* Effect.forkChild(engineLife(engines.get(engineNameOf(agent))!, agent, now()), { startImmediately: true })
  }
  const fiber = yield* CampaignRunner.run({
    campaign: yield* Effect.flatMap(store.load, Effect.fromOption),
    seats: new Map(seats.map(([agent, { seat }]) => [agent.name, seat])),
    onEvent: (event) => Effect.sync(() => begun.tell(event))
  }).pipe(Effect.provide(services), Effect.forkChild({ startImmediately: true }))
  for (let minute = 0; minute < MOST_MINUTES && fiber.pollUnsafe() === undefined; minute++) {
    yield* TestClock.adjust("1 minute")
  }
  if (fiber.pollUnsafe() === undefined) {
    return yield* new BenchError({ message: "the example campaign never ended", exitCode: 1 })
  }
  yield* Fiber.join(fiber)
  yield* store.setState("ended")
})

/** The report of the night, read from the store that it was played into, at the virtual moment at which it ended. */
export const playExample = Effect.fn("playExample")(function*(options: ExampleOptions) {
  yield* TestClock.setTime(EVENING)
  yield* play(options).pipe(
    Effect.scoped,
    Random.withSeed(options.seed),
    Effect.provide(
      Layer.fresh(Layer.mergeAll(CampaignStore.layer({ filename: options.file, create: true }), Ticker.layer()))
    )
  )
  return yield* Effect.flatMap(reportOf(options.file), Effect.fromOption)
}, Effect.provide(TestClock.layer()))
