/** When a task is asked for again, and when no more. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as PollStep from "../../src/a2a/PollStep.ts"
import { FailReason } from "../../src/liveness/Failed.ts"

const { ConnectError, MidStreamError, RateLimited, Rejected, ServerError, Unavailable } = FailReason.cases
const answered = (isNews: boolean, tookMillis = 1): PollStep.Answer => ({ _tag: "Answered", isNews, tookMillis })
const failed = (reason: FailReason): PollStep.Answer => ({ _tag: "Failed", reason })
const after = (...answers: ReadonlyArray<PollStep.Answer>) =>
  answers.reduce(PollStep.step, PollStep.begin(PollStep.FASTEST))

const detail = "no"
const passing = [
  ConnectError.make({ url: "http://a", detail }),
  FailReason.cases.ConnectionLost.make({ detail }),
  Unavailable.make({ status: 503, retryAfterMillis: null, detail }),
  ServerError.make({ status: 502, detail }),
  MidStreamError.make({ code: null, detail })
]

describe("the pace of polling", () => {
  it("slows down while nothing changes, and is fast again at once", () => {
    const same = [answered(false), answered(false), answered(false)]
    assert.deepStrictEqual(same.map((_, n) => after(...same.slice(0, n + 1)).waitMillis), [375, 562.5, 843.75])
    assert.strictEqual(after(...Array.from({ length: 20 }, () => answered(false))).waitMillis, 2000)
    assert.strictEqual(after(...same, answered(true)).waitMillis, 250)
  })

  it("leaves as much time between two questions as one takes, and no more than the slowest pace", () => {
    assert.strictEqual(after(answered(true, 900)).waitMillis, 900)
    assert.strictEqual(after(answered(true, 9000)).waitMillis, 2000)
    // What a slow question has taken says nothing of how often something changes.
    assert.strictEqual(after(answered(true, 900), answered(true)).waitMillis, 250)
  })

  it("is what the agent asks for, within a minute, and no failure", () => {
    const limited = (retryAfterMillis: number | null) =>
      failed(RateLimited.make({ status: 429, retryAfterMillis, detail }))
    assert.deepStrictEqual([null, 5, 7000, 1e9].map((millis) => after(limited(millis)).waitMillis), [
      2000,
      2000,
      7000,
      60_000
    ])
    assert.isUndefined(after(...Array.from({ length: 50 }, () => limited(null))).end)
  })

  it("is the slowest after a question without an answer, however many there are", () => {
    const poll = after(...Array.from({ length: 50 }, (): PollStep.Answer => ({ _tag: "Unanswered" })))
    assert.deepInclude(poll, { waitMillis: 2000, end: undefined })
  })
})

describe("the end of polling", () => {
  it("comes with the fourth failure in a row, for the reason of the first", () => {
    for (const reason of passing) {
      const later = failed(ServerError.make({ status: 599, detail: "later" }))
      assert.deepStrictEqual(
        [1, 2, 3].map((n) => after(failed(reason), ...[later, later].slice(0, n - 1)).waitMillis),
        [0, 500, 2000]
      )
      assert.isUndefined(after(failed(reason), later, later).end)
      const { end } = after(failed(reason), later, later, later)
      assert.strictEqual(end?._tag, reason._tag === "ConnectError" ? "ConnectionLost" : reason._tag)
      assert.deepInclude(end, { detail })
      assert.isUndefined(after(failed(reason), later, later, answered(false), failed(reason)).end)
    }
  })

  it("comes at once with an answer that will be the same again, and with the first failure of a last try", () => {
    const reason = Rejected.make({ status: 403, detail })
    assert.strictEqual(after(failed(reason)).end, reason)
    assert.isDefined(PollStep.step(PollStep.begin(0, true), failed(passing[1]!)).end)
    assert.isUndefined([answered(false), failed(passing[1]!)].reduce(PollStep.step, PollStep.begin(0, true)).end)
  })

  const Answer = Schema.Literals(["news", "same", "unanswered", "failed"])
  it.prop("never comes while answers do, and no wait is longer than a minute", [Schema.Array(Answer)], ([answers]) => {
    const all = {
      news: answered(true),
      same: answered(false),
      unanswered: { _tag: "Unanswered" },
      failed: failed(passing[0]!)
    } as const
    let poll = PollStep.begin(0)
    let row = 0
    for (const answer of answers) {
      poll = PollStep.step(poll, all[answer])
      row = answer === "failed" ? row + 1 : answer === "unanswered" ? row : 0
      assert.strictEqual(poll.end !== undefined, row > 3)
      if (poll.end !== undefined) return
      assert.isTrue(poll.waitMillis >= 0 && poll.waitMillis <= 60_000)
    }
  })
})
