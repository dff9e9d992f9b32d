/** Which battle is next: coverage first, whatever is in flight, waits, ends or is given up. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { AgentDefinition } from "../../src/campaign/AgentDefinition.ts"
import { asItCan } from "../../src/campaign/AgentFollowing.ts"
import { type Battle, keyOf, type Outcome, plan } from "../../src/campaign/Battle.ts"
import { BattlePlan } from "../../src/campaign/BattlePlan.ts"
import { type Definition, laneOf } from "../../src/campaign/Definition.ts"
import { fromTests } from "../../src/grading/Grade.ts"
import { definitionOf } from "../support/campaigns.ts"
import { runs } from "../support/propertyRuns.ts"

const agentOf = (name: string, engine: string | null): AgentDefinition => ({
  name,
  engine,
  concurrency: null,
  following: asItCan,
  kind: { _tag: "Agent", address: { url: `http://${name}/`, tokenVariable: null, command: null } }
})

const campaign = (
  tasks: number,
  agents: ReadonlyArray<AgentDefinition>,
  repetitions: number,
  seed = 1
): Definition => ({
  ...definitionOf({ tasks: Array.from({ length: tasks }, (_, index) => `t${index}`), repetitions, seed }),
  agents: agents as Definition["agents"]
})

const Pending: Outcome = { _tag: "Pending" }
const Scored: Outcome = { _tag: "Scored", grade: fromTests([{ outcome: "passed" }]), attempt: 1 }
const Unscored: Outcome = { _tag: "Unscored", reason: "", attempt: 1 }

const fresh = (definition: Definition) =>
  new BattlePlan(definition, plan(definition).map((battle) => ({ battle, outcome: Pending })))
const always = () => true
const takeAll = (battles: BattlePlan, lane: string, now = 0, admits: (agent: string) => boolean = always) => {
  const taken: Array<Battle> = []
  for (let battle = battles.next(lane, now, admits); battle !== undefined; battle = battles.next(lane, now, admits)) {
    taken.push(battle)
  }
  return taken
}

const cellOf = ({ agent, task }: Battle) => `${task}/${agent}`

describe("BattlePlan", () => {
  it("plays every task with every agent once before any twice, in an order of the seed", () => {
    const agents = [agentOf("x", "e"), agentOf("y", "e")]
    const order = (seed: number) => takeAll(fresh(campaign(3, agents, 4, seed)), "engine e")
    const taken = order(1)
    assert.strictEqual(new Set(taken.map(keyOf)).size, 24)
    for (let round = 0; round < 4; round++) {
      assert.strictEqual(new Set(taken.slice(round * 6, round * 6 + 6).map(cellOf)).size, 6)
    }
    assert.deepStrictEqual(order(1), taken)
    assert.notDeepEqual(order(2), taken)
  })

  it("goes on where a campaign was furthest behind", () => {
    const definition = campaign(2, [agentOf("x", "e")], 4)
    const battles = plan(definition).map((battle) => ({
      battle,
      outcome: battle.task === "t0" && battle.repetition < 4 ? Scored : Pending
    }))
    const taken = takeAll(new BattlePlan(definition, battles), "engine e").map(({ task }) => task)
    assert.deepStrictEqual(taken.slice(0, 3), ["t1", "t1", "t1"])
    assert.deepStrictEqual(taken.slice(3).toSorted(), ["t0", "t1"])
  })

  it("counts what ended without a score as a hole", () => {
    const definition = campaign(2, [agentOf("x", "e")], 3)
    const battles = plan(definition).map((battle) => ({
      battle,
      outcome: battle.repetition === 3 ? Pending : battle.task === "t0" ? Unscored : Scored
    }))
    assert.deepStrictEqual(takeAll(new BattlePlan(definition, battles), "engine e").map(({ task }) => task), [
      "t0",
      "t1"
    ])
  })

  it("keeps lanes apart", () => {
    const battles = fresh(campaign(2, [agentOf("x", "e"), agentOf("y", null)], 1))
    assert.deepStrictEqual(takeAll(battles, "engine e").map(({ agent }) => agent), ["x", "x"])
    assert.deepStrictEqual([battles.pendingOf("engine e"), battles.pendingOf("agent y"), battles.pending], [2, 2, 4])
    assert.deepStrictEqual(takeAll(battles, "agent y").map(({ agent }) => agent), ["y", "y"])
    assert.deepStrictEqual(takeAll(battles, "engine nobody"), [])
  })

  it("leaves out agents that are not admitted, and comes back to them first", () => {
    const battles = fresh(campaign(1, [agentOf("x", "e"), agentOf("y", "e")], 2))
    assert.deepStrictEqual(takeAll(battles, "engine e", 0, (agent) => agent === "y").map(({ agent }) => agent), [
      "y",
      "y"
    ])
    assert.deepStrictEqual(takeAll(battles, "engine e").map(({ agent }) => agent), ["x", "x"])
  })

  it("gives a battle that waits when its time has come, and not before", () => {
    const battles = fresh(campaign(1, [agentOf("x", "e")], 1))
    const [battle] = takeAll(battles, "engine e")
    battles.waits(battle!, 500)
    assert.strictEqual(battles.dueAtMillis("engine e"), 500)
    assert.deepStrictEqual(takeAll(battles, "engine e", 499), [])
    assert.deepStrictEqual(takeAll(battles, "engine e", 500), [battle])
    assert.isUndefined(battles.dueAtMillis("engine e"))
  })

  const Move = Schema.Struct({
    what: Schema.Literals(["next", "next", "next", "scored", "unscored", "waits", "reopened", "time", "giveUp"]),
    which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))
  })

  it.prop("agrees with a plain model of itself, whatever happens", [
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 })),
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 })),
    Schema.Array(Move)
  ], ([tasks, repetitions, moves]) => {
    const definition = campaign(tasks, [agentOf("x", "e"), agentOf("y", "e"), agentOf("z", null)], repetitions)
    const battles = fresh(definition)
    type State = "ready" | "flight" | "scored" | "unscored" | number
    const states = new Map<string, State>(plan(definition).map((battle) => [keyOf(battle), "ready"]))
    const byKey = new Map(plan(definition).map((battle) => [keyOf(battle), battle]))
    const laneNames = [...new Set(definition.agents.map(laneOf))]
    const inState = (...wanted: ReadonlyArray<State>) =>
      [...states].flatMap(([key, state]) => wanted.includes(state) ? [byKey.get(key)!] : [])
    let now = 0
    const isReady = (state: State) => state === "ready" || (typeof state === "number" && state <= now)
    const coverage = (battle: Battle) => {
      const cell = [...states].filter(([key]) => cellOf(byKey.get(key)!) === cellOf(battle))
      return cell.filter(([, state]) => state === "flight" || state === "scored").length / cell.length
    }
    for (const { what, which } of moves) {
      const inFlight = inState("flight")
      const chosen = inFlight[which % Math.max(1, inFlight.length)]
      switch (what) {
        case "next": {
          const lane = laneNames[which % laneNames.length]!
          const able = [...states].flatMap(([key, state]) => {
            const battle = byKey.get(key)!
            return isReady(state) && laneOf(definition.agents.find(({ name }) => name === battle.agent)!) === lane
              ? [battle]
              : []
          })
          const given = battles.next(lane, now, always)
          assert.strictEqual(given === undefined, able.length === 0)
          if (given === undefined) break
          assert.isTrue(able.some((battle) => keyOf(battle) === keyOf(given)))
          const least = Math.min(...able.map(coverage))
          assert.strictEqual(coverage(given), least)
          states.set(keyOf(given), "flight")
          break
        }
        case "scored":
        case "unscored":
          if (chosen === undefined) break
          battles.settled(chosen, what === "scored")
          states.set(keyOf(chosen), what)
          break
        case "waits":
          if (chosen === undefined) break
          battles.waits(chosen, now + which % 7)
          states.set(keyOf(chosen), now + which % 7)
          break
        case "reopened": {
          const ended = inState("unscored")
          const battle = ended[which % Math.max(1, ended.length)]
          if (battle === undefined) break
          battles.reopened(battle)
          states.set(keyOf(battle), "ready")
          break
        }
        case "time":
          now += which % 5
          break
        case "giveUp": {
          const matches = ({ repetition }: Battle) => repetition === which % 3 + 1
          const given = battles.giveUp(matches)
          const expected = [...states].flatMap(([key, state]) =>
            (state === "ready" || typeof state === "number") && matches(byKey.get(key)!) ? [key] : []
          )
          assert.deepStrictEqual(given.map(keyOf).toSorted(), expected.toSorted())
          for (const key of expected) states.set(key, "unscored")
        }
      }
      assert.strictEqual(
        battles.pending,
        [...states.values()].filter((state) => state !== "scored" && state !== "unscored").length
      )
      assert.strictEqual(battles.inFlightOf("x"), inState("flight").filter(({ agent }) => agent === "x").length)
    }
  }, runs)
})
