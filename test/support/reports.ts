/**
 * Reports as values, for tests of how they are shown: of any number of agents, tasks and samples, with the names that a
 * test wants. Numbers follow from places, not from statistics: nothing here has to be true, only to be of its type.
 */
import type { CounterfactualCurve, Timeout } from "../../src/report/CounterfactualReport.ts"
import type { Columns, Estimate } from "../../src/report/Estimate.ts"
import type { Distribution, LatencyGroup, SurvivalCurve } from "../../src/report/LatencyReport.ts"
import type { StallRow } from "../../src/report/OutcomeReport.ts"
import type { CoverageCell, Report, ScoreCut } from "../../src/report/Report.ts"

export interface ReportOptions {
  readonly agents?: ReadonlyArray<string>
  readonly tasks?: ReadonlyArray<string>
  readonly repetitions?: number
  /** Completed attempts of each agent; 0 for a campaign in which nothing has happened. */
  readonly samples?: number
  readonly stalls?: number
  /** What agents, engines and graders say. */
  readonly says?: string
}

const estimateOf = (value: number | null, n: number): Estimate => ({
  value,
  lower: value === null || n < 3 ? null : Math.max(0, value - 0.3 / Math.sqrt(n)),
  upper: value === null || n < 3 ? null : Math.min(1, value + 0.3 / Math.sqrt(n)),
  level: 0.95,
  n,
  clusters: 3,
  method: n < 3 ? null : "clustered"
})

const columnsOf = (value: number | null, n: number): Columns<Estimate> => ({
  scoredOnly: estimateOf(value, n),
  infrastructureAsFailure: estimateOf(value === null ? null : value * 0.9, n),
  bestCase: estimateOf(value === null ? null : Math.min(1, value * 1.1), n)
})

const none: Estimate = { value: null, lower: null, upper: null, level: 0.95, n: 0, clusters: null, method: null }

const distributionOf = (middle: number, n: number, unit: Distribution["unit"] = "ms"): Distribution => ({
  query: "ttft",
  unit,
  n,
  clusters: null,
  mean: n === 0 ? null : middle * 1.1,
  least: n === 0 ? null : middle / 3,
  most: n === 0 ? null : middle * 9,
  percentiles: [[0.5, 1, 6], [0.9, 2, 36], [0.95, 3, 72], [0.99, 5, 368]].map(([share, factor, needed]) => ({
    share: share!,
    value: n < needed! ? null : middle * factor!,
    lower: n < needed! ? null : middle * factor! * 0.9,
    upper: n < needed! ? null : middle * factor! * 1.2,
    level: 0.95,
    needed: needed!,
    method: "order-statistics"
  })),
  bins: n === 0 ? [] : Array.from({ length: 90 }, (_, index) => ({
    from: middle / 30 * 1.08 ** index,
    to: middle / 30 * 1.08 ** (index + 1),
    count: Math.round(n * Math.exp(-(((index - 45) / 10) ** 2)))
  })),
  leftOut: n === 0 ? [] : [{ why: "they tell no tokens", attempts: 2 }]
})

const groupOf = (name: string, place: number, n: number): LatencyGroup => ({
  name,
  attempts: n,
  basis: { usage: n, deltas: 0, pieces: Math.min(n, 1) },
  ttft: distributionOf(400 * (1 + place / 7), n),
  itl: distributionOf(20 * (1 + place / 9), n * 100),
  meanItl: distributionOf(21 * (1 + place / 9), n),
  tpot: distributionOf(22 * (1 + place / 9), n),
  e2e: distributionOf(160_000 * (1 + place / 7), n),
  duration: distributionOf(161_000 * (1 + place / 7), n),
  tokensPerSecond: distributionOf(45 / (1 + place / 9), n, "tokens/s"),
  gapBasis: { tokens: n * 130, arrivals: n * 100, coalesced: n === 0 ? null : 0.2 }
})

