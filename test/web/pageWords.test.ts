/** What the page says of battles, stalls and the campaign, and what it tells a screen reader. */
import { assert, describe, it } from "@effect/vitest"
import type { Mark } from "../../src/web/Frame.ts"
import * as Announcer from "../../src/web/page/Announcer.ts"
import {
  describeCounts,
  describeEstimate,
  describeGate,
  describeLoad,
  describeRun
} from "../../src/web/page/describeCampaign.ts"
import { describeRow, describeStrip, endedSign, endedWords, limitWords } from "../../src/web/page/describeRow.ts"
import { groupStalls, groupWords, stallWords } from "../../src/web/page/describeStall.ts"
import { orderPlaces } from "../../src/web/page/orderPlaces.ts"
import { step } from "../../src/web/page/PageState.ts"
import { campaignOf, changesOf, endedOf, rowOf, snapshotOf, stall, totalsOf } from "./pageFrames.ts"

const campaign = campaignOf(6, 1)
const now = 200_000
const limit = { name: "silent", millis: 130_000, words: "2 min 10 s, learned from 412 runs", sinceMillis: now - 41_000 }

describe("describeRow", () => {
  const row = rowOf(campaign, 0, {
    lastTokenAtMillis: now - 41_000,
    limit,
    engine: { word: "stepping", by: "metrics" }
  })

  it("says how long it is quiet, of how long it may, and what the engine does", () => {
    const words = describeRow(row, now)
    assert.deepStrictEqual([words.quiet, words.why], ["quiet 0:41 of 2:10", "engine stepping, by its metrics"])
    assert.closeTo(words.used ?? 0, 41 / 130, 1e-9)
    assert.strictEqual(words.tone, "plain")
    assert.strictEqual(describeRow(row, now + 41_000).tone, "slow", "more than half of its limit is used up")
  })

  it("says nothing of silence while tokens come, and nothing that nobody knows", () => {
    const words = describeRow({ ...row, lastTokenAtMillis: now - 900 }, now)
    assert.deepStrictEqual([words.quiet, words.why, words.used], ["", "", null])
    const unknown = describeRow({ ...row, limit: null, engine: null }, now)
    assert.deepStrictEqual([unknown.quiet, unknown.why, unknown.used], ["quiet 0:41", "", null])
  })

  it("says both where the limit counts only a part of the silence", () => {
    const vouched = { ...limit, sinceMillis: now - 10_000 }
    assert.strictEqual(describeRow({ ...row, limit: vouched }, now).quiet, "quiet 0:41, 0:10 of 2:10 counts")
  })

  it("says why it is slow, and what it waits for", () => {
    assert.strictEqual(
      describeRow({ ...row, slow: "preempted" }, now).why,
      "slow: preempted, engine stepping, by its metrics"
    )
    const waiting = { ...row, attempt: 2, waiting: { untilMillis: now + 8_000, reason: "no\nconnection" } }
    assert.deepStrictEqual(
      [describeRow(waiting, now), describeRow(waiting, now + 9_000).quiet],
      [
        { phase: "waiting", quiet: "attempt 2 in 8.0 s", why: "no connection", used: null, tone: "waiting" },
        "attempt 2 waits for its turn"
      ]
    )
  })

  it("puts the last half minute of a strip into words", () => {
    const strip = (...marks: ReadonlyArray<Mark>) => describeStrip({ ...row, marks }, now)
    assert.strictEqual(strip([now - 40_000, 9, 0]), "nothing in the last 30 s")
    assert.strictEqual(strip([now - 900, 2, 1], [now - 800, 1, 1]), "3 tokens in the last 30 s, all of them reasoning")
    assert.strictEqual(
      strip([now - 40_000, 9, 0], [now - 20_000, 2, 1], [now - 12_500, 1, 0]),
      "3 tokens in the last 30 s, 2 of them reasoning, longest silence 12 s"
    )
    assert.strictEqual(limitWords(row), "limit silent: 2 min 10 s, learned from 412 runs")
  })

  it("has a sign and a word for every end", () => {
    const ends = [
      endedOf(campaign, 0),
      endedOf(campaign, 0, { result: "partial", score: 0.6 }),
      endedOf(campaign, 0, { result: "failed", score: 0 }),
      endedOf(campaign, 0, { result: "unscored", score: null, verdict: "failed" }),
      endedOf(campaign, 0, { result: "pending", score: null, verdict: "stalled", stall })
    ]
    assert.deepStrictEqual(ends.map((ended) => `${endedSign(ended)} ${endedWords(ended)}`), [
      "✓ passed",
      "◐ score 0.60",
      "✗ score 0.00",
      "∅ unscored",
      "✕ attempt 1 stalled"
    ])
  })
})

describe("stalls", () => {
  const stalled = (battle: number, atMillis: number, silentMillis = 31_400) =>
    endedOf(campaign, battle, { atMillis, stall: { ...stall, silentMillis } })

  it("are one event where they fell together with one proof", () => {
    const other = { ...stalled(3, 9_000), stall: { ...stall, kind: "silent" } }
    const groups = groupStalls([stalled(0, 60_000), stalled(1, 58_000, 28_000), other, stalled(2, 8_000)])
    assert.deepStrictEqual(groups.map(({ all }) => all.map(({ battle }) => battle)), [[0, 1], [3], [2]])
    assert.lengthOf(groupStalls([stalled(0, 60_000), stalled(1, 49_000)]), 2)
    assert.strictEqual(groupWords(groups[0]!), "no token from the engine for 28 s to 31 s; limit 30 s, default")
    assert.strictEqual(groupWords(groups[2]!), stallWords(stall))
  })

  it("say who was silent, for how long, when, and by which limit it was given up", () => {
    assert.strictEqual(
      stallWords({ ...stall, silentMillis: 17_970 }),
      "no token from the engine for 18 s in decoding, after 41 tokens; limit 30 s, default"
    )
  })
})

