// What users write for a fault, and what they are told when they write it wrongly.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { catalogue } from "../../../src/simulator/faults/FaultCatalogue.ts"
import * as FaultSpecification from "../../../src/simulator/faults/FaultSpecification.ts"

const one = (text: string) => {
  const read = FaultSpecification.read(text)
  if (Result.isFailure(read)) throw new Error(read.failure)
  assert.lengthOf(read.success, 1)
  return read.success[0]!
}

const refusal = (text: string) => {
  const read = FaultSpecification.read(text)
  return Result.isFailure(read) ? read.failure : "accepted"
}

describe("FaultSpecification", () => {
  it("reads a name alone with all defaults", () => {
    const { entry, trigger, values } = one("engine-hang")
    assert.strictEqual(entry.name, "engine-hang")
    assert.deepStrictEqual(values, { "after-tokens": 10 })
    assert.deepStrictEqual(trigger, {
      requests: undefined,
      probability: 1,
      times: 1,
      from: undefined,
      for: Infinity
    })
  })

  it("reads parameters and triggers", () => {
    const { trigger, values } = one(
      " bursts : tokens=8 , every=2.5, request=3-5,probability=0.25,times=2,from=60,for=30 "
    )
    assert.deepStrictEqual(values, { tokens: 8, every: 2.5 })
    assert.deepStrictEqual(trigger, { requests: [3, 5], probability: 0.25, times: 2, from: 60, for: 30 })
    assert.deepStrictEqual(one("long-queue:request=7").trigger.requests, [7, 7])
    assert.strictEqual(one("long-queue").trigger.times, Infinity)
    assert.strictEqual(one("first-request-pause").trigger.for, 40)
    assert.deepStrictEqual(one("first-request-pause").trigger.requests, [1, 1])
  })

  it("knows what begins a fault of the server", () => {
    const withRequest = (text: string) => one(text).withRequest
    assert.isTrue(withRequest("engine-hang"))
    assert.isTrue(withRequest("engine-hang:from=5,after-tokens=3"))
    assert.isTrue(withRequest("sleep-keep:request=2"))
    assert.isTrue(withRequest("metrics-down:probability=0.5"))
    assert.isFalse(withRequest("engine-hang:from=5"))
    assert.isFalse(withRequest("metrics-down"))
    assert.strictEqual(one("metrics-down").trigger.from, 0)
    assert.isFalse(FaultSpecification.atOnce(one("engine-hang")).withRequest)
    assert.strictEqual(FaultSpecification.atOnce(one("engine-hang")).trigger.from, 0)
    assert.isTrue(FaultSpecification.atOnce(one("engine-hang:request=2")).withRequest)
    assert.strictEqual(FaultSpecification.atOnce(one("engine-hang:from=9")).trigger.from, 9)
    assert.isUndefined(FaultSpecification.atOnce(one("long-queue")).trigger.from)
  })

  it("reads several, and nothing from nothing", () => {
    const read = FaultSpecification.read("comments:every=1; ;engine-hang;")
    assert.deepStrictEqual(
      Result.map(read, (all) => all.map(({ entry }) => entry.name)),
      Result.succeed([
        "comments",
        "engine-hang"
      ])
    )
    assert.deepStrictEqual(FaultSpecification.read(" "), Result.succeed([]))
  })

  it("reads every fault of the catalogue, its example, and its parameters written out", () => {
    for (const entry of catalogue) {
      assert.isTrue(Result.isSuccess(FaultSpecification.read(entry.example)), entry.example)
      assert.include(entry.example, entry.name)
      const written = Object.entries(entry.parameters).map(([key, parameter]) => `${key}=${parameter.default}`)
      const full = one(`${entry.name}:${written.join(",")}`)
      assert.deepStrictEqual(full.values, one(entry.name).values, entry.name)
      assert.isAbove(entry.actions(full.values).length, 0, entry.name)
    }
  })

  it("says what is wrong and what would be right", () => {
    const cases: ReadonlyArray<readonly [string, string]> = [
      ["engin-hang", "there is no fault \"engin-hang\"; did you mean engine-hang?"],
      [
        "engine-hang:after=3",
        "engine-hang has no \"after\"; it has after-tokens, and like every fault request, probability"
      ],
      ["crlf:every=3", "crlf has no \"every\"; it has no parameters"],
      ["engine-hang:after-tokens", "\"after-tokens\" of engine-hang must have the form key=value"],
      [
        "engine-hang:after-tokens=1.5",
        "after-tokens of engine-hang must be a whole number from 0 to 1000000000, not \"1.5\""
      ],
      ["engine-hang:after-tokens=-1", "after-tokens of engine-hang must be a whole number from 0"],
      ["engine-hang:after-tokens=1,after-tokens=2", "engine-hang has \"after-tokens\" twice"],
      ["rejected:status=500", "status of rejected must be a whole number from 400 to 499"],
      [
        "engine-hang-with-noise:frame=dots",
        "frame of engine-hang-with-noise must be one of empty-delta, role-chunk, usage"
      ],
      ["crlf:request=0", "request of crlf must be the number of a request, from 1, or two like 3-5, not \"0\""],
      ["crlf:request=5-3", "request of crlf must be"],
      ["crlf:probability=1.1", "probability of crlf must be a number from 0 to 1, not \"1.1\""],
      ["crlf:probability=x", "probability of crlf must be a number from 0 to 1"],
      ["crlf:times=0", "times of crlf must be a whole number of at least 1"],
      ["crlf:times=1.5", "times of crlf must be a whole number of at least 1"],
      ["crlf:from=soon", "from of crlf must be a number of seconds, not \"soon\""],
      ["crlf:for=", "for of crlf must be a number of seconds"]
    ]
    for (const [text, expected] of cases) assert.include(refusal(text), expected, text)
  })

  const written = Schema.Union([
    Schema.String,
    Schema.Array(Schema.Literals([
      "engine-hang",
      "crlf",
      ":",
      ";",
      ",",
      "=",
      "-",
      "request",
      "after-tokens",
      "for",
      "from",
      "times",
      "0",
      "3",
      ".5"
    ]))
  ])
  it.prop("never throws, whatever is written", [written], ([text]) => {
    const read = FaultSpecification.read(typeof text === "string" ? text : text.join(""))
    return Result.isSuccess(read) || read.failure.length > 0
  })
})

describe("the catalogue", () => {
  it("has unique names that can be written", () => {
    const names = catalogue.map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
    for (const name of names) assert.match(name, /^[a-z][a-z-]*[a-z]$/)
  })

  it("says of each what is seen and what must become of it", () => {
    for (const { metrics, name, outcome, summary, wire } of catalogue) {
      for (const text of [metrics, summary, wire]) assert.isAbove(text.length, 3, name)
      assert.strictEqual(outcome.kinds.length === 0, outcome.verdict === "completed", name)
      assert.isTrue(summary.endsWith("."), name)
    }
  })
})
