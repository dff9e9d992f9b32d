import { assert, describe, it } from "@effect/vitest"
import { type AttemptOutlook, calm } from "../../src/campaign/AttemptOutlook.ts"
import { silenceNote, silenceStyle } from "../../src/terminal/silenceNote.ts"

const limit = { name: "frozen", millis: 60_000, origin: "floor", learning: null, sinceMillis: 100_000 } as const

/** Quiet for 41 s after 130 s, of a limit that has counted for 30 s. */
const note = (some: Partial<AttemptOutlook>, columns = 100) =>
  silenceNote({ quietMillis: 41_000, ageMillis: 130_000, outlook: { ...calm, ...some } }, columns)

describe("silenceNote", () => {
  it("says how long it is and may be, what the engine does, and why it is slow", () => {
    assert.strictEqual(note({}), "quiet 0:41")
    assert.strictEqual(note({ limit }), "quiet 0:41 of 1:11")
    assert.strictEqual(note({ engine: "moving", slow: "prefill" }), "quiet 0:41, engine stepping, slow: prefill")
    assert.strictEqual(note({ slow: "silent-unverified", limit }), "quiet 0:41 of 1:11, slow: silent-unverified")
    assert.strictEqual(
      note({ engine: "unknown", limit, stalled: "silent" }),
      "quiet 0:41 of 1:11, stalled: silent, not ended"
    )
  })

  it("does not say what an engine is waited for that does nothing", () => {
    for (const [engine, word] of [["still", "stopped"], ["frozen", "standing still"], ["gone", "gone"]] as const) {
      assert.strictEqual(note({ engine, limit, slow: "silent-decoding" }), `quiet 0:41 of 1:11, engine ${word}`)
    }
  })

  it("says less where there is less room, its length last", () => {
    const forms = new Set(
      Array.from({ length: 60 }, (_, index) => note({ limit, engine: "moving", slow: "prefill" }, 60 - index))
    )
    assert.deepStrictEqual([...forms], [
      "quiet 0:41 of 1:11, engine stepping, slow: prefill",
      "quiet 0:41 of 1:11, engine stepping",
      "quiet 0:41/1:11, engine stepping",
      "quiet 0:41 of 1:11, stepping",
      "quiet 0:41/1:11, stepping",
      "quiet 0:41 of 1:11",
      "quiet 41 s"
    ])
  })

  it("never says that a silence is longer than it may be", () => {
    const late = { ...limit, sinceMillis: 60_000 }
    assert.strictEqual(note({ limit: late }), "quiet 0:41 of 0:41")
  })

  it("is red only where it is sure to end badly", () => {
    const styles = (["moving", "still", "frozen", "gone", "asleep", "unknown"] as const).map((engine) =>
      silenceStyle({ ...calm, engine })
    )
    assert.deepStrictEqual(styles, ["amber", "amber", "red", "red", "amber", "amber"])
    assert.strictEqual(silenceStyle({ ...calm, stalled: "silent" }), "red")
  })
})
