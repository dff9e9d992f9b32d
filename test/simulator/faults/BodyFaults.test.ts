// How text becomes writes: what no reader of a socket can see for sure, because the network joins what it likes.
import { assert, describe, it } from "@effect/vitest"
import * as BodyFaults from "../../../src/simulator/faults/BodyFaults.ts"

type Way = Extract<Parameters<typeof BodyFaults.makeEncoding>[0][number], { readonly _tag: "Encode" }>["how"]

const writes = (text: string, ...ways: ReadonlyArray<Way>) =>
  BodyFaults.makeEncoding(ways.map((how) => ({ _tag: "Encode", how }) as const))(text)
const joined = (parts: ReadonlyArray<Uint8Array>) => Buffer.concat(parts).toString("utf8")

describe("makeEncoding", () => {
  it("is one write without faults", () => {
    assert.deepStrictEqual(writes("data: Grüße 🙂\n\n").map((part) => joined([part])), ["data: Grüße 🙂\n\n"])
  })

  it("writes single bytes", () => {
    const parts = writes("ü\n\n", "one-byte-writes")
    assert.deepStrictEqual(parts.map(({ length }) => length), [1, 1, 1, 1])
    assert.strictEqual(joined(parts), "ü\n\n")
  })

  it("ends writes inside every character of several bytes, and only there", () => {
    const parts = writes("aüb🙂c", "split-characters")
    assert.strictEqual(joined(parts), ": ……\n\naüb🙂c")
    // Two in the comment, two in the text.
    assert.lengthOf(parts, 5)
    for (const part of parts.slice(1)) assert.strictEqual(part[0]! & 0xc0, 0x80)
  })
})