const curveOf = (name: string, n: number, length = Math.min(n, 300)): SurvivalCurve => ({
  name,
  n,
  events: n === 0 ? 0 : n - 1,
  censored: Math.min(n, 1),
  steps: Array.from({ length }, (_, index) => ({
    atMillis: 60_000 + index * 1000,
    survival: 1 - (index + 1) / (length + 1),
    lower: n < 3 ? null : Math.max(0, 1 - (index + 1) / (length + 1) - 0.1),
    upper: n < 3 ? null : Math.min(1, 1 - (index + 1) / (length + 1) + 0.1),
    atRisk: n - index,
    events: 1,
    censored: index % 9 === 8 ? 1 : 0
  })),
  isThinned: n > length,
  medianMillis: n < 2 ? null : 60_000 + length * 500,
  medianLowerMillis: n < 5 ? null : 60_000,
  medianUpperMillis: n < 5 ? null : 360_000,
  level: 0.95
})

const replayOf = (timeout: Timeout, good: number, hung: number): CounterfactualCurve => ({
  timeout,
  good,
  hung,
  unseen: 0,
  leftOut: 0,
  longestGoodMillis: good === 0 ? null : 300_000,
  points: Array.from({ length: 61 }, (_, index) => {
    const limitMillis = 1000 * 1.2 ** index
    const killedGood = Math.round(good * Math.max(0, Math.min(1, 1 - Math.log(limitMillis / 20_000) / Math.log(15))))
    return {
      limitMillis,
      killedGood,
      killedShare: good === 0 ? null : killedGood / good,
      wastedHours: killedGood * limitMillis / 3_600_000,
      hungEndedEarlier: limitMillis < 90_000 ? hung : 0,
      savedHours: limitMillis < 90_000 ? hung * (90_000 - limitMillis) / 3_600_000 : 0,
      hungEndedLater: limitMillis < 90_000 ? 0 : hung,
      heldHours: limitMillis < 90_000 ? 0 : hung * (limitMillis - 90_000) / 3_600_000
    }
  })
})

const stallOf = (task: string, agent: string, repetition: number, message: string): StallRow => ({
  battle: { task, agent, repetition },
  attempt: 1,
  at: Date.UTC(2026, 0, 1, 3),
  hop: "engine",
  kind: repetition % 3 === 0 ? "silent" : "engine-hung",
  confidence: repetition % 3 === 0 ? "inferred" : "proved",
  phase: "decoding",
  tokens: 120,
  silentMillis: 66_000,
  limit: { name: "frozen", millis: 60_000, origin: "floor", learning: null },
  decidedBy: "evidence",
  evidence: { binding: "proven", frozenMillis: 62_000, samples: [{ atMillis: 1, outcome: "refused", sample: null }] },
  cancel: "unconfirmed",
  message,
  durationMillis: 180_000,
  charged: false,
  superseded: false,
  epoch: 1,
  afterwards: "scored-later",
  scoredIn: 2
})

