// A campaign's status for terminals of any width: nothing is too wide, and what is left out is counted.
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { stripVTControlCharacters } from "node:util"
import type { CampaignStatus } from "../../src/campaign/CampaignStatus.ts"
import { Command } from "../../src/campaign/StoredCommand.ts"
import { renderStatus } from "../../src/cli/renderStatus.ts"
import { type StatusView, statusView } from "../../src/cli/statusView.ts"
import { widthOf } from "../../src/terminal/TextWidth.ts"

const now = Date.UTC(2026, 10, 23, 2, 0, 0)
const before = (seconds: number) => now - seconds * 1000

const cellsOf = (tasks: ReadonlyArray<string>, agents: ReadonlyArray<string>): CampaignStatus["byTaskAndAgent"] =>
  tasks.flatMap((task) =>
    agents.map((agent, index) => ({ task, agent, scored: 2, unscored: index, pending: 3, meanScore: 0.614 }))
  )

const status = (some: Partial<CampaignStatus> = {}): CampaignStatus => ({
  campaign: "night",
  state: "running",
  createdAt: before(3600),
  battles: { planned: 12, scored: 4, unscored: 2, pending: 6 },
  byTaskAndAgent: cellsOf(["roman-numerals", "run-length"], ["one"]),
  attempts: {
    byVerdict: { completed: 4, stalled: 2, slow: 0, failed: 1, cancelled: 0, abandoned: 0 },
    superseded: 1,
    charged: 6
  },
  inFlight: [
    {
      task: "run-length",
      agent: "one",
      repetition: 3,
      number: 2,
      startedAt: before(200),
      phase: "decoding",
      tokens: 640,
      lastArrivalMillis: 199_000,
      outlook: null
    },
    {
      task: "roman-numerals",
      agent: "one",
      repetition: 1,
      number: 1,
      startedAt: before(65),
      phase: null,
      tokens: 0,
      lastArrivalMillis: null,
      outlook: null
    }
  ],
  unscored: [{ reason: "stalled: no token", battles: 2 }],
  epochs: [],
  holder: { pid: 4711, host: "gpu", purpose: "run", since: before(3600) },
  pendingCommands: [{ id: 1, at: before(2), command: Command.cases.Pause.make({}) }],
  runner: {
    pid: 4711,
    updatedAt: before(1),
    stopping: null,
    breakers: [{ agent: "two", state: "open", sinceMillis: 0, why: "no connection" }],
    lanes: [{
      name: "engine-1",
      inFlight: 2,
      concurrency: 8,
      gate: "open",
      gateSinceMillis: 0,
      note: "no answer to its canary",
      epoch: null,
      load: null
    }]
  },
  ...some
})

const view = (some: Partial<CampaignStatus> = {}): StatusView =>
  statusView(status(some), { db: "night.db", now, resume: "campaign resume --db night.db" })
const render = (some: Partial<CampaignStatus> = {}, columns = 80) => renderStatus(view(some), { columns, color: false })

describe("statusView", () => {
  it("says of whom nobody runs whether it was stopped, has ended, or was killed", () => {
    const situation = (some: Partial<CampaignStatus>) => view(some).situation
    assert.strictEqual(situation({}), "running")
    assert.strictEqual(situation({ runner: { ...status().runner!, stopping: "it is paused" } }), "stopping")
    assert.strictEqual(situation({ holder: null }), "interrupted")
    for (const state of ["paused", "cancelled", "ended"] as const) {
      assert.strictEqual(situation({ holder: null, state }), state)
    }
    // What an earlier process said is not of this one.
    const earlier = { ...status().runner!, stopping: "it is paused", updatedAt: before(5000) }
    assert.deepInclude(view({ runner: earlier }), { situation: "running", stopping: null, lanes: [], breakers: [] })
  })

  it("tells how long attempts run and are quiet only while somebody runs them", () => {
    const [first, second] = view().inFlight
    assert.deepInclude(first, { attempt: 2, quietMs: 1000, runningMs: 200_000 })
    assert.deepInclude(second, { attempt: 1, quietMs: null, runningMs: 65_000 })
    const killed = view({ holder: null })
    assert.deepInclude(killed.inFlight[0], { quietMs: null, runningMs: null })
    assert.deepInclude(killed, { lanes: [], breakers: [], process: null, resume: "campaign resume --db night.db" })
    assert.deepInclude(killed.battles, { inFlight: 0, planned: 12 })
    const ended = view({ holder: null, state: "ended", battles: { planned: 4, scored: 4, unscored: 0, pending: 0 } })
    assert.strictEqual(ended.resume, null)
  })

  it("has a shape that scripts can rely on", () => {
    assert.deepStrictEqual(Object.keys(view()), [
      "campaign",
      "db",
      "situation",
      "createdAt",
      "process",
      "stopping",
      "battles",
      "cells",
      "inFlight",
      "lanes",
      "breakers",
      "unscored",
      "attempts",
      "epochs",
      "requests",
      "resume"
    ])
    assert.deepStrictEqual(view().process, {
      pid: 4711,
      host: "gpu",
      since: "2026-11-23T01:00:00.000Z",
      runningMs: 3_600_000
    })
    assert.deepStrictEqual(view().requests, [
      { command: "pause", askedAt: "2026-11-23T01:59:58.000Z", waitingMs: 2000 }
    ])
  })
})

