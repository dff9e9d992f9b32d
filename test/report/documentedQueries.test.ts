/** The queries of docs/export.md give what the report says: every number can be traced to rows. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { Estimate } from "../../src/report/Estimate.ts"
import type { Distribution } from "../../src/report/LatencyReport.ts"
import type { QueryId, Report } from "../../src/report/Report.ts"
import { reportOf } from "../../src/report/ReportFold.ts"
import { root } from "../support/command.ts"
import { writeEventfulNight } from "../support/eventfulNight.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const page = readFileSync(join(root, "docs/export.md"), "utf8")

/** The SQL of each section, by its heading. */
const queries = new Map(
  page.slice(page.indexOf("## Queries")).split(/^### /m).slice(1).map((section) => [
    section.slice(0, section.indexOf("\n")).trim(),
    [...section.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => sql!)
  ])
)

type Row = Readonly<Record<string, any>>

/** Asks a store; `nth` of several queries of one section. */
const askerOf = (filename: string) => {
  const database = new DatabaseSync(filename, { readOnly: true })
  database.exec(queries.get("views")![0]!)
  return {
    database,
    ask: (id: QueryId, nth = 0): ReadonlyArray<Row> =>
      database.prepare(queries.get(id)![nth]!).all().map((row) => ({ ...row }))
  }
}

/** Equal but for what adding up in another order makes of it. */
const near = (found: unknown, expected: unknown, where: string): void => {
  if (typeof found === "number" && typeof expected === "number") {
    assert.closeTo(found, expected, 1e-9 * Math.max(1, Math.abs(expected)), where)
  } else assert.deepStrictEqual(found, expected, where)
}

const allNear = (found: Row, expected: Row): void => {
  assert.hasAllKeys(found, Object.keys(expected))
  for (const [name, value] of Object.entries(expected)) near(found[name], value, `${name} of ${JSON.stringify(found)}`)
}

const allOf = (found: ReadonlyArray<Row>, expected: ReadonlyArray<Row>): void => {
  assert.strictEqual(found.length, expected.length, JSON.stringify([found, expected], null, 1))
  for (const [index, row] of found.entries()) allNear(row, expected[index]!)
}

const by = (name: string) => (one: Row, other: Row) => one[name] < other[name] ? -1 : one[name] > other[name] ? 1 : 0

const valuesOf = ({ bestCase, infrastructureAsFailure, scoredOnly }: Report["scores"]["overall"]["score"]) => ({
  scored_only: scoredOnly.value,
  infrastructure_as_failure: infrastructureAsFailure.value,
  best_case: bestCase.value
})

const distributionOf = (name: string, { least, mean, most, n, percentiles }: Distribution): Row => ({
  name,
  n,
  mean,
  least,
  most,
  ...Object.fromEntries(percentiles.map(({ share, value }) => [`p${Math.round(share * 100)}`, value]))
})

