import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { planOf } from "../../src/agents/AssessmentPlan.ts"
import { romanNumerals } from "../../src/grading/DemonstrationTasks.ts"

const few = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 }))
const seeds = Schema.UndefinedOr(Schema.Int)

const plan = (tasks: number, participants: number, repetitions: number, seed: number | undefined) =>
  planOf({
    tasks: Array.from({ length: tasks }, (_, index) => ({ ...romanNumerals, id: `t${index}` })),
    participants: Array.from({ length: participants }, (_, index) => ({ role: `p${index}`, url: `http://p${index}/` })),
    repetitions,
    seed
  })

/** By how much the most played of something is ahead of the least played, at worst, while the plan goes on. */
const lead = <A>(plan: ReadonlyArray<A>, all: number, key: (battle: A) => string): number => {
  const counts = new Map<string, number>()
  let worst = 0
  for (const battle of plan) {
    counts.set(key(battle), (counts.get(key(battle)) ?? 0) + 1)
    const least = counts.size < all ? 0 : Math.min(...counts.values())
    worst = Math.max(worst, Math.max(...counts.values()) - least)
  }
  return worst
}

describe("a plan", () => {
  it.prop("has every task against every participant in every repetition once, and none ahead of another", [
    few,
    few,
    few,
    seeds
  ], ([tasks, participants, repetitions, seed]) => {
    const battles = plan(tasks, participants, repetitions, seed)
    const all = new Set(battles.map(({ repetition, role, task }) => `${task.id} ${role} ${repetition}`))
    assert.lengthOf(battles, tasks * participants * repetitions)
    assert.strictEqual(all.size, battles.length)
    assert.isTrue(battles.every(({ role, url }) => url === `http://${role}/`))
    assert.isAtMost(lead(battles, tasks, ({ task }) => task.id), 1)
    assert.isAtMost(lead(battles, tasks * participants, ({ role, task }) => `${task.id} ${role}`), 1)
    assert.isTrue(battles.every(({ repetition }, index) => repetition === 1 + Math.floor(index / tasks / participants)))
  }, { arbitrary: { runs: 300 } })

  it("is the same for the same seed, another for another, and without one as it was named", () => {
    const order = (seed: number | undefined) => plan(5, 2, 2, seed).map(({ role, task }) => `${task.id} ${role}`)
    assert.deepStrictEqual(order(42), order(42))
    assert.notDeepEqual(order(42), order(43))
    assert.notDeepEqual(order(42).slice(0, 5), order(undefined).slice(0, 5))
    assert.deepStrictEqual(plan(3, 1, 2, undefined).map(({ task }) => task.id), ["t0", "t1", "t2", "t0", "t1", "t2"])
    assert.deepStrictEqual(
      plan(2, 2, 1, undefined).map(({ role, task }) => `${task.id} ${role}`),
      ["t0 p0", "t1 p1", "t0 p1", "t1 p0"]
    )
  })
})
