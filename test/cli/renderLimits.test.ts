// Every limit for a terminal of any width: nothing is too wide, lost or doubled.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { stripVTControlCharacters } from "node:util"
import { limitsJson, renderLimits, type ShownLimits } from "../../src/cli/renderLimits.ts"
import { learnedFrom } from "../../src/liveness/LearnedRuns.ts"
import { nothingLearned } from "../../src/liveness/LimitInForce.ts"
import { readLimits } from "../../src/liveness/limitText.ts"
import { defaults, LivenessLimits, nameOf, settingKeys } from "../../src/liveness/LivenessLimits.ts"
import * as RunKey from "../../src/liveness/RunKey.ts"

import { underTest } from "../support/campaigns.ts"

const shown = (some: Partial<ShownLimits> = {}): ShownLimits => ({
  ...underTest({ _tag: "Model", model: null, maxTokens: 4096 }),
  contacted: false,
  stallPolicy: "enforce",
  hardCapMillis: null,
  limits: defaults,
  stored: undefined,
  ...some
})
const render = (some: Partial<ShownLimits> = {}, columns = 80) => renderLimits(shown(some), { columns, color: false })

const key = (model: string) =>
  RunKey.make({ endpoint: "http://engine/v1", model, maxTokens: 4000, promptCharacters: 900, running: 2 })
const runs = (count: number, millis: number) =>
  Array.from({ length: count }, () => ({ largestGapMillis: millis, firstTokenMillis: 2 * millis }))
const learned = [
  { key: key("young"), learned: learnedFrom(runs(12, 1000), defaults) },
  { key: key("known"), learned: learnedFrom(runs(199, 200_000), defaults) },
  { key: key("fast"), learned: learnedFrom(runs(400, 30_000), defaults) },
  { key: key("hung"), learned: learnedFrom(runs(200, Infinity), defaults) },
  { key: RunKey.make({ endpoint: "http://other/v1", model: "m" }), learned: nothingLearned }
]
const stored = { campaign: "night", file: "night.db", learned }

