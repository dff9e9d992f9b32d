/**
 * Frames for tests of the page: a campaign of so many tasks and agents, rows, and what becomes of them.
 */
import type { Campaign, Cell, Changes, Ended, Mark, Row, Snapshot, Stall, Totals } from "../../src/web/Frame.ts"

const noCounts = { passed: 0, partial: 0, failed: 0, unscored: 0, pending: 0 }

export const campaignOf = (tasks: number, agents: number, repetitions = 1): Campaign => ({
  id: "test",
  file: "night.db",
  origin: 1_790_000_000_000,
  tasks: Array.from({ length: tasks }, (_, index) => `task-${String(index + 1).padStart(2, "0")}`),
  agents: Array.from({ length: agents }, (_, index) => `agent-${String.fromCharCode(97 + index)}`),
  repetitions,
  atOnce: 16,
  stallPolicy: "enforce"
})

export const totalsOf = (totals: Partial<Totals>): Totals => ({
  ...noCounts,
  active: 0,
  waiting: 0,
  tokens: 0,
  tokensPerSecond: 0,
  stalls: 0,
  attempts: 0,
  remaining: null,
  ...totals
})

/** Cells of a campaign in which nothing has ended. */
export const cellsOf = ({ agents, repetitions, tasks }: Campaign): ReadonlyArray<Cell> =>
  tasks.flatMap((_, task) =>
    agents.map((_, agent) => ({
      ...noCounts,
      pending: repetitions,
      task,
      agent,
      active: 0,
      stalls: 0,
      meanScore: null
    }))
  )

/** A row of battle `battle`, whose task and agent follow from its place. */
export const rowOf = (campaign: Campaign, battle: number, row: Partial<Row> = {}): Row => ({
  battle,
  task: battle % campaign.tasks.length,
  agent: Math.floor(battle / campaign.tasks.length) % campaign.agents.length,
  repetition: 1,
  slot: battle,
  attempt: 1,
  waiting: null,
  beganAtMillis: 0,
  phase: "decoding",
  tokens: 0,
  rate: null,
  firstTokenAtMillis: null,
  lastTokenAtMillis: null,
  limit: null,
  engine: null,
  slow: null,
  stalled: null,
  marks: [],
  ...row
})

export const snapshotOf = (campaign: Campaign, snapshot: Partial<Snapshot> = {}): Snapshot => ({
  kind: "snapshot",
  sequence: 1,
  atMillis: 60_000,
  campaign,
  state: { run: "running", why: null, lateMillis: 0, endedAtMillis: null },
  totals: totalsOf({ pending: campaign.tasks.length * campaign.agents.length * campaign.repetitions }),
  rows: [],
  kept: { ended: 40, stalls: 100, notices: 60 },
  ended: [],
  stalls: [],
  cells: cellsOf(campaign),
  lanes: [],
  breakers: [],
  notices: [],
  ...snapshot
})

export const changesOf = (sequence: number, changes: Partial<Changes> = {}): Changes => ({
  kind: "changes",
  sequence,
  atMillis: 60_000 + sequence * 200,
  ...changes
})

export const stall: Stall = {
  hop: "engine",
  kind: "engine-hung",
  confidence: "proved",
  phase: "decoding",
  tokens: 41,
  silentMillis: 31_400,
  limit: { name: "frozen", millis: 30_000, words: "30 s, default" },
  proof: "proved by the engine's metrics: its counters stand still",
  decidedBy: "evidence",
  binding: "proven",
  frozenMillis: 30_600,
  cancel: "confirmed",
  samples: [10_000, 12_000, 14_000].map((atMillis) => ({
    atMillis,
    outcome: "ok",
    running: 4,
    waiting: 2,
    kvCacheUsage: 0.37,
    generationTokens: 120_444
  }))
}

export const endedOf = (campaign: Campaign, battle: number, ended: Partial<Ended> = {}): Ended => {
  const { agent, repetition, task } = rowOf(campaign, battle)
  return {
    battle,
    task,
    agent,
    repetition,
    attempt: 1,
    atMillis: 60_000,
    verdict: "completed",
    result: "passed",
    score: 1,
    reason: "10 of 10 tests passed",
    tokens: 512,
    tokensPerSecond: 42,
    timeToFirstTokenMillis: 400,
    durationMillis: 12_400,
    stall: null,
    ...ended
  }
}

/** Marks of a steady stream until `until`. */
export const steadyMarks = (until: number, gapMillis: number, count: number, tokens = 1): ReadonlyArray<Mark> =>
  Array.from({ length: count }, (_, index) => [until - (count - 1 - index) * gapMillis, tokens, 0])
