import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Heartbeat, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { describeLimit } from "../../src/liveness/describeLimit.ts"
import type { EngineDigest } from "../../src/liveness/LivenessInput.ts"
import { defaults, withPatience } from "../../src/liveness/LivenessLimits.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"
import * as TaskView from "../../src/terminal/TaskView.ts"
import { Delta, Finish, Usage } from "../../src/token/TokenEvent.ts"
import { truncated } from "../support/attempts.ts"
import { circumstances, stalled } from "../support/runErrors.ts"

const run = { hop: "purple" as const, attempt: 1, endpoint: "http://agent/", model: "" }
const limits = withPatience(defaults, 90_000)
const began = TaskView.begin(1000, { run, limits })

const token = (text: string, tokens = 1) => Delta.make({ channel: "content", text, tokens })

const beat = (engine: EngineDigest, tokenAgeMillis = 0): TaskEvent =>
  Heartbeat.make({ phase: "decoding", tokens: 1, tokenAgeMillis, engine, intervalMillis: 5000 })

/** A view after chunks of events at their times. */
const after = (...chunks: ReadonlyArray<readonly [at: number, ...ReadonlyArray<TaskEvent>]>) =>
  chunks.reduce((view, [at, ...events]) => TaskView.step(view, events, at), began)

describe("TaskView", () => {
  it("measures what came, by its times", () => {
    const view = after([1500, token("a", 3)], [1700, token("b")], [2500, token("c", 2)], [
      2500,
      Usage.make({ promptTokens: 9, completionTokens: 7 }),
      Finish.make({ reason: "stop" })
    ])
    assert.deepStrictEqual(TaskView.figures(TaskView.ended(view, { _tag: "Completed" }, 3000), 9000), {
      tokens: 7,
      timeToFirstTokenMillis: 500,
      tokensPerSecond: 4,
      largestGapMillis: 800,
      promptTokens: 9,
      completionTokens: 7,
      finishReason: "stop",
      durationMillis: 2000
    })
    assert.strictEqual(TaskView.silence(view, 9000), 0)
  })

  it("has no rate and no gap of a single arrival", () => {
    assert.deepInclude(TaskView.figures(after([1500, token("a", 3)]), 2000), {
      tokens: 3,
      timeToFirstTokenMillis: 500,
      tokensPerSecond: null,
      largestGapMillis: null,
      durationMillis: 1000
    })
    assert.deepInclude(TaskView.figures(began, 2000), { tokens: 0, timeToFirstTokenMillis: null })
  })

  it("knows how long a silence may last, and that nobody would end one that somebody vouches for", () => {
    const limitOf = (view: TaskView.TaskView) => {
      const limit = TaskView.patience(view)
      return limit === undefined ? undefined : `${limit.name} ${describeLimit(limit)}`
    }
    // The server may take 15 minutes to answer at all, and both are longer by what is allowed for a hop.
    assert.strictEqual(limitOf(TaskView.begin(0, { run, limits: defaults })), "headers 15 min 15 s, default")
    assert.strictEqual(limitOf(began), "first-token 105 s, nothing learned")
    const answered = after([1100, Status.make({ state: "working", text: "" })])
    assert.strictEqual(limitOf(answered), limitOf(began))
    const decoding = TaskView.step(answered, [token("a")], 1200)
    assert.strictEqual(limitOf(decoding), "silent 105 s, nothing learned")
    assert.isUndefined(limitOf(TaskView.step(decoding, [beat("moving")], 1300)))
    assert.match(limitOf(TaskView.step(decoding, [beat("unknown")], 1300))!, /^silent /)
    // Until ten seconds after its last token somebody vouched for it, and the limit counts from then.
    const later = (view: TaskView.TaskView, from: number) =>
      Array.from({ length: 10 }, (_, index) => from + index * 1000).reduce(TaskView.tick, view)
    const vouched = TaskView.step(later(decoding, 1200), [beat("moving", 10_000)], 11_200)
    const doubtful = TaskView.step(later(vouched, 11_200), [beat("unknown", 20_000)], 21_200)
    assert.strictEqual(limitOf(doubtful), "silent 115 s, nothing learned")
    assert.isUndefined(limitOf(TaskView.ended(decoding, { _tag: "Completed" }, 1300)))
    assert.isUndefined(TaskView.patience(TaskView.begin(0)))
    // With the policy to warn a task goes on after it was found stalled, and nothing ends it any more.
    const { confidence, kind, limit, phase, silentMillis, tokens } = stalled("silent")
    const verdict: Verdict = { _tag: "Stalled", confidence, kind, limit, phase, silentMillis, tokens, circumstances }
    assert.isUndefined(limitOf(TaskView.judged(decoding, verdict)))
  })

  it("measures a silence from the last token, through heartbeats, and none after the end", () => {
    const view = after([1500, token("a")], [6500, beat("moving", 5000)])
    assert.strictEqual(TaskView.silence(view, 8000), 6500)
    assert.strictEqual(TaskView.silence(began, 8000), 7000)
    assert.strictEqual(TaskView.silence(TaskView.ended(view, { _tag: "Interrupted" }, 7000), 8000), 0)
  })

  it("keeps the first end and the first final verdict", () => {
    const alive: Verdict = { _tag: "Alive", phase: "decoding", tokens: 1, tokensPerSecond: 0, silentMillis: 0 }
    const completed: Verdict = {
      _tag: "Completed",
      finishReason: "stop",
      closed: "eof",
      tokens: 1,
      degenerate: null
    }
    const judged = [alive, completed, alive].reduce(TaskView.judged, began)
    assert.strictEqual(judged.verdict, completed)
    const ended = TaskView.ended(
      TaskView.ended(began, { _tag: "Broken", error: truncated }, 2),
      { _tag: "Completed" },
      3
    )
    assert.deepInclude(ended.end, { _tag: "Broken", atMillis: 2 })
  })

  it.prop(
    "counts the same tokens in whatever chunks they come",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })))],
    ([counts]) => {
      const events = counts.map((tokens) => token("x", tokens))
      const single = events.reduce((view, event) => TaskView.step(view, [event], 1500), began)
      const whole = TaskView.step(began, events, 1500)
      assert.strictEqual(TaskView.tokens(single), counts.reduce((sum, tokens) => sum + tokens, 0))
      assert.strictEqual(TaskView.tokens(whole), TaskView.tokens(single))
    }
  )

  it("counts pieces where nobody tells tokens", () => {
    const followed = {
      _tag: "Followed" as const,
      hop: "purple" as const,
      mode: "stream" as const,
      exact: false,
      why: ""
    }
    assert.strictEqual(TaskView.unit(began), "tokens")
    assert.strictEqual(TaskView.unit(TaskView.step(began, [followed], 1100)), "pieces")
    assert.strictEqual(TaskView.unit(TaskView.step(began, [{ ...followed, exact: true }], 1100)), "tokens")
  })
})
