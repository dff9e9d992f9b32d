/**
 * An engine hangs as a whole in the middle of a campaign: the gate shuts once for everybody, nobody is charged, and the
 * first battle after its recovery begins when the next canary is due. The other engine's lane does not notice.
 *
 * In virtual time over the modelled engine of the night bench: the runner, the gate, what both agents do, and the watch of
 * all hops are the real ones; only sockets are missing.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Answer } from "../../bench/night/Night.ts"
import { NightEngine } from "../../bench/night/NightEngine.ts"
import { clientOf, nightEngine, seatOf } from "../../bench/night/nightServices.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { fixed } from "../../src/campaign/Concurrency.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import { Canary } from "../../src/liveness/Canary.ts"
import { EngineGate } from "../../src/liveness/EngineGate.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { shutTimes } from "./faultedCampaigns.ts"
import { agentAt, beganOf, campaignOf, engineNamed, runStored, told, unwatched } from "./virtualCampaigns.ts"

const TASKS = 40
const AT_ONCE = 16
/** The battle with which the engine stops. */
const LAST_BEGUN = 20

const names = Array.from({ length: TASKS }, (_, task) => `task-${task}`)

const definition: Definition = (() => {
  const campaign = campaignOf({
    tasks: names,
    engines: [
      engineNamed("engine-1", { concurrency: fixed(AT_ONCE) }),
      engineNamed("engine-2", { concurrency: fixed(4) })
    ],
    agents: [agentAt("agent-1", "engine-1"), agentAt("agent-2", "engine-2")]
  })
  const [first, ...rest] = campaign.tasks.map((task) => ({ ...task, prompt: task.id }))
  return { ...campaign, tasks: [first!, ...rest], limits: defaults }
})()

/** 60 to 177 s at the first engine, a minute at the other one. */
const answerOf = (id: string): Answer => ({
  seconds: id.startsWith("http://engine-2/") ? 60 : 60 + Number(/task-(\d+)/.exec(id)![1]) * 7 % TASKS * 3,
  prefillSeconds: 1,
  unseen: undefined,
  lostAt: undefined
})

/** Plays the campaign; its first engine hangs for so many seconds with the twentieth battle there. */
const play = Effect.fnUntraced(
  function*(hangSeconds: number | undefined) {
    const clock = yield* Clock.Clock
    const startedAt = clock.monotonicTimeNanosUnsafe()
    const seconds = () => Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e9
    const engines = [new NightEngine(seconds), new NightEngine(seconds)] as const
    const seats = [
      yield* seatOf("engine-1", nightEngine(engines[0], answerOf)),
      yield* seatOf("engine-2", nightEngine(engines[1], answerOf))
    ] as const
    let canaries = 0
    let begun = 0
    let inFlight = -1
    let hungAtMillis = NaN
    const hang = Effect.gen(function*() {
      engines[0].hang()
      hungAtMillis = seconds() * 1000
      inFlight = engines[0].held
      yield* Effect.sleep((hangSeconds ?? 0) * 1000)
      engines[0].serve()
    })
    const store = yield* CampaignStore
    yield* store.create(definition, null)
    const scope = yield* Effect.scope
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(
      Effect.sleep(1000),
      Effect.sync(() => engines.forEach((engine) => engine.step()))
    )))
    const played = yield* runStored({
      definition,
      client: clientOf([...seats], ({ said, text, url }) => `${url} ${text} ${said?.attempt}`),
      seats: new Map(seats.map(({ seat }, index) => [`agent-${index + 1}`, seat])),
      services: Layer.mergeAll(
        EngineGate.layer().pipe(Layer.provide(Canary.layerTest((endpoint) =>
          Effect.suspend(() => {
            if (endpoint !== "http://engine-1/v1") return seats[1].canary
            canaries++
            return seats[0].canary
          })
        ))),
        unwatched.breaker,
        unwatched.engines
      ),
      onEvent: (event) => {
        if (event._tag !== "AttemptBegan" || event.battle.agent !== "agent-1") return Effect.void
        begun++
        // The request is on its way by then.
        return begun === LAST_BEGUN && hangSeconds !== undefined
          ? Effect.asVoid(Effect.forkIn(Effect.delay(hang, 500), scope))
          : Effect.void
      },
      withinSeconds: 7200
    })
    return { ...played, canaries, inFlight, hungAtMillis }
  },
  Effect.scoped,
  Effect.provide(Layer.fresh(Layer.mergeAll(CampaignStore.layerMemory, Ticker.layer()))),
  Effect.orDie
)