describe("the campaign in words", () => {
  const totals = totalsOf({
    passed: 3,
    unscored: 1,
    pending: 6,
    active: 2,
    stalls: 1,
    attempts: 5,
    tokensPerSecond: 42
  })

  it("counts, and estimates only what can be", () => {
    assert.strictEqual(describeCounts(totals), "4 of 10 battles over · 2 in flight · 1 stall · 5 attempts ended")
    assert.strictEqual(describeEstimate(totals, "running"), "time left not known yet · 42 tokens/s")
    const remaining = { millis: 1_500_000, lowMillis: 1_200_000, highMillis: 2_100_000 }
    assert.include(describeEstimate({ ...totals, remaining }, "running"), "about 25 min left (20 min to 35 min)")
    assert.strictEqual(describeEstimate({ ...totals, remaining }, "ended"), "")
    assert.strictEqual(
      describeRun({ run: "stored", why: "paused by\nsomebody", lateMillis: 0, endedAtMillis: 1 }),
      "not running · paused by somebody"
    )
  })

  it("says what a gate does, and of an engine only what it tells", () => {
    const gate = {
      of: "http://gpu:8000",
      state: "open",
      sinceMillis: 1_000,
      why: "gone",
      nextCanaryAtMillis: 50_000
    } as const
    assert.strictEqual(
      describeGate(gate, 41_000),
      "http://gpu:8000: no battle starts for 0:40 · tried again in 0:09 · gone"
    )
    const lane = {
      name: "a",
      engine: null,
      agents: [],
      active: 2,
      concurrency: 8,
      gate: null,
      halted: null,
      epoch: null
    }
    const load = { atMillis: 1_000, running: 3, waiting: null, kvCacheUsage: 0.4, tokensPerSecond: null, asleep: null }
    assert.deepStrictEqual(Object.fromEntries(describeLoad({ ...lane, load }, 3_500, false)), {
      running: "3",
      waiting: "–",
      "KV cache": "40 %",
      "tokens/s": "–",
      "our battles": "2 of 8",
      "its metrics": "2.5 s ago",
      model: "–",
      since: "–"
    })
    const names = (isOver: boolean) => describeLoad({ ...lane, load: null }, 3_500, isOver).map(([name]) => name)
    assert.deepStrictEqual(names(false), ["our battles", "its metrics", "model", "since"])
    assert.deepStrictEqual(names(true), ["model", "since"])
  })
})

describe("orderPlaces", () => {
  const quietFor = (slot: number, millis: number) => rowOf(campaign, slot, { lastTokenAtMillis: now - millis })
  const state = step(
    undefined,
    snapshotOf(campaign, { rows: [quietFor(0, 100), quietFor(1, 5_000), quietFor(2, 900), quietFor(3, 9_000)] })
  )!
  const slots = (...args: Parameters<typeof orderPlaces>) => orderPlaces(...args).map(({ flight }) => flight.row.slot)

  it("puts the longest silence first, and lets the place decide among those that are not quiet", () => {
    assert.deepStrictEqual(slots(state, now, "place"), [0, 1, 2, 3])
    assert.deepStrictEqual(slots(state, now, "quiet"), [3, 1, 0, 2])
  })

  it("keeps an order where it is asked to, but for what came and went", () => {
    const kept = orderPlaces(state, now, "quiet")
    const later = step(state, changesOf(2, { left: [1], rows: [quietFor(4, 60_000)] }))!
    assert.deepStrictEqual(slots(later, later.atMillis + 5_000, "quiet", kept), [3, 0, 2, 4])
  })
})

describe("Announcer", () => {
  const begun = Announcer.heard(Announcer.initial, snapshotOf(campaign))

  it("tells verdicts as counts and gates in words, seldom, and nothing of tokens", () => {
    const gate = { atMillis: 1, kind: "gate" as const, text: "the gate is open", urgent: true }
    const news = [endedOf(campaign, 0), endedOf(campaign, 1), endedOf(campaign, 2, { result: "pending", stall })]
    const told = Announcer.heard(begun, changesOf(2, { ended: news, notices: [gate] }))
    const [after, words] = Announcer.said(told, 5_000)
    assert.strictEqual(words, "2 battles ended: 2 passed. 1 stall. the gate is open.")
    const more = Announcer.heard(after, changesOf(3, { ended: [endedOf(campaign, 3)] }))
    assert.isUndefined(Announcer.said(more, 5_000 + Announcer.PAUSE_MILLIS - 1)[1])
    assert.strictEqual(Announcer.said(more, 5_000 + Announcer.PAUSE_MILLIS)[1], "1 battle ended: 1 passed.")
    const tokens = changesOf(3, { moved: [{ battle: 0, tokens: 5 }], totals: totalsOf({ tokens: 5 }) })
    assert.isUndefined(Announcer.said(Announcer.heard(begun, tokens), 99_000)[1])
  })

  it("tells what a snapshot brings only where the campaign has turned", () => {
    assert.isUndefined(Announcer.said(begun, 99_000)[1])
    const state = { run: "ended", why: null, lateMillis: 0, endedAtMillis: 1 } as const
    const turned = Announcer.heard(begun, snapshotOf(campaign, { state, ended: [endedOf(campaign, 0)] }))
    assert.strictEqual(Announcer.said(turned, 99_000)[1], "The campaign has ended.")
  })
})