describe("renderStatus", () => {
  it("says at a glance who runs it, what is in trouble, and how far it is", () => {
    assert.strictEqual(
      render(),
      `Campaign night in night.db
running in process 4711 on gpu for 1:00:00
6/12 done: 4 scored (mean 0.61), 2 unscored; 6 pending, 2 in flight

LANES
  engine-1  2 of 8 in flight  gate open  no answer to its canary

AGENTS IN TROUBLE
  two  open  no connection

IN FLIGHT (2)
  roman-numerals  #1  try 1  begun       0 tok  for 1:05  –
  run-length      #3  try 2  decoding  640 tok  for 3:20  quiet 1.0 s

NO SCORE
  2  stalled: no token

BY TASK AND AGENT
                   one
  roman-numerals   2/5 0.61
  run-length       2/5 0.61

ATTEMPTS
  8 ended: 4 completed, 2 stalled, 1 failed, 1 too late to count; 6 charged

ASKED AND NOT ANSWERED
  pause, 2.0 s ago`
    )
  })

  it("says how to go on with what nobody runs, and why it stopped", () => {
    assert.include(render({ holder: null }), "interrupted: nobody runs it; its process is gone without a word")
    assert.include(render({ holder: null }), "Go on with: campaign resume --db night.db")
    assert.include(render({ holder: null }), "LEFT IN FLIGHT (2; they are played again)")
    const stopping = { ...status().runner!, stopping: "it is paused from another terminal" }
    assert.include(render({ runner: stopping }), "stopping in process 4711 on gpu: it is paused from another terminal")
    assert.notInclude(render(), "Go on with")
  })

  it("says what is known of a silence, as much as fits, and nothing of one that nobody watches any more", () => {
    const outlook = {
      limit: { name: "frozen", millis: 60_000, origin: "floor", learning: null, sinceMillis: 169_000 },
      engine: "still",
      engineBy: "agent",
      slow: "silent-decoding",
      stalled: null
    } as const
    const silent = { inFlight: [{ ...status().inFlight[0]!, lastArrivalMillis: 159_000, outlook }] }
    assert.deepInclude(view(silent).inFlight[0], {
      quietMs: 41_000,
      limitMs: 60_000,
      limitUsedMs: 31_000,
      limitName: "frozen",
      limit: "60 s, floor",
      engine: "still",
      engineBy: "agent",
      slow: "silent-decoding"
    })
    assert.include(render(silent, 100), "640 tok  for 3:20  quiet 0:41 of 1:10, engine stopped")
    assert.include(render(silent), "640 tok  for 3:20  quiet 0:41/1:10, stopped")
    const gone = view({ ...silent, holder: null }).inFlight[0]
    assert.deepInclude(gone, { limitMs: null, limitUsedMs: null, limit: null, engine: null, slow: null })
  })

  it("counts what does not fit", () => {
    const tasks = Array.from({ length: 40 }, (_, index) => `task-${index}`)
    const agents = Array.from({ length: 12 }, (_, index) => `agent-with-a-name-${index}`)
    const cells = cellsOf(tasks, agents).map((cell) =>
      // What is done comes last.
      cell.task === "task-0" ? { ...cell, scored: cell.scored + cell.pending, pending: 0 } : cell
    )
    const [inFlight] = status().inFlight
    const wide = {
      byTaskAndAgent: cells,
      inFlight: Array.from({ length: 20 }, () => inFlight!),
      unscored: Array.from({ length: 13 }, (_, index) => ({ reason: `reason ${index}`, battles: 20 - index }))
    }
    const narrow = render(wide, 80)
    assert.include(narrow, "+ 16 tasks not shown")
    assert.include(narrow, "+ 7 agents not shown")
    assert.include(narrow, "+ 4 more in flight")
    assert.include(narrow, "+ 27 more for 3 other reasons")
    assert.notMatch(narrow, /^ {2}task-0 /m)
    assert.notInclude(render(wide, 200), "agents not shown")
    assert.include(render(wide, 200), "…name-11")
  })

  it("shows the epochs of an engine that began anew, and no others", () => {
    const epoch = (id: number, engine: string, modelId: string) => ({
      id,
      engine,
      modelId,
      modelRoot: null,
      serverStartedAt: null,
      beganAt: before(60)
    })
    assert.notInclude(render({ epochs: [epoch(1, "e", "m"), epoch(2, "f", "m")] }), "ENGINES")
    const text = render({ epochs: [epoch(1, "e", "m"), epoch(2, "f", "m"), epoch(3, "e", "other")] })
    assert.include(text, "ENGINES BEGAN ANEW\n  2026-11-23 01:59 UTC  e: m\n  2026-11-23 01:59 UTC  e: other")
    assert.notInclude(text, "f: m")
  })

  const Names = Schema.Array(Schema.String).check(Schema.isMinLength(1), Schema.isMaxLength(6))
  it.prop(
    "is never wider than the terminal, whatever names and reasons contain",
    [Names, Names, Schema.String, Schema.Int.check(Schema.isBetween({ minimum: 40, maximum: 220 }))],
    ([tasks, agents, reason, columns]) => {
      const some = {
        byTaskAndAgent: cellsOf(tasks, agents),
        inFlight: status().inFlight.map((attempt) => ({ ...attempt, task: tasks[0]!, agent: agents[0]! })),
        unscored: [{ reason, battles: 1 }],
        campaign: reason
      }
      for (const line of render(some, columns).split("\n")) {
        assert.isAtMost(widthOf(line), columns, line)
        assert.strictEqual(stripVTControlCharacters(line), line)
      }
      const colored = renderStatus(view(some), { columns, color: true })
      assert.strictEqual(stripVTControlCharacters(colored), render(some, columns))
    },
    { arbitrary: { runs: 500 } }
  )
})
