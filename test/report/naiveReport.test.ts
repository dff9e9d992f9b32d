/** Figures of any campaign are those that somebody finds who goes through what was told, one question at a time. */
import { assert, describe, it } from "@effect/vitest"
import { AnyBattles, anyHead, reportOf, type Told, toldOf, type Try } from "../support/campaignFacts.ts"
import { runs } from "../support/propertyRuns.ts"

const mean = (values: ReadonlyArray<number>): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length

const scoreOf = ({ tries }: Told) => tries.find(({ score }) => score !== undefined)?.score
const timesOf = ({ at = [] }: Try) => at as ReadonlyArray<number>
const isWrong = ({ superseded, verdict }: Try) =>
  !superseded && (verdict === "stalled" || verdict === "failed" || verdict === "slow")
const isTimed = ({ mode, tokenBasis }: Try) => mode !== "poll" && mode !== "blocking" && tokenBasis !== "pieces"

const close = (found: number | null, expected: number | null) => {
  if (expected === null || found === null) assert.strictEqual(found, expected)
  else assert.closeTo(found, expected, 1e-9 * Math.max(1, Math.abs(expected)))
}

describe("any campaign", () => {
  it.prop("has the means of its scores, by agent and task", [AnyBattles], ([battles]) => {
    const told = toldOf(battles)
    const { retries, scores } = reportOf(anyHead, told)
    for (const { agent, score, task } of scores.cells) {
      const done = told.filter((one) =>
        one.agent === agent && one.task === task && (scoreOf(one) !== undefined || one.unscored !== undefined)
      )
      const scored = done.flatMap((one) => scoreOf(one) ?? [])
      close(score.scoredOnly.value, mean(scored))
      close(score.infrastructureAsFailure.value, mean(done.map((one) => scoreOf(one) ?? 0)))
      close(score.bestCase.value, mean(done.map((one) => scoreOf(one) ?? 1)))
    }
    const scored = told.filter((one) => scoreOf(one) !== undefined)
    const retried = scored.filter(({ tries }) => tries.some(isWrong))
    assert.strictEqual(retries.retried.battles, retried.length)
    close(retries.retried.score.value, mean(retried.map((one) => scoreOf(one)!)))
    close(
      retries.firstTry.score.value,
      mean(scored.filter((one) => !retried.includes(one)).map((one) => scoreOf(one)!))
    )
    assert.strictEqual(
      retries.retries,
      told.reduce((sum, { tries }) => sum + tries.slice(0, -1).filter(isWrong).length, 0)
    )
  }, { ...runs, arbitrary: { runs: Math.min(40, runs.arbitrary.runs) } })

  it.prop("has the times of what completed, and of what was given up", [AnyBattles], ([battles]) => {
    const told = toldOf(battles)
    const { censored, latencies, stalls } = reportOf(anyHead, told)
    const tries = told.flatMap((one) => one.tries)
    const completed = tries.filter(({ superseded, verdict }) => verdict === "completed" && !superseded)
    const timed = completed.filter(isTimed)
    const gaps = timed.flatMap((one) => timesOf(one).slice(1).map((time, index) => time - timesOf(one)[index]!))
    const spans = timed.filter((one) => timesOf(one).length > 1).map((one) =>
      (timesOf(one).at(-1)! - timesOf(one)[0]!) / (timesOf(one).length - 1)
    )
    const { overall } = latencies
    close(overall.itl.mean, mean(gaps))
    close(overall.itl.most, gaps.length === 0 ? null : Math.max(...gaps))
    // One token an arrival: then both are the same.
    close(overall.tpot.mean, mean(spans))
    close(overall.meanItl.mean, mean(spans))
    close(overall.ttft.mean, mean(completed.flatMap((one) => timesOf(one)[0] ?? [])))
    close(overall.e2e.mean, mean(completed.flatMap((one) => timesOf(one).at(-1) ?? [])))
    close(overall.duration.mean, mean(completed.map(({ durationMillis }) => durationMillis!)))

    const inTime = tries.filter(({ superseded }) => !superseded)
    const { events, medianMillis, n, steps } = censored.completion.overall
    assert.deepStrictEqual([n, events], [inTime.length, completed.length])
    // The product-limit estimate, factor by factor, at each time.
    for (const { atMillis, isThinned, survival } of steps.map((step) => ({ ...step, isThinned: steps.length > 400 }))) {
      if (isThinned) break
      const factors = [...new Set(completed.map(({ durationMillis }) => durationMillis!))]
        .filter((time) => time <= atMillis)
        .map((time) =>
          1 - completed.filter(({ durationMillis }) => durationMillis === time).length /
            inTime.filter(({ durationMillis }) => durationMillis! >= time).length
        )
      close(survival, factors.reduce((product, factor) => product * factor, 1))
    }
    close(medianMillis, steps.find(({ survival }) => survival <= 0.5 + 1e-12)?.atMillis ?? null)
    assert.strictEqual(stalls.rows.length, tries.filter(({ verdict }) => verdict === "stalled").length)
  }, { ...runs, arbitrary: { runs: Math.min(40, runs.arbitrary.runs) } })
})
