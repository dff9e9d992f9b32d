import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Heartbeat, Status, TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import * as render from "../../src/terminal/renderTask.ts"
import * as TaskView from "../../src/terminal/TaskView.ts"
import { widthOf } from "../../src/terminal/TextWidth.ts"
import { Delta, Finish, Usage } from "../../src/token/TokenEvent.ts"
import { truncated } from "../support/attempts.ts"
import { circumstances, stalled } from "../support/runErrors.ts"

const watched = { run: { hop: "purple" as const, attempt: 1, endpoint: "http://agent/", model: "" }, limits: defaults }
const began = TaskView.begin(0, watched)
const token = Delta.make({ channel: "content", text: "a", tokens: 1 })
const wide = { columns: 80, color: false }

/** Ten tokens a second, from the first second to the sixth. */
const decoding = Array.from({ length: 50 }, (_, index) => 1000 + index * 100).reduce(
  (view, at) => TaskView.step(view, [token], at),
  TaskView.step(began, [Status.make({ state: "working", text: "" })], 100)
)

const Times = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 })))

describe("the line about a task", () => {
  it.prop(
    "fits, whatever comes, and is harmless",
    [Schema.Array(TaskEvent), Times, Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 }))],
    ([events, times, columns]) => {
      let view = began
      let at = 0
      for (const [index, event] of events.entries()) {
        at += times[index] ?? 0
        view = TaskView.step(view, [event], at)
        const line = render.statusLine(view, at + 1500, { columns, color: false })
        assert.isAtMost(widthOf(line), columns)
        assert.notMatch(line, /[\p{Cc}\u2028\u2029]/u)
        assert.notMatch(render.plainProgress(view, at), /[\p{Cc}\u2028\u2029]/u)
      }
    },
    { arbitrary: { runs: 300 } }
  )

  it("says the phase, the tokens, the rate and the rhythm while tokens come", () => {
    const strip = "····▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂"
    const line = `0:06  decoding        50 tokens    10/s${strip.padStart(80 - 39)}`
    assert.strictEqual(render.statusLine(decoding, 6000, wide), line)
  })

  it("says how long nothing has come, and how long that may last", () => {
    assert.match(render.statusLine(decoding, 47_000, wide), /50 tokens {5}0\/s {2}quiet 0:41 of 15:15/)
    assert.match(render.statusLine(began, 41_000, wide), /^0:41 {2}connecting {7}0 tokens {10}quiet 0:41 of 15:15$/)
    const beat = Heartbeat.make({
      phase: "decoding",
      tokens: 50,
      tokenAgeMillis: 5000,
      engine: "moving",
      intervalMillis: 5000
    })
    const vouched = TaskView.judged(TaskView.step(decoding, [beat], 11_000), {
      _tag: "Slow",
      reason: "silent-decoding",
      phase: "decoding",
      tokens: 50,
      silentMillis: 5000,
      sinceMillis: 1,
      limit: { name: "suspect", millis: 5000, origin: "floor", learning: null },
      engine: null
    })
    assert.match(render.statusLine(vouched, 12_000, wide), /quiet 0:06, engine stepping {2}[·]+$/)
    const wider = { columns: 100, color: false }
    assert.match(render.statusLine(vouched, 12_000, wider), /quiet 0:06, engine stepping, silent-decoding {2}[·]+$/)
    assert.notInclude(render.statusLine(decoding, 6500, wide), "quiet")
  })

  it("says what the agent says of itself before its first token", () => {
    const says = TaskView.step(began, [Status.make({ state: "working", text: "reading\u0007 the\nfile" })], 10)
    assert.match(render.statusLine(says, 500, wide), / {2}"reading the file"$/)
  })
})

describe("the end of a task", () => {
  const usage = [Usage.make({ promptTokens: 9, completionTokens: 50 }), Finish.make({ reason: "stop" })]
  const done = TaskView.ended(TaskView.step(decoding, usage, 6000), { _tag: "Completed" }, 6000)

  it("is one line where it fits, and none is wider than the terminal", () => {
    assert.deepStrictEqual(render.endLines(done, 9000, { columns: 200, color: false }), [
      "✓ completed: 50 tokens in 6.0 s, first after 1.0 s, then 10/s, largest gap 100 ms, usage 9 + 50, finish stop"
    ])
    const lines = render.endLines(done, 9000, { columns: 60, color: false })
    assert.isAbove(lines.length, 1)
    for (const line of lines) assert.isAtMost(widthOf(line), 60)
    const exact = render.endLines(done, 9000, { columns: widthOf(lines[0]!), color: false })
    assert.strictEqual(exact[0], lines[0])
    assert.strictEqual(
      lines.map((line) => line.trim()).join(", "),
      render.endLines(done, 9000, { columns: 200, color: false })[0]
    )
  })

  it("is one line in a log, with the same figures", () => {
    assert.strictEqual(
      render.plainEnd(done, 9000).trim(),
      "6.0s task     completed tokens=50 seconds=6.0 ttft=1.000s tok_s=10 largest_gap=0.100s prompt_tokens=9 " +
        "completion_tokens=50 finish=stop"
    )
  })

  it("tells how it ended, with the evidence", () => {
    const error = stalled("engine-hung")
    const outcomes = [error, truncated].map((error) =>
      render.outcomeOf(TaskView.ended(began, { _tag: "Broken", error }, 1))
    )
    assert.deepStrictEqual(outcomes, ["stalled", "failed"])
    assert.strictEqual(render.outcomeOf(TaskView.ended(began, { _tag: "Interrupted" }, 1)), "interrupted")
    assert.deepStrictEqual(render.evidenceOf(error), [
      "limit: frozen, 60 s, default",
      "phases: connecting from 0 ms, decoding from 200 ms",
      "last gaps: 20 ms, 22 ms",
      "engine: stood still for 60 s",
      "cancelled: the engine is known to have dropped the request"
    ])
    assert.deepStrictEqual(render.evidenceOf(truncated), [])
    const uncertain = stalled("silent", {
      cancel: "unconfirmed",
      circumstances: { ...circumstances, evidence: { ...circumstances.evidence, frozenMillis: null } }
    })
    assert.lengthOf(render.evidenceOf(uncertain), 3)
  })
})

describe("how a task is followed", () => {
  it("is said in words, with the reason", () => {
    const followed = {
      _tag: "Followed" as const,
      hop: "purple" as const,
      mode: "poll" as const,
      exact: false,
      why: "its\ncard"
    }
    const view = TaskView.step(began, [followed], 1000)
    assert.isUndefined(render.followedText(began))
    assert.match(render.plainProgress(TaskView.step(view, [token], 1500), 2000), /pieces=1 pieces_s=\d/)
    assert.match(render.plainProgress(TaskView.step(began, [token], 1500), 2000), /tokens=1 tok_s=\d/)
    assert.strictEqual(render.followedText(view), "mode poll: pieces are counted, not tokens; its card")
    assert.strictEqual(render.plainFollowed(view, 1000)?.trim(), "1.0s follow   mode=poll exact=false why=\"its card\"")
  })
})
