/** What the page makes of texts, addresses and times. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { singleLine, visible } from "../../src/web/page/harmless.ts"
import * as Route from "../../src/web/page/route.ts"
import * as ServerClock from "../../src/web/page/ServerClock.ts"
import { describeTimeline, timelineShape } from "../../src/web/page/timelineShape.ts"
import { clockTime, count, duration, percent, quiet, rate, score } from "../../src/web/page/words.ts"

const harmful = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u

describe("harmless text", () => {
  it("is one line without controls", () => {
    assert.strictEqual(singleLine("a\r\n\tb\u202egnp.exe \u001b[31mred"), "a b gnp.exe [31mred")
    assert.strictEqual(singleLine("x".repeat(1_000_000), 10), `${"x".repeat(9)}…`)
    assert.strictEqual(singleLine("👩‍👩‍👧 naïve 日本"), "👩‍👩‍👧 naïve 日本")
    assert.strictEqual(singleLine("\ud800 half"), "\ufffd half")
  })

  it("shows controls of a transcript and keeps its lines", () => {
    assert.strictEqual(visible("a\n\tb\r\nc"), "a\n\tb\nc")
    assert.strictEqual(visible("\u001b[2J\u0000\u007f\u202e\u200b"), "␛[2J␀␡⟦U+202E⟧⟦U+200B⟧")
  })

  it.prop("has no control left, and a line is as short as it is asked to be", [Schema.String], ([text]) => {
    const line = singleLine(text, 20)
    assert.notMatch(line, harmful)
    assert.isAtMost(line.length, 20)
    assert.isTrue(line.isWellFormed())
    assert.notMatch(visible(text).replaceAll(/[\n\t]/g, ""), harmful)
  }, { arbitrary: { runs: 500 } })
})

describe("addresses", () => {
  it("lead to what they say, and nonsense to the overview", () => {
    const routes: ReadonlyArray<Route.Route> = [
      { kind: "overview" },
      { kind: "battle", battle: 0 },
      { kind: "battle", battle: 9_999 },
      { kind: "cell", task: 3, agent: 12 }
    ]
    for (const route of routes) assert.deepStrictEqual(Route.read(Route.write(route)), route)
    for (
      const text of ["", "#", "#/battle/", "#/battle/-1", "#/battle/1/2", "#/battle/1e9", "#/battles/1", "#token=x"]
    ) {
      assert.deepStrictEqual(Route.read(text), { kind: "overview" }, text)
    }
  })
})

describe("ServerClock", () => {
  it("believes the frame that came fastest, and stands still while the connection is lost", () => {
    let clock = ServerClock.heard(ServerClock.initial, 10_000, 500)
    assert.strictEqual(ServerClock.read(clock, 700), 10_200)
    clock = ServerClock.heard(clock, 10_200, 1_000)
    assert.strictEqual(ServerClock.read(clock, 1_000), 10_500, "a late frame does not put it back")
    clock = ServerClock.heard(clock, 11_100, 1_100)
    assert.strictEqual(ServerClock.read(clock, 1_100), 11_100)
    const stopped = ServerClock.stop(clock, 1_200)
    assert.strictEqual(ServerClock.read(stopped, 90_000), 11_200)
    assert.strictEqual(ServerClock.read(ServerClock.heard(stopped, 50_000, 90_000), 90_000), 50_000)
  })

  it("forgets a fast frame in time, because clocks drift", () => {
    let clock = ServerClock.heard(ServerClock.initial, 1_000, 0)
    for (let at = 1_000; at <= 120_000; at += 1_000) clock = ServerClock.heard(clock, at, at)
    assert.strictEqual(ServerClock.read(clock, 120_000), 120_000)
  })
})

describe("words", () => {
  it("are short and cut times", () => {
    assert.deepStrictEqual([0, 59_999, 3_723_000].map(clockTime), ["0:00", "0:59", "1:02:03"])
    assert.deepStrictEqual(
      [420, 9_990, 47_900, 119_999, 960_000, 12_000_000].map(duration),
      ["420 ms", "9.9 s", "47 s", "119 s", "16 min", "3 h 20 min"]
    )
    assert.deepStrictEqual([134, 123_400, 12_300_000].map(count), ["134", "123.4k", "12.3M"])
    assert.deepStrictEqual([0.01, 0.44, 42.4, 12_000].map(rate), ["0", "0.4", "42", "12k"])
    assert.deepStrictEqual([0, 0.001, 0.37, 0.999, 1].map(percent), ["0 %", "1 %", "37 %", "99 %", "100 %"])
    assert.deepStrictEqual([0, 0.001, 0.999, 1].map(score), ["0.00", "0.01", "0.99", "1.00"])
    assert.deepStrictEqual([quiet(41_000, 130_000), quiet(41_000, null)], ["quiet 0:41 of 2:10", "quiet 0:41"])
  })
})

describe("the token timeline", () => {
  it("is told in words", () => {
    assert.strictEqual(
      describeTimeline([[400, 1], [500, 10], [5_500, 40]], 36_900),
      "51 tokens in 36 s, the first after 400 ms, then 9.8 per second, longest pause 5.0 s, from 500 ms on, " +
        "nothing in the last 31 s."
    )
    assert.strictEqual(describeTimeline([], 4_000), "No token in 4.0 s.")
  })

  it("rises by what came, when it came, and ends at the last token", () => {
    const { lastAt, points } = timelineShape([[250, 1], [500, 3]], 1_000)
    assert.strictEqual(points, "0,100 250.0,100.0 250.0,75.0 500.0,75.0 500.0,0.0")
    assert.strictEqual(lastAt, 500)
    const many = timelineShape(Array.from({ length: 100_000 }, (_, index) => [index, 1]), 100_000)
    assert.isBelow(many.points.length, 60_000)
    assert.isTrue(many.points.endsWith(",0.0"))
  })
})
