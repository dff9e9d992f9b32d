/** Whether the time of a status tells that an agent is at work. */
import { assert, describe, it } from "@effect/vitest"
import * as StatusClock from "../../src/a2a/StatusClock.ts"

type Told = string | undefined | readonly [time: string | undefined, "news"]
const after = (...told: ReadonlyArray<Told>) =>
  told.reduce<StatusClock.StatusClock>(
    (clock, each) =>
      Array.isArray(each)
        ? StatusClock.step(clock, each[0], true)
        : StatusClock.step(clock, each as string | undefined, false),
    StatusClock.initial
  )

describe("the time of a status", () => {
  it("is life where it is another than before, and nothing else has changed", () => {
    assert.isFalse(after("1").isLife)
    assert.isFalse(after("1", "1").isLife)
    assert.isFalse(after("1", undefined).isLife)
    assert.isTrue(after("1", undefined, "2").isLife)
    assert.isTrue(after("1", "2").isLife)
    // What is new says it already.
    assert.isFalse(after("1", ["2", "news"]).isLife)
  })

  it("is compared a moment later, which is no second life, until it once stood still", () => {
    assert.isTrue(after("1", "2").isChecking)
    assert.deepInclude(after("1", "2", "3"), { isLife: false, isChecking: false, means: "unknown" })
    assert.deepInclude(after("1", "2", "2"), { isLife: false, isChecking: false, means: "work" })
    assert.deepInclude(after("1", "2", "2", "3"), { isLife: true, isChecking: false, means: "work" })
    // By chance it may move in a moment, now and then.
    const chance = ["2", "3", "4", "5", "6", "6", "7", "8", "9", "10", "11"]
    assert.deepInclude(after("1", ...chance), { isLife: true, means: "work" })
  })

  it("means nothing if it moved in each of three moments, whatever came before or after", () => {
    assert.deepInclude(after("1", "2", "3", "4", "5", "6"), { means: "unknown", isLife: true, isChecking: true })
    assert.deepInclude(after("1", "2", "3", "4", "5", "6", "7"), { means: "nothing", isLife: false })
    assert.deepInclude(after("1", "2", "3", "4", "5", "6", "7", "8", "8", "9"), { means: "nothing", isLife: false })
  })

  it("is not judged by a moment in which something else has changed", () => {
    assert.deepInclude(after("1", "2", ["3", "news"]), { means: "unknown", echoes: 0, isChecking: false })
    assert.deepInclude(after("1", "2", ["2", "news"]), { means: "unknown", isChecking: false })
  })
})
