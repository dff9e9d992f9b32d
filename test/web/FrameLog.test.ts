import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { State } from "../../src/web/Frame.ts"
import { FrameLog } from "../../src/web/FrameLog.ts"

const state = (text = ""): State =>
  ({ notices: [{ atMillis: 0, kind: "mode", text, urgent: false }] }) as unknown as State
const idOf = (text: string) => /^id: (.*)$/m.exec(text)![1]!
const numbersIn = (text: string) => [...text.matchAll(/"sequence":(\d+)/g)].map(([, number]) => Number(number))

describe("FrameLog", () => {
  it.prop(
    "gives what was missed once, in order, or nothing at all",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 120 })))],
    ([gaps]) => {
      const log = new FrameLog("a")
      let seen = log.snapshot(0, () => state())
      for (const gap of gaps) {
        const texts = Array.from({ length: gap }, (_, index) => log.append({ atMillis: index }))
        const missed = log.since(idOf(seen))
        if (missed === undefined) assert.isAbove(gap, 50)
        else assert.strictEqual(missed, texts.join(""))
        seen = texts.at(-1) ?? seen
        assert.strictEqual(numbersIn(log.snapshot(0, () => state()))[0], numbersIn(seen)[0])
      }
    },
    { arbitrary: { runs: 200 } }
  )

  it("knows nothing of another log, of numbers that it has not given, or of before it began anew", () => {
    const log = new FrameLog("a")
    const first = idOf(log.append({ atMillis: 0 }))
    assert.strictEqual(log.since(first), "")
    for (const id of ["b/1", "a/2", "a/", "a", "", "a/-1", "a/1e0", "a/ 1"]) assert.isUndefined(log.since(id), id)
    log.restart()
    assert.isUndefined(log.since(first))
    assert.strictEqual(log.since(idOf(log.snapshot(0, () => state()))), "")
  })

  it("keeps no more than some megabytes", () => {
    const log = new FrameLog("a")
    const ids = Array.from(
      { length: 10 },
      (_, index) => idOf(log.append({ atMillis: index, notices: state("x".repeat(1_000_000)).notices }))
    )
    assert.isUndefined(log.since(ids[4]!))
    assert.strictEqual(numbersIn(log.since(ids[7]!)!).length, 2)
  })

  it("makes a snapshot once for all who come at a moment, and again when time has passed or something has come", () => {
    const log = new FrameLog("a")
    let made = 0
    const at = (now: number) =>
      log.snapshot(now, () => {
        made++
        return state("line\nbreak\r\u2028")
      })
    assert.strictEqual(at(0), at(100))
    assert.strictEqual(made, 1)
    at(10_000)
    log.append({ atMillis: 1 })
    at(10_000)
    assert.strictEqual(made, 3)
    // One line of data, whatever a text holds.
    assert.match(at(10_000), /^id: a\/1\ndata: [^\n\r]*\n\n$/)
  })
})