/** The report of a campaign that never was. */
export const reportOf = (options: ReportOptions = {}): Report => {
  const { agents = ["agent-1"], repetitions = 3, samples = 12, says = "it said so", stalls = 2, tasks = ["task-1"] } =
    options
  const isEmpty = samples === 0
  const scoreOf = (place: number) => isEmpty ? null : 0.9 - place % 7 * 0.1
  const cutOf = (name: string, place: number, n: number): ScoreCut => ({
    name,
    planned: n + 1,
    scored: isEmpty ? 0 : n,
    unscored: isEmpty ? 0 : 1,
    pending: isEmpty ? n + 1 : 0,
    score: columnsOf(scoreOf(place), n),
    passed: isEmpty ? 0 : Math.round(n / 2),
    passRate: columnsOf(isEmpty ? null : 0.5, n)
  })
  const n = isEmpty ? 0 : Math.max(1, samples)
  const cells = tasks.flatMap((task, row) =>
    agents.map((agent, column): CoverageCell => ({
      task,
      agent,
      planned: repetitions,
      scored: isEmpty ? 0 : repetitions - (row + column === 0 ? 1 : 0),
      unscored: !isEmpty && row + column === 0 ? 1 : 0,
      pending: isEmpty ? repetitions : 0,
      meanScore: scoreOf(row + column),
      passed: 0
    }))
  )
  const overall = cutOf("all", 0, n * agents.length)
  const rows = isEmpty ?
    [] :
    Array.from(
      { length: stalls },
      (_, index) => stallOf(tasks[index % tasks.length]!, agents[index % agents.length]!, index, says)
    )
  const group = {
    overall: groupOf("all", 0, n * agents.length),
    byAgent: agents.map((agent, place) => groupOf(agent, place, n))
  }
  const curves = { overall: curveOf("all", n * agents.length), byAgent: agents.map((agent) => curveOf(agent, n)) }
  const retryGroup = {
    battles: n,
    score: estimateOf(scoreOf(1), n),
    passed: n,
    passRate: estimateOf(isEmpty ? null : 0.5, n)
  }
  return {
    schema: "a2a-campaign/report/1",
    header: {
      campaign: "night",
      file: "night.db",
      state: isEmpty ? "running" : "ended",
      isRunning: isEmpty,
      configHash: null,
      release: "0.1.0",
      asOf: Date.UTC(2026, 0, 1, 6),
      createdAt: Date.UTC(2026, 0, 1),
      firstAttemptAt: isEmpty ? null : Date.UTC(2026, 0, 1, 0, 1),
      lastAttemptEndedAt: isEmpty ? null : Date.UTC(2026, 0, 1, 5, 59),
      activeMillis: isEmpty ? 0 : 21_500_000,
      agents: agents.map((name) => ({ name, kind: "Model", engine: "engine-1", model: null })),
      tasks: tasks.map((id) => ({ id, grader: "TextMatch", fingerprint: "0f" })),
      repetitions,
      seed: 1,
      stallPolicy: "enforce",
      hardCapMillis: null
    },
    summary: {
      campaign: "night",
      agent: agents.join(", "),
      battles: {
        planned: overall.planned,
        scored: overall.scored,
        unscored: overall.unscored,
        pending: overall.pending
      },
      score: scoreOf(0),
      passed: overall.passed,
      tokens: isEmpty ? 0 : 12_345,
      tokenBasis: isEmpty ? null : "usage",
      untold: 0,
      modes: { stream: n, tap: 0, poll: 0, blocking: 0 },
      ttftMs: { p50: isEmpty ? null : 400, p95: isEmpty ? null : 1200, n },
      tokensPerSecond: { p50: isEmpty ? null : 45, p95: isEmpty ? null : 60, n },
      attempts: { total: n, completed: n, stalled: 0, slow: 0, failed: 0, cancelled: 0, abandoned: 0 },
      tasks: [],
      agents: [],
      unscored: []
    },
    glance: {
      planned: overall.planned,
      scored: overall.scored,
      unscored: overall.unscored,
      pending: overall.pending,
      score: overall.score,
      agents: agents.map((agent, place) => {
        const { passRate, planned, score, scored } = cutOf(agent, place, n)
        return { agent, planned, scored, score, passRate: passRate.scoredOnly }
      }),
      attempts: isEmpty ? 0 : n * agents.length + rows.length,
      stalled: rows.length,
      stalledProved: rows.filter(({ confidence }) => confidence === "proved").length,
      failed: isEmpty ? 0 : 1,
      slow: 0,
      stalledButScored: rows.length,
      rescuedByRetry: rows.length,
      ttftP50Millis: isEmpty ? null : 400,
      ttftP95Millis: isEmpty ? null : 1200,
      tokensPerSecondP50: isEmpty ? null : 45,
      longestGoodAttemptMillis: isEmpty ? null : 300_000,
      longestGoodSilenceMillis: isEmpty ? null : 95_000
    },
    coverage: { query: "battles", cells, cellsWithScore: isEmpty ? 0 : cells.length },
    scores: {
      query: "scores",
      overall,
      byAgent: agents.map((agent, place) => cutOf(agent, place, n)),
      byTask: tasks.map((task, place) => cutOf(task, place, n)),
      cells: cells.map(({ agent, task }, place) => ({
        ...cutOf(`${task} × ${agent}`, place, repetitions),
        task,
        agent
      }))
    },
    passAtK: {
      query: "pass-at-k",
      byAgent: agents.map((agent) => ({
        agent,
        rows: Array.from({ length: repetitions }, (_, index) => ({
          k: index + 1,
          passAtK: estimateOf(isEmpty ? null : 0.5 + index / (2 * repetitions), n),
          passAllK: estimateOf(isEmpty ? null : 0.5 - index / (2 * repetitions), n),
          cellsLeftOut: 0
        }))
      }))
    },
    latencies: group,
    censored: { query: "censored", completion: curves, firstToken: curves },
    attemptEnds: {
      total: isEmpty ? 0 : n + rows.length,
      superseded: 0,
      byVerdict: isEmpty ? [] : [{ verdict: "completed", attempts: n, hours: 3.2, tokens: 12_345 }],
      inFlight: 0
    },
    stalls: {
      query: "stalls",
      rows,
      byKind: rows.length === 0
        ? []
        : [{
          kind: "engine-hung",
          confidence: "proved",
          stalls: rows.length,
          hours: 0.1,
          medianSilentMillis: 66_000,
          scoredLater: 1
        }],
      hours: isEmpty ? 0 : 0.1,
      tokensLost: isEmpty ? 0 : 240,
      rate: isEmpty ? none : { ...estimateOf(0.1, n), method: "wilson", clusters: null }
    },
    failures: {
      query: "failures",
      classes: isEmpty ? [] : [{
        kind: "connection-lost",
        hop: "engine",
        failures: 1,
        battles: 1,
        hours: 0.02,
        scoredLater: 1,
        example: { battle: { task: tasks[0]!, agent: agents[0]!, repetition: 1 }, attempt: 1, message: says }
      }],
      rate: isEmpty ? none : estimateOf(0.05, n)
    },
    retries: {
      query: "retries",
      attemptsPerBattle: isEmpty ? [] : [{ attempts: 1, battles: n }, { attempts: 2, battles: 2 }],
      firstTry: retryGroup,
      retried: retryGroup,
      difference: isEmpty ? none : { ...estimateOf(0.02, n), lower: -0.1, upper: 0.14 },
      withoutRetries: columnsOf(scoreOf(1), n),
      withRetries: columnsOf(scoreOf(0), n),
      rescued: rows.length,
      retries: rows.length,
      hoursLost: isEmpty ? 0 : 0.1
    },
    delivery: {
      query: "delivery",
      byAgent: agents.map((agent) => ({
        agent,
        asked: null,
        modes: isEmpty ? [] : [{ mode: "stream", attempts: n, untold: 0 }],
        why: "it tells its tokens"
      }))
    },
    epochs: {
      query: "epochs",
      rows: isEmpty ? [] : [{
        epoch: {
          id: 1,
          engine: "engine-1",
          modelId: "m",
          modelRoot: says,
          serverStartedAt: null,
          beganAt: Date.UTC(2026, 0, 1)
        },
        attempts: n,
        completed: n,
        stalled: 0,
        failed: 0,
        scored: n,
        meanScore: 0.8,
        agents,
        firstAttemptAt: Date.UTC(2026, 0, 1),
        lastAttemptAt: Date.UTC(2026, 0, 1, 5)
      }],
      mixedCells: 0,
      mixedModelCells: 0
    },
    unscored: {
      query: "unscored",
      battles: isEmpty
        ? []
        : [{
          battle: { task: tasks[0]!, agent: agents[0]!, repetition: 1 },
          reason: says,
          verdict: "failed",
          attempts: 3
        }],
      byVerdict: isEmpty ? [] : [{ verdict: "failed", battles: 1 }]
    },
    counterfactual: {
      query: "counterfactual",
      curves: (["total", "gap", "first-token"] as const).map((timeout) => replayOf(timeout, n, rows.length)),
      limits: isEmpty
        ? []
        : [{
          name: "frozen",
          origins: ["floor"],
          stalls: rows.length,
          leastMillis: 60_000,
          medianMillis: 60_000,
          mostMillis: 90_000
        }],
      hardCapMillis: null
    },
    unknown: isEmpty ? [] : ["Whether agents cache answers is not known.", "One.", "Two.", "Three."]
  }
}
