import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as RunKey from "../../src/liveness/RunKey.ts"
import { runs } from "../support/propertyRuns.ts"

const engine = { endpoint: "http://engine/v1", model: "m" }
const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2_000_000 }))

describe("RunKey", () => {
  it("puts what a request asks for into bands", () => {
    assert.deepStrictEqual(RunKey.make({ ...engine, maxTokens: 4096, promptCharacters: 5000, running: 5 }), {
      ...engine,
      shape: { maxTokens: 4096, promptCharacters: 16_384 },
      load: "up to 16"
    })
    const bands = [0, 1, 2, 4, 5, 16, 17, 4097].map((maxTokens) =>
      RunKey.make({ ...engine, maxTokens }).shape.maxTokens
    )
    assert.deepStrictEqual(bands, [1, 1, 4, 4, 16, 16, 64, 16_384])
    const loads = [0, 4, 5, 16, 17].map((running) => RunKey.make({ ...engine, running }).load)
    assert.deepStrictEqual(loads, ["up to 4", "up to 4", "up to 16", "up to 16", "more"])
  })

  it("says unknown for what nobody tells, or what is no count", () => {
    const unknown = { ...engine, shape: { maxTokens: null, promptCharacters: null }, load: "unknown" }
    assert.deepStrictEqual(RunKey.make(engine), unknown as RunKey.RunKey)
    for (const none of [null, undefined, Number.NaN, -1, Infinity, 1e300]) {
      assert.deepStrictEqual(
        RunKey.make({ ...engine, maxTokens: none, promptCharacters: none, running: none }),
        unknown as RunKey.RunKey
      )
    }
  })

  it.prop("a band holds what is up to it, and more than a quarter of it", [Count], ([count]) => {
    const { shape } = RunKey.make({ ...engine, maxTokens: count, promptCharacters: count })
    const band = shape.maxTokens!
    assert.isTrue(count <= band && (band === 1 || 4 * count > band))
    assert.strictEqual(Math.log2(band) % 2, 0)
    assert.strictEqual(shape.promptCharacters, band)
  }, runs)

  it("has a text that never changes, because stores are searched by it", () => {
    const key = RunKey.make({ ...engine, maxTokens: 4096, promptCharacters: 300, running: 2 })
    assert.strictEqual(RunKey.textOf(key), `["http://engine/v1","m",4096,1024,"up to 4"]`)
    const { endpoint, load, model, shape } = key
    const turned = { load, shape: { promptCharacters: 1024, maxTokens: shape.maxTokens }, model, endpoint }
    assert.strictEqual(RunKey.textOf(turned), RunKey.textOf(key))
  })

  it.prop("has one text for each key, in one line, from which it can be read back", [RunKey.RunKey], ([key]) => {
    const text = RunKey.textOf(key)
    assert.deepStrictEqual(RunKey.parse(text), Option.some(key))
    assert.notMatch(text, /[\n\0]/)
  }, runs)

  it("tells names apart that a separator would run together", () => {
    const text = (endpoint: string, model: string) => RunKey.textOf(RunKey.make({ endpoint, model }))
    assert.notStrictEqual(text("a,b", "c"), text("a", "b,c"))
    assert.notStrictEqual(text(`a","b`, "c"), text("a", `b","c`))
  })

  it("is read from nothing else", () => {
    for (const text of ["", "x", "[]", "{}", `["e","m",4,4,"busy"]`, `["e","m",0,4,"more"]`, `["e","m",4,"more"]`]) {
      assert.deepStrictEqual(RunKey.parse(text), Option.none(), text)
    }
  })
})