const kebab = (tag: string) => tag.replaceAll(/(?<=.)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()

const night = Effect.gen(function*() {
  const filename = join(yield* temporaryDirectory, "night.db")
  yield* writeEventfulNight(filename)
  const report = Option.getOrThrow(yield* reportOf(filename))
  const { ask, database } = askerOf(filename)
  yield* Effect.addFinalizer(() => Effect.sync(() => database.close()))
  return { report, ask, database }
})

describe("the documented queries", () => {
  it("are those that the report names", () => {
    const named = [...readFileSync(join(root, "src/report/Report.ts"), "utf8").matchAll(/^ {2}\| "([\w-]+)"$/gm)]
    assert.deepStrictEqual([...queries.keys()], ["views", ...named.map(([, id]) => id)])
    assert.isAbove(named.length, 10)
  })

  it.live("find the scores, coverage and passes of the report", () =>
    Effect.gen(function*() {
      const { ask, report } = yield* night
      allOf(
        ask("battles").toSorted(by("agent")).toSorted(by("task")),
        report.coverage.cells.map((cell) => ({
          task: cell.task,
          agent: cell.agent,
          planned: cell.planned,
          scored: cell.scored,
          unscored: cell.unscored,
          pending: cell.pending,
          mean_score: cell.meanScore,
          passed: cell.passed
        }))
      )
      allOf(
        ask("scores").toSorted(by("name")),
        [report.scores.overall, ...report.scores.byAgent].map(({ name, passRate, passed, score, scored }) => ({
          name,
          scored,
          ...valuesOf(score),
          passed,
          pass_rate: passRate.scoredOnly.value
        })).toSorted(by("name"))
      )
      allOf(
        ask("pass-at-k"),
        report.passAtK.byAgent.flatMap(({ agent, rows }) =>
          rows.filter(({ passAtK }) => passAtK.value !== null).map(({ cellsLeftOut, k, passAllK, passAtK }) => ({
            agent,
            k,
            tasks: 3 - cellsLeftOut,
            pass_at_k: passAtK.value,
            pass_all_k: passAllK.value
          }))
        )
      )
      assert.isBelow(report.scores.overall.scored, report.scores.overall.planned)
    }))

  it.live("find the latencies of the report", () =>
    Effect.gen(function*() {
      const { ask, report } = yield* night
      const groups = [report.latencies.overall, ...report.latencies.byAgent]
      for (
        const [id, name] of [
          ["ttft", "ttft"],
          ["itl", "itl"],
          ["tpot", "tpot"],
          ["e2e", "e2e"],
          ["tokens-per-second", "tokensPerSecond"]
        ] as const
      ) {
        const expected = groups.map((group) => distributionOf(group.name, group[name])).toSorted(by("name"))
        // What the report does not say of so few samples, a query says all the same.
        const found = ask(id).map((row, index) => {
          const told = expected[index]!
          return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, told[key] === null ? null : value]))
        })
        allOf(found, expected)
      }
      const means = ask("itl", 1).map(({ mean_itl_ms }) => mean_itl_ms)
      const { meanItl } = report.latencies.overall
      allNear({ n: means.length, least: means[0], most: means.at(-1) }, {
        n: meanItl.n,
        least: meanItl.least,
        most: meanItl.most
      })
      assert.isAbove(report.latencies.overall.itl.n, 200)
      const { steps } = report.censored.completion.overall
      allOf(
        ask("censored"),
        steps.map(({ atMillis, atRisk, censored, events, survival }) => ({
          at_ms: atMillis,
          at_risk: atRisk,
          events,
          censored,
          survival
        }))
      )
      assert.isTrue(steps.some(({ censored }) => censored > 0))
    }))

  it.live("find what went wrong, and what was done about it", () =>
    Effect.gen(function*() {
      const { ask, report } = yield* night
      allOf(
        ask("stalls"),
        report.stalls.rows.map((row) => ({
          ...row.battle,
          attempt: row.attempt,
          at: row.at,
          kind: row.kind,
          confidence: row.confidence,
          hop: row.hop,
          phase: row.phase,
          tokens: row.tokens,
          silent_ms: row.silentMillis,
          limit_name: row.limit.name,
          limit_ms: row.limit.millis,
          limit_origin: row.limit.origin,
          decided_by: row.decidedBy,
          binding: row.evidence.binding,
          frozen_ms: row.evidence.frozenMillis,
          cancel: row.cancel,
          duration_ms: row.durationMillis,
          superseded: Number(row.superseded),
          battle_state: row.afterwards === "scored-later" ? "scored" : row.afterwards
        }))
      )
      assert.lengthOf(report.stalls.rows, 4)
      const rateOf = ({ n }: Estimate) => n
      allOf(
        ask("failures").map((row) => ({ ...row, reason: kebab(row["reason"]) })).toSorted(by("reason")),
        report.failures.classes.map(({ battles, failures, hop, hours, kind }) => ({
          reason: kind,
          hop,
          failures,
          battles,
          hours,
          decided: rateOf(report.failures.rate)
        })).toSorted(by("reason"))
      )
      const { retries } = report
      allOf(
        ask("retries"),
        [["first try", retries.firstTry], ["retried", retries.retried]].map(([tried, group]) => {
          const { battles, passed, score } = group as Report["retries"]["firstTry"]
          return { tried, battles, mean_score: score.value, passed }
        })
      )
      allOf(ask("retries", 1), retries.attemptsPerBattle)
      allOf(ask("retries", 2), [{ retries: retries.retries, hours_lost: retries.hoursLost }])
      allOf(
        ask("delivery").toSorted(by("mode")).toSorted(by("agent")),
        report.delivery.byAgent.flatMap(({ agent, modes }) => modes.map((mode) => ({ agent, ...mode }))).toSorted(
          by("mode")
        ).toSorted(by("agent"))
      )
      allOf(
        ask("unscored"),
        report.unscored.battles.map(({ attempts, battle, reason, verdict }) => ({
          ...battle,
          reason,
          verdict,
          attempts
        }))
      )
      assert.deepStrictEqual(
        new Set(report.unscored.battles.map(({ verdict }) => verdict)),
        new Set(["failed", "slow", "stalled", null])
      )
      allOf(
        ask("epochs"),
        report.epochs.rows.map((row) => ({
          epoch_id: row.epoch?.id ?? null,
          engine: row.epoch?.engine ?? null,
          model_id: row.epoch?.modelId ?? null,
          model_root: row.epoch?.modelRoot ?? null,
          server_started_at: row.epoch?.serverStartedAt ?? null,
          began_at: row.epoch?.beganAt ?? null,
          attempts: row.attempts,
          completed: row.completed,
          stalled: row.stalled,
          failed: row.failed,
          scored: row.scored,
          mean_score: row.meanScore,
          first_attempt_at: row.firstAttemptAt,
          last_attempt_at: row.lastAttemptAt
        }))
      )
      assert.lengthOf(report.epochs.rows, 4)
    }))

  it.live("replay timeouts as the report does, for every limit of its figure", () =>
    Effect.gen(function*() {
      const { database, report } = yield* night
      const limits = report.counterfactual.curves[0]!.points.map(({ limitMillis }) => limitMillis)
      const sql = queries.get("counterfactual")![0]!.replace(
        /VALUES .*\)\),/,
        `VALUES ${limits.map((limit) => `(${limit})`).join(", ")}),`
      )
      const found = Map.groupBy(database.prepare(sql).all(), ({ clock }) => String(clock))
      for (const { points, timeout } of report.counterfactual.curves) {
        allOf(
          found.get(timeout)!,
          points.map((point) => ({
            clock: timeout,
            limit_ms: point.limitMillis,
            killed_good: point.killedGood,
            wasted_hours: point.wastedHours,
            hung_ended_earlier: point.hungEndedEarlier,
            saved_hours: point.savedHours,
            hung_ended_later: point.hungEndedLater,
            held_hours: point.heldHours
          }))
        )
        assert.isTrue(
          points.some(({ killedGood }) => killedGood > 0) && points.some(({ savedHours }) => savedHours > 0)
        )
      }
      assert.strictEqual(database.prepare(queries.get("counterfactual")![0]!).all().length, 18)
    }))
})
