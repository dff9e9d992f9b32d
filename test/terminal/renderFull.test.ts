import { assert, describe, it } from "@effect/vitest"
import { stripVTControlCharacters } from "node:util"
import stringWidth from "string-width"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import { type GateShown, initial, keyOf } from "../../src/terminal/CampaignView.ts"
import { renderFull } from "../../src/terminal/renderFull.ts"
import {
  began,
  definitionOf,
  endOf,
  eventsOf,
  hung,
  lost,
  recordOf,
  scoredOutcome,
  Script,
  viewOf
} from "./campaigns.ts"

const sizes = [40, 80, 120, 200].flatMap((columns) => [10, 24, 60].map((rows) => ({ columns, rows })))
const odd = [1, 2, 5, 16, 23].flatMap((columns) => [1, 2, 3, 7].map((rows) => ({ columns, rows })))

const battle = (task: string, repetition = 1) => ({ task, agent: "agent", repetition })

const linesOf = (events: ReadonlyArray<CampaignEvent>, now: number, columns = 120, rows = 24) =>
  renderFull(viewOf(events), now, { columns, rows, color: false, remaining: undefined }).split("\n")

/** Battles in flight since 0 with a token each; after the first ten, battle n is silent from n × 100 ms on. */
const inFlight = (count: number, tokensEvery = 100, until = 10_000): Array<CampaignEvent> => {
  const first = began(definitionOf(["roman-numerals", "run-length"], { repetitions: count, concurrency: count }))
  const battles = first.battles.slice(0, count).map(({ battle }) => battle)
  const events: Array<CampaignEvent> = [first]
  for (const battle of battles) events.push({ _tag: "AttemptBegan", atMillis: 0, battle, number: 1 })
  for (let atMillis = tokensEvery; atMillis <= until; atMillis += tokensEvery) {
    battles.forEach((battle, index) => {
      if (index >= 10 && atMillis > index * 100) return
      events.push({
        _tag: "TokensArrived",
        atMillis,
        battle,
        phase: "decoding",
        tokens: atMillis / tokensEvery,
        arrived: 1
      })
    })
  }
  return events
}

/** How the lines of the battles begin on a small terminal, where not all of them fit. */
const headsAt = (until: number) =>
  linesOf(inFlight(10, 100, until), until + 50, 120, 10)
    .filter((line) => line.includes("#"))
    .map((line) => line.slice(0, 20))

