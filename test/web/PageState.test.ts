/** What the page knows after frames. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { Frame } from "../../src/web/Frame.ts"
import {
  LINGER_MILLIS,
  MARKS_MILLIS,
  type PageState,
  shownPlaces,
  silenceOf,
  step
} from "../../src/web/page/PageState.ts"
import { campaignOf, changesOf, endedOf, rowOf, snapshotOf, stall, totalsOf } from "./pageFrames.ts"

const campaign = campaignOf(3, 2)

const after = (...frames: ReadonlyArray<Frame>): PageState => {
  const state = frames.reduce<PageState | undefined>(step, undefined)
  assert.isDefined(state)
  return state!
}

const rowsOf = (state: PageState) => shownPlaces(state, state.atMillis).map(({ flight }) => flight.row)

describe("PageState", () => {
  it("knows nothing before a snapshot, and nothing after a gap", () => {
    assert.isUndefined(step(undefined, changesOf(1)))
    assert.isUndefined(step(undefined, { kind: "beat", atMillis: 5 }))
    const state = after(snapshotOf(campaign))
    assert.isUndefined(step(state, changesOf(3)))
    assert.isUndefined(step(state, changesOf(1)), "a frame that was seen is not applied twice")
    assert.isDefined(step(state, changesOf(2)))
  })

  it("is replaced whole by a snapshot", () => {
    const before = after(snapshotOf(campaign, { rows: [rowOf(campaign, 0), rowOf(campaign, 1)] }))
    const state = step(before, snapshotOf(campaign, { sequence: 9, rows: [rowOf(campaign, 2)] }))!
    assert.deepStrictEqual(rowsOf(state).map(({ battle }) => battle), [2])
    assert.strictEqual(state.sequence, 9)
  })

  it("leaves what a frame does not name as it was, by identity", () => {
    const before = after(snapshotOf(campaign, { rows: [rowOf(campaign, 0)] }))
    const state = step(before, changesOf(2, { totals: totalsOf({ passed: 1 }) }))!
    for (const part of ["campaign", "run", "places", "ended", "stalls", "cells", "lanes", "notices"] as const) {
      assert.strictEqual(state[part], before[part], part)
    }
    assert.strictEqual(state.totals.passed, 1)
  })

  it("appends marks, moves values on, and forgets marks in time", () => {
    const row = rowOf(campaign, 0, { marks: [[1_000, 2, 1]], tokens: 2 })
    const moved = { battle: 0, tokens: 5, phase: "decoding", marks: [[2_000, 3, 0]] } as const
    const state = after(snapshotOf(campaign, { rows: [row] }), changesOf(2, { atMillis: 2_100, moved: [moved] }))
    assert.deepStrictEqual(rowsOf(state)[0]?.marks, [[1_000, 2, 1], [2_000, 3, 0]])
    assert.strictEqual(rowsOf(state)[0]?.tokens, 5)
    const late = 1_500 + MARKS_MILLIS
    const later = step(state, changesOf(3, { atMillis: late, moved: [{ battle: 0, marks: [[late, 1, 0]] }] }))!
    assert.deepStrictEqual(rowsOf(later)[0]?.marks, [[2_000, 3, 0], [late, 1, 0]])
  })

  it("keeps the strip of a battle over its attempts, with the end of the first between them", () => {
    const first = rowOf(campaign, 0, { marks: [[1_000, 2, 0]], lastTokenAtMillis: 1_000 })
    const waiting = rowOf(campaign, 0, { attempt: 2, waiting: { untilMillis: 40_000, reason: "stalled" } })
    const second = rowOf(campaign, 0, { attempt: 2, marks: [[41_000, 1, 0]] })
    const state = after(
      snapshotOf(campaign, { rows: [first] }),
      changesOf(2, {
        rows: [waiting],
        ended: [endedOf(campaign, 0, { verdict: "stalled", result: "pending", stall, atMillis: 32_000 })]
      }),
      changesOf(3, { rows: [second] })
    )
    const place = shownPlaces(state, state.atMillis)[0]
    assert.deepStrictEqual(place?.flight.row.marks, [[1_000, 2, 0], [41_000, 1, 0]])
    assert.deepStrictEqual(place?.flight.ends, [{ atMillis: 32_000, verdict: "stalled", silentSinceMillis: 1_000 }])
  })

  it("does not count marks twice where a row is told anew with marks that were known", () => {
    const first = rowOf(campaign, 0, { marks: [[1_000, 2, 0], [2_000, 1, 0], [2_050, 1, 0]] })
    const again = rowOf(campaign, 0, { marks: [[2_050, 2, 0], [3_000, 4, 0]] })
    const state = after(snapshotOf(campaign, { rows: [first] }), changesOf(2, { rows: [again] }))
    const marks = rowsOf(state)[0]?.marks ?? []
    assert.deepStrictEqual(marks.map(([atMillis]) => atMillis), [1_000, 2_000, 2_050, 3_000])
  })

  it("shows a battle for a moment after it has left, and gives its place to the next", () => {
    const state = after(snapshotOf(campaign, { rows: [rowOf(campaign, 0)] }), changesOf(2, { left: [0] }))
    assert.lengthOf(shownPlaces(state, state.atMillis + LINGER_MILLIS - 1), 1)
    assert.lengthOf(shownPlaces(state, state.atMillis + LINGER_MILLIS), 0)
    const next = step(state, changesOf(3, { rows: [rowOf(campaign, 1, { slot: 0 })] }))!
    assert.deepStrictEqual(rowsOf(next).map(({ battle }) => battle), [1])
    const [place] = shownPlaces(next, next.atMillis)
    assert.deepStrictEqual([place?.flight.ends, place?.leftAtMillis], [[], undefined])
  })

  it("keeps lists newest first and as long as it is told, stalls in one of their own", () => {
    const kept = { ended: 2, stalls: 1, notices: 1 }
    const news = [endedOf(campaign, 0), endedOf(campaign, 1, { stall }), endedOf(campaign, 2, { stall })]
    const notices = ["one", "two"].map((text) => ({ atMillis: 1, kind: "gate" as const, text, urgent: false }))
    const state = after(snapshotOf(campaign, { kept }), changesOf(2, { ended: news, notices }))
    assert.deepStrictEqual(state.ended.map(({ battle }) => battle), [2, 1])
    assert.deepStrictEqual(state.stalls.map(({ battle }) => battle), [2])
    assert.deepStrictEqual(state.notices.map(({ text }) => text), ["two"])
  })

  it("counts no silence where no token is expected", () => {
    assert.strictEqual(silenceOf(rowOf(campaign, 0, { beganAtMillis: 1_000 }), 4_000), 3_000)
    assert.strictEqual(silenceOf(rowOf(campaign, 0, { lastTokenAtMillis: 3_000 }), 4_000), 1_000)
    assert.strictEqual(silenceOf(rowOf(campaign, 0, { phase: "finishing" }), 4_000), 0)
    const waiting = { untilMillis: 9_000, reason: "" }
    assert.strictEqual(silenceOf(rowOf(campaign, 0, { waiting }), 4_000), 0)
  })

  /** Battles that come into, move in and leave four slots. */
  const Step = Schema.Struct({
    slot: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
    what: Schema.Literals(["begin", "move", "leave"])
  })

  it.prop(
    "knows of each place what the last frame said of it, whatever came before",
    [Schema.Array(Step)],
    ([steps]) => {
      const wide = campaignOf(40, 1)
      const expected = new Map<number, { battle: number; tokens: number }>()
      let battle = 0
      let state = after(snapshotOf(wide))
      for (const { slot, what } of steps) {
        const held = expected.get(slot)
        const sequence = state.sequence + 1
        if (what === "begin" && held === undefined) {
          expected.set(slot, { battle: ++battle, tokens: 0 })
          state = step(state, changesOf(sequence, { rows: [rowOf(wide, battle, { slot })] }))!
        } else if (what === "move" && held !== undefined) {
          held.tokens++
          state = step(
            state,
            changesOf(sequence, {
              moved: [{ battle: held.battle, tokens: held.tokens, marks: [[sequence * 200, 1, 0]] }]
            })
          )!
        } else if (what === "leave" && held !== undefined) {
          expected.delete(slot)
          state = step(state, changesOf(sequence, { left: [held.battle] }))!
        }
      }
      const inFlight = state.places.flatMap((place, slot) =>
        place === undefined || place.leftAtMillis !== undefined ? [] : [{ slot, row: place.flight.row }]
      )
      assert.deepStrictEqual(
        inFlight.map(({ row, slot }) => [slot, row.battle, row.tokens, row.marks.length]),
        [...expected].toSorted(([one], [other]) => one - other)
          .map(([slot, { battle, tokens }]) => [slot, battle, tokens, tokens])
      )
    },
    { arbitrary: { runs: 300 } }
  )
})