describe("a whole engine that hangs", () => {
  // The verdict comes after some 67 s; a canary takes a minute to fail; then 15, 30, 60, 120 s pass.
  const cases = [
    { what: "while a canary waits in it", seconds: 100, canaries: 2, openings: 0, alarms: 0 },
    { what: "for some minutes", seconds: 215, canaries: 4, openings: 1, alarms: 0 },
    { what: "until just after a canary has failed", seconds: 420, canaries: 6, openings: 1, alarms: 1 },
    { what: "until somebody is told", seconds: 900, canaries: 8, openings: 1, alarms: 1 }
  ]
  for (const { alarms, canaries, openings, seconds, what } of cases) {
    it.effect(
      `shuts one gate, charges nobody, and lets in with the next canary: ${what} (${seconds} s)`,
      () =>
        Effect.gen(function*() {
          const played = yield* play(seconds)
          const recoveredAt = played.hungAtMillis + seconds * 1000
          assert.strictEqual(played.inFlight, AT_ONCE)
          assert.deepStrictEqual(played.end, { _tag: "Ended" })

          // Everybody has a result, and what hung was not held against anybody.
          assert.lengthOf(played.battles.filter(({ outcome }) => outcome._tag === "Scored"), 2 * TASKS)
          const stalled = played.attempts.filter(({ verdict }) => verdict !== "completed")
          assert.lengthOf(stalled, AT_ONCE)
          for (const { battle, charged, verdict } of stalled) {
            assert.deepStrictEqual([battle.agent, verdict, charged], ["agent-1", "stalled", false])
          }

          // One trouble, one gate, one alarm.
          const changes = told(played, "GateChanged").filter(({ endpoint }) => endpoint === "http://engine-1/v1")
          assert.lengthOf(
            changes.filter(({ openedMillis, state }, index) =>
              state === "open" && changes[index - 1]?.state !== "open" && openedMillis !== null
            ),
            openings
          )
          assert.lengthOf(changes.filter(({ state }, index) => state === "closed" && index > 0), 2)
          assert.lengthOf(told(played, "OperatorNeeded"), alarms)
          assert.strictEqual(played.canaries, canaries)

          // Nobody begins while it is shut.
          const began = beganOf(played, "agent-1")
          const shut = shutTimes({ events: changes }).filter(({ from }) => from > 0)
          assert.lengthOf(shut, 1)
          const [{ from, until }] = shut as [typeof shut[0] & {}]
          assert.isBelow(from, played.hungAtMillis + 75_000)
          assert.isEmpty(began.filter((at) => at >= from && at < until))

          // The first one after the recovery comes within the interval in force, and the second of the canary itself.
          const inForce = changes.findLast(({ atMillis, nextCanaryAtMillis }) =>
            nextCanaryAtMillis !== null && atMillis <= recoveredAt
          )!
          const interval = Math.max(15_000, inForce.nextCanaryAtMillis! - inForce.atMillis)
          assert.isAtMost(interval, 120_000)
          const first = began.find((at) => at > recoveredAt)!
          assert.isAtMost(first - recoveredAt, interval + 2000)
        }),
      30_000
    )
  }

  it.effect("leaves the lane of another engine as it would have been", () =>
    Effect.gen(function*() {
      const calm = yield* play(undefined)
      const troubled = yield* play(420)
      assert.deepStrictEqual(beganOf(troubled, "agent-2"), beganOf(calm, "agent-2"))
      assert.lengthOf(beganOf(troubled, "agent-2"), TASKS)
      // It was at work all the time.
      const [last] = beganOf(troubled, "agent-2").slice(-1)
      assert.isAbove(last!, troubled.hungAtMillis + 300_000)
      assert.isAbove(beganOf(troubled, "agent-1").at(-1)!, beganOf(calm, "agent-1").at(-1)! + 300_000)
    }), 30_000)
})
