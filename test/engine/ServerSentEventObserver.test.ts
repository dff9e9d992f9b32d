import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { initial, observe } from "../../src/engine/ServerSentEventObserver.ts"

const observeAll = (text: string, cuts: ReadonlyArray<number> = []) => {
  const bytes = new TextEncoder().encode(text)
  const positions = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  return positions.slice(1).reduce(
    (observation, end, index) => observe(observation, bytes.subarray(positions[index], end)),
    initial
  )
}

const stream =
  "data: {\"a\": 1}\n\n: keep-alive\r\n\r\n:\n\ndata: {\"text\": \": no comment, [DONE]\"}\n\ndata: [DONE]\n\n"

describe("ServerSentEventObserver", () => {
  it("counts comments and sees the sentinel, with any line ending", () => {
    for (const ending of ["\n", "\r\n", "\r"]) {
      const { comments, done } = observeAll(stream.replaceAll(/\r?\n/g, ending))
      assert.deepStrictEqual({ comments, done }, { comments: 2, done: true }, JSON.stringify(ending))
    }
  })

  it("sees the first line behind a byte order mark", () => {
    assert.strictEqual(observeAll("\ufeff: keep-alive\n").comments, 1)
    assert.isTrue(observeAll("\ufeffdata: [DONE]\n").done)
  })

  it("takes the sentinel without a space, and nothing that only looks like it", () => {
    assert.isTrue(observeAll("data:[DONE]\n").done)
    for (const text of ["data: [DONE] x\n", "data: \"[DONE]\"\n", "x data: [DONE]\n", "event: [DONE]\n"]) {
      assert.isFalse(observeAll(text).done, text)
    }
  })

  it.prop("does not depend on how the bytes are cut", [
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 })))
  ], ([cuts]) => {
    assert.deepStrictEqual(observeAll(stream, cuts), observeAll(stream))
  })
})