describe("renderLimits", () => {
  it("says what is tested, what follows from a hang, and when an attempt ends", () => {
    const lines = render().split("\n")
    assert.deepStrictEqual(lines.slice(0, 13), [
      "UNDER TEST",
      "  agent-1: whatever model is served by the simulated engine of this package, at",
      "  most 4096 tokens",
      "",
      "STALL POLICY",
      "  enforce (default)",
      "      A run that is found hung is ended, and tried again where that may help.",
      "",
      "HARD CAP",
      "  none (default)",
      "      No attempt is ended for the time it takes: what lives is waited for.",
      "",
      "LIMITS"
    ])
    const engine = underTest({ _tag: "Model", model: "m", maxTokens: 100 }, "http://e/v1")
    const other = render({ ...engine, stallPolicy: "off", hardCapMillis: 7_200_000 })
    assert.include(
      other.replaceAll(/\s+/g, " "),
      "UNDER TEST agent-1: model m of the engine at http://e/v1, at most 100 tokens; not contacted (--contact"
    )
    assert.include(other, "\n* off\n      Nothing is looked at")
    assert.include(other, "\n* 2 h\n      An attempt that is not done by then")
    const address = { url: "http://a/", tokenVariable: null, command: null }
    const agent = underTest({ _tag: "Agent", address })
    assert.include(render({ ...agent, contacted: true }), "http://a/, in front of engine engine-1; it answers")
  })

  it("marks what is not the default, which it tells", () => {
    assert.include(render(), "All 43 are at their defaults.")
    assert.notMatch(render(), /^\*/m)
    const limits = { ...defaults, frozenFloorMillis: 90_000, failRunaway: true, minimumTokensPerSecond: 2 }
    const lines = render({ limits }).split("\n")
    assert.include(lines, "  3 of 43 differ from their defaults and are marked with *.")
    assert.deepStrictEqual(lines.filter((line) => line.startsWith("*")), [
      "* frozen-floor               90 s (default 60 s)",
      "* minimum-tokens-per-second  2 tokens/s (default 0 tokens/s)",
      "* fail-runaway               true (default false)"
    ])
    assert.include(lines, "  lost-scrapes               3")
  })

  it("puts meanings beside the values where there is room, and never where that makes them narrow", () => {
    const limits = { ...defaults, frozenFloorMillis: 90_000 }
    const lines = render({ limits }, 120).split("\n")
    const row = (name: string, value: string, meaning: string) => name.padEnd(29) + value.padEnd(21) + meaning
    assert.include(lines, row("  tick", "1 s", "How often every run is looked at."))
    const at = lines.findIndex((line) => line.startsWith("* frozen-floor"))
    assert.deepStrictEqual(lines.slice(at, at + 4), [
      row(
        "* frozen-floor",
        "90 s (default 60 s)",
        "An engine whose counters stand still for less than this is not hung."
      ),
      row("  frozen-ceiling", "5 min", "An engine whose counters stand still for this long is hung."),
      row("  frozen-gap-factor", "3", "An engine is hung after this many times the largest gap of the run,"),
      row("", "", "within its floor and ceiling.")
    ])
    const long = render({ limits: { ...limits, tickMillis: 1000.000000001, minimumTokensPerSecond: 1 / 3 } }, 110)
    assert.include(long, "\n      How often every run is looked at.\n")
  })

  it("tells what runs have taught, key by key", () => {
    const lines = render({ stored }, 100).split("\n")
    assert.deepStrictEqual(lines.slice(0, 2), ["CAMPAIGN", "  night, kept in night.db"])
    const keys = "prompts up to 1024 characters, answers up to 4096 tokens, up to 4"
    assert.strictEqual(
      lines.slice(lines.indexOf("LEARNED LIMITS") + 3).join("\n").replaceAll(/\n {2}requests/g, " requests"),
      [
        `  young at http://engine/v1, ${keys} requests at once`,
        "      silence: 15 min, not learned yet (12 of 199 runs)",
        "      first token: 30 min, not learned yet (12 of 199 runs)",
        `  known at http://engine/v1, ${keys} requests at once`,
        "      silence: 3 min 20 s, learned from 199 runs",
        "      first token: 6 min 40 s, learned from 199 runs",
        `  fast at http://engine/v1, ${keys} requests at once`,
        "      silence: 2 min, floor (30 s, learned from 400 runs)",
        "      first token: 2 min, floor (60 s, learned from 400 runs)",
        `  hung at http://engine/v1, ${keys} requests at once`,
        "      silence: 15 min, not learned (too many of 200 runs were given up)",
        "      first token: 30 min, not learned (too many of 200 runs were given up)",
        "  m at http://other/v1, prompts of any length, answers of any length, any load",
        "      silence: 15 min, nothing learned",
        "      first token: 30 min, nothing learned"
      ].join("\n")
    )
    assert.include(render({ stored: { ...stored, learned: [] } }), "No run of this campaign has taught anything yet.")
    assert.include(render(), "199 are needed")
    assert.include(render({ limits: { ...defaults, learnedFalseAlarms: 0 } }), "Nothing is learned from finished runs")
  })

  it("has colour only if it may, and says the same without", () => {
    const limits = { ...defaults, lostScrapes: 4 }
    const colored = renderLimits(shown({ limits, stored }), { columns: 80, color: true })
    assert.include(colored, "\u001b[")
    assert.strictEqual(stripVTControlCharacters(colored), render({ limits, stored }))
  })

  it.prop("is never wider than the terminal, and has every limit once, as it can be written", [
    LivenessLimits,
    Schema.Int.check(Schema.isBetween({ minimum: 70, maximum: 200 }))
  ], ([limits, columns]) => {
    const lines = render({ limits, stored, hardCapMillis: 1 }, columns).split("\n")
    for (const line of lines) if (!line.includes(" (default ")) assert.isAtMost(line.length, columns)
    for (const setting of settingKeys) {
      const found = lines.filter((line) => line.slice(2).startsWith(`${nameOf(setting)}  `))
      assert.lengthOf(found, 1, setting)
      if (columns >= 110) continue
      const [, value] = /^. \S+ +(.*?)(?: tokens\/s)?(?: \(default .*\))?$/.exec(found[0]!)!
      const read = readLimits([`${nameOf(setting)}=${value}`])
      assert.deepStrictEqual(
        Result.map(read, (some) => (some[setting] ?? NaN) === limits[setting]),
        Result.succeed(true)
      )
    }
  }, { arbitrary: { runs: 60 } })
})

describe("limitsJson", () => {
  it("is plain JSON with every limit, in milliseconds and as it is written", () => {
    const json = limitsJson(shown({ stored, limits: { ...defaults, frozenFloorMillis: 90_000 }, hardCapMillis: 5 }))
    assert.deepStrictEqual(JSON.parse(JSON.stringify(json)), json)
    assert.deepInclude(json, { campaign: "night", db: "night.db", stallPolicy: "enforce", hardCapMillis: 5 })
    assert.deepStrictEqual(json.limits.map((limit) => limit.key), settingKeys)
    assert.deepStrictEqual(json.limits.filter((limit) => !limit.isDefault), [{
      key: "frozenFloorMillis",
      name: "frozen-floor",
      kind: "time",
      group: "When the engine's metrics prove a hang",
      value: 90_000,
      text: "90 s",
      default: 60_000,
      isDefault: false,
      meaning: "An engine whose counters stand still for less than this is not hung."
    }])
    assert.strictEqual(json.learning.runsNeeded, 199)
    assert.deepInclude(json.learning.keys[1], {
      silence: {
        limit: { name: "silent", millis: 200_000, origin: "learned", learning: { runs: 199, needed: 199 } },
        learnedMillis: 200_000,
        cut: false
      }
    })
    const nothing = limitsJson(shown({ limits: { ...defaults, learnedFalseAlarms: 0 } }))
    assert.deepStrictEqual(nothing.learning, { runsNeeded: null, keys: [] })
  })
})
