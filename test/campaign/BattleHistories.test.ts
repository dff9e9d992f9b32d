/** What follows from the errors of a battle within the budgets of its campaign. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { BattleHistories } from "../../src/campaign/BattleHistories.ts"
import { defaultPolicy, type FailurePolicy } from "../../src/campaign/FailurePolicy.ts"
import { rowOf } from "../../src/liveness/RetryTable.ts"
import { runs } from "../support/propertyRuns.ts"
import { allKinds, errorOf } from "../support/runErrors.ts"

const battle = { task: "t", agent: "a", repetition: 1 }
const other = { ...battle, repetition: 2 }
const histories = (policy: Partial<FailurePolicy> = {}, retries = 0) =>
  new BattleHistories({ ...defaultPolicy, ...policy }, [], retries)
const charge = { chance: 0, ofEngine: false }

describe("BattleHistories", () => {
  it("tries again until the attempts are used up, and then says with what and why", () => {
    const all = histories()
    const lost = errorOf("connection-lost")
    const delays = [1, 2, 3].map(() => all.failed(battle, lost, charge))
    assert.deepStrictEqual(delays.map(({ delayMillis }) => delayMillis), [1000, 2000, null])
    const { outcome } = delays[2]!
    assert.deepStrictEqual(outcome, {
      _tag: "Unscored",
      reason: `${lost.message}; all 3 attempts have failed`,
      attempt: 0
    })
    assert.strictEqual(all.failed(other, lost, charge).outcome._tag, "Pending")
  })

  it("does not charge what was the whole engine's, and gives up who is always there", () => {
    const all = histories({ engineFaults: 2 })
    const died = () => errorOf("mid-stream-error 5xx")
    const found = [1, 2, 3].map(() => all.failed(battle, died(), { chance: 0, ofEngine: true }))
    assert.deepStrictEqual(found.map(({ charged, outcome }) => [charged, outcome._tag]), [
      [false, "Pending"],
      [false, "Pending"],
      [false, "Unscored"]
    ])
    assert.include((found[2]!.outcome as { reason: string }).reason, "caught in trouble of the whole engine 3 times")
  })

  it("shares the retries of the campaign among all battles", () => {
    const all = histories({ campaignRetries: 2 }, 1)
    const lost = errorOf("connection-lost")
    assert.strictEqual(all.failed(battle, lost, charge).outcome._tag, "Pending")
    const { outcome } = all.failed(other, lost, charge)
    assert.include((outcome as { reason: string }).reason, "the 2 retries of the campaign are spent")
    // What uses up no attempt is no retry.
    assert.strictEqual(all.failed(battle, errorOf("rate-limited"), charge).outcome._tag, "Pending")
    assert.strictEqual(all.failed(battle, errorOf("engine-hung"), charge).outcome._tag, "Pending")
    assert.strictEqual(histories({ campaignRetries: 0 }).failed(battle, lost, charge).outcome._tag, "Unscored")
  })

  it("goes on where a store has left off, and begins anew for a battle that was reopened", () => {
    const lost = errorOf("connection-lost")
    const stored = [{ battle, history: [{ error: lost, charged: true }, { error: lost, charged: true }] }]
    const all = new BattleHistories(defaultPolicy, stored, 2)
    assert.strictEqual(all.failed(battle, lost, charge).outcome._tag, "Unscored")
    all.reopened(battle)
    assert.strictEqual(all.failed(battle, lost, charge).outcome._tag, "Pending")
  })

  it("is more patient after a silence that may be our limit's fault", () => {
    const all = histories()
    assert.strictEqual(all.patienceOf(battle), 1)
    all.failed(battle, errorOf("silent", 120_000), charge)
    assert.strictEqual(all.patienceOf(battle), 1)
    all.failed(battle, errorOf("silent", 121_000), charge)
    assert.strictEqual(all.patienceOf(battle), 2)
  })

  const Failure = Schema.Struct({
    which: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
    kind: Schema.Literals(allKinds as [typeof allKinds[number], ...typeof allKinds]),
    ofEngine: Schema.Boolean
  })

  it.prop("never grants more retries than the campaign has, nor more attempts than a battle has", [
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 })),
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
    Schema.Array(Failure)
  ], ([campaignRetries, attempts, failures]) => {
    const all = histories({ campaignRetries, attempts })
    const charged = new Map<number, number>()
    const over = new Set<number>()
    let retries = 0
    for (const { kind, ofEngine, which } of failures) {
      if (over.has(which)) continue
      const error = errorOf(kind)
      const found = all.failed({ ...battle, repetition: which }, error, { chance: 0.5, ofEngine })
      assert.strictEqual(found.charged, rowOf(error).usesAttempt && !ofEngine)
      assert.strictEqual(found.delayMillis === null, found.outcome._tag === "Unscored")
      if (found.charged) charged.set(which, (charged.get(which) ?? 0) + 1)
      if (found.outcome._tag === "Unscored") over.add(which)
      else if (found.charged) retries++
      assert.isAtMost(charged.get(which) ?? 0, attempts)
    }
    assert.isAtMost(retries, campaignRetries)
  }, runs)
})
