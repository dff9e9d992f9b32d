/** What is changed, where, and how the list of mutants that nobody can see is read. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { entryOf, equivalents, unknownOf } from "./Equivalent.ts"
import { apply, mutantsOf, withoutTypes } from "./Mutant.ts"

const changes = (source: string) => mutantsOf(source).map(({ change }) => change)

describe("mutants", () => {
  it("are of every kind", () => {
    assert.includeMembers(changes("const a = b < c"), ["b < c -> b <= c", "b < c -> b >= c"])
    assert.includeMembers(changes("const a = b === c"), ["b === c -> b !== c"])
    assert.includeMembers(changes("const a = b + c * 2"), [
      "b + c * 2 -> b - c * 2",
      "c * 2 -> c / 2",
      "c * 2 -> c * 3",
      "c * 2 -> c * 1"
    ])
    assert.includeMembers(changes("const a = b && !c"), [
      "b && !c -> b || !c",
      "b && !c -> b",
      "b && !c -> !c",
      "!c -> c"
    ])
    assert.includeMembers(changes("const a = b?.c ?? d"), ["b?.c ?? d -> b?.c", "b?.c ?? d -> d"])
    assert.includeMembers(changes("const a = b ? c : d"), ["b ? c : d -> true ? c : d", "b ? c : d -> false ? c : d"])
    assert.includeMembers(changes("const a = { ...b, c: true, d }"), [
      "...b -> (nothing)",
      "c: true -> (nothing)",
      "d -> (nothing)",
      "c: true -> c: false"
    ])
    assert.includeMembers(changes("const a = [b, \"c\"]"), ["b -> (nothing)", "\"c\" -> (nothing)", "\"c\" -> \"\""])
    assert.includeMembers(changes("const a = Math.max(b, c).d.slice(-1)"), [
      "Math.max(b, c) -> Math.min(b, c)",
      "Math.max(b, c).d.slice(-1) -> Math.max(b, c).d",
      "-1 -> 1"
    ])
    assert.includeMembers(changes("function a() { if (b) { c(); return } return d }"), [
      "b -> true",
      "b -> false",
      "c(); -> (nothing)",
      "return -> (nothing)",
      "return d -> (nothing)"
    ])
  })

  it("are all modules that differ from the source, each in another way, and leave imports and types alone", () => {
    const source = readFileSync(join(import.meta.dirname, "../../src/liveness/RunClock.ts"), "utf8")
    const stripped = withoutTypes(source)
    const mutants = mutantsOf(source)
    const texts = new Set(mutants.map((mutant) => apply(stripped, mutant)))
    assert.isFalse(texts.has(stripped))
    assert.strictEqual(texts.size, mutants.length)
    for (const text of texts) assert.doesNotThrow(() => mutantsOf(text))
    assert.deepStrictEqual(changes("import { a } from \"b\"\ninterface C { readonly d: 1 | \"e\" }"), [])
  })

  it("can be told apart by their line and change", () => {
    for (const file of ["Judgement", "LivenessStep", "EngineMetrics", "EngineRecord"]) {
      const mutants = mutantsOf(readFileSync(join(import.meta.dirname, `../../src/liveness/${file}.ts`), "utf8"))
      const names = mutants.map(({ change, code }) => `${code} ${change}`)
      assert.deepStrictEqual(names.filter((name, index) => names.indexOf(name) !== index), [])
    }
  })

  it("tell the line on which they begin", () => {
    const [mutant] = mutantsOf("const a: number = 1\n\n  const b: boolean = a < c\n").filter(({ line }) => line === 3)
    assert.strictEqual(mutant?.code, "const b: boolean = a < c")
  })

  it("are found in the list of those that nobody can see, and what is in it and is none is found, too", () => {
    const mutants = mutantsOf("const limit = 5\nconst twice = limit * 2")
    const entries = [
      { file: "One", code: "const limit = 5", changes: ["5 -> 6", "5 -> 4"], reason: "nobody asks" },
      { file: "One", code: "const twice = limit * 2", changes: ["limit * 2 -> limit * 7"], reason: "no mutant" },
      { file: "Other", code: "const gone = 1", changes: ["1 -> 2"], reason: "another file" }
    ]
    const listed = mutants.filter((mutant) => entryOf(entries, "One", mutant)?.reason === "nobody asks")
    assert.deepStrictEqual(listed.map(({ change }) => change), ["5 -> 6", "5 -> 4"])
    assert.isUndefined(entryOf(entries, "Other", mutants[0]!))
    assert.deepStrictEqual(unknownOf(entries, "One", mutants), [
      { code: "const twice = limit * 2", change: "limit * 2 -> limit * 7" }
    ])
  })

  it("that nobody can see are listed with the reason, each once", () => {
    const names = equivalents.flatMap(({ changes, code, file }) => changes.map((change) => `${file} ${code} ${change}`))
    assert.deepStrictEqual(names.filter((name, index) => names.indexOf(name) !== index), [])
    for (const { reason } of equivalents) assert.isAbove(reason.length, 15)
  })
})