describe("renderFull", () => {
  it.prop(
    "no line is too wide, and there are never too many",
    [Script],
    ([script]) => {
      const events = eventsOf(script)
      const view = viewOf(events)
      const remaining = { atMillis: endOf(events), millis: 4e6, lowMillis: 3e6, highMillis: 5e7 }
      const render = (columns: number, rows: number, color: boolean) =>
        renderFull(view, endOf(events) + 1_500, { columns, rows, color, remaining })
      for (const { columns, rows } of [...sizes, ...odd]) {
        const frame = stripVTControlCharacters(render(columns, rows, true))
        const lines = frame.split("\n")
        assert.isAtMost(lines.length, Math.max(1, rows - 1))
        for (const line of lines) {
          assert.isAtMost(stringWidth(line), columns, JSON.stringify(line))
          assert.strictEqual(line, line.trimEnd())
        }
        if (rows === 24) assert.strictEqual(render(columns, rows, false), frame)
      }
    },
    { arbitrary: { runs: 50 } }
  )

  it.prop("every battle in flight has a line or is counted", [Script], ([script]) => {
    const events = eventsOf(script)
    const view = viewOf(events)
    const lines = renderFull(view, endOf(events), { columns: 120, rows: 24, color: false, remaining: undefined }).split(
      "\n"
    )
    const shown = lines.slice(1).filter((line) => line.startsWith("  ") && line.includes("#")).length
    const hidden = Number(/^ {2}and (\d+) more$/m.exec(lines.join("\n"))?.[1] ?? 0)
    const occupied = view.slots.filter(({ key }) => key !== undefined).length
    assert.strictEqual(shown + hidden, occupied)
  })

  it("shows nothing before the campaign has begun", () => {
    assert.strictEqual(renderFull(initial, 0, { columns: 80, rows: 24, color: true, remaining: undefined }), "")
  })

  it("draws the whole of a campaign", () => {
    const first = began(definitionOf(["roman-numerals", "run-length", "lru-cache"], { repetitions: 2, concurrency: 3 }))
    const events: Array<CampaignEvent> = [first]
    const end = (task: string, atMillis: number, values: Parameters<typeof recordOf>[1]) => {
      events.push({ _tag: "AttemptBegan", atMillis: 0, battle: battle(task), number: 1 })
      events.push({ _tag: "AttemptEnded", atMillis, record: recordOf(battle(task), values) })
    }
    end("roman-numerals", 3_000, {})
    end("run-length", 3_500, { outcome: scoredOutcome(3, 5), tokens: 7 })
    end("lru-cache", 4_000, { outcome: { _tag: "Unscored", reason: "no token from the engine for 60 s", attempt: 1 } })
    const decoding = battle("roman-numerals", 2)
    const retried = battle("run-length", 2)
    events.push(
      { _tag: "AttemptBegan", atMillis: 4_000, battle: decoding, number: 2 },
      { _tag: "AttemptBegan", atMillis: 4_000, battle: retried, number: 1 },
      {
        _tag: "AttemptEnded",
        atMillis: 5_000,
        record: recordOf(retried, {
          verdict: "failed",
          error: lost("reset"),
          outcome: { _tag: "Pending" },
          tokens: 0
        })
      },
      { _tag: "RetryWaits", atMillis: 5_000, battle: retried, delayMillis: 4_000 }
    )
    for (let atMillis = 5_000, tokens = 8; atMillis < 8_000; atMillis += 250, tokens += 8) {
      events.push({ _tag: "TokensArrived", atMillis, battle: decoding, phase: "decoding", tokens, arrived: 8 })
    }
    assert.deepStrictEqual(linesOf(events, 10_000, 100), [
      "━━━━━━━╸───────  3/6  elapsed 0:10  ETA not known yet  ✓ 1  ◐ 1  ○ 1",
      "1 of 3 active    19 tok/s      96 tok  no gate shut",
      "  roman-numerals 1/2 1.00      run-length     1/2 0.60      lru-cache      1/2 ○1",
      "",
      "  roman-numerals  #2  decoding        96 tok    19 tok/s  quiet 2.2 s   attempt 2  ▄▄▄▄▄▄▄▄▄········",
      "  run-length      #2  waiting     attempt 2 waits for its turn: engine: connection lost: reset (aft…",
      "",
      "! run-length      #2  failed      engine: connection lost: reset (after 3 tokens); 0:05 ago",
      "○ lru-cache       #1  unscored    no token from the engine for 60 s; 120 tok; 0:06 ago",
      "◐ run-length      #1  score 0.60       7 tok    40 tok/s  3.0 s   3 of 5 hidden tests passed; test …",
      "✓ roman-numerals  #1  passed         120 tok    40 tok/s  3.0 s   2 of 2 hidden tests passed"
    ])
  })

  it("shows those that have been silent longest when there is no room for all", () => {
    const lines = linesOf(inFlight(40), 10_000)
    const rows = lines.filter((line) => line.includes("quiet"))
    assert.strictEqual(lines.length, 23)
    assert.include(lines, "  and 22 more")
    // Silent longest are those that became silent first.
    assert.deepStrictEqual(
      rows.map((line) => /quiet (\S+)/.exec(line)![1]),
      [
        ...Array.from({ length: 10 }, (_, index) => (9 - index / 10).toFixed(1)),
        ...Array.from({ length: 10 }, (_, index) => (8 - index / 10).toFixed(1))
      ].slice(0, rows.length)
    )
    assert.isAtLeast(rows.length, 18)
  })

  it("keeps its lines where they are while nobody is silent", () => {
    assert.deepStrictEqual(headsAt(3_000), headsAt(3_100))
    assert.deepStrictEqual(headsAt(3_000), headsAt(7_400))
  })

  it("keeps the line of a battle that has ended for the next one, for a second", () => {
    const events = inFlight(3, 100, 1_000)
    const { key } = viewOf(events).slots[0]!
    const ended = began(definitionOf(["roman-numerals", "run-length"], { repetitions: 3 })).battles
      .find(({ battle }) => keyOf(battle) === key)!
    events.push({ _tag: "AttemptEnded", atMillis: 1_000, record: recordOf(ended.battle) })
    const heads = (now: number) => linesOf(events, now, 120, 24).slice(4, 7).map((line) => line === "" ? "" : "battle")
    assert.deepStrictEqual(heads(1_900), ["", "battle", "battle"])
    assert.deepStrictEqual(heads(2_100), ["battle", "battle", ""])
  })

  it("keeps a line for the last stall after newer verdicts have come, with what proved it", () => {
    const events = inFlight(1, 100, 500)
    const end = (repetition: number, atMillis: number, values: Parameters<typeof recordOf>[1]) =>
      events.push({ _tag: "AttemptEnded", atMillis, record: recordOf(battle("run-length", repetition), values) })
    end(1, 1_000, { verdict: "stalled", error: hung(), outcome: { _tag: "Pending" }, tokens: 3 })
    for (let index = 0; index < 20; index++) end(1, 2_000 + index, {})
    const lines = linesOf(events, 10_000, 100, 16)
    const verdicts = lines.filter((line) => /^[✓!]/u.test(line))
    assert.isAtLeast(verdicts.length, 3)
    assert.strictEqual(
      verdicts.at(-1),
      "! run-length      #1  stalled     engine-hung: its counters stand still; proved, quiet 1:02; 3 tok;…"
    )
    assert.isTrue(verdicts.slice(0, -1).every((line) => line.startsWith("✓")))
    assert.include(lines[1], "1 stalled")
  })

  it("gives the battles in flight their lines whatever else there is to say, and each of them one", () => {
    const tasks = Array.from({ length: 20 }, (_, index) => `task-${index}`)
    const definition = definitionOf(tasks as [string, ...Array<string>], { repetitions: 5, concurrency: 4 })
    const agents = ["one", "two", "three", "four"].map((name) => ({ ...definition.agents[0], name }))
    const first = began({ ...definition, agents: agents as [typeof agents[0], ...typeof agents] })
    const events: Array<CampaignEvent> = [
      first,
      ...first.battles.slice(0, 16).map(({ battle }): CampaignEvent => ({
        _tag: "AttemptBegan",
        atMillis: 0,
        battle,
        number: 1
      })),
      { _tag: "AttemptEnded", atMillis: 1_000, record: recordOf(first.battles[20]!.battle) },
      { _tag: "Stopping", atMillis: 2_000, why: "it is paused" }
    ]
    assert.lengthOf(first.battles, 400)
    for (const columns of [80, 120]) {
      const lines = linesOf(events, 2_000, columns, 24)
      assert.lengthOf(lines.filter((line) => line.includes("connecting")), 16, lines.join("\n"))
      assert.lengthOf(lines.filter((line) => line.startsWith("✓")), 1)
      assert.match(lines[0]!, /1\/400 .*stopping/)
      assert.match(lines[2]!, /^no battle is begun any more {2}it is paused$/)
      assert.match(lines[3]!, /^ {2}one \d+\/100 .*four \d+\/100 {2}[·▁]{20}$/u)
    }
    const large = linesOf(events, 2_000, 200, 50)
    for (const task of tasks) assert.isTrue(large.some((line) => line.startsWith(`  ${task} `)), task)
    // What stands above the battles does not depend on how many there are.
    const at = (lines: ReadonlyArray<string>) => lines.findIndex((line) => line.includes("connecting"))
    assert.strictEqual(
      at(linesOf(events.slice(0, 2), 2_000, 200, 50)),
      at(linesOf(events.slice(0, 17), 2_000, 200, 50))
    )
  })

  it("says whether a battle waits at a gate, or only for a place of its lane", () => {
    const [ended, ...others] = began(definitionOf(["a"], { repetitions: 3, concurrency: 2 })).battles
    const events = (inFlight: number): ReadonlyArray<CampaignEvent> => [
      began(definitionOf(["a"], { repetitions: 3, concurrency: 2 })),
      {
        _tag: "AttemptEnded",
        atMillis: 0,
        record: recordOf(ended!.battle, { verdict: "failed", error: lost("reset"), outcome: { _tag: "Pending" } })
      },
      { _tag: "RetryWaits", atMillis: 0, battle: ended!.battle, delayMillis: 100 },
      ...others.slice(0, inFlight).map(({ battle }): CampaignEvent => ({
        _tag: "AttemptBegan",
        atMillis: 0,
        battle,
        number: 1
      })),
      {
        _tag: "GateChanged",
        of: "engine",
        atMillis: 0,
        endpoint: "http://a",
        state: "open",
        sinceMillis: 0,
        why: "hung",
        untried: false,
        nextCanaryAtMillis: null,
        unconfirmed: 0,
        openedMillis: 0,
        admits: false
      }
    ]
    const waits = (some: ReadonlyArray<CampaignEvent>) => /attempt 2 [^:]*/u.exec(linesOf(some, 5_000).join("\n"))?.[0]
    assert.strictEqual(waits(events(1)), "attempt 2 waits at the gate")
    assert.strictEqual(waits(events(2)), "attempt 2 waits for its turn")
    assert.strictEqual(waits(events(1).slice(0, -1)), "attempt 2 waits for its turn")
  })

  it("says what keeps battles from starting: a gate, a lane, and an engine that is tried for long", () => {
    const gate = (endpoint: string, some: Partial<GateShown>): CampaignEvent => ({
      _tag: "GateChanged",
      of: "engine",
      atMillis: 1_000,
      endpoint,
      state: "open",
      sinceMillis: 1_000,
      why: "its counters stand still",
      untried: false,
      nextCanaryAtMillis: 12_000,
      unconfirmed: 0,
      openedMillis: 1_000,
      admits: false,
      ...some
    } as CampaignEvent)
    const lines = (now: number, ...events: ReadonlyArray<CampaignEvent>) =>
      linesOf([...inFlight(1, 100, 500), ...events], now).slice(1, 5)
    const shut = lines(
      10_000,
      gate("http://a", {}),
      gate("http://b", { state: "suspect", untried: true, why: "it is not known yet", nextCanaryAtMillis: null }),
      { _tag: "LaneHalted", atMillis: 2_000, lane: "agent agent", why: "another model" }
    )
    assert.include(shut[0], "1 gate shut")
    assert.deepStrictEqual(shut.slice(1), [
      "no battle starts for 0:09, canary in 0:02  http://a: its counters stand still",
      "no battle yet for 0:09  http://b: it is not known yet",
      "no battle starts in agent agent  another model"
    ])
    const young = lines(3_000, gate("http://b", { state: "suspect", untried: true }))
    assert.notMatch(young.join(""), /no battle/)
    const open = lines(10_000, gate("http://a", {}), gate("http://a", { state: "closed" }))
    assert.include(open[0], "no gate shut")
    assert.notMatch(open.join(""), /no battle/)
  })

  it("says when it may end, without the bounds where there is no room for them", () => {
    const remaining = { atMillis: 9_000, millis: 160_000, lowMillis: 110_000, highMillis: 250_000 }
    const headerOf = (columns: number, now = 10_000) =>
      renderFull(viewOf(inFlight(1, 100, 500)), now, { columns, rows: 24, color: false, remaining }).split("\n")[0]!
    assert.include(headerOf(80), "ETA 2:39 (1:49–4:09)")
    assert.match(headerOf(40), /ETA 2:39$/)
    assert.include(headerOf(80, 12_000), "ETA 2:37 (1:47–4:07)")
    // Whoever is later than was thought is not early.
    assert.include(headerOf(80, 500_000), "ETA 0:00 (0:00–0:00)")
  })

  it("uses colours for what they mean and nothing else", () => {
    const events = inFlight(1, 100, 500)
    const frame = renderFull(viewOf(events), 3_000, { columns: 120, rows: 24, color: true, remaining: undefined })
    assert.include(frame, "\u001b[33mquiet 2.5 s")
    assert.include(frame, "\u001b[2mdecoding")
    assert.notInclude(frame, "\u001b[31m")
  })

  it("freezes the time when the campaign has ended", () => {
    const events: Array<CampaignEvent> = [...inFlight(1, 100, 500), {
      _tag: "CampaignEnded",
      atMillis: 65_000,
      end: { _tag: "Ended" }
    }]
    const [header] = linesOf(events, 500_000)
    assert.include(header, "elapsed 1:05")
    assert.include(header, "ended")
  })
})
