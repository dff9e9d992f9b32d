/**
 * Compares two campaigns by their reports: a pure function of values, so reports made on different machines will do.
 *
 * Only tasks of the same name, prompt, grader and judge are compared. Overall figures are compared where both campaigns have the
 * same agents, or one agent each, whatever it is called; otherwise agent by agent. Times that depend on what was asked
 * (TTFT, E2E) are compared where all tasks are the same.
 *
 * Two campaigns over the same tasks are alike in what makes runs long, and latencies are compared as if they were not:
 * their intervals are rather too wide.
 */
import { type Compared, type ComparedScore, type Comparison, comparisonSchema } from "./Comparison.ts"
import { cautionsOf, notComparedOf } from "./comparisonLimits.ts"
import type { Columns, Estimate } from "./Estimate.ts"
import { differenceEstimate, estimateOf, pairedEstimate, proportionEstimate, ratioEstimate } from "./estimates.ts"
import type { Distribution, LatencyGroup } from "./LatencyReport.ts"
import type { Header, Report, ScoreCut } from "./Report.ts"

/** What of two campaigns is the same. */
export interface Shared {
  /** Tasks of the same name, prompt, grader and judge. */
  readonly tasks: ReadonlyArray<string>
  readonly areTasksSame: boolean
  readonly agents: ReadonlyArray<string>
  /** Whether what is overall is of the same agents, or of one each. */
  readonly isOverallAlike: boolean
}

/** The second campaign beside the first. */
export const compareReports = (first: Report, second: Report): Comparison => {
  const shared = sharedOf(first.header, second.header)
  const pairsOf = (agent: string | null) =>
    shared.tasks.map((task) => ({ task, first: cutOf(first, task, agent), second: cutOf(second, task, agent) }))
  const overall = shared.isOverallAlike ? [null] : []
  // One agent each is the same as overall.
  const agents = shared.isOverallAlike && first.header.agents.length === 1 ? [] : shared.agents
  return {
    schema: comparisonSchema,
    first: first.header,
    second: second.header,
    scores: [...overall, ...agents].map((agent) => comparedScore(agent ?? "all", pairsOf(agent))),
    byTask: (shared.isOverallAlike ? pairsOf(null) : []).map(({ first, second, task }) => {
      const [one, other] = [meanOf(first), meanOf(second)]
      return { task, first: one, second: other, difference: one === null || other === null ? null : other - one }
    }),
    latencies: [...overall, ...agents].flatMap((agent) => {
      const [one, other] = [groupOf(first, agent), groupOf(second, agent)]
      return one === undefined || other === undefined ? [] : comparedLatencies(agent ?? "all", one, other, shared)
    }),
    rates: comparedRates(first, second),
    notCompared: notComparedOf(first, second, shared),
    cautions: cautionsOf(first, second, shared)
  }
}

const sharedOf = (first: Header, second: Header): Shared => {
  const prints = new Map(second.tasks.map(({ fingerprint, id }) => [id, fingerprint]))
  const tasks = first.tasks.filter(({ fingerprint, id }) => prints.get(id) === fingerprint).map(({ id }) => id)
  const names = new Set(second.agents.map(({ name }) => name))
  const agents = first.agents.map(({ name }) => name).filter((name) => names.has(name))
  const most = Math.max(first.agents.length, second.agents.length)
  return {
    tasks,
    areTasksSame: tasks.length === first.tasks.length && tasks.length === second.tasks.length,
    agents,
    isOverallAlike: agents.length === most || most === 1
  }
}

/** The scores of a task, overall or with one agent. */
const cutOf = ({ scores }: Report, task: string, agent: string | null): ScoreCut | undefined =>
  agent === null
    ? scores.byTask.find(({ name }) => name === task)
    : scores.cells.find((cell) => cell.task === task && cell.agent === agent)

const groupOf = ({ latencies }: Report, agent: string | null): LatencyGroup | undefined =>
  agent === null ? latencies.overall : latencies.byAgent.find(({ name }) => name === agent)

const meanOf = (cut: ScoreCut | undefined): number | null => cut?.score.scoredOnly.value ?? null

interface TaskPair {
  readonly first: ScoreCut | undefined
  readonly second: ScoreCut | undefined
}

const comparedScore = (name: string, pairs: ReadonlyArray<TaskPair>): ComparedScore => {
  const known = (column: keyof Columns<unknown>) =>
    pairs.flatMap(({ first, second }) => {
      const [one, other] = [first?.score[column].value, second?.score[column].value]
      return typeof one === "number" && typeof other === "number" ? [[one, other] as const] : []
    })
  const columns = <A>(of: (pairs: ReadonlyArray<readonly [number, number]>) => A): Columns<A> => ({
    scoredOnly: of(known("scoredOnly")),
    infrastructureAsFailure: of(known("infrastructureAsFailure")),
    bestCase: of(known("bestCase"))
  })
  const mean = (side: 0 | 1) => (some: ReadonlyArray<readonly [number, number]>): number | null =>
    some.length === 0 ? null : some.reduce((sum, pair) => sum + pair[side], 0) / some.length
  return {
    name,
    tasks: known("scoredOnly").length,
    first: columns(mean(0)),
    second: columns(mean(1)),
    difference: columns(pairedEstimate)
  }
}

const comparedLatencies = (
  name: string,
  first: LatencyGroup,
  second: LatencyGroup,
  { areTasksSame }: Shared
): ReadonlyArray<Compared> => {
  const compared = (figure: string, of: (group: LatencyGroup) => Distribution): Compared => {
    const [one, other] = [medianOf(of(first)), medianOf(of(second))]
    return {
      name: `${figure}, ${name}`,
      first: one.value,
      second: other.value,
      change: ratioEstimate(one, other),
      kind: "ratio"
    }
  }
  return [
    ...areTasksSame ? [compared("TTFT", ({ ttft }) => ttft), compared("E2E", ({ e2e }) => e2e)] : [],
    compared("ITL", ({ itl }) => itl),
    compared("TPOT", ({ tpot }) => tpot),
    compared("tokens/s", ({ tokensPerSecond }) => tokensPerSecond)
  ].filter(({ first, second }) => first !== null || second !== null)
}

const medianOf = ({ clusters, n, percentiles }: Distribution): Estimate => {
  const median = percentiles.find(({ share }) => share === 0.5)
  const { lower = null, upper = null, value = null } = median ?? {}
  return estimateOf(
    { value, n, clusters },
    lower === null || upper === null ? null : { low: lower, high: upper },
    median?.method ?? "order-statistics"
  )
}

const comparedRates = (first: Report, second: Report): ReadonlyArray<Compared> => {
  const compared = (name: string, of: (report: Report) => Estimate): Compared => {
    const [one, other] = [of(first), of(second)]
    return { name, first: one.value, second: other.value, change: differenceEstimate(one, other), kind: "difference" }
  }
  return [
    compared("attempts that stalled", ({ stalls }) => stalls.rate),
    compared("attempts that failed", ({ failures }) => failures.rate),
    compared(
      "battles without a score",
      ({ summary: { battles: { scored, unscored } } }) => proportionEstimate(unscored, scored + unscored)
    )
  ]
}
